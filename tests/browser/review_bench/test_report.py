import json
import re

import pytest

from tests.browser.review_bench.report import Setting, as_json, markdown
from tests.browser.review_bench.visits import Outcome, Visit, grouped

SETTING = Setting(
    data="calibration.json",
    fingerprint="abc",
    count=4,
    seed=1,
    policy="def",
    sources=2,
    day="2026-01-01",
    cores=2,
    load=0.5,
)


def visit(boxes, **values):
    given = {
        "source": "street",
        "unsure": 0,
        "dropped": 0,
        "drawn": 0,
        "keys": 1,
        "drags": 0,
        "asked": 0,
        "key_ms": (20.0,),
        "next_ms": 100.0,
        "is_again": False,
    }
    return Visit(boxes=boxes, **(given | values))


def outcome(*visits):
    return Outcome(
        pictures=9,
        asked=len(visits),
        visits=visits,
        released=8,
        quarantined=1,
        labels=12,
        uncovered_reviewed=1,
        uncovered_unasked=2,
    )


def row(document, name):
    (cells,) = re.findall(rf"^\| {name} \| (.*) \|$", document, re.MULTILINE)
    return cells.split(" | ")


@pytest.mark.parametrize(
    ("boxes", "group"),
    [(0, "0"), (1, "1-2"), (2, "1-2"), (3, "3-5"), (6, "6-10"), (10, "6-10"), (11, "over 10")],
)
def test_every_number_of_boxes_has_one_group(boxes, group):
    assert [name for name, visits in grouped([visit(boxes)]) if visits] == [group]


def test_figures_are_medians_and_worst_of_what_occurred():
    document = markdown(SETTING, outcome(*(visit(2, keys=keys) for keys in (1, 2, 3, 9))))

    assert row(document, "keys") == ["2", "9", "9"]
    assert row(document, "1-2")[3] == "2 (9)"


def test_the_second_look_at_a_picture_counts_as_coming_back_alone():
    document = markdown(SETTING, outcome(visit(2, keys=1), visit(2, keys=50, is_again=True)))

    assert row(document, "keys") == ["1", "1", "1"]
    assert "1 came back after the check" in document


def test_labels_that_still_show_are_told_apart_by_who_saw_the_picture():
    document = markdown(SETTING, outcome(visit(1)))

    assert "Of 12 labels in released pictures 3 are not hidden: 1 in pictures" in document
    assert "2 in pictures that nobody was asked about" in document


def test_a_run_in_which_nobody_is_asked_has_no_figures():
    document = markdown(SETTING, outcome())

    assert row(document, "keys") == ["–", "–", "–"]


def test_the_app_time_is_that_of_keys_and_of_the_next_picture():
    assert visit(1, key_ms=(20.0, 30.0), next_ms=150.0).app_s == pytest.approx(0.2)
    assert visit(1, key_ms=(20.0,), next_ms=None).app_s == pytest.approx(0.02)


def test_the_json_holds_every_visit_and_can_be_read():
    made = json.loads(json.dumps(as_json(SETTING, outcome(visit(3), visit(0)))))

    assert [one["boxes"] for one in made["visits"]] == [3, 0]
    assert made["outcome"]["uncovered_unasked"] == 2
    assert made["setting"]["seed"] == 1
