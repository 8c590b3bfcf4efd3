"""Whether boxes were drawn on the upright picture although the stated size is the stored one.

Phones store portraits lying, with an EXIF orientation. An exporter that takes sizes from the file
and boxes from a browser, which turns the picture, states 4000 x 3000 and means 3000 x 4000. Scoring
takes a stated size that is the stored one as proof of the other reading, so this one is found here:
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


def with_upright_sizes(dataset: RawDataset) -> RawDataset:
    """The data set with the upright size of pictures labelled upright, and a problem if any."""
    if not dataset.is_drawn_in_browser and not any(
        _fits_only(_turned(picture), picture.size, picture) and _is_stored_turned(picture)
        for picture in dataset.pictures
    ):
        return dataset
    pictures = tuple(
        replace(picture, size=_turned(picture))
        if not _fits_only(picture.size, _turned(picture), picture) and _is_stored_turned(picture)
        else picture
        for picture in dataset.pictures
    )
    changed = [new for new, old in zip(pictures, dataset.pictures, strict=True) if new is not old]
    if not changed:
        return dataset
    problem = changed[0].place.problem(
        "Pictures that are stored turned and whose stated size is the stored one, of which this is "
        f"the first: {len(changed)}. Their boxes were taken to be drawn on the upright picture, as "
        "browsers show it."
    )
    return replace(dataset, pictures=pictures, problems=(*dataset.problems, problem))


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


def _fits_only(size: Size | None, other: Size | None, picture: RawPicture) -> bool:
    """Whether a box of the picture lies inside `size` and not inside `other`."""
    boxes = (raw.box for raw in picture.boxes if not isinstance(raw.box, InvalidEntry))
    return any(_holds(size, box) and not _holds(other, box) for box in boxes)


def _holds(size: Size | None, box: Box) -> bool:
    if size is None:
        return False
    x, y = _SLACK * size.width, _SLACK * size.height
    is_inside = box.x0 >= -x and box.y0 >= -y
    return is_inside and box.x1 <= size.width + x and box.y1 <= size.height + y
