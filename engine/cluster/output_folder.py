"""The output folder of a run at an address, for drivers that come and go.

Layout::

    released/                 as in a folder of this machine
    .lethe/run.json           as there
    .lethe/policy.toml        as there
    .lethe/blocks/<n>.jsonl   lines of the lists of such a folder, and of its names; private
    .lethe/whole              the number of the last block whose files came
    .lethe/lease              while a run writes
    .lethe/taken-in           once the run was fetched for the app

A run works on a copy of the lists on this machine, made of the blocks when it begins and thrown
away when it ends; what came to them is the next block, every `OUTCOMES_PER_BLOCK` outcomes. A
release becomes real with its block; its files go to `released` after it, the certificate first.
Where a kill or a fault of the network comes between, the next run takes those releases back whose
files never came.

The key from which picture ids are made is in no bucket: it follows from the keys of the
installation and the run's id.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.cluster.blocks import NAMES, Blocks, files_of, with_receipts, write_lists
from engine.cluster.bucket import Bucket
from engine.cluster.lease import LEASE, Lease
from engine.errors import UnusableFolder
from engine.files import atomic
from engine.files.lock import lock
from engine.images import FormatChoice
from engine.policy import Policy
from engine.runs.handover import MARK, is_taken_in, taken_in
from engine.runs.inputs import RUN
from engine.runs.jobs import Outcome
from engine.runs.journal import read_run
from engine.runs.output_folder import Fate, OutputFolder
from engine.signing.keys import KeyRing
from engine.signing.schema import ENDING, MANIFEST
from engine.signing.signer import Signer

OUTCOMES_PER_BLOCK: Final = 64
"""So many are worked on again after a kill."""
_POLICY = ".lethe/policy.toml"
_MANIFEST = f"released/{MANIFEST}"
TAKEN_IN: Final = f".lethe/{MARK}"

_NO_RUN = {RUN, _POLICY, LEASE, TAKEN_IN}
"""What may lie where no run was begun yet."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run at an address is written."""

    url: str
    copy: Path
    """Where its lists are kept meanwhile; what lies there is thrown away."""
    takes_over: bool = False
    """Whether a run that seems to be writing there is known to have been killed."""


class RemoteOutputFolder(OutputFolder):
    """An output folder at an address; `folder` is this machine's copy of its lists."""

    _blocks: Blocks | None = None
    _lease: Lease | None = None
    _is_whole = True
    """Whether the files of every release in a block have come."""

    def __init__(self, folder: Path, signer: Signer, today: Callable[[], str]) -> None:
        """See `OutputFolder`; nothing goes to an address before `create_at` or `open_at`."""
        self._lines: list[dict[str, Any]] = []
        """What no block has yet."""
        self._outcomes = 0
        super().__init__(folder, signer, today)

    @classmethod
    def create_at(
        cls,
        place: Place,
        policy: Policy,
        file_format: FormatChoice,
        signer: Signer,
        today: Callable[[], str],
    ) -> RemoteOutputFolder:
        """Open an address, or begin a run there; the arguments are as for `OutputFolder.create`.

        Raises:
            UnusableFolder: as for `OutputFolder.create`, another run has it, or it cannot be
                reached.
        """

        def opened(bucket: Bucket) -> RemoteOutputFolder:
            if not fetch(bucket, place.copy, signer.keys):
                cls.create(place.copy, policy, file_format, signer, today).close()
                bucket.write({_POLICY: (place.copy / _POLICY).read_bytes()})
                bucket.write({RUN: (place.copy / RUN).read_bytes()})  # last: it marks a run
            return cls.create(place.copy, policy, file_format, signer, today)

        return cls._held(place, opened)

    @classmethod
    def open_at(cls, place: Place, signer: Signer, today: Callable[[], str]) -> RemoteOutputFolder:
        """Open the address of a run.

        Raises:
            UnusableFolder: no run was begun there, or as for `create_at`.
        """

        def opened(bucket: Bucket) -> RemoteOutputFolder:
            if not fetch(bucket, place.copy, signer.keys):
                raise UnusableFolder(f"{place.url} is not the output of a Lethe run.")
            return cls(place.copy, signer, today)

        return cls._held(place, opened)

    @classmethod
    def _held(
        cls, place: Place, opened: Callable[[Bucket], RemoteOutputFolder]
    ) -> RemoteOutputFolder:
        bucket = Bucket.at(place.url)
        bucket.refuse_in_place()
        lease = Lease.taken(bucket, takes_over=place.takes_over)
        try:
            _clear(place.copy)
            Blocks(bucket).settle()
            folder = opened(bucket)
            folder._blocks, folder._lease = Blocks(bucket), lease  # noqa: SLF001 -- of this class
        except BaseException:
            lease.end()
            raise
        return folder

    def refuse_taken_in(self, home: Path) -> None:
        """See `OutputFolder.refuse_taken_in`; the mark lies at the address, too."""
        if self._blocks is None:
            super().refuse_taken_in(home)
            return
        bucket = self._blocks.bucket
        is_marked = bucket.read(TAKEN_IN) is not None
        if is_marked or is_taken_in(self.folder, self._run, home, self._signer.keys):
            raise taken_in(bucket.url)

    def record(self, source: str, picture: str, outcome: Outcome) -> Fate:
        """See `OutputFolder.record`."""
        fate = super().record(source, picture, outcome)
        self._outcomes += 1
        if self._outcomes >= OUTCOMES_PER_BLOCK:
            self._push()
        return fate

    def close(self) -> None:
        """Write the last block and the manifest, throw the copy away, and let other runs write.

        Where files of a release did not come, there is no manifest, and the next run settles it.
        """
        try:
            try:
                self._push()
            finally:
                super().close()
            self._push_manifest()
        finally:
            self._let_go()

    @staticmethod
    def _new_key(run: str, keys: KeyRing) -> bytes:
        """See `OutputFolder`; the same on every machine that has these keys."""
        return _key(run, keys)

    def _name(self, source: str, release: str) -> None:
        super()._name(source, release)
        self._lines.append({NAMES: [source, release]})

    def _append(self, name: str, line: dict[str, Any]) -> None:
        super()._append(name, line)
        self._lines.append({name: line})

    def _push(self) -> None:
        """Write what came to the lists as a block, then the files of its releases."""
        if self._blocks is None or not self._lines:
            return
        bucket, lines = self._blocks.bucket, with_receipts(self._lines)
        names = [name for line in lines for name in files_of(line)]
        if names:
            bucket.remove(_MANIFEST)
        self._is_whole = False
        self._blocks.write(lines)
        self._lines, self._outcomes = [], 0
        for is_certificate in (True, False):  # no picture is ever there without one
            some = [name for name in names if name.endswith(ENDING) == is_certificate]
            bucket.write({name: (self.folder / name).read_bytes() for name in some})
        if names:
            self._blocks.mark_whole()
        self._is_whole = True
        for name in names:
            (self.folder / name).unlink()

    def _push_manifest(self) -> None:
        if self._blocks is None or not self._is_whole:
            return
        manifest, bucket = self._manifest.read_bytes(), self._blocks.bucket
        if bucket.read(_MANIFEST) != manifest:
            bucket.write({_MANIFEST: manifest})

    def _let_go(self) -> None:
        if self._lease is None:
            return
        try:
            shutil.rmtree(self.folder)
        finally:
            self._lease.end()


def fetch(bucket: Bucket, copy: Path, keys: KeyRing) -> bool:
    """Make the folder of a run from its blocks, without its releases; False where no run is.

    Args:
        bucket: of the run.
        copy: where nothing is.
        keys: those it was begun with.

    Raises:
        UnusableFolder: something else lies there, or its blocks are not as Lethe wrote them.
    """
    run, policy = bucket.read(RUN), bucket.read(_POLICY)
    if run is None or policy is None:
        others = [name for name in bucket.names() if name not in _NO_RUN]
        if others:
            raise UnusableFolder(
                f"{bucket.url} has {others[0]} already, which is not of a Lethe run; choose "
                "another output."
            )
        return False
    inner = copy / ".lethe"
    inner.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True)
    for folder in (inner / "partial", copy / "released"):
        folder.mkdir()
    atomic.write(inner / "policy.toml", policy)
    atomic.write(inner / "run.json", run)
    atomic.write(inner / "key", _key(read_run(inner / "run.json")[0], keys))
    write_lists(copy, Blocks(bucket).lines())
    return True


def _clear(copy: Path) -> None:
    """Make sure that nothing is where lists are to be copied.

    Raises:
        UnusableFolder: a run of this machine has them open.
    """
    held = copy / ".lethe" / "lock"
    if held.exists():
        os.close(lock(held))
    shutil.rmtree(copy, ignore_errors=True)
    copy.parent.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True, exist_ok=True)


def _key(run: str, keys: KeyRing) -> bytes:
    """The key of a run's picture ids: SHA-256 of pseudonyms, as each of them has 64 bits."""
    parts = (keys.pseudonym(f"folder {number}", run) for number in range(4))
    return hashlib.sha256("".join(parts).encode()).digest()
