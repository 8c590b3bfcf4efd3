"""The pictures at an address, found as `engine.runs.inputs` finds those of a folder."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.cluster.bucket import Bucket, file_system
from engine.codec.signatures import HEAD_BYTES, PICTURE_SUFFIXES, is_picture_head
from engine.errors import UnreadableImage, UnusableFolder
from engine.runs.inputs import RUN, inside_output
from engine.runs.sources import PictureSource

READERS = 8
"""Pictures that are read at once, and are in memory meanwhile."""


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A picture at an address; whoever reads it brings their own credentials.

    Its name is never part of an address that is read as one: a name may have `::` in it, which
    chains addresses.
    """

    where: str
    """The address of the input."""
    name: str
    """Of the picture below it."""

    @property
    def path(self) -> Path:
        """See `PictureSource.path`."""
        return Path(f"{self.where}/{self.name}")

    def read(self) -> bytes:
        """See `PictureSource.read`."""
        files, root = file_system(self.where)
        try:
            data: bytes = files.cat_file(f"{root.rstrip('/')}/{self.name}")
        except FileNotFoundError as error:
            raise UnreadableImage("The file is no longer there.") from error
        except Exception as error:
            # each kind of address has errors of its own; a refusal may be that of stale credentials
            raise OSError(errno.EHOSTUNREACH, type(error).__name__) from error
        return data


@dataclass(frozen=True, slots=True)
class UrlPicture:
    """One input picture, as `engine.runs.inputs.Source`."""

    name: str
    content: UrlSource
    problem: str = ""


def url_pictures(where: str, *, leave_out: Bucket | None = None) -> tuple[list[UrlPicture], int]:
    """Find the pictures below an address.

    Args:
        where: the address.
        leave_out: the output. It is no input, and neither are outputs of earlier runs below.

    Returns:
        The pictures, sorted by name, and the number of objects that were left alone: those that
        are no pictures, and what is hidden.

    Raises:
        UnusableFolder: there is nothing there, it cannot be reached, or `leave_out` is of no run
            yet and holds pictures.
        MissingPackage: a package for it is not installed.
    """
    bucket = Bucket.at(where)
    names = bucket.names()
    if not names:
        raise UnusableFolder(f"There is nothing at {where}.")
    if leave_out is not None:
        names = _without_outputs(bucket, names, leave_out)
    pictures = [name for name in names if _is_visible_picture(bucket, name)]
    found = [UrlPicture(name, UrlSource(where, name)) for name in pictures]
    return found, len(names) - len(found)


def _without_outputs(bucket: Bucket, names: list[str], leave_out: Bucket) -> list[str]:
    inside = {name for name in names if leave_out.holds(bucket, name)}
    if any(_is_visible_picture(bucket, name) for name in inside) and leave_out.read(RUN) is None:
        raise inside_output(leave_out.url)
    outputs = tuple(name.removesuffix(RUN) for name in names if name.endswith(f"/{RUN}"))
    return [name for name in names if name not in inside and not name.startswith(outputs)]


def read_ahead(contents: Iterable[PictureSource]) -> Iterator[bytes | Exception]:
    """The bytes of each, in order, or what kept them from being read; some ahead, in threads.

    An address answers in tens of milliseconds, and one after the other they would keep few actors
    busy.
    """
    under_way: deque[Future[bytes | Exception]] = deque()
    with ThreadPoolExecutor(READERS) as pool:
        for content in contents:
            under_way.append(pool.submit(_read, content))
            if len(under_way) == READERS:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _read(content: PictureSource) -> bytes | Exception:
    try:
        return content.read()
    except Exception as error:  # noqa: BLE001 -- told with its picture, in its turn
        return error


def _is_visible_picture(bucket: Bucket, name: str) -> bool:
    return not _is_hidden(name) and _is_picture(bucket, name)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _is_picture(bucket: Bucket, name: str) -> bool:
    if PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES:
        return True
    return is_picture_head(bucket.head(name, HEAD_BYTES))
