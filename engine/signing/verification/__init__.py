"""Verification of what was handed out: a delivery, one picture, and what was revoked since."""
