"""Sampling of training pictures: at most so many a source, the rarest category repeated.

The shift between sources is what a detector suffers from most, so variety is worth more than the
hundredth picture of a kind.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from engine.category import DETECTABLE, Category
from engine.errors import InvalidDataset
from engine.evaluation.data.clean import clean_dataset
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.labels import Dataset, LabelledPicture
from engine.evaluation.data.raw import Origin
from engine.evaluation.data.yolo import read_yolo
from engine.files.real_path import real

UNNAMED: Final = "own pictures"
"""The source of pictures whose data set names none."""
_TRAINING_PART: Final = "train.json"
_DESCRIPTIONS: Final = ("data.yaml", "data.yml")


@dataclass(frozen=True, slots=True)
class Choice:
    """How pictures are chosen."""

    per_source: int = 250
    """At most so many of each source, drawn by lot; 0 for all. A lone source is taken whole."""
    repeat_rarest: int = 2
    """How often pictures with the category that is in the fewest pictures are shown in an epoch."""
    seed: int = 7


def training_part(where: Path, images: Path | None = None) -> Dataset:
    """The labelled pictures that training may see.

    Args:
        where: as for `read_dataset`; of a folder with a `train.json` that file is read, and of a
            YOLO data set its `train` part.
        images: the folder of pictures, where it is not the place that the format names.

    Raises:
        InvalidDataset: as `read_dataset`.
    """
    if where.is_dir() and (where / _TRAINING_PART).is_file():
        where = where / _TRAINING_PART
    description = where if where.suffix in {".yaml", ".yml"} else None
    if where.is_dir():
        description = next(filter(Path.is_file, map(where.joinpath, _DESCRIPTIONS)), None)
    members = _members(description) if description else {}
    if description is None or not members.get("train"):
        return read_dataset(where, images)
    return _yolo_train(description, members, images)


def _members(description: Path) -> dict[str, Any]:
    try:
        text = description.read_text(encoding="utf-8")
        members = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - builds texts and lists only
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return {}  # read_dataset says what is wrong with it
    return members if isinstance(members, dict) else {}


def _yolo_train(description: Path, members: dict[str, Any], images: Path | None) -> Dataset:
    """The `train` part: measuring reads `test` first, so a description without it stands in."""
    home = real(description.parent)
    others = {key: value for key, value in members.items() if key not in {"test", "val", "valid"}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / description.name
        file.write_text(yaml.safe_dump(others), encoding="utf-8")
        pictures = None if images is None else real(images)
        return clean_dataset(read_yolo(Origin(file, home, pictures, home.name)))


def source_of(picture: LabelledPicture) -> str:
    """The picture's source, as its data set names it."""
    return dict(picture.attributes).get("source", UNNAMED)


def sources_of(pictures: Iterable[LabelledPicture]) -> list[dict[str, Any]]:
    """What a manifest entry says of pictures: name, licence and number of each source."""
    counts = Counter(
        (source_of(picture), dict(picture.attributes).get("licence", "not stated"))
        for picture in pictures
    )
    return [
        {"name": name, "licence": licence, "pictures": count}
        for (name, licence), count in sorted(counts.items())
    ]


def chosen(
    pictures: Sequence[LabelledPicture], choice: Choice
) -> list[tuple[LabelledPicture, int]]:
    """Pictures and how often each is shown in an epoch; the same for the same seed.

    Raises:
        InvalidDataset: there is none.
    """
    if not pictures:
        raise InvalidDataset("There is no picture to learn from.")
    sample = _sample(pictures, choice)
    rarest = rarest_category(sample)
    return [
        (picture, choice.repeat_rarest if rarest in _categories_in(picture) else 1)
        for picture in sample
    ]


def _sample(pictures: Iterable[LabelledPicture], choice: Choice) -> list[LabelledPicture]:
    by_source: dict[str, list[LabelledPicture]] = {}
    for picture in pictures:
        by_source.setdefault(source_of(picture), []).append(picture)
    most = choice.per_source if choice.per_source and len(by_source) > 1 else None
    rng = random.Random(choice.seed)  # noqa: S311 - a draw of pictures, not a secret
    sample = []
    for source in sorted(by_source):
        candidates = sorted(by_source[source], key=lambda picture: picture.name)
        rng.shuffle(candidates)
        sample += candidates[:most]
    return sample


def rarest_category(pictures: Iterable[LabelledPicture]) -> Category | None:
    """The category boxed in the fewest pictures, if there is another one beside it."""
    counts = Counter(category for picture in pictures for category in _categories_in(picture))
    categories = [category for category in DETECTABLE if counts[category]]
    return min(categories, key=lambda category: counts[category]) if len(categories) > 1 else None


def _categories_in(picture: LabelledPicture) -> set[Category]:
    return {label.category for label in picture.labels if not label.is_ignored}
