"""Data set cleaning: a raw data set in, usable pictures with labels and problems out.

Fail closed: when a box is dropped, its picture is no longer labelled completely for that box's
category, or for any when the category is unknown; finding the face that the box stood for would
else count as a false alarm. A class that is none of ours drops no box that we should have found.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.category import DETECTABLE, Category
from engine.errors import InvalidDataset
from engine.evaluation.data.class_names import KNOWN_NAMES, category_of, spelled_category
from engine.evaluation.data.labels import Dataset, Label, LabelledPicture, Problem
from engine.evaluation.data.orientation import with_upright_sizes
from engine.evaluation.data.raw import (
    ALL,
    InvalidEntry,
    Place,
    RawBox,
    RawDataset,
    RawPicture,
    categories_of,
    printable,
    quoted,
)
from engine.geometry import Box, Size


def clean_dataset(raw: RawDataset) -> Dataset:
    """Keep the pictures and labels of a raw data set that can be used; a problem for all else.

    A picture that does not say what it is labelled for is taken to be labelled for every category
    that the set's class list can express.

    Raises:
        InvalidDataset: no class is one of ours, or no picture is left.
    """
    raw = with_upright_sizes(raw)
    expressible = frozenset(filter(None, map(category_of, raw.classes)))
    if not expressible:
        raise InvalidDataset(_nothing_known(raw))
    singles, unused, problems = _without_duplicates(raw.pictures)
    anywhere = frozenset[Category]().union(*map(categories_of, raw.astray))
    cleaned = [_cleaned_picture(picture, expressible, anywhere) for picture in singles]
    problems += [problem for picture in cleaned for problem in picture.problems]
    problems += [*raw.problems, *_strange_classes(singles)]
    problems.sort(key=lambda problem: (problem.file, problem.line or 0, problem.text))
    if not cleaned:
        raise InvalidDataset(_nothing_left(problems))
    pictures = sorted((picture.picture for picture in cleaned), key=lambda picture: picture.name)
    lost = [*raw.unused, *raw.astray, *unused]
    lost += [box for picture in cleaned for box in picture.lost]
    return Dataset(printable(raw.name), tuple(pictures), tuple(problems), _counted(lost))


def named_categories(names: object) -> tuple[frozenset[Category], list[InvalidEntry]]:
    """Categories from a list of their names, and what is wrong with the rest of it."""
    if not isinstance(names, list):
        return frozenset(), [InvalidEntry(f"{quoted(names)} is not a list of categories.")]
    categories = {quoted(name): isinstance(name, str) and spelled_category(name) for name in names}
    unknown = [
        InvalidEntry(
            f"{name} is not one of the categories {', '.join(DETECTABLE)}, so it was left out."
        )
        for name, category in categories.items()
        if not category
    ]
    return frozenset(category for category in categories.values() if category), unknown


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """A picture that can be used, and what of it cannot."""

    picture: LabelledPicture
    problems: tuple[Problem, ...]
    lost: tuple[RawBox, ...]


def _counted(lost: Iterable[RawBox]) -> dict[Category | None, int]:
    """Boxes by category; None where nobody knows of which. Classes that are none of ours apart."""
    options = filter(None, map(categories_of, lost))
    return Counter(next(iter(option)) if len(option) == 1 else None for option in options)


def _nothing_known(raw: RawDataset) -> str:
    classes = raw.classes
    if not classes and raw.problems:
        return _nothing_left(raw.problems)
    if not classes:
        return f"The data set names no classes. Known are {KNOWN_NAMES}."
    return (
        f"None of the data set's classes is known: it has {', '.join(map(quoted, classes[:20]))}. "
        f"Known are {KNOWN_NAMES}."
    )


def _nothing_left(problems: Sequence[Problem]) -> str:
    if not problems:
        return "The data set names no pictures."
    return (
        "None of the data set's pictures can be used; do they lie in another folder? "
        f"The first problem of {len(problems)} is in {problems[0]}"
    )


def _without_duplicates(
    pictures: Iterable[RawPicture],
) -> tuple[list[RawPicture], list[RawBox], list[Problem]]:
    """Each picture file once, the boxes of what was left out, and why.

    Entries of one name: the first stays, but what the others said about it is missing from it.
    Entries of different names: nobody knows which is meant, so none stays.
    """
    by_path: dict[Path, list[RawPicture]] = defaultdict(list)
    for picture in pictures:
        by_path[picture.path].append(picture)
    unique: list[RawPicture] = []
    unused: list[RawBox] = []
    problems: list[Problem] = []
    for first, *others in by_path.values():
        if len({picture.name for picture in (first, *others)}) > 1:
            problems += [_shared_file(picture, first) for picture in (first, *others)]
            unused += [box for picture in (first, *others) for box in picture.boxes]
            continue
        problems += [_repeated(other, first) for other in others]
        unused += [box for other in others for box in other.boxes]
        unique.append(replace(first, lost=ALL) if others else first)
    return unique, unused, problems


def _shared_file(picture: RawPicture, first: RawPicture) -> Problem:
    return picture.place.problem(
        f"The file of {quoted(picture.name)} has another name as well (see {_short(first.place)}), "
        "so neither was used."
    )


def _repeated(picture: RawPicture, first: RawPicture) -> Problem:
    return picture.place.problem(
        f"The picture {quoted(picture.name)} was already given ({_short(first.place)}); the first "
        "entry counts, as labelled in part."
    )


def _short(place: Place) -> str:
    return place.file if place.line is None else f"line {place.line}"


def _cleaned_picture(
    picture: RawPicture, expressible: frozenset[Category], anywhere: frozenset[Category]
) -> _Cleaned:
    """A picture with its labels.

    Args:
        picture: as written.
        expressible: what the set's classes can say.
        anywhere: categories of which a box was lost that may have been this picture's.
    """
    labels: list[Label] = []
    problems: list[Problem] = []
    gone: list[RawBox] = []
    lost = picture.lost | anywhere
    for box in picture.boxes:
        try:
            labels += _labels(box, picture.size)
        except InvalidEntry as error:
            problems.append(box.place.problem(error))
            gone.append(box)
            lost |= categories_of(box)
    complete = expressible if picture.labelled_for is None else picture.labelled_for
    partial = picture.partial_for | (lost & complete)
    usable = LabelledPicture(
        name=printable(picture.name),
        path=picture.path,
        labels=tuple(labels),
        labelled_for=complete - partial,
        partial_for=partial,
        size=picture.size,
        group=printable(picture.group or picture.name),
        attributes=_printable(picture.attributes),
    )
    return _Cleaned(usable, tuple(problems), tuple(gone))


def _labels(box: RawBox, size: Size | None) -> list[Label]:
    """The label that a box stands for; none of a class that is not ours.

    Raises:
        InvalidEntry: the box cannot be used.
    """
    if isinstance(box.class_name, InvalidEntry):
        raise box.class_name
    category = category_of(box.class_name)
    if category is None:
        return []
    if isinstance(box.box, InvalidEntry):
        raise box.box
    if size is not None and not box.box.intersection(Box(0, 0, *size)):
        raise InvalidEntry(
            f"The box {[round(value, 2) for value in box.box.corners]} lies outside the picture, "
            f"which is {size.width} × {size.height} pixels."
        )
    return [Label(box.box, category, box.is_ignored, _printable(_attributes(box, box.class_name)))]


def _attributes(box: RawBox, class_name: str) -> tuple[tuple[str, str], ...]:
    is_named = any(key == "subclass" for key, _ in box.attributes)
    if is_named or spelled_category(class_name):
        return box.attributes
    return (*box.attributes, ("subclass", class_name))


def _printable(attributes: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((printable(key), printable(value)) for key, value in attributes)


def _strange_classes(pictures: Iterable[RawPicture]) -> list[Problem]:
    places: dict[str, list[Place]] = defaultdict(list)
    for box in (box for picture in pictures for box in picture.boxes):
        if isinstance(box.class_name, str) and category_of(box.class_name) is None:
            places[box.class_name].append(box.place)
    return [
        min(lines, key=lambda place: (place.file, place.line or 0)).problem(
            f"The class {quoted(name)} is none of ours; its boxes were left out: {len(lines)}, of "
            f"which this is the first. Known are {KNOWN_NAMES}."
        )
        for name, lines in places.items()
    ]
