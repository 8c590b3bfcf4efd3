"""Rotated and mirrored data sets, for testing recall under orientation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from engine.codec.decode import upright
from engine.evaluation.data.labels import Dataset, LabelledPicture, Problem
from engine.geometry import Size, box_to_upright, upright_size
from engine.images import RgbImage

ORIENTATIONS: Final[Mapping[str, int]] = {"90": 6, "180": 3, "270": 8, "mirrored": 2}
"""EXIF orientations (Exif 2.32, tag 0x0112) by how a picture is turned, in degrees clockwise."""
UPRIGHT: Final = 1


def turned_dataset(dataset: Dataset, how: str) -> Dataset:
    """Rotate or mirror the labels of a data set, as each of its pictures is turned.

    Pictures of which the data set does not tell the size are left out, each with a problem.

    Args:
        dataset: as it was read.
        how: a key of `ORIENTATIONS`.
    """
    orientation = ORIENTATIONS[how]
    words = how if how == "mirrored" else f"turned by {how} degrees"
    return Dataset(
        f"{dataset.name}, {words}",
        tuple(
            _turned(picture, picture.size, orientation)
            for picture in dataset.pictures
            if picture.size is not None
        ),
        dataset.problems
        + tuple(
            Problem(picture.name, None, "Without its size its labels cannot be turned; left out.")
            for picture in dataset.pictures
            if picture.size is None
        ),
    )


def _turned(picture: LabelledPicture, size: Size, orientation: int) -> LabelledPicture:
    labels = tuple(
        replace(label, box=box_to_upright(label.box, orientation, size)) for label in picture.labels
    )
    return replace(picture, labels=labels, size=upright_size(size, orientation))


def turned_image(image: RgbImage, orientation: int) -> RgbImage:
    """Rotate or mirror a decoded picture, as if its file held it this way up.

    Args:
        image: upright.
        orientation: EXIF orientation, one of `ORIENTATIONS` or `UPRIGHT`.
    """
    if orientation == UPRIGHT:
        return image
    rgb = upright(image.rgb, orientation)
    size = Size(rgb.shape[1], rgb.shape[0])
    codec = replace(image.codec, stored_size=size, orientation=UPRIGHT)
    return RgbImage(image.id, rgb, codec)
