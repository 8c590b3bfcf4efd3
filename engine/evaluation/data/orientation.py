"""Whether boxes were drawn on the upright picture although the stated size is the stored one.

Phones store portraits lying, with an EXIF orientation. An exporter that takes sizes from the file
and boxes from a browser, which turns the picture, states 4000 x 3000 and means 3000 x 4000. Scoring
takes a stated size that is the stored one as proof of the other reading, so this one is told here:
by the exporter's name, or by a box that fits the upright picture alone. A set has one exporter, so
one such box speaks for every picture that has none against it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from engine.evaluation.data.image_lookup import header_size
from engine.evaluation.data.raw import InvalidEntry, RawDataset, RawPicture, attempt
from engine.geometry import Box, Size

_SLACK: Final = 0.02
"""Share of a side by which a box may leave the picture it was drawn on."""


def with_upright_sizes(written: RawDataset) -> RawDataset:
    """The same, with the upright size of pictures whose boxes were drawn on it, and a problem."""
    lying = {
        picture.path
        for picture in written.pictures
        if _fits_turned_only(picture) and _is_stored_turned(picture)
    }
    if not lying and not written.is_drawn_in_browser:
        return written
    pictures = tuple(
        _upright(picture)
        if not _fits_stated_only(picture) and _is_stored_turned(picture)
        else picture
        for picture in written.pictures
    )
    changed = [one for one, old in zip(pictures, written.pictures, strict=True) if one is not old]
    if not changed:
        return written
    problem = changed[0].place.problem(
        "Pictures that are stored turned and whose stated size is the stored one, of which this is "
        f"the first: {len(changed)}. Their boxes were taken to be drawn on the upright picture, as "
        "browsers show it."
    )
    return replace(written, pictures=pictures, problems=(*written.problems, problem))


def _upright(picture: RawPicture) -> RawPicture:
    size = _turned(picture)
    return picture if size is None else replace(picture, size=size)


def _turned(picture: RawPicture) -> Size | None:
    """The stated size with its sides swapped; None where that changes nothing."""
    size = picture.size
    if size is None or size.width == size.height:
        return None
    return Size(size.height, size.width)


def _is_stored_turned(picture: RawPicture) -> bool:
    """Whether the file's upright size is the stated one with its sides swapped."""
    turned = _turned(picture)
    return turned is not None and attempt(header_size, picture.path) == turned


def _fits_turned_only(picture: RawPicture) -> bool:
    turned = _turned(picture)
    return turned is not None and any(
        _holds(turned, box) and not _holds(picture.size, box) for box in _boxes(picture)
    )


def _fits_stated_only(picture: RawPicture) -> bool:
    turned = _turned(picture)
    return turned is not None and any(
        _holds(picture.size, box) and not _holds(turned, box) for box in _boxes(picture)
    )


def _boxes(picture: RawPicture) -> list[Box]:
    return [one.box for one in picture.boxes if not isinstance(one.box, InvalidEntry)]


def _holds(size: Size | None, box: Box) -> bool:
    if size is None:
        return False
    x, y = _SLACK * size.width, _SLACK * size.height
    is_inside = box.x0 >= -x and box.y0 >= -y
    return is_inside and box.x1 <= size.width + x and box.y1 <= size.height + y
