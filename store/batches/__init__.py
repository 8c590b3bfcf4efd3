"""Batches and their pictures, from intake to their one outcome."""
