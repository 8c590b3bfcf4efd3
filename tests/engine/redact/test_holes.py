from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.redact.holes import holes_of
from tests.engine.redact.test_removal import masks
from tests.scenes import rects_mask


def labelled_whole(mask):
    """Window and pixels of each part as OpenCV labels them in the part that has any, pixel by
    pixel."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return []
    top, left = int(rows[0]), int(columns[0])
    part = np.ascontiguousarray(mask[top : rows[-1] + 1, left : columns[-1] + 1])
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        part.view(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    found = []
    for label in range(1, count):
        x, y, w, h = (int(value) for value in stats[label, :4])
        window = (slice(top + y, top + y + h), slice(left + x, left + x + w))
        found.append((window, labels[y : y + h, x : x + w] == label))
    return found


def same(found, expected):
    return [hole.window for hole in found] == [window for window, _ in expected] and all(
        np.array_equal(hole.pixels, pixels)
        for hole, (_, pixels) in zip(found, expected, strict=True)
    )


@pytest.mark.slow
@settings(max_examples=500)
@given(masks())
def test_the_parts_and_their_order_are_those_of_labelling_every_pixel(mask):
    assert same(holes_of(mask), labelled_whole(mask))


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_so_it_is_with_many_rectangles(seed, count):
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, (300, 200), (count, 2))
    rects = np.hstack([corners, corners + rng.integers(1, 40, (count, 2))])
    mask = rects_mask(200, 300, *rects.tolist())

    assert same(holes_of(mask), labelled_whole(mask))


@pytest.mark.parametrize("margin", [0, 3, 100])
def test_a_window_grows_up_to_the_edges(margin):
    (hole,) = holes_of(rects_mask(20, 30, (5, 6, 8, 10)))

    rows, columns = hole.grown(margin, (20, 30))

    assert (rows.start, rows.stop) == (max(6 - margin, 0), min(10 + margin, 20))
    assert (columns.start, columns.stop) == (max(5 - margin, 0), min(8 + margin, 30))
