"""Anchors: heads of the trail in the manifests of deliveries, which lie with whoever received them.

Every delivery of the app takes the trail's last number and hash along, signed. Whoever puts back an
older copy of the whole folder puts back its heads too, but not what others have.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import InvalidSignature, UnreadableFile, UnusableFolder
from engine.files.safe_read import content, printable
from engine.signing.envelope import read_document
from engine.signing.schema import MANIFEST, read_signed_manifest
from store.audit.heads import Head

LARGEST: Final = 2**26
"""Bytes of a manifest that are read: some hundred thousand releases."""
_IN_ZIP: Final = f"released/{MANIFEST}"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What one delivery says of the trail."""

    name: str
    """Of its file, for people."""
    head: Head | None
    """None where it says nothing: made before, or on the command line."""
    signer: bytes
    """Raw public key."""


def read(paths: Iterable[Path]) -> tuple[Anchor, ...]:
    """What manifests, zips from the app, and folders that hold such say of the trail.

    Raises:
        UnusableFolder: there is none where one was named, or it is none that Lethe signed.
    """
    return tuple(anchor for path in paths for anchor in _of(path))


def _of(path: Path) -> Iterator[Anchor]:
    if not path.is_dir():
        yield _anchor(path)
        return
    found = sorted({*path.rglob(MANIFEST), *path.rglob("*.zip")})
    if not found:
        raise UnusableFolder(f"{path} holds no {MANIFEST} and no zip of a delivery.")
    yield from map(_anchor, found)


def _anchor(path: Path) -> Anchor:
    try:
        document = read_document("manifest", _manifest(path))
        trail = read_signed_manifest(document.body).trail
    except (InvalidSignature, UnreadableFile, OSError, KeyError, zipfile.BadZipFile) as error:
        why = error if isinstance(error, InvalidSignature | UnreadableFile) else "it cannot be read"
        raise UnusableFolder(f"{path} is no manifest of a delivery: {why}.") from error
    head = None if trail is None else Head(trail.number, trail.hash)
    return Anchor(printable(str(path)), head, document.public_key)


def _manifest(path: Path) -> bytes:
    if path.suffix.lower() != ".zip":
        return content(path, LARGEST)
    with zipfile.ZipFile(path) as archive, archive.open(_IN_ZIP) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise UnreadableFile("it is larger than any that Lethe writes")
    return data
