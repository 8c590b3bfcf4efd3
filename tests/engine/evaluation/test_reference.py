"""Our figures beside those of others; `reference.py` says where they come from."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from engine.evaluation.data.labels import Label
from engine.evaluation.scores.counts import count
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import score_all
from engine.geometry import Box, Size
from engine.plan import Origin, Region
from tests.engine.evaluation import reference
from tests.engine.evaluation.made import FACE, JEWELRY, PLAIN, TATTOO, findings, labelled

SAID = json.loads(reference.FILE.read_text(encoding="utf-8"))
SIZE = Size(*SAID["size"])
CATEGORIES = {1: FACE, 2: TATTOO, 3: JEWELRY}


def ours(name):
    labels: defaultdict[int, list[Label]] = defaultdict(list)
    found: defaultdict[int, list[Region]] = defaultdict(list)
    for one in SAID["sets"][name]["labels"]:
        box, category = Box.from_xywh(*one["bbox"]), CATEGORIES[one["category_id"]]
        labels[one["image_id"]].append(Label(box, category, bool(one["iscrowd"])))
    for one in SAID["sets"][name]["detections"]:
        box, category = Box.from_xywh(*one["bbox"]), CATEGORIES[one["category_id"]]
        region = Region(box, category, Origin.MODEL, one["score"])
        found[one["image_id"]].append(region.with_rect(box.outward().clipped(SIZE)))
    pairs: list[tuple[object, PredictionRecord]] = [
        (labelled(*labels[image], name=str(image)), findings(*found[image], size=SIZE))
        for image in sorted(labels.keys() | found.keys())
    ]
    categories = count(score_all(pairs, PLAIN).scores).categories
    return {category: categories[category].iou for category in CATEGORIES.values()}


def theirs(name):
    said = SAID["sets"][name]["pycocotools"]
    return {
        category: Proportion(said[category.value]["found"], said[category.value]["labels"])
        for category in CATEGORIES.values()
    }


def test_recall_by_iou_is_that_of_pycocotools():
    assert ours("drawn") == theirs("drawn")


def test_the_drawn_set_has_what_makes_recall_hard():
    crowds = [one for one in SAID["sets"]["drawn"]["labels"] if one["iscrowd"]]

    assert len(crowds) >= 20
    assert all(0 < proportion.found < proportion.total for proportion in theirs("drawn").values())


def test_optimal_assignment_finds_what_a_greedy_one_does_not():
    assert (theirs("greedy_only")[FACE], ours("greedy_only")[FACE]) == (
        Proportion(1, 2),
        Proportion(2, 2),
    )


@pytest.mark.parametrize(
    "said", SAID["clopper_pearson"], ids=lambda said: f"{said['found']} of {said['total']}"
)
def test_bounds_are_where_binomial_probabilities_reach_5_percent(said):
    proportion = Proportion(said["found"], said["total"])

    assert proportion.lower() == pytest.approx(said["lower"], abs=1e-9)
    assert proportion.upper() == pytest.approx(said["upper"], abs=1e-9)


def test_bounds_are_those_that_r_prints_in_the_manual_of_binom_test():
    plants = Proportion(682, 682 + 243)  # Conover 1971, page 97; a two-sided 95 % interval

    assert (plants.lower(0.975), plants.upper(0.975)) == pytest.approx(
        (0.7076683, 0.7654066), abs=5e-8
    )


def test_the_bounds_written_down_are_those_the_script_makes():
    for made, said in zip(reference.bounds(), SAID["clopper_pearson"], strict=True):
        assert made == pytest.approx(said, abs=1e-9)
