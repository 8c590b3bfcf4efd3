"""Subjects from pictures somebody has: a labelled data set, or a folder of plain pictures.

One subject a group, since two pictures of one person would be two right answers. Pictures named
`benchmark` are never taken by themselves: what is measured elsewhere should not be tuned on here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.attacks.subjects.composites import AROUND_PX
from engine.attacks.subjects.patches import LEAST_SUBJECTS, Patches, Subjects, UnusableSubjects
from engine.category import Category
from engine.codec.decode import decode
from engine.errors import UnreadableImage
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.labels import Dataset, Label, LabelledPicture
from engine.geometry import Box
from engine.runs.inputs import sources

PARTS: Final = ("calibration.json", "train.json")
"""What is taken of a folder that holds these; any other data set is taken whole."""
LEAST_PX: Final = 48
"""Shorter side of a label: smaller ones have little that could be recognised."""
MARGIN_SHARE: Final = 0.15
"""Of the label's longer side, around it: removal reaches beyond a box too."""
SCENES: Final = 48
MAX_MEGAPIXELS: Final = 120.0
_LABEL_FILES: Final = frozenset({".json", ".yaml", ".yml", ".xml"})

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Wish:
    """How many subjects, and of what size."""

    n: int
    spare: int
    side_px: int
    seed: int


@dataclass(slots=True)
class _Basket:
    patches: list[Rgb] = field(default_factory=list)
    scenes: list[Rgb] = field(default_factory=list)
    unread: int = 0


def gather(where: Path, categories: Sequence[Category], wish: Wish) -> tuple[Subjects, ...]:
    """Subjects of each category.

    Args:
        where: a labelled data set in any format that `evaluate` reads, a folder that holds
            `calibration.json` or `train.json`, or a folder in which every picture is one subject.
        categories: which; for plain pictures exactly one, since nothing else says what they show.
        wish: how many and how large. Fewer are taken where there are not so many.

    Raises:
        UnusableSubjects: too few can be used, or it is not clear what they are.
        InvalidDataset: labels cannot be read.
    """
    if _is_plain(where):
        if len(categories) != 1:
            raise UnusableSubjects(
                f"{where} holds pictures without labels. Say what they show, for instance with "
                "--categories face; each picture is then one subject."
            )
        return (from_pictures(where, categories[0], wish),)
    datasets = _datasets(where)
    return tuple(from_dataset(datasets, category, wish) for category in categories)


def from_pictures(where: Path, category: Category, wish: Wish) -> Subjects:
    """Each picture of a folder as one subject, its largest centred square."""
    found = [one for one in sources(str(where))[0] if not one.problem]
    basket, order = _Basket(), np.random.default_rng((wish.seed, len(found)))
    for index in order.permutation(len(found)):
        if len(basket.patches) == wish.n + wish.spare:
            break
        rgb = _decoded(found[index].path, basket)
        if rgb is not None and min(rgb.shape[:2]) >= LEAST_PX:
            height, width = rgb.shape[:2]
            basket.patches.append(_square(rgb, Box(0, 0, width, height), 0.0, wish.side_px))
    return _subjects(category, basket, f"{len(found)} plain pictures", wish)


def from_dataset(datasets: Iterable[Dataset], category: Category, wish: Wish) -> Subjects:
    """Labelled things, the largest of each group, in an order drawn by lot."""
    sets = tuple(datasets)
    chosen = sorted(_largest(sets, category).values(), key=lambda one: one[0].name)
    basket, order = _Basket(), np.random.default_rng((wish.seed, len(chosen)))
    side = wish.side_px + 2 * AROUND_PX
    for index in order.permutation(len(chosen)):
        if len(basket.patches) >= wish.n + wish.spare and len(basket.scenes) >= SCENES:
            break
        picture, label = chosen[index]
        rgb = _decoded(picture.path, basket)
        if rgb is None or not _fits(rgb, picture):
            continue
        if len(basket.patches) < wish.n + wish.spare:
            basket.patches.append(_square(rgb, label.box, MARGIN_SHARE, wish.side_px))
        if len(basket.patches) > wish.n and len(basket.scenes) < SCENES:
            height, width = rgb.shape[:2]
            basket.scenes.append(_square(rgb, Box(0, 0, width, height), 0.0, side))
    names = " and ".join(f"{one.name} ({one.fingerprint})" for one in sets)
    return _subjects(category, basket, f"labelled pictures of {names}", wish)


def _is_plain(where: Path) -> bool:
    """True for a folder of pictures in which nothing looks like labels."""
    if not where.is_dir():
        return False
    try:
        inside = [path.suffix.lower() for path in (*where.iterdir(), *where.glob("*/*"))]
    except OSError as error:
        raise UnusableSubjects(f"The folder {where} cannot be read: {error.strerror}.") from error
    return bool(inside) and not _LABEL_FILES.intersection(inside)


def _datasets(where: Path) -> tuple[Dataset, ...]:
    parts = [where / name for name in PARTS if (where / name).is_file()]
    return tuple(read_dataset(part) for part in parts or [where])


def _largest(
    datasets: Iterable[Dataset], category: Category
) -> dict[str, tuple[LabelledPicture, Label]]:
    largest: dict[str, tuple[LabelledPicture, Label]] = {}
    for picture, label in _labels(datasets, category):
        group = picture.group or picture.name
        if group not in largest or label.box.area > largest[group][1].box.area:
            largest[group] = (picture, label)
    return largest


def _labels(
    datasets: Iterable[Dataset], category: Category
) -> Iterator[tuple[LabelledPicture, Label]]:
    for dataset in datasets:
        for picture in dataset.pictures:
            for label in picture.labels:
                is_large = min(label.box.width, label.box.height) >= LEAST_PX
                if label.category is category and is_large and not label.is_ignored:
                    yield picture, label


def _decoded(path: Path, basket: _Basket) -> Rgb | None:
    try:
        return decode(path.read_bytes(), "subject", max_megapixels=MAX_MEGAPIXELS).rgb
    except (UnreadableImage, OSError):
        basket.unread += 1
        return None


def _fits(rgb: Rgb, picture: LabelledPicture) -> bool:
    """Labels drawn on another size, or on the picture before it was turned, miss their subject."""
    return picture.size is None or tuple(picture.size) == rgb.shape[1::-1]


def _square(rgb: Rgb, box: Box, margin: float, side_px: int) -> Rgb:
    """The square around a box, moved inside the picture where it must be."""
    height, width = rgb.shape[:2]
    longer = (1 + 2 * margin) * max(box.width, box.height)
    side = min(round(longer), height, width)
    x = round((box.x0 + box.x1 - side) / 2)
    y = round((box.y0 + box.y1 - side) / 2)
    x, y = min(max(x, 0), width - side), min(max(y, 0), height - side)
    cut = rgb[y : y + side, x : x + side]
    way = cv2.INTER_AREA if side > side_px else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cut, (side_px, side_px), interpolation=way), np.uint8)


def _subjects(category: Category, basket: _Basket, source: str, wish: Wish) -> Subjects:
    if basket.unread:
        source += f"; {basket.unread} could not be read and were left out"
    if len(basket.patches) < LEAST_SUBJECTS:
        raise UnusableSubjects(
            f"Only {len(basket.patches)} subjects of category {category} can be used in {source}, "
            f"and {LEAST_SUBJECTS} are the least that can be told from chance. Labels need "
            f"{LEAST_PX} px a side and a group of their own; name more pictures, or leave the "
            "category out with --categories."
        )
    patches = np.stack(basket.patches)
    scenes: Patches = np.stack(basket.scenes) if basket.scenes else np.zeros((0, 0, 0, 3), np.uint8)
    return Subjects(category, patches[: wish.n], source, spare=patches[wish.n :], scenes=scenes)
