"""Originals are open while somebody looks, a few at a time, and gone with the verdict."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import cv2
import numpy as np
import pytest

from components.review.originals_cache import ROOM, OriginalsCache, read_of
from engine.errors import LetheError, UnreadableImage


@pytest.fixture
def originals_cache() -> OriginalsCache:
    return OriginalsCache()


@pytest.fixture
def originals(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{index}" for index in range(ROOM + 2)]
    for value, path in enumerate(paths):
        rgb = np.full((8, 8, 3), value, np.uint8)
        path.write_bytes(cv2.imencode(".png", rgb)[1].tobytes())
    return paths


def test_a_picture_is_decoded_once_however_often_it_is_looked_at(originals_cache, originals):
    first = originals_cache.picture("0", read_of(originals[0]), 1)
    originals[0].unlink()

    assert originals_cache.picture("0", read_of(originals[0]), 1) is first


def test_a_picture_decoded_ahead_needs_its_file_no_more(originals_cache, originals):
    originals_cache.prefetch("0", read_of(originals[0]), 1)
    originals_cache.picture("1", read_of(originals[1]), 1)  # one thread: the first is done now
    originals[0].unlink()

    assert originals_cache.picture("0", read_of(originals[0]), 1).size == (8, 8)


def test_the_desk_holds_a_few_pictures_and_the_longest_untouched_leaves_first(
    originals_cache, originals
):
    for name, original in enumerate(originals[:ROOM]):
        originals_cache.picture(str(name), read_of(original), 1)
    originals_cache.picture("0", read_of(originals[0]), 1)

    originals_cache.picture("new", read_of(originals[-1]), 1)

    assert set(originals_cache._open) == {"0", "2", "3", "new"}
    assert len(originals_cache._open) == ROOM


def test_whatever_is_left_is_forgotten_some_time_after_the_last_look(
    originals_cache, originals, monkeypatch
):
    monkeypatch.setattr("components.review.originals_cache.KEPT_S", 0.3)
    viewer = ("ada", "session")
    originals_cache.shown("0", read_of(originals[0]), 1)
    originals_cache.preview("0", "draft", lambda: b"made")
    originals_cache.thumbnail(viewer, "1", read_of(originals[1]), 1)
    began = time.monotonic()

    while any(_held(originals_cache)) and time.monotonic() < began + 30:
        if time.monotonic() < began + 0.6:
            originals_cache.thumbnail(viewer, "1", read_of(originals[1]), 1)
        time.sleep(0.02)

    assert not any(_held(originals_cache))
    assert time.monotonic() >= began + 0.6 + 0.2  # each look put it off
    originals_cache.picture("0", read_of(originals[0]), 1)
    assert any(_held(originals_cache))


def _held(cache):
    return cache._open, cache._shown, cache._previews, cache._small


def test_a_cleared_picture_is_gone(originals_cache, originals):
    originals_cache.picture("0", read_of(originals[0]), 1)

    originals_cache.clear("0")
    originals_cache.clear("never there")

    assert not originals_cache._open
    originals[0].unlink()
    with pytest.raises(UnreadableImage):
        originals_cache.picture("0", read_of(originals[0]), 1)


def test_a_picture_that_cannot_be_decoded_says_so_each_time(originals_cache, tmp_path):
    broken = tmp_path / "broken"
    broken.write_bytes(b"not a picture")

    originals_cache.prefetch("0", read_of(broken), 1)

    for _ in range(2):
        with pytest.raises(UnreadableImage):
            originals_cache.picture("0", read_of(broken), 1)


def session_over():
    raise LetheError("Your session is over")


def test_what_one_was_refused_is_not_told_to_the_next(originals_cache, originals):
    originals_cache.prefetch("0", session_over, 1)
    with pytest.raises(LetheError, match="session is over"):
        originals_cache.picture("0", session_over, 1)

    assert originals_cache.picture("0", read_of(originals[0]), 1).size == (8, 8)
    assert originals_cache.shown("0", read_of(originals[0]), 1)


def test_nor_to_who_asks_while_it_is_still_being_read(originals_cache, originals):
    asked = threading.Event()

    def slow_and_over():
        asked.wait(60)
        session_over()

    originals_cache.prefetch("0", slow_and_over, 1)
    with ThreadPoolExecutor() as threads:
        shown = threads.submit(originals_cache.picture, "0", read_of(originals[0]), 1)
        wait([shown], timeout=0.2)
        asked.set()

        assert shown.result(60).size == (8, 8)


def small(originals_cache, viewer, read):
    """A thumbnail once it is made."""
    while (made := originals_cache.thumbnail(viewer, "0", read, 1)) is None:
        wait([originals_cache._small[viewer, "0"]])
    return made


def test_a_thumbnail_is_read_for_each_who_sees_it(originals_cache, originals):
    """Each read is on record under who asked for it."""
    reads = []

    def read_by(name):
        return lambda: reads.append(name) or originals[0].read_bytes()

    for name in ("ada", "ben", "ada"):
        assert small(originals_cache, (name, "session"), read_by(name))
    assert reads == ["ada", "ben"]

    originals_cache.clear("0")
    assert not originals_cache._small


def test_a_thumbnail_refused_when_a_session_ended_is_made_in_the_next(originals_cache, originals):
    assert small(originals_cache, ("ada", "one"), session_over) == b""

    assert small(originals_cache, ("ada", "two"), read_of(originals[0]))
