from __future__ import annotations

import json

from hypothesis import given

from engine.evaluation.data.labels import Problem
from engine.evaluation.report.private_list import private_lines
from engine.evaluation.scores.counts import count
from engine.evaluation.scores.recall import Scored, score_all
from tests.engine.evaluation.made import PLAIN, label, labelled, masked, pairs, scored

BOX, FAR = (100.04, 100, 200, 200), (500, 500, 600, 600)


def test_of_no_pictures_nothing_is_listed():
    assert list(private_lines(Scored((), ()), ())) == []


def test_each_miss_and_each_false_region_is_one_line():
    picture = scored([label(BOX)], [masked(FAR, score=0.3)], name="a.jpg")

    assert list(private_lines(Scored((picture,), ()), ())) == [
        {
            "picture": "a.jpg",
            "kind": "miss",
            "category": "face",
            "box": [100.0, 100, 200, 200],
            "reason": "unseen",
            "score": None,
            "hidden": 0.0,
        },
        {
            "picture": "a.jpg",
            "kind": "false region",
            "category": "face",
            "box": [500, 500, 600, 600],
            "reason": "background",
            "score": 0.3,
            "hidden": None,
        },
    ]


@given(pairs())
def test_there_are_as_many_lines_as_were_counted(made):
    result = score_all(made, PLAIN)

    lines = [json.loads(json.dumps(line, allow_nan=False)) for line in private_lines(result, ())]

    counted = count(result.scores).categories.values()
    assert [one["kind"] for one in lines].count("false region") == sum(
        one.false_positives for one in counted
    )
    assert [one["kind"] for one in lines].count("miss") == sum(
        one.coverage.total - one.coverage.found for one in counted
    )


def test_problems_and_pictures_that_could_not_be_used_are_lines_too():
    problem = Problem("labels.json", 7, "The box has no area.")
    invalid = (labelled(name="a.jpg"), "Its labels are for another picture.")

    assert list(private_lines(Scored((), (invalid,)), [problem])) == [
        {"picture": "a.jpg", "kind": "problem", "reason": "Its labels are for another picture."},
        {"kind": "problem", "file": "labels.json", "line": 7, "reason": "The box has no area."},
    ]
