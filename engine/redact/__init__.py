"""Redaction: regions to masks, erasing, inpainting, and the checks of every release.

What is redacted is decided in `engine.triage`; attacks on the result are in `engine.attacks`.
"""
