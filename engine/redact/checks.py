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

Removal = Callable[[RgbImage], RedactedImage]
"""Removal with mask, fill and seed already chosen."""


def check_pixels(
    image: RgbImage, mask: NDArray[np.bool_], released: RedactedImage, removal: Removal
) -> dict[str, bool]:
    """Run T1 and T3 on pixels that are about to be encoded.

    Args:
        image: the original.
        mask: (H, W), True where pixels had to go.
        released: what removal made of `image`.
        removal: how it was made, to be repeated on pictures that differ under the mask.

    Returns:
        `{"T1": True, "T3": True}`.

    Raises:
        UnsafeRelease: a sentence that names the check.
    """
    for variant in _variants(image, mask) if mask.any() else ():
        if not np.array_equal(removal(variant).rgb, released.rgb):
            raise UnsafeRelease(
                "The removed pixels still influence the result (check T1); nothing was released."
            )
    changed = released.rgb != image.rgb
    changed[mask] = False
    if changed.any():
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


def _variants(image: RgbImage, mask: NDArray[np.bool_]) -> Iterator[RgbImage]:
    """The same picture with other pixels under the mask.

    The complement flips every bit, so that one copied bit is caught; the checkerboard has the
    strongest edges there are, for what an edge could trigger.
    """
    height, width = mask.shape
    odd_row, odd_column = ((np.arange(side) & 1).astype(np.uint8) for side in (height, width))
    board = (odd_row[:, None] ^ odd_column) * np.uint8(255)
    for pattern in (~image.rgb, board[..., None]):
        rgb = image.rgb.copy()
        np.copyto(rgb, pattern, where=mask[..., None])
        rgb.flags.writeable = False
        yield RgbImage(image.id, rgb, image.codec)
