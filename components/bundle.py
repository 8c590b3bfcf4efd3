"""A batch's releases as one zip: pictures, receipts, and credits where they are owed."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from typing import IO, Any

from store import pictures, receipts
from store.batches import Batch
from store.database import Database
from store.pictures import PictureState
from store.receipts import StoredReceipt

README = """\
Released by Lethe.

released/        the pictures: pixels only, no metadata, under random names
receipts.jsonl   for each picture which rectangles were removed, and which checks it passed
attribution.csv  only if a licence asks for it: release, source, licence

Faces, tattoos and jewelry were removed where they were found or marked; each receipt says what
was not looked for. Hair, clothes and surroundings are still there.
"""
_PUBLIC = (
    "release", "format", "size", "not_looked_for", "policy", "weights", "checks", "codec_residual",
)  # fmt: skip
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""One date for all entries: when a file was written is nobody's business."""


def bundle(database: Database, batch: Batch) -> IO[bytes]:
    """The zip, in a temporary file read from its start; it is gone when closed."""
    # unbuffered, since Streamlit takes raw files but none that are open for both ways and buffered
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 -- the download closes it
    kept = sorted(receipts.newest(database, batch.id), key=lambda receipt: receipt.release_id)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, "README.txt", README.encode())
        _put(archive, "receipts.jsonl", _receipt_lines(kept).encode())
        credits_due = _credits(database, batch, kept)
        if credits_due:
            _put(archive, "attribution.csv", credits_due.encode())
        for receipt in kept:
            name = f"released/{receipt.release_id}{receipt.path.suffix}"
            _put(archive, name, receipt.path.read_bytes())
    file.seek(0)
    return file


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)


def _receipt_lines(kept: list[StoredReceipt]) -> str:
    return "".join(json.dumps(public_line(receipt.receipt)) + "\n" for receipt in kept)


def public_line(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """What of a receipt may go out with its picture.

    Only what the released pixels show anyway: of a region its masked rectangle, which is snapped
    outward to blocks, and never the box, which follows the hidden pixels to a hundredth.
    """
    regions = [
        {key: region[key] for key in ("category", "origin", "masked")}
        for region in receipt["regions"]
    ]
    return {key: receipt[key] for key in _PUBLIC} | {"regions": regions}


def _credits(database: Database, batch: Batch, kept: list[StoredReceipt]) -> str:
    due = {
        picture.release_id: picture.licence
        for picture in pictures.of_batch(database, batch.id, [PictureState.RELEASED])
        if picture.licence and picture.licence.attribution_needed
    }
    rows = [
        (one.release_id, due[one.release_id].source, due[one.release_id].licence)
        for one in kept
        if one.release_id in due
    ]
    if not rows:
        return ""
    text = io.StringIO()
    csv.writer(text).writerows([("release", "source", "licence"), *rows])
    return text.getvalue()
