"""What was brought in but not started yet, on disk from the moment it arrives.

The browser's uploader forgets its files on page change; staging does not. Each person has a folder,
each thing brought in (some files, a zip, a folder's listing) one below it with a list of its own,
and every file an id. So whoever starts or clears names exactly what they saw, and what comes in
meanwhile, in another window or from somebody else, stays. Each file is sealed as it arrives, under
a key of its own that the key of its upload wraps; those of a listed folder stay where they are. A
line of a list tells the id alone in plain; name, place and pre-check are sealed under the file's
key, or under one of the upload for files that stay where they are. So is the manifest, under one of
its person.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import io
import json
import logging
import os
import secrets
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any, BinaryIO

from components.app.unzip import FREE_SHARE, Member, UnusableArchive, megabytes, open_zip
from engine.errors import LetheError, UnusableFolder
from engine.files import atomic
from engine.files.append import cut_torn_line
from engine.metadata.finding import Finding, Kind
from engine.metadata.header import PreCheck, pre_check
from engine.runs.inputs import Source, sources
from engine.wording import counted
from store.originals import SealedFile
from store.vault.context import Item, Purpose, is_id
from store.vault.private_text import UNOPENED, begin_group, lost
from store.vault.vault import Vault, is_sealed

_PIECE_BYTES = 1024 * 1024
_HEAD_BYTES = 64 * 1024 * 1024
"""Larger files are listed unread."""
_TOO_LARGE = PreCheck(
    findings=(
        Finding(Kind.UNCHECKED, "whole file", 0, 0, "too large for a first look; it is read later"),
    )
)
_LIST, _GONE, _WHOLE, _CLAIM = "list.jsonl", "gone.json", "whole", ".claim"
_MANIFEST = "manifest.csv"
log = logging.getLogger(__name__)
_LOCK = threading.RLock()
"""Held while files leave staging. One process has the data, so a lock of its threads is enough."""


_GUESSES = (
    " The names of {} in it do not say their alphabet and were read as Western European ones."
)


class UnusableUpload(LetheError):
    """Something that was brought in cannot be taken."""


@dataclass(frozen=True, slots=True)
class Staged:
    """One file that waits for Start."""

    id: str
    name: str
    path: Path
    bytes: int
    checked: PreCheck


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of something that was brought in."""

    count: int
    """Files that wait now."""
    left_out: str = ""
    """What was not taken and why, as a sentence; empty when all was."""


class Staging:
    """What waits, of one person."""

    def __init__(self, base: Path, owner: str, vault: Vault) -> None:
        self._base = base.absolute()
        self._vault = vault
        self._folder = self._base / hashlib.sha256(owner.encode()).hexdigest()[:16]

    def files(self) -> tuple[Staged, ...]:
        """What waits, in the order it came."""
        self._adopt()
        return tuple(file for upload in self._uploads() for file in _waiting(upload, self._vault))

    def take_file(self, name: str, content: bytes | BinaryIO) -> Taken:
        """Keep one file; a zip is opened and its files are kept instead.

        Of a large one, a piece is in memory at a time.

        Args:
            name: of the file.
            content: all of it, or a file that can be read anywhere.

        Raises:
            UnusableUpload: there is no room, or it is a zip that cannot be opened, holds nothing to
                take or unpacks to too much.
        """
        try:
            file = io.BytesIO(content) if isinstance(content, bytes) else content
            if name.lower().endswith(".zip"):
                return self._take_zip(name, file)
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            self._refuse_without_room(name, size)
            with self._upload() as upload:
                self._list(upload, [self._stored(upload, name, file, size)])
            return Taken(1)
        except OSError as error:
            raise UnusableUpload(f"{name} could not be kept ({error.strerror}).") from error

    def take_folder(
        self, where: str, refuse: Callable[[Iterable[Path]], None] = lambda _: None
    ) -> Taken:
        """List a folder of this machine, leaving its files where they are.

        Args:
            where: the folder.
            refuse: given the files' paths; raises where they are not to be taken.

        Raises:
            UnusableFolder: there is no such folder, or no picture in it.
        """
        files, left_alone = sources(where)
        refuse(file.path for file in files)
        words = f"Left alone in {where}, as no pictures, hidden, or linked folders: {left_alone}."
        if not files:
            raise UnusableFolder(f"There are no pictures in {where}. {words if left_alone else ''}")
        with self._upload() as upload:
            begin_group(self._vault, upload.name)
            self._list(upload, map(_listed, files))
        return Taken(len(files), words if left_alone else "")

    def content(
        self, file: Staged, refuse: Callable[[Iterable[Path]], None] = lambda _: None
    ) -> SealedFile | Path:
        """What intake takes in for a file: as it was sealed, or where it lies.

        Args:
            file: one that waits.
            refuse: given the path of a file of a listed folder; raises where it is not to be read,
                for since it was listed a link may have taken its place.
        """
        item = _item(file.path)
        if item is not None and (
            self._vault.has_picture(item.batch, item.picture)
            or (file.path.is_file() and is_sealed(file.path))  # its key is away: Start says so
        ):
            return SealedFile(item, file.path)
        if not file.path.is_relative_to(self._base):
            refuse([file.path])
        return file.path

    @contextmanager
    def claimed(self, ids: Collection[str]) -> Iterator[tuple[str, tuple[Staged, ...]]]:
        """Take files out of staging, all or none; gives a token of theirs, and the files.

        When the block ends without an error they are gone. Where it does not, or the program ends
        in it, they wait until `settle` knows what became of them.

        Raises:
            UnusableUpload: some of them wait no longer.
        """
        with _LOCK:
            files = tuple(file for file in self.files() if file.id in ids)
            if not files or len(files) != len(set(ids)):
                raise UnusableUpload(
                    "Some of these pictures were started or cleared in another window meanwhile, "
                    "so nothing was started. Look at the list again."
                )
            # the same files have the same token, so that a start that failed can be done again
            token = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:32]
            claim = self._folder / f"{token}{_CLAIM}"
            atomic.write(claim, json.dumps(sorted(ids)).encode())
            yield token, files
            self.forget(ids)
            claim.unlink()
            self._remove_if_empty()

    def settle(self, is_started: Callable[[str], bool]) -> None:
        """Drop the files of starts that were cut short after the batch had begun.

        Args:
            is_started: whether the files with this token became a batch.
        """
        if not _LOCK.acquire(blocking=False):
            return  # a start is under way
        try:
            for claim in sorted(self._folder.glob(f"*{_CLAIM}")):
                if is_started(claim.name.removesuffix(_CLAIM)):
                    self.forget(_ids(claim))
                claim.unlink()
            self._remove_if_empty()
        finally:
            _LOCK.release()

    def forget(self, ids: Collection[str]) -> None:
        """Drop these files, and no other; those that wait no longer are no matter."""
        with _LOCK:
            for upload in self._uploads():
                gone = [file for file in _waiting(upload, self._vault) if file.id in ids]
                if gone:
                    self._drop(upload, gone)
            self._remove_if_empty()

    def keep_manifest(self, content: bytes) -> None:
        """Lay a licence manifest with what waits, in place of an earlier one; gone with the last.

        Raises:
            UnusableUpload: it could not be kept, or nothing waits.
        """
        with _LOCK:
            if not self._uploads():
                raise UnusableUpload("No picture waits that a manifest could be kept with.")
            try:
                begin_group(self._vault, self._folder.name)
                sealed = _manifest_item(self._folder)
                self._vault.seal_file(sealed, self._folder / _MANIFEST, content)
            except OSError as error:
                raise UnusableUpload(
                    f"The manifest could not be kept ({error.strerror})."
                ) from error

    @property
    def has_manifest(self) -> bool:
        """Whether a manifest lies with what waits."""
        return (self._folder / _MANIFEST).exists()

    def manifest(self) -> bytes | None:
        """The manifest that lies with what waits.

        Raises:
            BrokenSeal: it was changed.
            UnusableKeys: its key is gone.
        """
        path = self._folder / _MANIFEST
        try:
            if not is_sealed(path):
                return path.read_bytes()  # from before manifests were sealed
        except FileNotFoundError:
            return None
        return self._vault.source(_manifest_item(self._folder), path).read()

    def forget_manifest(self) -> None:
        """Drop the manifest, its key first; harmless without one."""
        self._vault.destroy_batch(self._folder.name)
        (self._folder / _MANIFEST).unlink(missing_ok=True)

    def _list(self, upload: Path, staged: Iterable[Staged]) -> None:
        _list(upload, staged, self._vault)

    def _take_zip(self, name: str, content: BinaryIO) -> Taken:
        try:
            with open_zip(content, name, left="what came out before is kept") as (
                archive,
                members,
            ):
                wanted = [member for member in members if not member.is_hidden]
                hidden = len(members) - len(wanted)
                words = f"Left out of {name}: {counted(hidden, 'hidden file')}." if hidden else ""
                if guesses := sum(member.is_guess for member in wanted):
                    words += _GUESSES.format(counted(guesses, "file"))
                words = words.strip()
                if not wanted:
                    raise UnusableUpload(f"There is no file to take in {name}. {words}".strip())
                self._refuse_without_room(name, sum(member.entry.file_size for member in wanted))
                with self._upload() as upload:
                    self._list(upload, self._unpacked(upload, archive, wanted))
                return Taken(len(wanted), words)
        except UnusableArchive as error:
            raise UnusableUpload(str(error)) from error

    @contextmanager
    def _upload(self) -> Iterator[Path]:
        """A folder of its own for something that is brought in; gone again if nothing came."""
        # named by the moment, so that uploads sort as they came
        upload = self._folder / f"{time.time_ns():020x}{secrets.token_hex(8)}"
        for folder in (self._base, self._folder, upload):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            yield upload
        finally:
            with _LOCK:
                with contextlib.suppress(OSError):  # then the folder stays, empty
                    (upload / _WHOLE).touch()
                self._drop(upload, [])
                self._remove_if_empty()

    def _stored(self, upload: Path, name: str, file: IO[bytes], size: int) -> Staged:
        path = upload / secrets.token_hex(16)  # becomes the picture's id
        item = Item(upload.name, path.name, Purpose.ORIGINAL)
        self._vault.add_batch(item.batch)
        self._vault.add_picture(item.batch, item.picture)
        try:
            if size > _HEAD_BYTES:
                self._vault.seal_file(item, path, _pieces(file, name, size))
                checked = _TOO_LARGE
            else:
                content = b"".join(_pieces(file, name, size))
                self._vault.seal_file(item, path, content)
                checked = pre_check(content)
        except BaseException:
            self._vault.destroy_picture(item.batch, item.picture)
            raise
        return Staged(f"{upload.name}/{path.name}", name, path.absolute(), size, checked)

    def _unpacked(
        self, upload: Path, archive: zipfile.ZipFile, wanted: Iterable[Member]
    ) -> Iterator[Staged]:
        for member in wanted:
            with archive.open(member.entry) as file:
                # zipfile gives no byte more than the header said, so the bounds hold
                yield self._stored(upload, member.name, file, member.entry.file_size)

    def _drop(self, upload: Path, gone: list[Staged]) -> None:
        """Let files of an upload go, and the upload with its last; under the lock."""
        if gone:
            ids = _gone(upload) | {file.id for file in gone}
            atomic.write(upload / _GONE, json.dumps(sorted(ids)).encode())
            _opened.cache_clear()
        for file in gone:
            if file.path.parent in (upload, self._base):  # those of a listed folder are not ours
                item = _item(file.path)
                if item is not None:
                    self._vault.destroy_picture(item.batch, item.picture)
                file.path.unlink(missing_ok=True)
        if (upload / _WHOLE).exists() and not _waiting(upload, self._vault):
            if is_id(upload.name):
                self._vault.destroy_batch(upload.name)
            shutil.rmtree(upload, ignore_errors=True)

    def _uploads(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if path.is_dir())

    def _refuse_without_room(self, name: str, count: int) -> None:
        """Refuse what would fill the disk together with all that waits, of everybody."""
        self._base.mkdir(mode=0o700, parents=True, exist_ok=True)
        waiting = sum(
            _size(Path(folder) / file) for folder, _, files in os.walk(self._base) for file in files
        )
        room = (shutil.disk_usage(self._base).free + waiting) * FREE_SHARE
        if count and waiting + count > room:
            raise UnusableUpload(
                f"{name} needs {megabytes(count)}, too much for the disk: all that waits for "
                f"Start may fill {megabytes(room)} and fills {megabytes(waiting)}. Start or "
                "clear what waits, or free some room."
            )

    def _remove_if_empty(self) -> None:
        if not self._uploads():
            self.forget_manifest()
        for folder in (self._folder, self._base):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _adopt(self) -> None:
        """Take over the one list that everybody shared before each person had a folder."""
        shared = self._base / _LIST
        if shared.is_file():
            with _LOCK, self._upload() as upload:
                shared.replace(upload / _LIST)
                _seal_list(upload, self._vault)
                (self._base / "token").unlink(missing_ok=True)


def _pieces(file: IO[bytes], name: str, size: int) -> Iterator[bytes]:
    """All of a file, piece by piece.

    Raises:
        UnusableUpload: it is not as long as it was said to be.
    """
    count = 0
    for piece in iter(partial(file.read, _PIECE_BYTES), b""):
        count += len(piece)
        yield piece
    if count != size:
        raise UnusableUpload(
            f"{name} ended after {counted(count, 'byte')} of {size}, so it was not taken in. Bring "
            "it in again."
        )


def _waiting(upload: Path, vault: Vault) -> list[Staged]:
    """What is listed and not gone; the last line may be torn by a full disk, or not whole yet."""
    try:
        content = (upload / _LIST).read_bytes()
    except FileNotFoundError:
        return []  # nothing was listed yet, or everything is gone since
    gone = _gone(upload)
    listed = enumerate(content.split(b"\n")[:-1])
    return [
        _staged(upload, number, line, vault)
        for number, line in listed
        if _id_of(upload, number, line) not in gone
    ]


def _size(path: Path) -> int:
    """Bytes of a file; none of one that is gone meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _gone(upload: Path) -> set[str]:
    return _ids(upload / _GONE)


def _ids(path: Path) -> set[str]:
    """Ids in a file; none where it is missing or was damaged: files wait again then."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return set()
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()


def _id_of(upload: Path, number: int, line: bytes) -> str:
    """The id of a line's file; lists of before gave none."""
    with contextlib.suppress(ValueError, AttributeError, RecursionError):
        return str(json.loads(line).get("id", _number_id(upload, number)))
    return _number_id(upload, number)


def _number_id(upload: Path, number: int) -> str:
    return f"{upload.name}/line {number}"


def _staged(upload: Path, number: int, line: bytes, vault: Vault) -> Staged:
    """What a line says; one that is not as Lethe wrote it is a file that cannot be read."""
    file_id = _id_of(upload, number, line)
    try:
        value = _opened(upload, line, vault)
        checked = PreCheck.from_json(value["fitness"])
        return Staged(
            file_id,
            str(value["name"]),
            _where(upload, Path(value["path"])),
            int(value["bytes"]),
            checked,
        )
    except UNOPENED as error:
        item = _sealing_item(upload, file_id)
        problem = PreCheck(problem=str(error))
        return Staged(file_id, lost(item.purpose, error), upload / item.picture, 0, problem)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        problem = PreCheck(problem="Its line in the list is damaged; bring it in again.")
        return Staged(file_id, "unknown", upload / "unknown", 0, problem)


@lru_cache(maxsize=20_000)
def _opened(upload: Path, line: bytes, vault: Vault) -> dict[str, Any]:
    """The values of a line; remembered, for a page asks for all of them at every click.

    Names are among them, so all are forgotten once a file waits no longer.
    """
    value = json.loads(line)
    if "sealed" not in value:
        return dict(value)  # from before lists were sealed
    sealed = base64.b64decode(value["sealed"], validate=True)
    return dict(json.loads(vault.open_text(_sealing_item(upload, value["id"]), sealed)))


def _sealing_item(upload: Path, file_id: str) -> Item:
    """Under which key a line is: its file's, or the upload's where the file stays elsewhere."""
    folder, _, name = file_id.partition("/")
    is_own = folder == upload.name and is_id(name)
    return Item(upload.name, name if is_own else upload.name, Purpose.NAME)


def _where(upload: Path, path: Path) -> Path:
    """Where a listed file lies: those that were brought in move with their upload."""
    return upload / path.name if path.parent.name == upload.name and is_id(path.name) else path


def _list(upload: Path, staged: Iterable[Staged], vault: Vault) -> None:
    with (upload / _LIST).open("ab", buffering=0) as file:
        for entry in staged:
            _append(file, _line(upload, entry, vault) + b"\n")


def _line(upload: Path, entry: Staged, vault: Vault) -> bytes:
    value: dict[str, Any] = {
        "name": entry.name,
        "path": str(entry.path),
        "bytes": entry.bytes,
        "fitness": entry.checked.to_json(),
    }
    sealed = vault.seal_text(_sealing_item(upload, entry.id), json.dumps(value))
    return json.dumps({"id": entry.id, "sealed": base64.b64encode(sealed).decode()}).encode()


def recover(base: Path, vault: Vault) -> None:
    """Finish at the start of the program what its end cut short in anybody's staging.

    What was let go is ended; what arrived and was not listed yet is listed; what waits since before
    there was a vault is sealed. What cannot be is left as it is, for the next start.
    """
    for manifest in sorted(base.absolute().glob(f"*/{_MANIFEST}")):
        try:
            _seal_manifest(manifest, vault)
        except (OSError, LetheError) as error:
            log.warning("a manifest was not sealed (%s)", type(error).__name__)
    for upload in sorted(path for path in base.absolute().glob("*/*") if is_id(path.name)):
        try:
            _finish(upload, vault)
        except (OSError, LetheError) as error:
            log.warning("an upload was not tidied up (%s)", type(error).__name__)


def _finish(upload: Path, vault: Vault) -> None:
    gone = _gone(upload)
    cut_torn_line(upload / _LIST)
    _seal_list(upload, vault)
    listed = {file.path.name for file in _waiting(upload, vault)}
    for path in sorted(path for path in upload.iterdir() if is_id(path.name)):
        item = Item(upload.name, path.name, Purpose.ORIGINAL)
        if f"{upload.name}/{path.name}" in gone:
            vault.destroy_picture(item.batch, item.picture)
            path.unlink()
            continue
        if not is_sealed(path):
            vault.add_batch(item.batch)
            vault.add_picture(item.batch, item.picture)
            vault.seal_file(item, path, path)
        if path.name not in listed:
            _list(upload, [_found(upload, path, vault)], vault)
    (upload / _WHOLE).touch()
    if not _waiting(upload, vault):
        vault.destroy_batch(upload.name)
        shutil.rmtree(upload, ignore_errors=True)


def _seal_manifest(path: Path, vault: Vault) -> None:
    if not is_sealed(path):
        item = _manifest_item(path.parent)
        begin_group(vault, item.batch)
        vault.seal_file(item, path, path)


def _manifest_item(folder: Path) -> Item:
    return Item(folder.name, folder.name, Purpose.LICENCE)


def _seal_list(upload: Path, vault: Vault) -> None:
    """Seal the lines of a list from before lists were sealed, in one step."""
    path = upload / _LIST
    content = path.read_bytes() if path.exists() else b""
    lines = content.split(b"\n")[:-1]
    if all(b'"sealed"' in line for line in lines):
        return
    begin_group(vault, upload.name)
    sealed = (_line_sealed(upload, number, line, vault) for number, line in enumerate(lines))
    atomic.write(path, b"".join(line + b"\n" for line in sealed))


def _line_sealed(upload: Path, number: int, line: bytes, vault: Vault) -> bytes:
    """A line as it is written today; one that is sealed, or damaged, as it is."""
    if b'"sealed"' in line:
        return line
    entry = _staged(upload, number, line, vault)
    item = _sealing_item(upload, entry.id)
    path = upload / item.picture
    if path.is_file() and is_sealed(path) and not vault.has_picture(item.batch, item.picture):
        return line  # a lost key is never replaced by another
    vault.add_picture(item.batch, item.picture)
    return _line(upload, entry, vault)


def _found(upload: Path, path: Path, vault: Vault) -> Staged:
    """A file that arrived just before the program ended; its name was in the browser alone."""
    content = vault.source(Item(upload.name, path.name, Purpose.ORIGINAL), path).read()
    name = f"found after a stop {path.name[:8]}"
    return Staged(f"{upload.name}/{path.name}", name, path, len(content), pre_check(content))


def _item(path: Path) -> Item | None:
    """How the vault names a file that was brought in; None for one that is not named by ids."""
    upload = path.parent.name
    if not (is_id(upload) and is_id(path.name)):
        return None
    return Item(upload, path.name, Purpose.ORIGINAL)


def _listed(source: Source) -> Staged:
    """A file of a folder with its pre-check."""
    count, checked = 0, PreCheck(problem=source.problem)
    try:
        if not source.problem:
            count = source.path.stat().st_size
            checked = _TOO_LARGE if count > _HEAD_BYTES else pre_check(source.path.read_bytes())
    except OSError as error:
        checked = PreCheck(problem=f"It cannot be read ({error.strerror}).")
    return Staged(secrets.token_hex(16), source.name, source.path.absolute(), count, checked)


def _append(file: IO[bytes], line: bytes) -> None:
    try:
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise UnusableUpload(
            f"What was brought in could not be listed ({error.strerror}); what is listed below is "
            "kept. Free some room on the disk and bring in the rest again."
        ) from error
