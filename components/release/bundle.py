"""Build the download of a batch: a zip of releases, certificates and a signed manifest.

The manifest is signed when the zip is made and tells the releases that stand then: one that was
withdrawn is on no later list.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.errors import UnreadableFile, UnsafeRelease
from engine.files.cells import inert
from engine.files.safe_read import content
from engine.geometry import PixelRect, Size
from engine.signing.certificate import quantised
from engine.signing.envelope import read_document, sha256
from engine.signing.keys import public_pem
from engine.signing.schema import ENDING, MANIFEST, REVOCATIONS, TrailHead
from engine.signing.verification.delivery import PUBLIC_KEY
from engine.signing.verification.findings import read_signed_certificate
from store.accounts.actor import Actor
from store.batches import pictures
from store.batches.batches import Batch
from store.batches.pictures import PictureState
from store.database import Database
from store.releases import approvals, certificates, receipts, revocations
from store.releases.receipts import StoredReceipt
from store.times import day

README = """\
Released by Lethe.

released/                          the pictures: pixels only, no metadata, under random names
released/<name>.certificate.json   for each picture what was removed and checked, signed
released/manifest.json             which pictures and other files there are, signed
public-key.pem                     the key that fits the signatures; see below
receipts.jsonl                     for each picture which rectangles were removed
attribution.csv                    only if a licence asks for it: release, source, licence
revocations.json                   only if there are some: earlier releases to delete, signed

Faces, tattoos and jewelry were removed where they were found or marked; each certificate says what
was not looked for. Hair, clothes and surroundings are still there.

To verify
Ask the sender for the public key by another way than this zip came: whoever could change the
pictures could change public-key.pem too. Unpack the zip, and where Lethe is installed:

    lethe verify FOLDER --key sender.pem

It names every picture that was changed, added or is missing. One picture verifies alone if its
certificate lies beside it. Lethe's docs/how-to/verify.md says what each line means, and how to do
it by hand with openssl.
"""
BEFORE = """
Made before certificates: {}. They have none, nothing vouches for them, and so the command above
names them.
"""
_PUBLIC = (
    "release", "format", "size", "not_looked_for", "policy", "weights", "checks", "codec_residual",
)  # fmt: skip
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""One date for all entries: when a file was written is nobody's business."""


def bundle(actor: Actor, database: Database, batch: Batch, now: datetime) -> io.FileIO:
    """Write a batch's releases into a zip; gives a temporary file that is gone when closed.

    Args:
        actor: on whose behalf.
        database: the open database.
        batch: whose releases.
        now: its day is the manifest's.

    Raises:
        InvalidSignature: a certificate was changed since it was kept.
        NotAllowed: a second person has not approved them yet.
        StaleRevision: a release was withdrawn or revoked meanwhile.
        UnsafeRelease: a file is not the one that was released.
    """
    approvals.refuse_waiting(actor, database, batch.id)
    # on the disk: where temporary files lie may be memory
    file = tempfile.TemporaryFile(buffering=0, dir=database.files.outgoing)  # noqa: SIM115 -- the download closes it
    standing = sorted(
        (one for one in receipts.newest(actor, database, batch.id) if one.revoked_at is None),
        key=lambda receipt: receipt.release_id,
    )
    # after receipts: each has its own by then
    signed = certificates.of_batch(actor, database, batch.id)
    documents = {receipt.release_id: signed.get(receipt.release_id) for receipt in standing}
    digests = {
        release: None if document is None else sha256(document)
        for release, document in documents.items()
    }
    beside = {
        "README.txt": _readme(documents).encode(),
        "receipts.jsonl": _receipt_lines(standing).encode(),
    }
    if credits_due := _credits(actor, database, batch, standing):
        beside["attribution.csv"] = credits_due.encode()
    revoked = revocations.signed_list(actor, database, now)
    if revoked is not None:
        beside[REVOCATIONS] = revoked
    head = database.head
    trail = TrailHead(number=head.number, hash=head.hash)
    manifest = database.signer.manifest(batch.id, digests, day(now), beside, trail=trail)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in beside.items():
            _put(archive, name, data)
        _put(archive, PUBLIC_KEY, _public_keys(manifest, documents))
        for receipt in standing:
            document = documents[receipt.release_id]
            if document is not None:
                _put(archive, f"released/{receipt.release_id}{ENDING}", document)
            name = f"released/{receipt.release_id}{receipt.path.suffix}"
            _put(archive, name, checked(receipt, document, database.signer.keys.public_keys))
        _put(archive, f"released/{MANIFEST}", manifest)
    receipts.handed_out(actor, database, batch.id, list(documents), sha256(manifest))
    file.seek(0)
    return file


def checked(receipt: StoredReceipt, document: bytes | None, trusted: frozenset[bytes]) -> bytes:
    """Read a release's file and compare it with its receipt and certificate.

    Args:
        receipt: of the release.
        document: its certificate; None where it was made before certificates.
        trusted: raw public keys whose signatures count.

    Raises:
        InvalidSignature: the certificate was changed since it was kept.
        UnsafeRelease: the file is gone or not the one that was released, or an unknown key signed.
    """
    try:
        data = content(receipt.path, receipt.bytes)
    except UnreadableFile as error:
        raise _refusal(receipt, f"its file {error}") from error
    expected = {receipt.sha256}
    if document is not None:
        certified = read_signed_certificate(document)
        is_of_release = certified.certificate.release == receipt.release_id
        if certified.document.public_key not in trusted or not is_of_release:
            raise _refusal(receipt, "its certificate is signed with no key that is trusted here")
        expected.add(certified.certificate.output.sha256)
    if expected != {sha256(data)}:
        raise _refusal(receipt, "its file is not the picture that was released")
    return data


def _refusal(receipt: StoredReceipt, why: str) -> UnsafeRelease:
    return UnsafeRelease(
        f"Nothing of this batch is handed out: of release {receipt.release_id}, {why}. Put it back "
        "from a copy; if there is none, add the original pictures to a new batch."
    )


def _readme(documents: Mapping[str, bytes | None]) -> str:
    bare = sorted(release for release, document in documents.items() if document is None)
    return README + (BEFORE.format(", ".join(bare)) if bare else "")


def _public_keys(manifest: bytes, documents: Mapping[str, bytes | None]) -> bytes:
    """The keys that signed something in the zip; more than one after a rotation."""
    present = read_document("manifest", manifest).public_key
    earlier = {
        read_document("certificate", document).public_key
        for document in documents.values()
        if document
    }
    return b"".join(map(public_pem, [present, *sorted(earlier - {present})]))


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)


def _receipt_lines(standing: list[StoredReceipt]) -> str:
    return "".join(json.dumps(public_line(receipt.receipt)) + "\n" for receipt in standing)


def public_line(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """What of a receipt may go out with its picture.

    As in certificates: of a region its masked rectangle, widened to the grid of public boxes, and
    never the detector's box; sorted, since the order found follows the scores.
    """
    size = Size(*receipt["size"])
    regions = [
        {"category": category, "origin": origin, "masked": masked}
        for category, origin, masked in sorted(
            (
                region["category"],
                region["origin"],
                list(quantised(PixelRect(*region["masked"]), size)),
            )
            for region in receipt["regions"]
        )
    ]
    return {key: receipt[key] for key in _PUBLIC} | {"regions": regions}


def _credits(actor: Actor, database: Database, batch: Batch, standing: list[StoredReceipt]) -> str:
    due = {
        picture.release_id: picture.licence
        for picture in pictures.of_batch(actor, database, batch.id, [PictureState.RELEASED])
        if picture.licence and picture.licence.attribution_needed
    }
    rows = [
        (receipt.release_id, inert(entry.source), inert(entry.licence))
        for receipt in standing
        if (entry := due.get(receipt.release_id)) is not None
    ]
    if not rows:
        return ""
    text = io.StringIO()
    csv.writer(text).writerows([("release", "source", "licence"), *rows])
    return text.getvalue()
