"""Plan of one picture: regions to remove, regions to review, and reasons for review.

A **Detection** is a model's; a **Region** will be removed; a **Plan** is all regions of one
picture; a **ReviewDecision** is what a person decided about it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from numbers import Real
from typing import Any

from engine.category import Category
from engine.geometry import Box, PixelRect, Size

FARTHEST_PX = 2.0**24
"""No picture is so large; sums of such corners stay exact."""


class Origin(StrEnum):
    """Who proposed a region."""

    MODEL = "model"
    REVIEWER = "reviewer"


@dataclass(frozen=True, slots=True)
class Detection:
    """A box with a score, by one detector."""

    box: Box
    category: Category
    score: float
    detector: str
    """`name@sha256[:8]` of the weights."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score must lie in 0..1, got {self.score}")


@dataclass(frozen=True, slots=True)
class Region:
    """A box that will be removed, or, among a plan's review regions, may be.

    `box` is as detected or drawn, before growing; `rect` is what `engine.redact.masks` made of it.
    """

    box: Box
    category: Category
    origin: Origin
    score: float | None = None
    """The detection's score; None for what a reviewer drew, and for all that a receipt tells."""
    _rect: PixelRect | None = field(default=None, init=False, repr=False, compare=False)
    """Not an argument, so that `replace` forgets it: a moved box has no rectangle yet."""

    @property
    def has_rect(self) -> bool:
        """True once it is known which pixels go."""
        return self._rect is not None

    @property
    def rect(self) -> PixelRect:
        """The upright pixels that removal covers.

        Raises:
            ValueError: nobody has computed them (`engine.redact.masks`).
        """
        if self._rect is None:
            raise ValueError(f"expected a region with its masked rectangle, got {self}")
        return self._rect

    def with_rect(self, rect: PixelRect) -> Region:
        """The region with its masked rectangle."""
        region = replace(self)
        object.__setattr__(region, "_rect", rect)
        return region

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON lines and the store."""
        return {
            "category": self.category.value,
            "box": [round(value, 2) for value in self.box.corners],
            "origin": self.origin.value,
            "score": None if self.score is None else round(self.score, 4),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Region:
        """Undo `to_json`; `origin` and `score` may be left out and default to a reviewer's.

        Raises:
            ValueError, KeyError, TypeError: the value is not a region.
        """
        score = value.get("score")
        x0, y0, x1, y1 = (_number(corner, FARTHEST_PX) for corner in value["box"])
        return cls(
            Box(x0, y0, x1, y1),
            Category(value["category"]),
            Origin(value.get("origin") or Origin.REVIEWER),
            None if score is None else _number(score, 1.0),
        )


def _number(value: object, most: float) -> float:
    """A finite JSON number of at most `most` in magnitude.

    Raises:
        TypeError, ValueError: it is none.
    """
    is_plain = type(value) is float or type(value) is int  # what JSON has, and quick to tell
    if not is_plain and (isinstance(value, bool) or not isinstance(value, Real)):
        raise TypeError(f"expected a number, got {value!r:.40}")
    number = float(value)  # type: ignore[arg-type]
    if not abs(number) <= most:
        raise ValueError(f"expected a number up to {most:.0f} either way, got {value!r:.40}")
    return number


class ReasonKind(StrEnum):
    """Why a picture goes to a person; the values are shown as they are."""

    UNSURE = "unsure"
    NO_DETECTOR = "no detector"
    NOT_CALIBRATED = "not calibrated"
    NOTHING_FOUND = "nothing found"
    SOURCE_FORMAT = "source format"
    AUDIT_SAMPLE = "sample check"
    RESIDUAL = "seen in the result"
    MUCH_REMOVED = "much removed"
    SECOND_REVIEW = "second review"
    OBJECTION = "objection"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause for review. Written `kind: detail`, or `kind` where that says it all."""

    kind: ReasonKind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.detail}" if self.detail else self.kind.value

    @classmethod
    def parse(cls, text: str) -> Reason:
        """Undo `str`.

        Raises:
            ValueError: the text does not start with a known kind.
        """
        kind, _, detail = text.partition(": ")
        return cls(ReasonKind(kind), detail)


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan of one picture."""

    image_id: str
    size: Size
    regions: tuple[Region, ...]
    review_regions: tuple[Region, ...]
    reasons: tuple[Reason, ...]
    policy: str
    """Fingerprint of the policy it was made under."""
    not_looked_for: tuple[Category, ...] = ()
    """Categories left out on purpose (`--only`)."""
    weights: tuple[str, ...] = ()
    """`name@sha256[:8]` of every model that took part."""
    revision: int = 0
    decided: tuple[Region, ...] = ()
    """What was proposed to a person who has decided about it since; it is not brought up again."""

    @property
    def is_ready(self) -> bool:
        """True when nothing is left for a person to decide."""
        return not self.review_regions and not self.reasons

    @property
    def proposed(self) -> tuple[Region, ...]:
        """What review starts from: all regions, since removing is the safe side."""
        return self.regions + self.review_regions

    def with_rects(self, rects: Sequence[PixelRect]) -> Plan:
        """The plan with the masked rectangles of `proposed`; as it is when there are too few."""
        if len(rects) != len(self.proposed):
            return self
        regions = tuple(map(Region.with_rect, self.proposed, rects))
        count = len(self.regions)
        return replace(self, regions=regions[:count], review_regions=regions[count:])

    @property
    def risk(self) -> float:
        """Risk for sorting the review queue, 0..1.

        The expected number of review regions that are real, squashed to 0..1 (n / (n + 1)), counts
        most; a picture that could not be searched fully counts half; a plain sample check least.
        """
        expected = sum(region.score or 0.0 for region in self.review_regions)
        kinds = {reason.kind for reason in self.reasons}
        blind = kinds & {ReasonKind.NO_DETECTOR, ReasonKind.NOTHING_FOUND, ReasonKind.SOURCE_FORMAT}
        return max(expected / (expected + 1.0), 0.5 if blind else 0.1 if kinds else 0.0)

    @property
    def digest(self) -> str:
        """SHA-256 in hex of its JSON, which decisions name.

        The picture's id is a part of it, so no two pictures share one.
        """
        values = Plan.from_json(self.to_json()).to_json()  # 10 and 10.0 are one corner
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON lines and the store."""
        return {
            "image_id": self.image_id,
            "size": list(self.size),
            "regions": [region.to_json() for region in self.regions],
            "doubts": [region.to_json() for region in self.review_regions],
            "reasons": [str(reason) for reason in self.reasons],
            "policy": self.policy,
            "not_looked_for": [category.value for category in self.not_looked_for],
            "weights": list(self.weights),
            "revision": self.revision,
            "decided": [region.to_json() for region in self.decided],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """Undo `to_json`."""
        return cls(
            image_id=value["image_id"],
            size=Size(*value["size"]),
            regions=tuple(Region.from_json(region) for region in value["regions"]),
            review_regions=tuple(Region.from_json(region) for region in value["doubts"]),
            reasons=tuple(Reason.parse(reason) for reason in value["reasons"]),
            policy=value["policy"],
            not_looked_for=tuple(Category(name) for name in value["not_looked_for"]),
            weights=tuple(value.get("weights", ())),
            revision=value["revision"],
            decided=tuple(Region.from_json(region) for region in value.get("decided", ())),
        )


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """A person's decision on one plan: exactly these regions go, nothing else needs to."""

    regions: tuple[Region, ...]
    reviewer: str
    picture: str
    """`Plan.image_id` of the picture the person looked at."""
    plan: str
    """`Plan.digest` of what was on screen; a revision would not tell pictures apart."""

    @classmethod
    def on(cls, plan: Plan, regions: tuple[Region, ...], reviewer: str) -> ReviewDecision:
        """A decision on this plan and no other."""
        return cls(regions, reviewer, plan.image_id, plan.digest)
