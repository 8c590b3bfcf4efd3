"""Originals that reviewers have open, decoded, and the next one ready.

It holds a few pictures at most. A picture leaves it with its decision, and whatever is left a
quarter of an hour after somebody last looked at anything. Decoding ahead is what makes the next
picture appear at once.

Who may see an original is asked when it is read, and differs between people: what one was refused
is never told to the next, and a thumbnail is shown to nobody but the person it was read for.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeAlias

from components.review.viewport import whole_jpeg
from engine.codec.decode import decode
from engine.errors import LetheError, UnreadableImage
from engine.images import RgbImage

Read: TypeAlias = Callable[[], bytes]
Viewer: TypeAlias = tuple[str, str]
"""Somebody in one session: the ids of both."""
ROOM = 4
"""Pictures held at a time; the longest untouched leaves first."""
STRIP_ROOM = 240
"""Thumbnails held at a time, of all people together."""
STRIP_PX = 96
KEPT_S = 900.0
"""Everything is forgotten so long after the last look at anything."""


class OriginalsCache:
    """Decoded originals by picture id, and how they look. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Future[RgbImage]] = OrderedDict()
        self._shown: dict[str, Future[bytes]] = {}
        self._previews: OrderedDict[str, tuple[object, bytes]] = OrderedDict()
        self._small: OrderedDict[tuple[Viewer, str], Future[bytes]] = OrderedDict()
        self._last_look = 0.0
        self._end: threading.Timer | None = None
        self._ahead = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk")
        self._idle = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk-strip")

    def picture(self, picture_id: str, read: Read, max_megapixels: float) -> RgbImage:
        """The decoded original.

        Raises:
            UnreadableImage: it cannot be read or decoded any more.
        """
        wait([self._future(picture_id, read, max_megapixels)])
        # One begun for somebody else may have failed for their reasons: then it is begun anew.
        return self._future(picture_id, read, max_megapixels).result()

    def shown(self, picture_id: str, read: Read, max_megapixels: float) -> bytes:
        """The original as a JPEG for the stage.

        Raises:
            UnreadableImage: it cannot be read or decoded any more.
        """
        return self._jpeg(picture_id, read, max_megapixels).result()

    def preview(self, picture_id: str, draft: object, make: Callable[[], bytes]) -> bytes:
        """How an open picture would be released by a draft, made anew when the draft is another."""
        with self._lock:
            kept = self._previews.get(picture_id)
        if kept is not None and kept[0] == draft:
            return kept[1]
        made = make()
        with self._lock:
            if picture_id in self._open:  # what was forgotten meanwhile is kept no more
                self._previews[picture_id] = draft, made
                self._previews.move_to_end(picture_id)
            while len(self._previews) > ROOM:
                self._previews.popitem(last=False)
        return made

    def prefetch(self, picture_id: str, read: Read, max_megapixels: float) -> None:
        """Begin decoding a picture that will be wanted soon."""
        self._jpeg(picture_id, read, max_megapixels)

    def thumbnail(
        self, viewer: Viewer, picture_id: str, read: Read, max_megapixels: float
    ) -> bytes | None:
        """A small JPEG of an original, for those who may see it; None while it is being made."""
        key = viewer, picture_id
        with self._lock:
            self._keep()
            if key not in self._small:
                self._small[key] = self._idle.submit(_small, picture_id, read, max_megapixels)
                while len(self._small) > STRIP_ROOM:
                    self._small.popitem(last=False)
            made = self._small[key]
        return made.result() if made.done() else None

    def clear(self, picture_id: str) -> None:
        """Forget a picture."""
        with self._lock:
            self._open.pop(picture_id, None)
            self._shown.pop(picture_id, None)
            self._previews.pop(picture_id, None)
            for key in [key for key in self._small if key[1] == picture_id]:
                del self._small[key]

    def _keep(self) -> None:
        """Somebody looks: put off the moment when all is forgotten."""
        self._last_look = time.monotonic()
        if self._end is None:
            self._end_after(KEPT_S)

    def _end_after(self, seconds: float) -> None:
        self._end = threading.Timer(seconds, self._forget_unless_used)
        self._end.daemon = True
        self._end.start()

    def _forget_unless_used(self) -> None:
        with self._lock:
            left = self._last_look + KEPT_S - time.monotonic()
            if left > 0:
                self._end_after(left)
                return
            self._end = None
            for held in (self._open, self._shown, self._previews, self._small):
                held.clear()

    def _future(self, picture_id: str, read: Read, max_megapixels: float) -> Future[RgbImage]:
        with self._lock:
            return self._opened(picture_id, read, max_megapixels)

    def _jpeg(self, picture_id: str, read: Read, max_megapixels: float) -> Future[bytes]:
        with self._lock:
            image = self._opened(picture_id, read, max_megapixels)
            if picture_id not in self._shown:  # one thread: its turn comes after the decoding
                self._shown[picture_id] = self._ahead.submit(lambda: whole_jpeg(image.result().rgb))
            return self._shown[picture_id]

    def _opened(self, picture_id: str, read: Read, max_megapixels: float) -> Future[RgbImage]:
        self._keep()
        if picture_id not in self._open or _has_failed(self._open[picture_id]):
            self._shown.pop(picture_id, None)
            self._open[picture_id] = self._ahead.submit(decoded, picture_id, read, max_megapixels)
        self._open.move_to_end(picture_id)
        while len(self._open) > ROOM:
            self._shown.pop(self._open.popitem(last=False)[0], None)
        return self._open[picture_id]


def _has_failed(future: Future[RgbImage]) -> bool:
    return future.done() and future.exception() is not None


def _small(picture_id: str, read: Read, max_megapixels: float) -> bytes:
    """A thumbnail; empty where the original cannot be read, which is said once it is opened."""
    try:
        return whole_jpeg(decoded(picture_id, read, max_megapixels).rgb, STRIP_PX)
    except LetheError:
        return b""


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
