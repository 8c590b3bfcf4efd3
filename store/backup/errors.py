"""Expected failures of backups."""

from engine.errors import LetheError


class UnusableBackup(LetheError):
    """A backup is damaged, incomplete, or of another installation; nothing was restored."""
