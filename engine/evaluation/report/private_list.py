"""Error list of an evaluation for people who change detectors. Names pictures: private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.category import Category
from engine.evaluation.data.labels import Problem
from engine.evaluation.scores.recall import Scored
from engine.evaluation.scores.scoring import PictureScore
from engine.geometry import Box


def private_lines(scored: Scored, problems: Iterable[Problem]) -> Iterator[dict[str, Any]]:
    """JSON lines, one for each false negative and false positive by picture, and each problem."""
    for score in scored.scores:
        for label in score.labels:
            if miss := label.false_negative:
                box = _box(score, "miss", label.label.category, label.label.box)
                hidden = round(label.hidden, 3)
                yield box | {"reason": miss.kind.value, "score": miss.score, "hidden": hidden}
        for scored_region in score.regions:
            if kind := scored_region.false_positive:
                region = scored_region.region
                box = _box(score, "false region", region.category, region.box)
                yield box | {"reason": kind.value, "score": region.score, "hidden": None}
    for picture, reason in scored.invalid:
        yield {"picture": picture.name, "kind": "problem", "reason": reason}
    for problem in problems:
        yield {
            "kind": "problem",
            "file": problem.file,
            "line": problem.line,
            "reason": problem.text,
        }


def _box(score: PictureScore, kind: str, category: Category, box: Box) -> dict[str, Any]:
    return {
        "picture": score.picture.name,
        "kind": kind,
        "category": category.value,
        "box": [round(corner, 1) for corner in box.corners],
    }
