"""Audit sample: recall in daily work, estimated from reviewers' corrections.

A random share of the pictures that passed on their own is shown to people all the same. What they
add, the machine missed; what they take away was a false alarm. That estimates how often a picture
that nobody was asked about would have gone out with something left in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.category import DETECTABLE, Category
from engine.coverage import covered_share
from engine.evaluation.scores.matching import HIDDEN_SHARE, SAME_IOU
from engine.evaluation.scores.proportion import NONE, Proportion
from engine.geometry import Size
from engine.plan import Region


@dataclass(frozen=True, slots=True)
class Check:
    """One sampled picture: predicted regions, and the regions a person decided."""

    picture: str
    machine: tuple[Region, ...]
    decided: tuple[Region, ...]
    size: Size
    """Of the upright picture; what lies beyond it cannot be hidden."""


@dataclass(frozen=True, slots=True)
class CheckScore:
    """Corrections of one check."""

    missed: tuple[Region, ...]
    """Decided regions that the machine's masks, of any category, do not hide inside the picture."""
    false: tuple[Region, ...]
    """The machine's regions that the person dropped."""


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """Checks added up; shards add with `+`."""

    clean: Proportion = NONE
    """Pictures in which nothing of the detectable categories was missed, of all checked."""
    hidden: Mapping[Category, Proportion] | None = None
    """By category: decided regions that the machine hid, of all decided."""
    false: Mapping[Category, int] | None = None
    """By category: regions that people dropped."""

    def of(self, category: Category) -> Proportion:
        """Decided regions of one category that the machine hid, of all."""
        return (self.hidden or {}).get(category, NONE)

    def dropped(self, category: Category) -> int:
        """Regions of one category that people dropped."""
        return (self.false or {}).get(category, 0)

    def __add__(self, other: SampleCounts) -> SampleCounts:
        return SampleCounts(
            self.clean + other.clean,
            {category: self.of(category) + other.of(category) for category in DETECTABLE},
            {category: self.dropped(category) + other.dropped(category) for category in DETECTABLE},
        )


def score_check(check: Check) -> CheckScore:
    """Compare a check's two sides. What a reviewer draws as `other` is no miss of the machine."""
    rects = [region.rect for region in check.machine]
    decided = _inside(check)
    return CheckScore(
        missed=tuple(
            region
            for region in decided
            if region.category in DETECTABLE and covered_share(region.box, rects) < HIDDEN_SHARE
        ),
        false=tuple(
            region for region in check.machine if not _is_kept(region, decided, check.size)
        ),
    )


def count_checks(checks: Iterable[Check]) -> SampleCounts:
    """Add up checks."""
    total = SampleCounts()
    for check in checks:
        scored = score_check(check)
        missed = Counter(region.category for region in scored.missed)
        decided = Counter(region.category for region in _inside(check))
        false = Counter(region.category for region in scored.false)
        total += SampleCounts(
            Proportion(int(not scored.missed), 1),
            {kind: Proportion(decided[kind] - missed[kind], decided[kind]) for kind in DETECTABLE},
            {kind: false[kind] for kind in DETECTABLE},
        )
    return total


def _inside(check: Check) -> list[Region]:
    """The decided regions, cut off at the picture's edges; those without an area are left out."""
    clipped = (replace(region, box=region.box.clipped(check.size)) for region in check.decided)
    return [region for region in clipped if region.box.area > 0]


def _is_kept(region: Region, decided: Sequence[Region], size: Size) -> bool:
    box = region.box.clipped(size)
    return any(box.iou(decided_region.box) >= SAME_IOU for decided_region in decided)
