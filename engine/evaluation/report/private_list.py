"""Misses and false regions one by one, for people who change detectors. Names pictures: private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.evaluation.data.labels import Problem
from engine.evaluation.scores.recall import Scored
from engine.evaluation.scores.scoring import PictureScore
from engine.geometry import Box


def private_lines(scored: Scored, problems: Iterable[Problem]) -> Iterator[dict[str, Any]]:
    """One plain object for each missed label and false region, by picture, and each problem."""
    for one in scored.scores:
        yield from _misses(one)
        yield from _false_regions(one)
    for picture, why in scored.invalid:
        yield {"picture": picture.name, "kind": "problem", "reason": why}
    for problem in problems:
        yield {
            "kind": "problem",
            "file": problem.file,
            "line": problem.line,
            "reason": problem.text,
        }


def _misses(one: PictureScore) -> Iterator[dict[str, Any]]:
    for label in one.labels:
        if label.false_negative is not None:
            yield {
                "picture": one.picture.name,
                "kind": "miss",
                "category": label.label.category.value,
                "box": _corners(label.label.box),
                "reason": label.false_negative.kind.value,
                "score": label.false_negative.score,
                "hidden": round(label.hidden, 3),
            }


def _false_regions(one: PictureScore) -> Iterator[dict[str, Any]]:
    for region in one.regions:
        if region.false_positive is not None:
            yield {
                "picture": one.picture.name,
                "kind": "false region",
                "category": region.region.category.value,
                "box": _corners(region.region.box),
                "reason": region.false_positive.value,
                "score": region.region.score,
                "hidden": None,
            }


def _corners(box: Box) -> list[float]:
    return [round(corner, 1) for corner in box.corners]
