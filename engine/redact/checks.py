"""Checks on every release (T1, T3, T4, T7); a failure quarantines the picture.

The names T1, T3, T4 and T7 are those of the irreversibility tests: non-interference, outside
untouched, container, residual detections. They trust nothing that `removal` and `codec` say about
themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.codec import allow_list
from engine.codec.encode import ReleaseFormat
from engine.codec.read_back import is_faithful
from engine.detect.release_check import ReleaseCheck, residual_detections
from engine.errors import ReleaseContested, UnsafeRelease
from engine.geometry import Size
from engine.images import RedactedImage, RgbImage
from engine.plan import Plan, Region
from engine.policy import Policy
from engine.redact.copying import put
from engine.redact.removal import MARGIN_MAX_PX

Removal = Callable[[NDArray[np.uint8], NDArray[np.bool_]], None]
"""`erase_and_fill` with fill and seed chosen: pixels (H, W, 3) and mask (H, W), in place."""
STRIP_ROWS = 64
"""Rows compared at once, so that a large picture takes little memory."""


def check_pixels(
    image: RgbImage, mask: NDArray[np.bool_], released: RedactedImage, removal: Removal
) -> dict[str, bool]:
    """Run T1 and T3 on pixels that are about to be encoded.

    Args:
        image: the original.
        mask: (H, W), True where pixels had to go.
        released: what removal made of `image`.
        removal: how it was made, to be repeated on pictures that differ under the mask. They show
            as much of the picture as a fill may see; one that saw more would come out otherwise.

    Returns:
        `{"T1": True, "T3": True}`.

    Raises:
        UnsafeRelease: a sentence that names the check.
    """
    window = _neighbourhood(mask)
    for variant in _variants(image.rgb[window], mask[window]):
        removal(variant, mask[window])
        if not _is_same(variant, released.rgb[window]):
            raise UnsafeRelease(
                "The removed pixels still influence the result (check T1); nothing was released."
            )
    if not _is_same_outside(mask, image.rgb, released.rgb):
        raise UnsafeRelease(
            "Pixels outside the removed regions were changed (check T3); nothing was released."
        )
    return {"T1": True, "T3": True}


def check_covered(mask: NDArray[np.bool_], regions: Sequence[Region]) -> None:
    """Compare the mask with what the plan says, without going by how it was made.

    Raises:
        UnsafeRelease: a part of a region that lies in the picture is not under the mask.
    """
    size = Size(mask.shape[1], mask.shape[0])
    for region in regions:
        rect = region.box.outward().clipped(size)
        if not mask[rect.rows, rect.columns].all():
            raise UnsafeRelease(
                "The mask leaves out a part of what the plan removes; nothing was released."
            )


def check_file(data: bytes, file_format: ReleaseFormat, released: RedactedImage) -> dict[str, bool]:
    """Run T4 on a finished file: it must hold the pixels that were checked, and nothing else.

    Raises:
        UnsafeRelease: the file holds anything that is not on the allow-list, or other pixels.
    """
    allow_list.scan(data, file_format)
    try:
        is_same = is_faithful(data, released.rgb)
    except (OSError, SyntaxError, ValueError):  # what Pillow says of files it cannot read
        is_same = False
    if not is_same:
        raise UnsafeRelease(
            "The finished file does not show the pixels that were checked (check T4); nothing was "
            "released."
        )
    return {"T4": True}


def refuse_unchecked(passed: Mapping[str, bool], needed: Iterable[str]) -> None:
    """Raise unless every check was run and passed.

    Raises:
        UnsafeRelease: names the checks.
    """
    missing = [name for name in needed if passed.get(name) is not True]
    if missing:
        raise UnsafeRelease(
            f"Not every check was run on the result ({', '.join(missing)}); nothing was released."
        )


def check_residual(
    released: RedactedImage,
    mask: NDArray[np.bool_],
    plan: Plan,
    policy: Policy,
    release_check: ReleaseCheck,
) -> dict[str, bool]:
    """Run T7: the release check's detector over what is about to be encoded.

    Raises:
        ReleaseContested: residual detections that no person has decided to leave.
    """
    detections = release_check.detect(released, policy)
    if residual := residual_detections(detections, mask, plan.decided, policy):
        raise ReleaseContested(residual)
    return {"T7": True}


def _neighbourhood(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The window that holds the mask and what a fill may see; empty where nothing is masked."""
    window = []
    for axis in (0, 1):
        there = np.flatnonzero(mask.any(axis=1 - axis))
        if not len(there):
            return slice(0, 0), slice(0, 0)
        first, last = int(there[0]), int(there[-1])
        window.append(slice(max(first - MARGIN_MAX_PX, 0), last + 1 + MARGIN_MAX_PX))
    return window[0], window[1]


def _variants(rgb: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> Iterator[NDArray[np.uint8]]:
    """Copies of a window with other pixels under the mask; none where it is empty.

    The complement flips every bit, so that one copied bit is caught; the checkerboard has the
    strongest edges there are, for what an edge could trigger. A copy is to be done with before the
    next is asked for: there is one at a time.
    """
    if not hidden.size:
        return
    width = hidden.shape[1]
    odd_row, odd_column = ((np.arange(side) & 1).astype(np.uint8) for side in (STRIP_ROWS, width))
    board = np.repeat(((odd_row[:, None] ^ odd_column) * np.uint8(255))[..., None], 3, axis=2)
    variant = np.empty_like(rgb)
    for is_complement in (True, False):
        for strip in _strips(len(rgb)):
            pattern = ~rgb[strip] if is_complement else board[: len(rgb[strip])]
            variant[strip] = rgb[strip]
            put(pattern, hidden[strip], variant[strip])
        yield variant


def _is_same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return one.shape == other.shape and all(
        np.array_equal(one[strip], other[strip]) for strip in _strips(len(one))
    )


def _is_same_outside(
    mask: NDArray[np.bool_], one: NDArray[np.uint8], other: NDArray[np.uint8]
) -> bool:
    if one.shape != other.shape:
        return False
    for strip in _strips(len(one)):
        expected = one[strip].copy()
        put(other[strip], mask[strip], expected)
        if not np.array_equal(expected, other[strip]):
            return False
    return True


def _strips(height: int) -> Iterator[slice]:
    return (slice(top, min(top + STRIP_ROWS, height)) for top in range(0, height, STRIP_ROWS))
