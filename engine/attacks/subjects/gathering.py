"""Subjects from a labelled data set, or from a folder of plain pictures.

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
class Request:
    """How many subjects, and of what size."""

    n: int
    spare: int
    side_px: int
    seed: int


@dataclass(slots=True)
class _Collected:
    patches: list[Rgb] = field(default_factory=list)
    scenes: list[Rgb] = field(default_factory=list)
    unread: int = 0


def gather(source: Path, categories: Sequence[Category], request: Request) -> tuple[Subjects, ...]:
    """Subjects of each category.

    Args:
        source: a labelled data set in any format that `evaluate` reads, a folder that holds
            `calibration.json` or `train.json`, or a folder in which every picture is one subject.
        categories: which; for plain pictures exactly one, since nothing else says what they show.
        request: how many and how large. Fewer are taken where there are not so many.

    Raises:
        UnusableSubjects: too few can be used, or it is not clear what they are.
        InvalidDataset: labels cannot be read.
    """
    if _is_plain(source):
        if len(categories) != 1:
            raise UnusableSubjects(
                f"{source} holds pictures without labels. Say what they show, for instance with "
                "--categories face; each picture is then one subject."
            )
        return (from_pictures(source, categories[0], request),)
    datasets = _datasets(source)
    return tuple(from_dataset(datasets, category, request) for category in categories)


def from_pictures(where: Path, category: Category, request: Request) -> Subjects:
    """Each picture of a folder as one subject, its largest centred square."""
    files = [file for file in sources(str(where))[0] if not file.problem]
    collected, rng = _Collected(), np.random.default_rng((request.seed, len(files)))
    for index in rng.permutation(len(files)):
        if len(collected.patches) == request.n + request.spare:
            break
        rgb = _decoded(files[index].path, collected)
        if rgb is not None and min(rgb.shape[:2]) >= LEAST_PX:
            height, width = rgb.shape[:2]
            collected.patches.append(_square(rgb, Box(0, 0, width, height), 0.0, request.side_px))
    return _subjects(category, collected, f"{len(files)} plain pictures", request)


def from_dataset(datasets: Iterable[Dataset], category: Category, request: Request) -> Subjects:
    """Labelled objects, the largest of each group, in random order."""
    sets = tuple(datasets)
    chosen = sorted(_largest(sets, category).values(), key=lambda pair: pair[0].name)
    collected, rng = _Collected(), np.random.default_rng((request.seed, len(chosen)))
    side = request.side_px + 2 * AROUND_PX
    for index in rng.permutation(len(chosen)):
        if len(collected.patches) >= request.n + request.spare and len(collected.scenes) >= SCENES:
            break
        picture, label = chosen[index]
        rgb = _decoded(picture.path, collected)
        if rgb is None or not _fits(rgb, picture):
            continue
        if len(collected.patches) < request.n + request.spare:
            collected.patches.append(_square(rgb, label.box, MARGIN_SHARE, request.side_px))
        if len(collected.patches) > request.n and len(collected.scenes) < SCENES:
            height, width = rgb.shape[:2]
            collected.scenes.append(_square(rgb, Box(0, 0, width, height), 0.0, side))
    names = " and ".join(f"{dataset.name} ({dataset.fingerprint})" for dataset in sets)
    return _subjects(category, collected, f"labelled pictures of {names}", request)


def _is_plain(folder: Path) -> bool:
    """True for a folder of pictures in which nothing looks like labels."""
    if not folder.is_dir():
        return False
    try:
        suffixes = [path.suffix.lower() for path in (*folder.iterdir(), *folder.glob("*/*"))]
    except OSError as error:
        raise UnusableSubjects(f"The folder {folder} cannot be read: {error.strerror}.") from error
    return bool(suffixes) and not _LABEL_FILES.intersection(suffixes)


def _datasets(source: Path) -> tuple[Dataset, ...]:
    parts = [source / name for name in PARTS if (source / name).is_file()]
    return tuple(read_dataset(part) for part in parts or [source])


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


def _decoded(path: Path, collected: _Collected) -> Rgb | None:
    try:
        return decode(path.read_bytes(), "subject", max_megapixels=MAX_MEGAPIXELS).rgb
    except (UnreadableImage, OSError):
        collected.unread += 1
        return None


def _fits(rgb: Rgb, picture: LabelledPicture) -> bool:
    """Labels drawn on another size, or on the picture before it was turned, miss their subject."""
    return picture.size is None or tuple(picture.size) == rgb.shape[1::-1]


def _square(rgb: Rgb, box: Box, margin: float, side_px: int) -> Rgb:
    """The square around a box, moved inside the picture where it must be."""
    height, width = rgb.shape[:2]
    wanted_side = (1 + 2 * margin) * max(box.width, box.height)
    side = min(round(wanted_side), height, width)
    x = round((box.x0 + box.x1 - side) / 2)
    y = round((box.y0 + box.y1 - side) / 2)
    x, y = min(max(x, 0), width - side), min(max(y, 0), height - side)
    square = rgb[y : y + side, x : x + side]
    interpolation = cv2.INTER_AREA if side > side_px else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (side_px, side_px), interpolation=interpolation), np.uint8)


def _subjects(category: Category, collected: _Collected, source: str, request: Request) -> Subjects:
    if collected.unread:
        source += f"; {collected.unread} could not be read and were left out"
    if len(collected.patches) < LEAST_SUBJECTS:
        raise UnusableSubjects(
            f"Only {len(collected.patches)} subjects of category {category} can be used in "
            f"{source}, and {LEAST_SUBJECTS} are the least that can be told from chance. Labels "
            f"need {LEAST_PX} px a side and a group of their own; name more pictures, or leave "
            "the category out with --categories."
        )
    patches = np.stack(collected.patches)
    scenes: Patches = (
        np.stack(collected.scenes) if collected.scenes else np.zeros((0, 0, 0, 3), np.uint8)
    )
    return Subjects(
        category, patches[: request.n], source, spare=patches[request.n :], scenes=scenes
    )
