"""A run at an address as a folder of this machine, for the app to take in.

It holds the lists, not the releases; and beside them, as `originals`, the pictures that wait for a
person. `lethe store ingest` takes such a folder, and so does the inbox of the app.

The run is marked at its address before an original is copied: from then on what waits is the app's
to decide, or it could be released twice. Fetching again is allowed, since the app knows what it
has.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.cluster.blocks import Blocks
from engine.cluster.bucket import Bucket
from engine.cluster.lease import Lease
from engine.cluster.output_folder import TAKEN_IN, fetch
from engine.errors import UnusableFolder
from engine.files import atomic
from engine.files.new_folder import new_folder
from engine.runs.journal import read_lines
from engine.signing.keys import KeyRing

ORIGINALS = "originals"
_UNNAMEABLE: Final = frozenset(
    {
        *(errno.EEXIST, errno.EISDIR, errno.ENOTDIR),  # of `a` and `a/b` a disk can hold one
        *(errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL),
    }
)
"""What a file system says to a name of a bucket that no file of it can have."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a run."""

    waiting: int
    """Pictures that wait for a person, and are in the folder."""
    missing: tuple[str, ...]
    """Names of those whose original is gone, or cannot lie on this disk."""


def fetch_run(
    url: str, originals: str, folder: Path, keys: KeyRing, *, takes_over: bool = False
) -> Fetched:
    """Make the folder of a run at an address.

    Args:
        url: the run's output.
        originals: its input.
        folder: where nothing is.
        keys: those of the installation that ran it.
        takes_over: as for `Lease.taken`.

    Raises:
        UnusableFolder: no run is there, one is writing, it cannot be reached, or something is in
            the way.
    """
    bucket, pictures = Bucket.at(url), Bucket.at(originals)
    if folder.exists():
        raise UnusableFolder(f"{folder} is there already; name a new folder.")
    lease = Lease.taken(bucket, takes_over=takes_over)
    try:
        return _fetched(bucket, pictures, folder, keys)
    finally:
        lease.end()


def _fetched(bucket: Bucket, pictures: Bucket, folder: Path, keys: KeyRing) -> Fetched:
    Blocks(bucket).settle()
    missing: list[str] = []
    waiting = 0
    with new_folder(folder) as partial:
        copy = partial / "run"
        if not fetch(bucket, copy, keys):
            raise UnusableFolder(f"{bucket.url} is not the output of a Lethe run.")
        for part in copy.iterdir():
            part.rename(partial / part.name)
        copy.rmdir()
        bucket.write({TAKEN_IN: b""})
        for name in _waiting(partial):
            data = pictures.read(name)
            if data is not None and _is_written(partial / ORIGINALS, name, data):
                waiting += 1
            else:
                missing.append(name)
    return Fetched(waiting, tuple(missing))


def _waiting(folder: Path) -> Iterator[str]:
    """Names of the pictures that a person must look at, each once."""
    released = {line["picture"] for line in read_lines(folder / "receipts.jsonl")}
    lines = read_lines(folder / "review.jsonl")
    yield from dict.fromkeys(line["source"] for line in lines if line["picture"] not in released)


def _is_written(folder: Path, name: str, data: bytes) -> bool:
    """Write an original below a folder, unless its name leads out of it."""
    target = folder / name
    if ".." in target.parts or not target.is_relative_to(folder):
        return False
    try:
        target.parent.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True, exist_ok=True)
        atomic.write(target, data)
    except ValueError:  # a character that no path can have
        return False
    except OSError as error:
        if error.errno in _UNNAMEABLE:
            return False
        raise
    return True
