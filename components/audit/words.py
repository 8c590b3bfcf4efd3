"""Events in words, as tables and timelines show them."""

from __future__ import annotations

from typing import Final

from store.accounts.act import Act
from store.audit.records import Record

_HASH_SHOWN: Final = 12
_LONGEST: Final = 32
"""Ids are shown whole, for they are what one searches for; hashes of documents are not."""
ICONS: Final = {
    Act.CREATE_BATCH.key: ":material/create_new_folder:",
    Act.ADD_PICTURES.key: ":material/upload:",
    Act.START_BATCH.key: ":material/play_arrow:",
    Act.CANCEL_BATCH.key: ":material/cancel:",
    Act.TRY_AGAIN.key: ":material/refresh:",
    Act.VIEW_ORIGINAL.key: ":material/visibility:",
    Act.CLAIM.key: ":material/front_hand:",
    Act.SKIP.key: ":material/skip_next:",
    Act.DECIDE.key: ":material/gavel:",
    Act.UNDO.key: ":material/undo:",
    Act.DOWNLOAD.key: ":material/download:",
    Act.APPROVE.key: ":material/approval:",
    Act.REVOKE.key: ":material/unpublished:",
    Act.COMPLETE_DOWNLOAD.key: ":material/download_done:",
    Act.RECORD_OUTCOME.key: ":material/memory:",
    Act.GIVE_BACK.key: ":material/refresh:",
    Act.WILL_SHRED.key: ":material/delete_sweep:",
    Act.SHREDDED.key: ":material/delete_forever:",
    Act.IMPORT_RUN.key: ":material/input:",
    Act.FIND_SUBJECT.key: ":material/person_search:",
    Act.EXPORT_SUBJECT.key: ":material/download:",
    Act.CORRECT_SUBJECT.key: ":material/gavel:",
    Act.DELETE_SUBJECT.key: ":material/delete_forever:",
    Act.OPEN_REQUEST.key: ":material/assignment_add:",
    Act.CLOSE_REQUEST.key: ":material/assignment_turned_in:",
}
_REFUSALS: Final = {
    "NotAllowed": "not allowed",
    "SessionExpired": "session over",
    "UnknownLink": "no such link",
    "LinkOver": "link over",
    "LinkOfAnother": "link of another person",
    "LinkOfAnotherSession": "link of another session",
}
OTHER_ICON: Final = ":material/circle:"


def who(record: Record) -> str:
    """The name of whoever acted, where it is known and more than the id."""
    name = record.names.get(record.actor)
    return f"{name} ({record.actor})" if name else record.actor


def what(record: Record) -> str:
    """The act, as a sentence begins."""
    return record.words[:1].upper() + record.words[1:]


def outcome(record: Record) -> str:
    """Done or refused."""
    return "Done" if record.refusal is None else "Refused"


def told(record: Record) -> str:
    """What else the event tells, names for pseudonyms where they are known, long hashes cut."""
    return " · ".join(
        _REFUSALS.get(str(value), str(value))
        if key == "refused"
        else f"{key.replace('_', ' ')} {_value(record.names.get(str(value), str(value)))}"
        for key, value in record.details.items()
    )


def _value(text: str) -> str:
    return f"{text[:_HASH_SHOWN]}…" if len(text) > _LONGEST else text
