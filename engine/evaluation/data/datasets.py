"""Reading labelled data sets: COCO, YOLO, Pascal VOC, CVAT for images.

What is wrong with a part never stops the rest: it becomes a `Problem` with file and line. Refused
is only a set that cannot be read at all, or that holds none of our categories.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from engine.errors import InvalidDataset
from engine.evaluation.data.clean import clean_dataset
from engine.evaluation.data.coco import read_coco
from engine.evaluation.data.cvat import read_cvat
from engine.evaluation.data.labels import Dataset
from engine.evaluation.data.raw import (
    InvalidEntry,
    Origin,
    RawDataset,
    attempt,
    files_in,
    read_bytes,
)
from engine.evaluation.data.voc import read_voc
from engine.evaluation.data.xml import root_of, tag_of
from engine.evaluation.data.yolo import SPLITS, read_yolo, read_yolo_classes

_Reader: TypeAlias = Callable[[Origin], RawDataset]

LOOKED_FOR: Final = (
    "data.yaml or classes.txt (YOLO), one .json file here or in annotations/ (COCO), .xml files "
    "here or in Annotations/ (Pascal VOC), annotations.xml (CVAT for images 1.1), or folders test, "
    "valid and train that hold such files (Roboflow)"
)
"""What makes a folder a data set, for sentences."""


class SeveralDatasets(InvalidDataset):
    """A folder holds more than one data set, and nobody said which is meant."""

    def __init__(self, sentence: str, names: str) -> None:
        super().__init__(sentence, names)
        self.names = names

    def __str__(self) -> str:
        return str(self.args[0])


_DESCRIPTIONS: Final = ("data.yaml", "data.yml")
_CLASSES: Final = "classes.txt"
_ROBOFLOW: Final = "_annotations.coco.json"
_COCO_LISTS: Final = (b'"images"', b'"annotations"')
"""What a COCO file holds, and no other JSON that lies beside pictures."""


def read_dataset(where: Path, images: Path | None = None) -> Dataset:
    """Read a labelled data set in whichever format it is; its pictures come by name.

    Only label files are read; YOLO needs the headers of pictures as well, and so does a set whose
    boxes may have been drawn on pictures that are stored turned. Every picture is there
    as a file. A picture counts as labelled for the categories that its `labelled_for` names (COCO);
    where it has none, for all that the set's class list can express: COCO's `categories`, YOLO's
    `names`, CVAT's labels, and for VOC the names seen anywhere in the set.

    Args:
        where: an annotation file, or a folder in which one can be recognised.
        images: the folder of pictures, where it is not the place that the format names.

    Raises:
        InvalidDataset: nothing can be read or recognised, no class is known, or no picture is left.
    """
    path = _resolve(where)
    pictures = None if images is None else _resolve(images)
    if pictures is not None and not pictures.is_dir():
        raise InvalidDataset(f"{images} is not a folder of pictures.")
    if path.is_dir():
        file, read = _recognise(path)
        return clean_dataset(read(Origin(file, path, pictures, path.name)))
    return clean_dataset(_reader_of(path)(Origin(path, path.parent, pictures, path.stem)))


def _resolve(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidDataset(f"There is no file or folder {path}.") from error


def _recognise(folder: Path) -> tuple[Path, _Reader]:
    """The one annotation file of a folder, or the folder of them, and its reader."""
    try:
        candidates = _candidates(folder)
    except OSError as error:
        raise InvalidDataset(f"The folder {folder} cannot be read: {error.strerror}.") from error
    if not candidates:
        raise InvalidDataset(f"No data set is recognised in {folder}. Looked for {LOOKED_FOR}.")
    if len(candidates) > 1:
        names = ", ".join(path.relative_to(folder).as_posix() for path, _ in candidates)
        raise SeveralDatasets(
            f"{folder} holds more than one data set: {names}. Name the one that is meant. "
            f"Looked for {LOOKED_FOR}.",
            names,
        )
    return candidates[0]


def _candidates(folder: Path) -> list[tuple[Path, _Reader]]:
    """Everything in a folder that may be a data set.

    A list of classes and folders of splits are looked at only where nothing else is, and a JSON
    file that is no COCO file only where that is all there is: its reader can say what it lacks.
    """
    annotations: list[tuple[Path, _Reader]] = [
        (folder / name, read_yolo) for name in _DESCRIPTIONS if (folder / name).is_file()
    ]
    inner = sorted(
        path for path in folder.iterdir() if path.name.lower() == "annotations" and path.is_dir()
    )
    json_files = [
        files_in(folder, ".json"),
        [file for path in inner for file in files_in(path, ".json")],
    ]
    coco_files = [[file for file in files if _is_coco(file)] for files in json_files]
    annotations += [(path, read_coco) for path in next(filter(None, coco_files), [])]
    xml_files = files_in(folder, ".xml")
    annotations += [(path, read_cvat) for path in xml_files if path.name == "annotations.xml"]
    if any(path.name != "annotations.xml" for path in xml_files):
        annotations.append((folder, read_voc))
    annotations += [(path, read_voc) for path in inner if files_in(path, ".xml")]
    if not annotations and (folder / _CLASSES).is_file():
        return [(folder / _CLASSES, read_yolo_classes)]
    splits = (_split(folder / split) for split in SPLITS)
    other_json: list[tuple[Path, _Reader]] = [
        (path, read_coco) for path in next(filter(None, json_files), [])
    ]
    return annotations or other_json or next(filter(None, splits), [])


def _split(folder: Path) -> list[tuple[Path, _Reader]]:
    """The part of a data set in a folder of its own, as Roboflow writes COCO and Pascal VOC."""
    if (folder / _ROBOFLOW).is_file():
        return [(folder / _ROBOFLOW, read_coco)]
    return [(folder, read_voc)] if folder.is_dir() and files_in(folder, ".xml") else []


def _is_coco(file: Path) -> bool:
    """Whether a JSON file names the lists of a COCO file; one that cannot be read may be one."""
    content = attempt(read_bytes, file)
    return isinstance(content, InvalidEntry) or all(key in content for key in _COCO_LISTS)


def _reader_of(file: Path) -> _Reader:
    """The reader of a file that was named."""
    by_suffix = {".json": read_coco, ".yaml": read_yolo, ".yml": read_yolo}
    if file.name == _CLASSES:
        return read_yolo_classes
    if file.suffix.lower() != ".xml":
        try:
            return by_suffix[file.suffix.lower()]
        except KeyError:
            raise InvalidDataset(
                f"{file.name} is none of the files that labels are read from: {LOOKED_FOR}."
            ) from None
    try:
        tag = tag_of(root_of(file))
    except InvalidEntry as error:
        raise InvalidDataset(f"{file.name} cannot be used. {error}") from error
    if tag not in _BY_ROOT:
        raise InvalidDataset(
            f"{file.name} begins with <{tag}>, which is neither Pascal VOC's <annotation> nor "
            "CVAT's <annotations>."
        )
    return _BY_ROOT[tag]


_BY_ROOT: Final[dict[str, _Reader]] = {"annotation": read_voc, "annotations": read_cvat}
