"""The output folder of a run at an address, for drivers that come and go.

Layout::

    released/                 as in a folder of this machine
    .lethe/run.json           as there
    .lethe/policy.toml        as there
    .lethe/blocks/<n>.jsonl   lines of the lists of such a folder, and of its names; private

A run works on a copy of the lists on this machine, made of the blocks when it begins, and thrown
away when it ends; every `BLOCK` outcomes what came to them becomes the next block. An object is
written whole or not at all, so a block is there with all its lines or not. A release becomes real
with its block; its files go to `released` after it. When a kill comes between, the next run takes
those releases back whose files never came: only those of the last block can be such.

A block's number is given once, by whoever is first to write it. So of two runs at one address the
second stops before anything of it was let out.

The key from which picture ids are made is in no bucket: it follows from the keys of the
installation and the run's id.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from engine.cluster.bucket import Bucket
from engine.errors import UnusableFolder
from engine.files import atomic
from engine.files.lock import lock
from engine.images import FormatChoice
from engine.policy import Policy
from engine.runs.jobs import Outcome, Released
from engine.runs.journal import WHAT_TO_DO, read_run
from engine.runs.name_map import write_names
from engine.runs.output_folder import Fate, OutputFolder
from engine.signing.keys import KeyRing
from engine.signing.schema import ENDING, MANIFEST, SUFFIXES
from engine.signing.signer import Signer

BLOCK: Final = 64
"""Outcomes in one; so many are worked on again after a kill."""
_BLOCKS, _RUN, _POLICY = ".lethe/blocks", ".lethe/run.json", ".lethe/policy.toml"
_LISTS = ("receipts.jsonl", "review.jsonl", "quarantine.jsonl")


class RemoteOutputFolder(OutputFolder):
    """An output folder at an address; `folder` is this machine's copy of its lists."""

    _bucket: Bucket | None = None
    _next = 1
    """Number of the next block."""
    _outcomes = 0
    """Those in `_lines`."""

    def __init__(self, folder: Path, signer: Signer, today: Callable[[], str]) -> None:
        """See `OutputFolder`; nothing goes to an address before `written_to` names one."""
        self._lines: list[dict[str, Any]] = []
        super().__init__(folder, signer, today)

    @classmethod
    def create_at(
        cls,
        url: str,
        policy: Policy,
        file_format: FormatChoice,
        signer: Signer,
        today: Callable[[], str],
        copy: Path,
    ) -> RemoteOutputFolder:
        """Open an address, or begin a run there.

        Args:
            url: where.
            policy: of the run.
            file_format: of the releases.
            signer: as for `OutputFolder`.
            today: as for `OutputFolder`.
            copy: where the lists are kept meanwhile; what lies there is thrown away.

        Raises:
            UnusableFolder: as for `OutputFolder.create`, or it cannot be reached.
        """
        bucket, last = _copied(url, copy, signer.keys)
        if last is None:
            last = 0
            OutputFolder.create(copy, policy, file_format, signer, today).close()
            run = copy / _RUN
            atomic.write(copy / ".lethe" / "key", _key(read_run(run)[0], signer.keys))
            bucket.write({_POLICY: (copy / _POLICY).read_bytes()})
            _begin(bucket, run.read_bytes())
        return cls.create(copy, policy, file_format, signer, today).written_to(bucket, last)

    @classmethod
    def open_at(
        cls, url: str, signer: Signer, today: Callable[[], str], copy: Path
    ) -> RemoteOutputFolder:
        """Open the address of a run; the arguments are those of `create_at`.

        Raises:
            UnusableFolder: no run was begun there, or as for `create_at`.
        """
        bucket, last = _copied(url, copy, signer.keys)
        if last is None:
            raise UnusableFolder(f"{url} is not the output of a Lethe run.")
        return cls(copy, signer, today).written_to(bucket, last)

    def written_to(self, bucket: Bucket, last: int) -> RemoteOutputFolder:
        """The same folder, whose next block comes after the last one of a bucket."""
        self._bucket, self._next = bucket, last + 1
        return self

    def record(self, source: str, picture: str, outcome: Outcome) -> Fate:
        """See `OutputFolder.record`."""
        fate = super().record(source, picture, outcome)
        self._outcomes += 1
        if self._outcomes >= BLOCK:
            self._push()
        return fate

    def close(self) -> None:
        """Write the last block and the manifest, and throw the copy away."""
        try:
            self._push()
        finally:
            super().close()
        if self._bucket is None:
            return
        manifest = self._manifest.read_bytes()
        if self._bucket.read(f"released/{MANIFEST}") != manifest:
            self._bucket.write({f"released/{MANIFEST}": manifest})
        shutil.rmtree(self.folder)

    def _append(self, name: str, line: dict[str, Any]) -> None:
        super()._append(name, line)
        self._lines.append({name: line})

    def _release(self, source: str, outcome: Released) -> None:
        super()._release(source, outcome)
        self._lines.append({"names.csv": [source, outcome.receipt.release]})

    def _push(self) -> None:
        """Write what came to the lists as a block, then the files of its releases."""
        if self._bucket is None or not self._lines:
            return
        names = [name for line in self._lines for name in _files(line)]
        if names:
            self._bucket.remove(f"released/{MANIFEST}")
        block = "".join(json.dumps(line) + "\n" for line in self._lines).encode()
        try:
            self._bucket.create(f"{_BLOCKS}/{self._next:08d}.jsonl", block)
        except FileExistsError as error:
            raise UnusableFolder(
                f"Another run is writing to {self._bucket.url}. This one has stopped; what it had "
                "not written yet was let out nowhere."
            ) from error
        # certificates first: no picture is ever there without one
        for ending in (True, False):
            some = [name for name in names if name.endswith(ENDING) == ending]
            self._bucket.write({name: (self.folder / name).read_bytes() for name in some})
        for name in names:
            (self.folder / name).unlink()
        self._next, self._lines, self._outcomes = self._next + 1, [], 0


def _copied(url: str, copy: Path, keys: KeyRing) -> tuple[Bucket, int | None]:
    """The bucket of an address, and what `fetch` gives for a copy made anew."""
    bucket = Bucket.at(url)
    if (copy / ".lethe" / "lock").exists():
        os.close(lock(copy / ".lethe" / "lock"))  # raises where a run on this machine has it open
    shutil.rmtree(copy, ignore_errors=True)
    copy.parent.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True, exist_ok=True)
    return bucket, fetch(bucket, copy, keys)


def fetch(bucket: Bucket, copy: Path, keys: KeyRing) -> int | None:
    """Make the folder of a run from its blocks, without its releases.

    Args:
        bucket: of the run.
        copy: where nothing is.
        keys: those it was begun with.

    Returns:
        The number of the last block, 0 for none; None when no run was begun there.

    Raises:
        UnusableFolder: something else lies there, or its blocks are not as Lethe wrote them.
    """
    run, policy = bucket.read(_RUN), bucket.read(_POLICY)
    if run is None or policy is None:
        others = [name for name in bucket.names() if name not in (_RUN, _POLICY)]
        if others:
            raise UnusableFolder(
                f"{bucket.url} has {others[0]} already, which is not of a Lethe run; choose "
                "another output."
            )
        return None
    inner = copy / ".lethe"
    inner.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True)
    for folder in (inner / "partial", copy / "released"):
        folder.mkdir()
    atomic.write(inner / "policy.toml", policy)
    atomic.write(inner / "run.json", run)
    atomic.write(inner / "key", _key(read_run(inner / "run.json")[0], keys))
    blocks = bucket.names(_BLOCKS)
    expected = [f"{_BLOCKS}/{number:08d}.jsonl" for number in range(1, len(blocks) + 1)]
    if blocks != expected:
        raise UnusableFolder(f"A block is missing under {bucket.url}/{_BLOCKS}. {WHAT_TO_DO}")
    lines = [line for name in blocks[:-1] for line in _read(bucket, name)]
    if blocks:
        lines += _settled(bucket, blocks[-1])
    _write_lists(copy, lines)
    return len(blocks)


def _settled(bucket: Bucket, name: str) -> list[dict[str, Any]]:
    """The lines of the last block, without releases whose files a kill kept from coming."""
    lines = _read(bucket, name)
    there = set(bucket.names("released"))
    if f"released/{MANIFEST}" in there:  # the run ended by itself: what is gone, somebody removed
        return lines
    lost = {
        line["receipts.jsonl"]["release"]
        for line in lines
        if "receipts.jsonl" in line and not there.issuperset(_files(line))
    }
    if not lost:
        return lines
    for line in lines:
        for file in _files(line) if _release_of(line) in lost else ():
            bucket.remove(file)
    left = [line for line in lines if _release_of(line) not in lost]
    bucket.write({name: "".join(json.dumps(line) + "\n" for line in left).encode()})
    return left


def _write_lists(copy: Path, lines: Iterable[dict[str, Any]]) -> None:
    lines = list(lines)
    for name in _LISTS:
        text = "".join(json.dumps(line[name]) + "\n" for line in lines if name in line)
        if text:
            atomic.write(copy / name, text.encode())
    rows = [line["names.csv"] for line in lines if "names.csv" in line]
    write_names(copy / "names.csv", [(source, release) for source, release in rows])


def _begin(bucket: Bucket, run: bytes) -> None:
    try:
        bucket.create(_RUN, run)
    except FileExistsError as error:
        raise UnusableFolder(f"Another run has just begun at {bucket.url}.") from error


def _read(bucket: Bucket, name: str) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in (bucket.read(name) or b"").splitlines()]
    except ValueError as error:
        raise UnusableFolder(f"{bucket.url}/{name} is not as Lethe wrote it.") from error


def _release_of(line: dict[str, Any]) -> str | None:
    if "names.csv" in line:
        return str(line["names.csv"][1])
    receipt = line.get("receipts.jsonl")
    return None if receipt is None else str(receipt["release"])


def _files(line: dict[str, Any]) -> tuple[str, ...]:
    """The files that a receipt's line speaks of; none of another line."""
    receipt = line.get("receipts.jsonl")
    if receipt is None:
        return ()
    start = f"released/{receipt['release']}"
    return start + ENDING, start + SUFFIXES[receipt["format"]]


def _key(run: str, keys: KeyRing) -> bytes:
    """The key of a run's picture ids (SHA-256 of pseudonyms, as no one of them has 256 bits)."""
    parts = (keys.pseudonym(f"folder {number}", run) for number in range(4))
    return hashlib.sha256("".join(parts).encode()).digest()
