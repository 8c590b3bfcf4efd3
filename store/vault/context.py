"""What a seal is bound to: the associated data of AES-GCM, which is checked and never stored.

Each field goes in behind its length, so that no two lists of fields give the same bytes. A sealed
content names installation, picture and purpose; a wrapped key names installation, batch, picture
and kind. The batch is in the wrap alone: so a picture changes its batch when its key is wrapped
anew, and its file stays as it is. A file that is swapped with another's meets another picture, and
another key besides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_ID: Final = re.compile(r"[0-9a-f]{16,64}")
_LENGTH_BYTES: Final = 4


class Purpose(StrEnum):
    """What of a picture is sealed."""

    ORIGINAL = "original"
    PREVIEW = "preview"
    NAME = "name"
    REASON = "reason"
    LICENCE = "licence"
    PLACE = "place"
    """Where a data set was read from."""
    LABELS = "labels"
    """A labelled picture's, with its name and place."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is sealed. Ids are random hex digits, as everywhere in the store."""

    batch: str
    picture: str
    purpose: Purpose

    def __post_init__(self) -> None:
        checked_id(self.batch)
        checked_id(self.picture)


def is_id(text: str) -> bool:
    """Whether it is an id of the store: random hex digits."""
    return _ID.fullmatch(text) is not None


def checked_id(random_id: str) -> str:
    """The id, which may become a part of a path.

    Raises:
        ValueError: it is none.
    """
    if not is_id(random_id):
        raise ValueError(f"expected an id of hex digits, got {random_id!r}")
    return random_id


def of_content(installation: str, item: Item) -> bytes:
    """Associated data of something sealed under a picture's key."""
    return _fields("content", installation, item.picture, item.purpose.value)


def of_batch_key(installation: str, batch: str) -> bytes:
    """Associated data of a batch's key under the master key."""
    return _fields("batch key", installation, batch)


def of_picture_key(installation: str, batch: str, picture: str) -> bytes:
    """Associated data of a picture's key under its batch's."""
    return _fields("picture key", installation, batch, picture)


def of_lookup_key(installation: str) -> bytes:
    """Associated data of the key of look-ups under the master key."""
    return _fields("lookup key", installation)


def of_lookup(purpose: Purpose) -> bytes:
    """Tells the keys of look-ups apart that are derived from one."""
    return _fields("lookup", purpose.value)


def _fields(*fields: str) -> bytes:
    encoded = [field.encode() for field in ("lethe vault 1", *fields)]
    return b"".join(len(one).to_bytes(_LENGTH_BYTES) + one for one in encoded)
