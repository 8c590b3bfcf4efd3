"""Which labelled pictures are reviewed: complete ones, drawn from every source."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, zip_longest

from engine.category import DETECTABLE
from engine.errors import LetheError
from engine.evaluation.data.labels import LabelledPicture


class TooFewPictures(LetheError):
    """A data set has fewer complete pictures than are asked for."""


def is_complete(picture: LabelledPicture) -> bool:
    """True when every face, tattoo and piece of jewelry is labelled."""
    return picture.labelled_for.issuperset(DETECTABLE)


def source_of(picture: LabelledPicture) -> str:
    """Where the data set says the picture is from; empty where it does not say."""
    return dict(picture.attributes).get("source", "")


def chosen(
    pictures: Iterable[LabelledPicture], count: int, seed: int
) -> tuple[LabelledPicture, ...]:
    """Complete pictures, one of each source in turn, each file name once.

    Raises:
        TooFewPictures: there are not so many.
    """
    by_source = defaultdict(list)
    names = set()
    for picture in sorted(pictures, key=lambda one: one.name):
        if is_complete(picture) and picture.path.name not in names:
            names.add(picture.path.name)
            by_source[source_of(picture)].append(picture)
    draw = random.Random(seed)  # noqa: S311
    sources = [by_source[name] for name in sorted(by_source)]
    for one in sources:
        draw.shuffle(one)
    draw.shuffle(sources)
    in_turn = [one for one in chain(*zip_longest(*sources)) if one is not None]
    if len(in_turn) < count:
        raise TooFewPictures(
            f"{count} pictures were asked for, and {len(in_turn)} are labelled completely; "
            "name fewer with --count."
        )
    return tuple(in_turn[:count])
