"""Originals are open while somebody looks, a few at a time, and gone with the verdict."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from components.review.originals_cache import ROOM, OriginalsCache, read_of
from engine.errors import UnreadableImage


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
