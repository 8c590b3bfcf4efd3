"""Acts: a row for whatever can be asked of the store, with who may and whether it is on record.

Reading lists is not recorded, or the trail would tell little else; seeing an original is. What
nobody may do is refused in one place, `store.database.Database.transaction`, and every refusal is
recorded.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from store.accounts.actor import Actor
from store.accounts.role import EVERYBODY, PEOPLE, Role
from store.errors import NotAllowed, SessionExpired

_ANALYST = frozenset({Role.ANALYST})
_REVIEWER = frozenset({Role.REVIEWER})
_MANAGER = frozenset({Role.MANAGER})
_MACHINE = frozenset({Role.MACHINE})
_ADMIN = frozenset({Role.ADMIN})
_WATCHERS = frozenset({Role.MANAGER, Role.AUDITOR, Role.ADMIN})
_AUDITORS = frozenset({Role.AUDITOR, Role.ADMIN})
_KEEPERS = frozenset({Role.MANAGER, Role.ADMIN, Role.MACHINE})
_PREPARE_ORIGINALS = frozenset({Role.REVIEWER, Role.ADMIN})


class Act(Enum):
    """What is asked: its words, the roles that may, and whether it is recorded."""

    READ_BATCHES = "read batches", EVERYBODY, False
    CREATE_BATCH = "create a batch", _ANALYST | _MACHINE, True
    ADD_PICTURES = "add pictures", _ANALYST, True
    START_BATCH = "start a batch", _ANALYST | _MACHINE, True
    CANCEL_BATCH = "cancel a batch", _ANALYST, True
    TRY_AGAIN = "have pictures tried again", _ANALYST, True

    SIGN_IN = "sign in", PEOPLE, True
    SIGN_OUT = "sign out", PEOPLE, True
    """Where there are accounts; the subject is the session."""

    ACT_AS_ANALYST = "use what analysts use", _ANALYST, False
    ACT_AS_REVIEWER = "use what reviewers use", _REVIEWER, False
    ACT_AS_MANAGER = "use what managers use", _MANAGER, False
    """Pages, callbacks and downloads: only that they were refused is recorded."""

    PREPARE_ORIGINAL = "decode an original ahead", _PREPARE_ORIGINALS, False
    """Of the picture that comes next; whoever claims it sees it, and that is recorded."""
    VIEW_ORIGINAL = "see an original", _PREPARE_ORIGINALS | _ANALYST, True
    """And of these only whoever brought it, has claimed it, or is an admin: see `originals`."""

    READ_QUEUE = "read the review queue", PEOPLE, False
    CLAIM = "claim a picture", _REVIEWER, True
    HOLD_CLAIM = "go on with a claimed picture", _REVIEWER, False
    SKIP = "skip a picture", _REVIEWER, True
    DECIDE = "decide a picture", _REVIEWER, True
    UNDO = "take a decision back", _REVIEWER, True
    READ_REVIEWERS = "see how reviewers get on", _WATCHERS, False

    READ_FIGURES = "read the figures of monitoring", _WATCHERS | _MACHINE, False

    READ_RELEASES = "read releases", PEOPLE, False
    DOWNLOAD = "download releases", _ANALYST, True
    EXPORT_NAMES = "download the list of names", _MANAGER, True
    APPROVE = "approve releases", frozenset({Role.ANALYST, Role.MANAGER, Role.ADMIN}), True
    """And of these only a second person: see `store.releases.approvals`."""
    REVOKE = "revoke a release", frozenset({Role.MANAGER, Role.ADMIN}), True
    FOLLOW_LINK = "follow a download link", PEOPLE, False
    """Only that it was refused is recorded; what it hands out is an act of its own."""
    COMPLETE_DOWNLOAD = "receive a download to its end", PEOPLE, True

    READ_POLICIES = "read policies", EVERYBODY, False
    DRAFT_POLICY = "draft a policy", _MANAGER, True
    ACTIVATE_POLICY = "put a policy in force", _MANAGER, True
    NOTICE_POLICY = "record a policy changed outside", _WATCHERS, True

    READ_EVALUATIONS = "read evaluations", EVERYBODY, False
    EVALUATE = "start an evaluation", _MANAGER, True
    CANCEL_EVALUATION = "cancel an evaluation", _MANAGER, True
    DELETE_EVALUATION = "delete an evaluation", _MANAGER, True

    IMPORT_RUN = "take in a run", _ANALYST | _MACHINE, True
    EXPORT_EVALUATION = "download from an evaluation", _MANAGER, True
    EXPORT_LABELS = "export labels", _MANAGER, True

    READ_AUDIT = "read the audit trail", _AUDITORS, False
    VERIFY_AUDIT = "verify the audit trail", _AUDITORS, True
    EXPORT_AUDIT = "export the audit trail", _AUDITORS, True

    BACK_UP = "make a backup", _ADMIN, True
    RESTORE = "restore a backup", _ADMIN, True
    FIND_SUBJECT = "find a picture for whom it shows", _AUDITORS, True
    EXPORT_SUBJECT = "export what is held about a picture", _AUDITORS, True
    CORRECT_SUBJECT = "have a released picture decided anew", _ADMIN, True
    DELETE_SUBJECT = "delete a picture for whom it shows", _ADMIN, True
    OPEN_REQUEST = "open a subject request", _AUDITORS, True
    CLOSE_REQUEST = "close a subject request", _AUDITORS, True
    WILL_SHRED = "destroy a picture", _KEEPERS, True
    SHREDDED = "note that a picture was destroyed", _KEEPERS, True
    SWEEP = "destroy what is over", _KEEPERS, True
    READ_RETENTION = "see until when pictures are held", _WATCHERS, False

    RECOVER = "tidy up at the start", _MACHINE, True
    WORK = "take work", _MACHINE, False
    RECORD_OUTCOME = "record an outcome", _MACHINE, True
    GIVE_BACK = "give pictures back", _MACHINE, True
    CLOSE_EVALUATION = "close an evaluation", _MACHINE, True

    def __init__(self, words: str, roles: frozenset[Role], is_recorded: bool) -> None:
        self.words = words
        self.roles = roles
        self.is_recorded = is_recorded

    @property
    def key(self) -> str:
        """How the audit trail calls it."""
        return self.name.lower()


def acting_as(role: Role) -> Act:
    """What using a page of this role is called."""
    return Act.READ_AUDIT if role is Role.AUDITOR else Act[f"ACT_AS_{role.name}"]


def refuse(actor: Actor, act: Act, now: datetime, name: str | None = None) -> None:
    """Refuse what the actor may not do, or not any more.

    Args:
        actor: who asks.
        act: what for.
        now: the present.
        name: under which it is to be kept; None where no name is.

    Raises:
        NotAllowed: none of the actor's roles may, or it is to be kept under another's name.
        SessionExpired: the actor's session is over.
    """
    if actor.expires is not None and now >= actor.expires:
        raise SessionExpired("Your session is over and nothing was changed; sign in again.")
    if actor.roles.isdisjoint(act.roles):
        needed = " or ".join(sorted(role.value for role in act.roles & PEOPLE))
        whose = f"people with the role {needed}" if needed else "the program itself"
        raise NotAllowed(f"To {act.words} is for {whose}; nothing was changed.")
    if actor.is_signed_in and name not in (None, actor.name):
        raise NotAllowed(
            f"You are signed in as {actor.name} and cannot {act.words} under another name; nothing "
            "was changed."
        )
