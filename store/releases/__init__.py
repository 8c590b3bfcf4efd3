"""Receipts, certificates and revocations of releases."""
