"""What an output folder has on record, read so that damage is refused before anything is changed.

A kill leaves one of three things: a last line without its newline, a last row of `names.csv` that
is cut short, or one whose receipt was never written. The first is no record and is passed over, the
other two are left out. Whatever else does not fit was done by somebody, and going on would release
pictures a second time: such a folder is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from engine.errors import UnusableFolder
from engine.names import read_names

WHAT_TO_DO = "Put it back from a copy, or choose a new output folder. Nothing was changed."
KEY_BYTES = 32


def released_names(folder: Path, receipts: Collection[str]) -> list[tuple[str, str]]:
    """Source and release id of everything released; a last row that a kill left over is no part.

    Args:
        folder: the output folder.
        receipts: the release ids in `receipts.jsonl`.

    Raises:
        UnusableFolder: names and receipts do not tell the same releases.
    """
    rows = read_names(folder / "names.csv")
    if rows and rows[-1][1] not in receipts and not _is_out(folder, rows[-1][1]):
        del rows[-1]
    without_receipt = sum(release not in receipts for _, release in rows)
    without_name = len(set(receipts) - {release for _, release in rows})
    if without_receipt:
        raise UnusableFolder(
            f"{folder / 'receipts.jsonl'} has no line for {without_receipt} of the releases in "
            f"names.csv; it was shortened or removed. {WHAT_TO_DO}"
        )
    if without_name:
        raise UnusableFolder(
            f"{folder / 'names.csv'} has no row for {without_name} of the releases in "
            f"receipts.jsonl; it was shortened or changed. {WHAT_TO_DO}"
        )
    return rows


def read_key(path: Path) -> bytes:
    """The folder's key, from which picture ids are made.

    Raises:
        UnusableFolder: it is missing, or is no such key.
    """
    key = path.read_bytes() if path.is_file() else b""
    if len(key) != KEY_BYTES:
        raise UnusableFolder(
            f"{path} is missing or is not the key that the folder was made with; without it nobody "
            f"can tell what was released already. {WHAT_TO_DO}"
        )
    return key


def refuse_leftovers(folder: Path) -> None:
    """Make sure that nothing is on record in a folder that is to be laid out.

    Raises:
        UnusableFolder: something is; the folder has lost its `run.json`.
    """
    lists = ("receipts.jsonl", "review.jsonl", "quarantine.jsonl")
    found = [name for name in lists if (folder / name).exists()]
    names, released = folder / "names.csv", folder / "released"
    if names.exists() and read_names(names):
        found.append(names.name)
    if released.is_dir() and any(released.iterdir()):
        found.append(released.name)
    if found:
        raise UnusableFolder(
            f"{folder / '.lethe' / 'run.json'} is missing, but the folder holds an earlier run's "
            f"{found[0]}. {WHAT_TO_DO}"
        )


def _is_out(folder: Path, release: str) -> bool:
    """Whether a file of this release may have been handed out."""
    return any(path.name.partition(".")[0] == release for path in (folder / "released").iterdir())
