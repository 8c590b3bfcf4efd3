"""Expected failures of the vault. None of their sentences quotes a name, a key or a content."""

from engine.errors import LetheError, UnusableKeys


class MissingKey(UnusableKeys):
    """The key of a batch or a picture is not there: destroyed, or lost with its folder."""


class BrokenSeal(LetheError):
    """What was sealed is not what comes back: changed, cut, or of another picture or purpose."""
