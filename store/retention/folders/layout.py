"""What lies where in a folder of the shell, and which files of it are ours."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Final

from engine.errors import UnreadableFile, UnusableFolder
from engine.files import safe_read
from store.exchange.export_labels import DESCRIPTION, LABELS, PICTURES

INNER: Final = ".lethe"
MARK: Final = "run.json"
NAMES: Final = ("names.csv", "review.jsonl", "quarantine.jsonl")
BOXES: Final = ("receipts.jsonl",)
RELEASED: Final = "released"
_EXPORTED: Final = re.compile(r"[0-9a-f]{16,64}(\.[a-z0-9]{1,5})?")
_LARGEST_LABELS: Final = 1 << 30
NOT_COVERED: Final = """\
Not covered: the folder that the pictures came from, copies and backups of either, what was handed
out, and what a disk that does not write in place (an SSD, a snapshot) keeps of old files."""


class Kind(StrEnum):
    """What a folder is."""

    RUN = "run"
    EXPORT = "export"


def kind_of(out: Path) -> Kind:
    """What a folder is.

    Raises:
        UnusableFolder: it is neither.
    """
    if (out / INNER).is_dir() and not (out / INNER).is_symlink():
        return Kind.RUN
    try:
        text = safe_read.content(out / LABELS, _LARGEST_LABELS)
        if json.loads(text)["info"]["description"] == DESCRIPTION:
            return Kind.EXPORT
    except (UnreadableFile, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise UnusableFolder(
        f"{out} is neither the output folder of a Lethe run nor an export of labels; nothing was "
        "changed."
    )


def exported(out: Path) -> list[Path]:
    """The originals of an export; what somebody put beside them is not ours."""
    return [one for one in plain_files(out / PICTURES) if _EXPORTED.fullmatch(one.name)]


def plain_files(folder: Path) -> list[Path]:
    """Files, and no links, folders or devices."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if one.is_file() and not one.is_symlink())
