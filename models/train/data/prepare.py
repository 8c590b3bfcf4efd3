"""Labelled pictures, laid out as ultralytics reads them, and what each is labelled for.

Layout of the folder::

    images/train/000001.jpg     a link to the picture, or an upright, smaller copy where that serves
    labels/train/000001.txt     a line a box; classes 3..5 are ignored faces, tattoos, jewelry
    images/val, labels/val      a few of them again, because ultralytics asks for some
    labelled.json               by picture: whether every face, tattoo, piece of jewelry is boxed
    summary.json                pictures and labels of each source, and its licence
    data.yaml                   the description that ultralytics reads

It is complete or not there: everything is written beside it first. It leads to the pictures or
holds copies of them, so it is as private as they are.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2

from engine.category import DETECTABLE, Category
from engine.codec.decode import decode
from engine.errors import InvalidDataset, UnreadableImage
from engine.evaluation.data.labels import Dataset, Label, LabelledPicture
from engine.files.real_path import real
from engine.geometry import Size
from engine.images import RgbImage
from models.train.data.choosing import Choice, chosen, source_of
from models.train.data.upright import labels_in
from models.train.errors import TrainingRefused
from models.train.files import write_json

SMALLEST_BOX_PX: Final = 2
"""Smaller boxes are ignored: nothing can be seen in them."""
SMALLEST_PICTURE_PX: Final = 10
"""Ultralytics refuses smaller ones."""
LONGEST_PX: Final = 1600
"""Larger pictures are copied at this size, or each epoch would decode what it then throws away."""
COPY_QUALITY: Final = 95
_MEGAPIXELS: Final = 120.0
_END_OF_JPEG: Final = b"\xff\xd9"
_EVERY_FOR_VAL: Final = 200
_ENDINGS: Final = {"jpeg": ".jpg", "png": ".png"}


@dataclass(slots=True)
class _Prepared:
    """What went in and what was left out."""

    licence: str
    pictures: Counter[str] = field(default_factory=Counter)
    shown: int = 0
    labels: dict[str, Counter[str]] = field(default_factory=dict)
    ignored: int = 0
    licences: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def count(self, picture: LabelledPicture, labels: Sequence[Label], times: int) -> None:
        source = source_of(picture)
        self.pictures[source] += 1
        self.shown += times
        self.licences.setdefault(source, dict(picture.attributes).get("licence", self.licence))
        counted = self.labels.setdefault(source, Counter())
        counted.update(label.category.value for label in labels if not label.is_ignored)
        self.ignored += sum(label.is_ignored for label in labels)

    def sources(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "licence": self.licences[name],
                "pictures": count,
                "labels": {category.value: self.labels[name][category] for category in DETECTABLE},
            }
            for name, count in sorted(self.pictures.items())
        ]


def prepare(
    dataset: Dataset,
    folder: Path,
    choice: Choice,
    *,
    licence: str = "not stated",
    progress: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Lay a data set out in `folder`, replacing what was prepared there before.

    Args:
        dataset: labelled pictures; broken ones are left out and counted.
        folder: becomes the folder described above.
        choice: which pictures, and how often.
        licence: of pictures whose data set does not say.
        progress: called once for each picture.

    Returns:
        The summary, as in `summary.json`.

    Raises:
        TrainingRefused: no picture with a box is left.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for part in ("train", "val"):
        (partial / "images" / part).mkdir(parents=True)
        (partial / "labels" / part).mkdir(parents=True)
    proportion, labelled = _Prepared(licence), {}
    for number, (picture, times) in enumerate(chosen(dataset.pictures, choice), start=1):
        progress()
        try:
            image = _image(picture)
            labels = _labels(picture, image)
        except (UnreadableImage, InvalidDataset, OSError) as error:
            proportion.left_out.append(f"{picture.name}: {error}")
            continue
        for name in _write(partial, number, times, picture.path, image, labels):
            labelled[name] = [category in picture.labelled_for for category in DETECTABLE]
        proportion.count(picture, labels, times)
    summary = _summary(dataset, proportion)
    if not any(count for source in summary["sources"] for count in source["labels"].values()):
        shutil.rmtree(partial)
        raise TrainingRefused(_nothing_left(dataset, proportion))
    write_json(partial / "labelled.json", labelled)
    write_json(partial / "summary.json", summary)
    names = [*DETECTABLE, *(f"ignored {category}" for category in DETECTABLE)]
    description = {"path": str(real(folder)), "train": "images/train", "val": "images/val"}
    # JSON is YAML, and quotes every name of a folder rightly
    (partial / "data.yaml").write_text(
        json.dumps({**description, "names": dict(enumerate(names))}), encoding="utf-8"
    )
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return summary


def _image(picture: LabelledPicture) -> RgbImage:
    image = decode(picture.path.read_bytes(), picture.name, max_megapixels=_MEGAPIXELS)
    if min(image.size) < SMALLEST_PICTURE_PX:
        raise UnreadableImage(f"It has {image.size.width} x {image.size.height} pixels: too small.")
    return image


def _labels(picture: LabelledPicture, image: RgbImage) -> list[Label]:
    """Labels in pixels of the upright picture, inside it; what is too small to see is ignored."""
    return [
        Label(label.box, label.category, label.is_ignored or _is_tiny(label))
        for label in labels_in(picture, image)
    ]


def _is_tiny(label: Label) -> bool:
    return min(label.box.width, label.box.height) < SMALLEST_BOX_PX


def _write(
    partial: Path, number: int, times: int, original: Path, image: RgbImage, labels: Iterable[Label]
) -> Iterator[str]:
    """Write one picture and its labels as often as it is to be shown; give the names."""
    lines = "\n".join(_lines(labels, image.size))
    usable = _as_it_is(original, image)
    ending = _ENDINGS[image.codec.format] if usable else ".jpg"
    for time in range(1, times + 1):
        name = f"{number:06}{'' if time == 1 else f'-{time}'}{ending}"
        parts = ["train", "val"] if time == 1 and number % _EVERY_FOR_VAL == 1 else ["train"]
        for part in parts:
            target = partial / "images" / part / name
            if usable:
                _link(original, target)
            else:
                _copy(image, target)
            label = partial / "labels" / part / name
            label.with_suffix(".txt").write_text(lines, encoding="utf-8")
        yield name


def _as_it_is(original: Path, image: RgbImage) -> bool:
    """Whether ultralytics reads the file as we do, and quickly."""
    if image.codec.format not in _ENDINGS or image.codec.orientation != 1:
        return False
    if max(image.size) > LONGEST_PX:
        return False
    # a JPEG with something behind its end would be written anew, in place of the link
    return image.codec.format == "png" or original.read_bytes().endswith(_END_OF_JPEG)


def _link(original: Path, target: Path) -> None:
    try:
        target.symlink_to(real(original))
    except (OSError, NotImplementedError):
        shutil.copyfile(original, target)


def _copy(image: RgbImage, target: Path) -> None:
    scale = min(LONGEST_PX / max(image.size), 1.0)
    size = [max(round(side * scale), 1) for side in image.size]
    pixels = cv2.cvtColor(image.rgb, cv2.COLOR_RGB2BGR)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else pixels
    if not cv2.imwrite(str(target), small, [cv2.IMWRITE_JPEG_QUALITY, COPY_QUALITY]):
        raise OSError(f"the copy {target.name} could not be written")


def _lines(labels: Iterable[Label], size: Size) -> Iterator[str]:
    """`class x y width height`, centre and extent as shares of the picture."""
    for label in labels:
        box = label.box
        values = (
            (box.x0 + box.x1) / 2 / size.width,
            (box.y0 + box.y1) / 2 / size.height,
            (box.x1 - box.x0) / size.width,
            (box.y1 - box.y0) / size.height,
        )
        number = class_number(label.category, is_ignored=label.is_ignored)
        yield " ".join([str(number), *(f"{value:.6f}" for value in values)])


def class_number(category: Category, *, is_ignored: bool) -> int:
    """The class that stands for a category in files of labels."""
    return DETECTABLE.index(category) + (len(DETECTABLE) if is_ignored else 0)


def _summary(dataset: Dataset, proportion: _Prepared) -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        "fingerprint": dataset.fingerprint,
        "pictures": proportion.pictures.total(),
        "shown": proportion.shown,
        "ignored_boxes": proportion.ignored,
        "offered": len(dataset.pictures),
        "left_out": proportion.left_out,
        "problems": len(dataset.problems),
        "sources": proportion.sources(),
    }


def _nothing_left(dataset: Dataset, proportion: _Prepared) -> str:
    reason = f" The first left out: {proportion.left_out[0]}" if proportion.left_out else ""
    return (
        f"There is nothing to learn in {dataset.name}: of {len(dataset.pictures)} pictures "
        f"{proportion.pictures.total()} can be used, and none of them has a box of a face, a "
        f"tattoo or a piece of jewelry.{reason}"
    )
