"""Reading labelled data sets: COCO, YOLO, Pascal VOC, CVAT for images.

What is wrong with a part never stops the rest: it becomes a `Problem` with file and line. Refused
is only a set that cannot be read at all, or that holds none of our categories.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from engine.errors import InvalidDataset
from engine.evaluation.formats.coco import read_coco
from engine.evaluation.formats.cvat import read_cvat
from engine.evaluation.formats.judging import judged
from engine.evaluation.formats.markup import root_of, tag_of
from engine.evaluation.formats.voc import annotation_files, read_voc
from engine.evaluation.formats.written import Origin, Unfit, WrittenSet
from engine.evaluation.formats.yolo import read_yolo
from engine.evaluation.labels import Dataset

_Reader: TypeAlias = Callable[[Origin], WrittenSet]

LOOKED_FOR: Final = (
    "data.yaml (YOLO), one .json file here or in annotations/ (COCO), .xml files here or in "
    "Annotations/ (Pascal VOC), or annotations.xml (CVAT for images 1.1)"
)
"""What makes a folder a data set, for sentences."""
_DESCRIPTIONS: Final = ("data.yaml", "data.yml")


def read_dataset(where: Path, images: Path | None = None) -> Dataset:
    """The labelled pictures of a data set, by name, in whichever format it is.

    Only label files are read; YOLO needs the headers of pictures as well. Every picture is there
    as a file. A picture counts as labelled for the categories that its `labelled_for` names (COCO);
    where it has none, for all that the set's class list can express: COCO's `categories`, YOLO's
    `names`, CVAT's labels, and for VOC the names seen anywhere in the set.

    Args:
        where: an annotation file, or a folder in which one can be recognised.
        images: the folder of pictures, where it is not the place that the format names.

    Raises:
        InvalidDataset: nothing can be read or recognised, no class is known, or no picture is left.
    """
    there = _resolved(where)
    pictures = None if images is None else _resolved(images)
    if pictures is not None and not pictures.is_dir():
        raise InvalidDataset(f"{images} is not a folder of pictures.")
    if there.is_dir():
        file, read = _recognised(there)
        return judged(read(Origin(file, there, pictures, there.name)))
    return judged(_reader_of(there)(Origin(there, there.parent, pictures, there.stem)))


def _resolved(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidDataset(f"There is no file or folder {path}.") from error


def _recognised(folder: Path) -> tuple[Path, _Reader]:
    """The one annotation file of a folder, or the folder of them, and what reads it."""
    try:
        candidates = _candidates(folder)
    except OSError as error:
        raise InvalidDataset(f"The folder {folder} cannot be read: {error.strerror}.") from error
    if not candidates:
        raise InvalidDataset(f"No data set is recognised in {folder}. Looked for {LOOKED_FOR}.")
    if len(candidates) > 1:
        names = ", ".join(path.relative_to(folder).as_posix() for path, _ in candidates)
        raise InvalidDataset(
            f"{folder} holds more than one data set: {names}. Name the one that is meant. "
            f"Looked for {LOOKED_FOR}."
        )
    return candidates[0]


def _candidates(folder: Path) -> list[tuple[Path, _Reader]]:
    found: list[tuple[Path, _Reader]] = [
        (folder / name, read_yolo) for name in _DESCRIPTIONS if (folder / name).is_file()
    ]
    inner = sorted(
        path for path in folder.iterdir() if path.name.lower() == "annotations" and path.is_dir()
    )
    exports = _json_files(folder) or [file for path in inner for file in _json_files(path)]
    found += [(path, read_coco) for path in exports]
    markup = annotation_files(folder)
    found += [(path, read_cvat) for path in markup if path.name == "annotations.xml"]
    if any(path.name != "annotations.xml" for path in markup):
        found.append((folder, read_voc))
    return found + [(path, read_voc) for path in inner if annotation_files(path)]


def _json_files(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if path.suffix.lower() == ".json" and path.is_file())
    return sorted(path for path in files if not path.name.startswith("."))


def _reader_of(file: Path) -> _Reader:
    """What reads a file that was named."""
    by_suffix = {".json": read_coco, ".yaml": read_yolo, ".yml": read_yolo}
    if file.suffix.lower() != ".xml":
        try:
            return by_suffix[file.suffix.lower()]
        except KeyError:
            raise InvalidDataset(
                f"{file.name} is none of the files that labels are read from: {LOOKED_FOR}."
            ) from None
    try:
        tag = tag_of(root_of(file))
    except Unfit as unfit:
        raise InvalidDataset(f"{file.name} cannot be used. {unfit}") from unfit
    if tag not in _BY_ROOT:
        raise InvalidDataset(
            f"{file.name} begins with <{tag}>, which is neither Pascal VOC's <annotation> nor "
            "CVAT's <annotations>."
        )
    return _BY_ROOT[tag]


_BY_ROOT: Final[dict[str, _Reader]] = {"annotation": read_voc, "annotations": read_cvat}
