"""Counts: scored pictures in, sums by category and slice out; shards add in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from engine.category import DETECTABLE, Category
from engine.evaluation.data.uncounted import Uncounted, uncounted_in
from engine.evaluation.scores.cost import Cost, add_up
from engine.evaluation.scores.error_causes import FalseNegativeCause, FalsePositiveCause
from engine.evaluation.scores.proportion import NONE, Proportion
from engine.evaluation.scores.scoring import LabelScore, PictureScore

K = TypeVar("K")

SIZES_PX = (16, 32, 64, 128)
"""Where the size classes of labels begin, by the shorter side in pixels."""
NOT_A_GROUP = frozenset({"licence", "license", "label_origin"})
"""Attributes about how a label came to be, not about what it shows."""
MOST_VALUES = 12
"""An attribute with more values than this names things rather than classes of them."""


class Slice(NamedTuple):
    """Slice key: an attribute of labels or pictures and its value."""

    by: str
    value: str


@dataclass(frozen=True, slots=True)
class CategoryCounts:
    """Labels and regions of one category."""

    iou: Proportion = NONE
    coverage: Proportion = NONE
    automatic: Proportion = NONE
    complete: int = 0
    """Pictures labelled completely for it, on which false regions are counted."""
    false_positives: int = 0
    review_with: Proportion = NONE
    """Complete pictures with a label of it: those with a box of it to review, of all."""
    review_without: Proportion = NONE
    """Complete pictures free of it: those with a box of it to review, of all."""
    groups: Mapping[str, Proportion] = field(default_factory=dict)
    """By coverage, by the pictures' group."""
    slices: Mapping[Slice, Proportion] = field(default_factory=dict)
    """By coverage."""
    false_negative_causes: Mapping[FalseNegativeCause, int] = field(default_factory=dict)
    uncounted: Uncounted = field(default_factory=Uncounted)
    """Boxes on measured pictures that are none of these labels."""
    false_positive_causes: Mapping[FalsePositiveCause, int] = field(default_factory=dict)

    def __add__(self, other: CategoryCounts) -> CategoryCounts:
        return CategoryCounts(
            iou=self.iou + other.iou,
            coverage=self.coverage + other.coverage,
            automatic=self.automatic + other.automatic,
            complete=self.complete + other.complete,
            false_positives=self.false_positives + other.false_positives,
            review_with=self.review_with + other.review_with,
            review_without=self.review_without + other.review_without,
            groups=_sum_by_key([*self.groups.items(), *other.groups.items()]),
            slices=_sum_by_key([*self.slices.items(), *other.slices.items()]),
            false_negative_causes=Counter(self.false_negative_causes)
            + Counter(other.false_negative_causes),
            uncounted=self.uncounted + other.uncounted,
            false_positive_causes=Counter(self.false_positive_causes)
            + Counter(other.false_positive_causes),
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything counted on some pictures."""

    categories: Mapping[Category, CategoryCounts] = field(
        default_factory=lambda: dict.fromkeys(DETECTABLE, CategoryCounts())
    )
    with_labels: Proportion = NONE
    """Pictures with a label that counts: those a person must look at, of all."""
    without_labels: Proportion = NONE
    """The same of pictures that have none."""
    over_masked: tuple[float, ...] = ()
    """Share of each labelled picture under masks that are on no label, in ascending order."""
    margins: tuple[float, ...] = ()
    """The part of it around what is there: under masks of regions that find a label."""
    cost: Cost = field(default_factory=Cost)
    """What the pictures cost people and pictures."""
    weights: frozenset[str] = frozenset()
    """Every model that looked."""
    turned: int = 0
    """Pictures whose labels were turned with them, for want of a better word about them."""

    @property
    def review_load(self) -> Proportion:
        """Review load: pictures that go to a person, the audit sample apart, of all."""
        return self.with_labels + self.without_labels

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            categories={
                category: self.categories[category] + other.categories[category]
                for category in DETECTABLE
            },
            with_labels=self.with_labels + other.with_labels,
            without_labels=self.without_labels + other.without_labels,
            over_masked=tuple(sorted(self.over_masked + other.over_masked)),
            margins=tuple(sorted(self.margins + other.margins)),
            cost=self.cost + other.cost,
            weights=self.weights | other.weights,
            turned=self.turned + other.turned,
        )


def count(scores: Iterable[PictureScore]) -> Counts:
    """Add up scored pictures."""
    scored = tuple(scores)
    return Counts(
        categories={category: _of_category(category, scored) for category in DETECTABLE},
        with_labels=_proportion(bool(score.reasons) for score in scored if score.labels),
        without_labels=_proportion(bool(score.reasons) for score in scored if not score.labels),
        over_masked=tuple(
            sorted(score.over_masked for score in scored if score.over_masked is not None)
        ),
        margins=tuple(sorted(score.margins for score in scored if score.margins is not None)),
        cost=add_up(score.cost for score in scored),
        weights=frozenset(name for score in scored for name in score.weights),
        turned=sum(score.is_turned for score in scored),
    )


def slices_of(score: PictureScore, label: LabelScore) -> Iterator[Slice]:
    """Slices of a label: attributes of it and its picture, and its size class."""
    side = min(label.label.box.width, label.label.box.height)
    yield Slice("size", size_class(side))
    # a label may repeat what its picture says, and is one label all the same
    for by, value in dict.fromkeys((*score.picture.attributes, *label.label.attributes)):
        if by not in NOT_A_GROUP:
            yield Slice(by, value)


def size_class(side_px: float) -> str:
    """The class of a label by its shorter side in pixels."""
    starts = [start for start in SIZES_PX if side_px >= start]
    if not starts:
        return f"under {SIZES_PX[0]} px"
    if starts[-1] == SIZES_PX[-1]:
        return f"{SIZES_PX[-1]} px and more"
    return f"{starts[-1]} to {SIZES_PX[len(starts)] - 1} px"


def comparable(slices: Mapping[Slice, Proportion]) -> dict[Slice, Proportion]:
    """Slices by attributes that divide the labels into a few classes."""
    values = Counter(part.by for part in slices)
    return {
        part: proportion
        for part, proportion in slices.items()
        if 1 < values[part.by] <= MOST_VALUES
    }


def _of_category(category: Category, scores: Iterable[PictureScore]) -> CategoryCounts:
    total = CategoryCounts()
    parts: list[tuple[str, LabelScore]] = []
    sliced: list[tuple[Slice, Proportion]] = []
    causes: Counter[FalsePositiveCause] = Counter()
    for score in scores:
        labels = score.labels_of(category)
        group = score.picture.group or score.picture.name
        parts += [(group, label) for label in labels]
        sliced += [
            (part, Proportion(int(label.is_found), 1))
            for label in labels
            for part in slices_of(score, label)
        ]
        causes.update(
            region.false_positive
            for region in score.false_positives(category)
            if region.false_positive is not None
        )
        total += _review_load(category, score, has_labels=bool(labels))
        total += CategoryCounts(uncounted=uncounted_in(score.picture, category))
    return total + CategoryCounts(
        iou=_proportion(label.has_own_region for _, label in parts),
        coverage=_proportion(label.is_found for _, label in parts),
        automatic=_proportion(label.is_removed for _, label in parts),
        false_positives=causes.total(),
        groups=_sum_by_key((group, Proportion(int(label.is_found), 1)) for group, label in parts),
        slices=_sum_by_key(sliced),
        false_negative_causes=Counter(
            label.false_negative.kind for _, label in parts if label.false_negative is not None
        ),
        false_positive_causes=causes,
    )


def _review_load(category: Category, score: PictureScore, *, has_labels: bool) -> CategoryCounts:
    if category not in score.picture.labelled_for:
        return CategoryCounts()
    in_review = Proportion(int(category in score.in_review), 1)
    if has_labels:
        return CategoryCounts(complete=1, review_with=in_review)
    return CategoryCounts(complete=1, review_without=in_review)


def _proportion(outcomes: Iterable[bool]) -> Proportion:
    values = tuple(outcomes)
    return Proportion(sum(values), len(values))


def _sum_by_key(parts: Iterable[tuple[K, Proportion]]) -> dict[K, Proportion]:
    """Proportions summed by key, sorted, so that the order of shards leaves no trace."""
    sums: dict[K, Proportion] = {}
    for key, proportion in parts:
        sums[key] = sums.get(key, NONE) + proportion
    return dict(sorted(sums.items()))
