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


class LinkRefused(NotAllowed):
    """A download link hands out nothing to whoever followed it."""


class UnknownLink(LinkRefused):
    """It is no link of this process, or was changed."""


class LinkOver(LinkRefused):
    """Its time is over, or a newer one took its place."""


class LinkOfAnother(LinkRefused):
    """It was offered to another person."""


class LinkOfAnotherSession(LinkRefused):
    """It was offered to this person in another session."""
