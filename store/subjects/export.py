"""All that is held about a picture in one zip of JSON, for whoever the picture shows."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import datetime
from pathlib import PurePath
from typing import Final, TypeAlias

from engine.errors import UnreadableFile
from engine.files.atomic import PRIVATE_FILE
from engine.files.safe_read import content
from engine.signing.schema import ENDING
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.batches import originals
from store.database import Database
from store.releases import approvals, certificates, receipts
from store.subjects import deliveries, holdings, requests
from store.subjects.holdings import Holdings
from store.subjects.requests import Kind
from store.times import stored

TABLES: Final = {
    "pictures": "the picture: its name, its licence, how long it is kept, its state",
    "batches": "what its batch was made with: policy and format",
    "plans": "what was proposed to be removed, and what a person settled",
    "drafts": "what a reviewer had begun",
    "skips": "who put it behind others",
    "verdicts": "what people decided, and what was taken back or contested",
    "second_reviews": "what two people decided where both were asked",
    "receipts": "each release: what was removed and which checks it passed",
    "certificates": "the signed certificate of each release, as text; also under certificates/",
    "revocations": "which of its releases nobody should use any more, and why",
    "approvals": "who approved its releases, as the trail calls them",
    "shreddings": "what of it was destroyed, when and why",
    "subject_requests": "what was asked about the picture, and what came of it",
}
"""What stands in `<table>.json`."""
_Entry: TypeAlias = tuple[str, bytes]
"""What it is, in words, and its bytes."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""One date for all entries: when a file was made says nothing about the picture."""
_README: Final = """\
What this installation of Lethe holds about picture {picture}, as of {now}.

{files}

Times are UTC. Reviewers stand as pseudonyms, the same that certificates have. Boxes are corners in
pixels of the upright picture: left, top, right, bottom.

events.json has number, hash and the hash before of each event, so that it can be compared with the
audit trail. deliveries.json tells when a release was taken along; copies of those nobody recorded.

Private: it is about one person. Hand it over by a way that only this person can open, and delete
what is left of it here.
"""
_LEFT_OUT: Final = "\nRelease {} is left out: {}.\n"
_WAITS: Final = "a second person has not approved yet that it may go out"
_CHANGED: Final = "its file is gone, or is not the one that was released any more"


def exported(
    actor: Actor,
    database: Database,
    picture_id: str,
    now: datetime,
    *,
    with_original: bool = False,
) -> bytes:
    """A zip of all that is held about a picture; that it was taken is recorded.

    It is made in memory alone: an original goes to no temporary file.

    Args:
        actor: on whose behalf.
        database: the open database.
        picture_id: of the picture.
        now: the present.
        with_original: take the original along, for whoever may see it.

    Raises:
        NotAllowed: the original is not for the actor to see.
        UnknownRecord: there is no such picture.
        UnreadableImage: the original cannot be read.
    """
    database.admit(actor, Act.EXPORT_SUBJECT, picture_id)
    original = originals.content(actor, database, picture_id) if with_original else None
    held = holdings.of_picture(actor, database, picture_id)
    entries = _documents(actor, database, held) | _certificates(actor, database, held)
    release, left_out = _release(actor, database, held)
    entries |= release
    if original is not None:
        entries[f"original{_ending(held.picture.source)}"] = ("the picture as it came", original)
    lines = "\n".join(f"{name:<40}{words}" for name, (words, _) in entries.items())
    readme = _README.format(picture=picture_id, now=f"{stored(now):%Y-%m-%d %H:%M}", files=lines)
    readme += left_out
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, "README.txt", readme.encode())
        for name, (_, data) in entries.items():
            _put(archive, name, data)
    made = file.getvalue()
    with database.transaction(actor, Act.EXPORT_SUBJECT, picture_id) as cursor:
        database.event.details |= {
            "request": requests.carried_out(cursor, actor, Kind.ACCESS, picture_id, now),
            "original": with_original,
            "sha256": hashlib.sha256(made).hexdigest(),
        }
    return made


def _documents(actor: Actor, database: Database, held: Holdings) -> dict[str, _Entry]:
    """Rows by table, events, and deliveries: those with ids, as whoever asks knows no staff."""
    sent = [
        {"event": one.number, "at": one.at.isoformat(), "actor": one.actor,
         "manifest": one.manifest, "releases": one.release_ids}
        for one in deliveries.of_picture(actor, database, held.picture.id)
    ]  # fmt: skip
    documents: dict[str, tuple[str, object]] = {
        table: (TABLES.get(table, f"rows of the table {table}"), rows)
        for table, rows in held.rows.items()
    }
    documents["events"] = ("what was done with it, and refused, as in the trail", held.events)
    documents["deliveries"] = ("when a release of it was downloaded, and by which id", sent)
    return {
        f"{name}.json": (words, json.dumps(value, indent=2, ensure_ascii=False).encode())
        for name, (words, value) in documents.items()
    }


def _certificates(actor: Actor, database: Database, held: Holdings) -> dict[str, _Entry]:
    """Every certificate to the byte; releases of before have none."""
    return {
        f"certificates/{release_id}{ENDING}": ("the certificate as it was signed", document)
        for release_id in held.release_ids
        if (document := certificates.of_release(actor, database, release_id)) is not None
    }


def _release(actor: Actor, database: Database, held: Holdings) -> tuple[dict[str, _Entry], str]:
    """The file of the release that stands, or why it is left out."""
    release_id = held.picture.release_id
    if release_id is None:
        return {}, ""
    receipt = receipts.receipt(actor, database, release_id)
    with database.transaction(actor, Act.EXPORT_SUBJECT, held.picture.id) as cursor:
        database.event.is_idle = True  # the export itself is the event
        if approvals.is_waiting(cursor, receipt.batch_id, release_id):
            return {}, _LEFT_OUT.format(release_id, _WAITS)
    try:
        data = content(receipt.path, receipt.bytes)
    except UnreadableFile:
        data = b""
    if hashlib.sha256(data).hexdigest() != receipt.sha256:
        return {}, _LEFT_OUT.format(release_id, _CHANGED)
    return {f"released/{receipt.path.name}": ("the release that stands", data)}, ""


def _ending(source: str) -> str:
    """That of a name, if it is a plain one; a name that somebody chose goes into no path."""
    ending = PurePath(source).suffix
    return ending if ending[1:].isalnum() and ending.isascii() and len(ending) < 6 else ""


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = PRIVATE_FILE << 16
    archive.writestr(info, data)
