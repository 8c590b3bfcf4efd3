"""Originals that reviewers have open, decoded, and the next one ready.

Originals are in no cache that outlives the review: the desk holds a few pictures at most, and a
picture leaves it with its verdict. Decoding ahead is what makes the next picture appear at once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from engine.codec.decode import decode
from engine.errors import UnreadableImage
from engine.images import RgbImage

Read: TypeAlias = Callable[[], bytes]
ROOM = 4
"""Pictures held at a time; the longest untouched leaves first."""


class OriginalsCache:
    """Decoded originals by picture id. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Future[RgbImage]] = OrderedDict()
        self._ahead = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk")

    def picture(self, picture_id: str, read: Read, max_megapixels: float) -> RgbImage:
        """The decoded original.

        Raises:
            UnreadableImage: it cannot be read or decoded any more.
        """
        return self._future(picture_id, read, max_megapixels).result()

    def prefetch(self, picture_id: str, read: Read, max_megapixels: float) -> None:
        """Begin decoding a picture that will be wanted soon."""
        self._future(picture_id, read, max_megapixels)

    def clear(self, picture_id: str) -> None:
        """Forget a picture."""
        with self._lock:
            self._open.pop(picture_id, None)

    def _future(self, picture_id: str, read: Read, max_megapixels: float) -> Future[RgbImage]:
        with self._lock:
            if picture_id not in self._open:
                self._open[picture_id] = self._ahead.submit(
                    decoded, picture_id, read, max_megapixels
                )
            self._open.move_to_end(picture_id)
            while len(self._open) > ROOM:
                self._open.popitem(last=False)
            return self._open[picture_id]


def decoded(picture_id: str, read: Read, max_megapixels: float) -> RgbImage:
    """An original, for a look that leaves nothing behind.

    Args:
        picture_id: becomes the picture's id.
        read: gives the file's bytes; `store.batches.originals.content` makes sure of them.
        max_megapixels: see `codec.decode`.

    Raises:
        UnreadableImage: it cannot be read or decoded any more.
    """
    return decode(read(), picture_id, max_megapixels=max_megapixels)


def read_of(path: Path) -> Read:
    """Reads a file that nobody vouches for: a picture of a labelled data set."""

    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise UnreadableImage(f"The original cannot be read ({error.strerror}).") from error

    return read
