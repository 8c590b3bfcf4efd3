"""Expected failures that only the store can have."""

from engine.errors import LetheError


class UnknownRecord(LetheError):
    """No batch, picture, release, evaluation or policy version is the one that was asked for."""


class BatchClosed(LetheError):
    """The batch was cancelled or has no picture, so it cannot take what was asked of it."""


class EvaluationRunning(LetheError):
    """The evaluation is not done yet, so it cannot be deleted."""


class NothingToExport(LetheError):
    """No settled picture is left to make a data set of."""


class NotAllowed(LetheError):
    """None of the actor's roles may do what was asked."""


class SessionExpired(LetheError):
    """The actor's session is over, so nothing is done for it any more."""


class UnusableRequest(LetheError):
    """A subject request cannot be opened or closed as was asked."""
