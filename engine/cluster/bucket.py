"""A folder at an address of fsspec: a bucket with a prefix, a folder of this machine, memory.

Object stores hold an object whole or not at all. fsspec writes to a folder in place, so files go
there through `engine.files.atomic`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from engine.errors import LetheError, MissingPackage, UnusableFolder
from engine.files import atomic

IN_PLACE: Final = frozenset({"ftp", "hdfs", "sftp", "smb", "ssh", "webhdfs"})
"""Kinds of addresses where an object is there under its name before it is whole, and where two may
create the same one."""

_MISSING = (
    "{} cannot be opened: {} is not installed. Install it with pip install 'lethe[cluster]', and "
    "for gs:// gcsfs, for az:// adlfs."
)


def is_url(text: str) -> bool:
    """Whether a place is an address rather than a path of this machine."""
    return "://" in text


def file_system(url: str) -> tuple[Any, str]:
    """The file system of an address, and the path on it.

    Raises:
        ImportError: a package is missing.
        ValueError: fsspec knows no such protocol.
    """
    import fsspec

    options = {"auto_mkdir": True} if url.startswith(("file://", "local://")) else {}
    found: tuple[Any, str] = fsspec.core.url_to_fs(url, **options)
    return found


@dataclass(frozen=True, slots=True)
class Bucket:
    """Reads and writes whole objects below an address, by their names relative to it."""

    url: str
    _files: Any
    _root: str

    @classmethod
    def at(cls, url: str) -> Bucket:
        """Open an address; whether anything is there is not asked.

        Raises:
            MissingPackage: a package for it is not installed.
            UnusableFolder: there is no such kind of address.
        """
        try:
            files, root = file_system(url)
        except ImportError as error:
            raise MissingPackage(_MISSING.format(url, error.name or "a package for it")) from error
        except ValueError as error:
            raise UnusableFolder(f"{url} is no address that can be opened.") from error
        return cls(url, files, root.rstrip("/"))

    @classmethod
    def of_folder(cls, folder: Path) -> Bucket:
        """A folder of this machine as an address; raises as `at` does."""
        return replace(cls.at("file:///"), url=f"file://{folder}", _root=str(folder.absolute()))

    @property
    def folder(self) -> Path | None:
        """Where it lies on this machine, if it does."""
        from fsspec.implementations.local import LocalFileSystem

        return Path(self._root or "/") if isinstance(self._files, LocalFileSystem) else None

    def holds(self, other: Bucket, name: str = "") -> bool:
        """Whether an address, or what has a name below it, is this one or lies below it.

        One place has several spellings: `s3://` and `s3a://`, `memory://a` and `memory:///a`, or a
        path and a link to it.
        """
        is_same_kind = type(self._files) is type(other._files)
        return is_same_kind and f"{other._real(name)}/".startswith(f"{self._real('')}/")

    def read(self, name: str) -> bytes | None:
        """All bytes of an object; None when there is none."""
        with self._reached():
            try:
                data: bytes = self._files.cat_file(self._path(name))
            except FileNotFoundError:
                return None
            return data

    def head(self, name: str, size: int) -> bytes:
        """The first bytes of an object; all of a shorter one."""
        with self._reached():
            path = self._path(name)
            size = min(size, self._files.info(path)["size"])  # S3 refuses a range of nothing
            data: bytes = self._files.cat_file(path, start=0, end=size) if size else b""
            return data

    def create(self, name: str, data: bytes) -> None:
        """Write an object that must not be there yet.

        Raises:
            FileExistsError: it is.
        """
        with self._reached():
            if self.folder is None:
                self._files.pipe_file(self._path(name), data, mode="create")
                return
            path = self._writable(name)
            whole = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
            unnamed = atomic.temporary_name(whole)
            atomic.write(unnamed, data, "umask")
            try:
                atomic.link(unnamed, path, is_contested=True)
            finally:
                unnamed.unlink(missing_ok=True)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write objects, in place of those that are there."""
        with self._reached():
            if self.folder is None:
                self._files.pipe({self._path(name): data for name, data in files.items()})
                return
            for name, data in files.items():
                atomic.write(self._writable(name), data, "umask")

    def refuse_in_place(self) -> None:
        """Refuse an address that cannot hold objects that are whole or not there.

        Raises:
            UnusableFolder: it is of such a kind.
        """
        kinds = self._files.protocol
        if IN_PLACE.intersection([kinds] if isinstance(kinds, str) else kinds):
            raise UnusableFolder(
                f"{self.url} cannot be written to: a file has its name there before it is whole, "
                "so that a stop would leave half a release. Write to a bucket or to a folder."
            )

    def tidy(self, below: Iterable[str]) -> None:
        """Remove what a kill left half written right below these names, of a folder."""
        for name in below if self.folder is not None else ():
            for path in Path(self._path(name)).glob(f".*{atomic.SUFFIX}"):
                if path.is_file() and not path.is_symlink():
                    path.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        with self._reached():
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def names(self, below: str = "") -> list[str]:
        """Every object below a name, relative to this address, sorted."""
        with self._reached():
            self._files.invalidate_cache()
            start = f"{self._root}/"
            try:
                found = self._files.find(self._path(below) if below else self._root)
            except FileNotFoundError:
                return []
            names = (path.removeprefix(start) for path in found if path.startswith(start))
            return sorted(name for name in names if not self._is_unfinished(name))

    def _writable(self, name: str) -> Path:
        path = Path(self._path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _is_unfinished(self, name: str) -> bool:
        last = name.rpartition("/")[2]
        return self.folder is not None and last.startswith(".") and last.endswith(atomic.SUFFIX)

    def _real(self, name: str) -> str:
        path = self._path(name) if name else self._root
        if self.folder is None:
            return path
        return os.path.realpath(path or "/").rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (LetheError, FileExistsError):
            raise
        except Exception as error:  # each kind of address has errors of its own
            raise UnusableFolder(
                f"{self.url} could not be reached ({type(error).__name__}); are its name, the "
                "credentials and the network right? What was finished is kept, and the same "
                "command goes on from there."
            ) from error
