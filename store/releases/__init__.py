"""Receipts and certificates of releases."""
