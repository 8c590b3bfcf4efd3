"""Expected failures that only the store can have."""

from engine.errors import LetheError


class UnknownRecord(LetheError):
    """No batch, picture or release has the id that was asked for."""


class BatchClosed(LetheError):
    """The batch was cancelled or has no picture, so it cannot take what was asked of it."""
