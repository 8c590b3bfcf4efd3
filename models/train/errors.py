"""Errors of training."""

from __future__ import annotations

from engine.errors import LetheError


class TrainingRefused(LetheError):
    """Something that was asked of the training cannot be done; the sentence says what and why."""
