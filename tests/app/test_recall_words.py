"""How recall is said: never better than it is."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.recall.misses import Exhibit
from components.recall.words import (
    FALSE_SENTENCES,
    MISS_SENTENCES,
    answer,
    at_least,
    at_most,
    goal,
    lines,
)
from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.report.numbers import rate_at_most
from engine.evaluation.scores.counts import Counts
from engine.evaluation.scores.error_causes import FalseNegativeCause, FalsePositiveCause
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import summary
from engine.evaluation.scores.summary import Summary
from engine.geometry import Box
from engine.policy import Policy
from engine.wording import likely

PICTURE = LabelledPicture("a", Path("a.png"), (), frozenset())


def category(found: int, labels: int, **changes: object) -> dict:
    """A category's part of a report."""
    proportion = Proportion(found, labels)
    groups = changes.pop("groups", labels)
    values = {
        "labels": labels,
        "iou": {"found": found, "recall": proportion.share},
        "coverage": {
            "found": found,
            "recall": proportion.share,
            "lower95": proportion.lower(),
            "lower95_bootstrap": changes.pop("bootstrap", 1.0),
            "lower95_groups": Proportion(groups, groups).lower(),
            "upper95": proportion.upper(),
            "groups": groups,
            "whole_groups": groups,
        },
        "automatic": {"found": found, "recall": proportion.share},
        "false_per_picture": 0.0,
        "doubtful": {"with": None, "without": None},
        "misses": {},
        "false_alarms": {},
        "verdict": "met",
        "certain": True,
    }
    return values | changes


def report(unread: int = 0, problems: int = 0, pictures: int = 1000, **parts: dict) -> Summary:
    met = category(1000, 1000)
    empty = summary(Counts(), Policy(), target=0.99, unread=0, problems=0).to_json()
    values = {
        "target": 0.99,
        "pictures": pictures,
        "unread": unread,
        "problems": problems,
        "categories": {one.value: parts.get(one.value, met) for one in DETECTABLE},
    }
    return Summary.from_json(empty | values)


@pytest.mark.parametrize(
    ("score", "says"),
    [
        pytest.param(0.0, "under 1 % likely", id="never impossible"),
        pytest.param(0.0063, "under 1 % likely", id="a low threshold"),
        pytest.param(0.01, "1 % likely", id="one in a hundred"),
        pytest.param(0.314, "31 % likely", id="a blurred blob"),
        pytest.param(0.99, "99 % likely", id="nearly sure"),
        pytest.param(0.996, "over 99 % likely", id="never certain"),
        pytest.param(1.0, "over 99 % likely", id="the most there is"),
    ],
)
def test_a_score_is_said_as_the_probability_that_it_is(score, says):
    assert likely(score).replace("\u00a0", " ") == says


@pytest.mark.parametrize(
    ("score", "says"),
    [
        (None, "Face: removed without asking, perhaps a thing nobody labelled"),
        (0.31, "Face: removed without asking, perhaps a thing nobody labelled (31 % likely)"),
    ],
    ids=["drawn by a person", "of a detector"],
)
def test_a_false_region_is_called_no_surer_than_it_is(score, says):
    kind = FalsePositiveCause.UNLABELLED
    exhibit = Exhibit(
        PICTURE, Category.FACE, Box(0, 0, 9, 9), kind.value, FALSE_SENTENCES[kind], score
    )

    assert exhibit.caption == says


def test_what_no_fusion_came_to_keeps_its_score_which_is_no_probability():
    kind = FalseNegativeCause.LOST_IN_MERGING
    exhibit = Exhibit(
        PICTURE, Category.FACE, Box(0, 0, 9, 9), kind.value, MISS_SENTENCES[kind], 0.31
    )

    assert exhibit.caption.endswith("(score 0.31)")


@pytest.mark.parametrize(
    ("share", "floor", "ceiling"),
    [
        pytest.param(None, "–", "–", id="nothing"),
        pytest.param(0.0, "0.0 %", "0.0 %", id="none"),
        pytest.param(1.0, "100.0 %", "100.0 %", id="all"),
        pytest.param(0.9896, "98.9 %", "99.0 %", id="nearly the target"),
        pytest.param(0.98999999, "98.9 %", "99.0 %", id="a hair below"),
        pytest.param(0.99, "99.0 %", "99.0 %", id="the target"),
        pytest.param(0.999999, "99.9 %", "99.9999 %", id="nearly all"),
        pytest.param(0.57, "57.0 %", "57.0 %", id="no binary fraction"),
        pytest.param(1e-6, "0.0 %", "0.1 %", id="a trace"),
    ],
)
def test_what_should_be_high_is_cut_off_and_what_should_be_low_rounded_up(share, floor, ceiling):
    assert at_least(share) == floor
    assert at_most(share) == ceiling


@given(st.floats(0, 1))
def test_no_share_is_said_better_than_it_is(share):
    assert float(at_least(share).split()[0].replace("%", "")) / 100 <= share + 1e-9
    assert float(at_most(share).split()[0].replace("%", "")) / 100 >= share - 1e-9


def test_rates_are_rounded_up_and_targets_said_as_people_write_them():
    assert [rate_at_most(one) for one in (None, 0.0, 0.001, 1.5)] == ["–", "0.00", "0.01", "1.50"]
    assert [goal(one) for one in (0.99, 0.995)] == ["99 %", "99.5 %"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        pytest.param({}, "met", id="met"),
        pytest.param({"verdict": "missed", "certain": False}, "missed", id="missed"),
        pytest.param({"verdict": "missed"}, "missed for certain", id="certain"),
        pytest.param({"verdict": "not_proven"}, "not proven", id="not proven"),
        pytest.param({"verdict": "not_measured"}, "not measured", id="not measured"),
        pytest.param(
            {"verdict": "missed", "misses": {"nobody looked": 1000}},
            "nobody looked for it",
            id="blind",
        ),
    ],
)
def test_every_verdict_has_a_word_an_icon_and_a_colour(changes, word):
    line = lines(report(face=category(1000, 1000, **changes)))[0]

    assert line.word == word
    assert line.badge.startswith(f":{line.colour}-badge[:material/")
    assert line.badge.endswith(f"{word}]")


@pytest.mark.parametrize(
    ("complete", "word"),
    [(0, "not measured"), (9, "nothing to find")],
    ids=["nobody labelled it", "nothing to find"],
)
def test_no_label_is_told_apart_from_nothing_to_find(complete, word):
    none = category(0, 0, verdict="not_measured", certain=False, complete_pictures=complete)
    told = report(face=none, tattoo=none, jewelry=none)

    assert {one.word for one in lines(told)} == {word}
    assert answer(told)[0].startswith("**Cannot say.**")


def test_what_the_policy_leaves_out_is_said_even_without_labels():
    unlabelled = category(0, 0, verdict="not_measured", certain=False)

    line = lines(report(tattoo=unlabelled), [Category.TATTOO])[1]

    assert line.word == "nobody looked for it"


@pytest.mark.parametrize(
    ("told", "start", "colour"),
    [
        pytest.param(report(), "**Yes, for pictures like these.**", "green", id="all met"),
        pytest.param(report(unread=1), "**Almost.**", "orange", id="unread"),
        pytest.param(
            report(face=category(1000, 1000, bootstrap=0.98)), "**Almost.**", "orange", id="groups"
        ),
        pytest.param(
            report(face=category(1000, 1000, groups=1)), "**Almost.**", "orange", id="one person"
        ),
        pytest.param(report(problems=500), "**Almost.**", "orange", id="much was left out"),
        pytest.param(report(pictures=0), "**Cannot say.**", "orange", id="nothing measured"),
        pytest.param(
            report(face=category(1000, 1000, verdict="not_proven")),
            "**Only for tattoo and jewelry,** whose lower bound reaches 99 %. Face may reach",
            "orange",
            id="one short",
        ),
        pytest.param(
            report(**{one.value: category(9, 10, verdict="missed") for one in DETECTABLE}),
            "**No.** Face lies below",
            "orange",
            id="none",
        ),
    ],
)
def test_the_answer_is_yes_only_when_nothing_speaks_against_it(told, start, colour):
    sentence, found_colour = answer(told)

    assert sentence.startswith(start)
    assert found_colour == colour


def test_a_bound_of_a_report_is_the_tallys_own():
    line = lines(report(face=category(938, 947)))[0]

    assert line.bound == at_least(Proportion(938, 947).lower())
    assert math.isclose(line.coverage.share or 0, 938 / 947)


def test_what_speaks_against_one_category_is_said_when_others_are_short():
    alone = category(1000, 1000, groups=1)
    missed = category(9, 10, verdict="missed")

    sentence, _ = answer(report(unread=3, face=alone, tattoo=missed, jewelry=missed))

    assert sentence.startswith("**Only for face,**")
    assert "face labels come from 1 group" in sentence
    assert "3 pictures could not be measured" in sentence


def test_thresholds_chosen_on_the_same_labels_prove_nothing():
    sentence, colour = answer(report(), is_tuned=True)

    assert (sentence.split()[0], colour) == ("**Almost.**", "orange")
    assert "chosen on these very labels" in sentence
