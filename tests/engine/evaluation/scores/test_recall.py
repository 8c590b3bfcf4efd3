from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import DETECTABLE
from engine.evaluation.scores.counts import Counts, count
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import (
    bootstrap_lower,
    is_enough,
    report,
    score_all,
    summary,
    target_status,
    whole_groups,
)
from engine.evaluation.scores.summary import Summary
from engine.geometry import Size
from tests.engine.evaluation.made import (
    FACE,
    PLAIN,
    TATTOO,
    findings,
    label,
    labelled,
    masked,
    pairs,
    with_doubt,
)

BOX, FAR = (100, 100, 200, 200), (500, 500, 600, 600)
ONE = (label(BOX),)
GROUPS = {
    "a": Proportion(9, 10),
    "b": Proportion(1, 1),
    "c": Proportion(3, 4),
    "d": Proportion(20, 20),
}
KEYS = {
    "": "pictures review_load excess_masked margins_masked cost categories groups policy weights",
    "review_load": "all with without audit",
    "excess_masked": "mean p95",
    "cost": "to_a_person removed removed_at_most free",
    "to_a_person": "pictures share boxes doubts",
    "boxes": "median p90 worst",
    "free": "pictures touched to_a_person",
    "category": "labels iou coverage automatic false_per_picture verdict certain",
    "iou": "found recall",
    "coverage": "found recall lower95 upper95 lower95_groups",
    "automatic": "found recall",
    "group": "by value category labels found recall lower95 enough",
}


def keys(part):
    return set(KEYS[part].split())


def faces(made, **options):
    return report(made, PLAIN, **options).to_json()["categories"]["face"]


def pictures(count, *found, labels=ONE, **fields):
    return [
        (labelled(*labels, name=str(number), **fields), findings(*found)) for number in range(count)
    ]


class TestTargetStatus:
    @pytest.mark.parametrize(
        ("found", "total", "word", "certain"),
        [
            pytest.param(0, 0, "not_measured", False, id="no labels"),
            pytest.param(299, 299, "met", True, id="just enough, none missed"),
            pytest.param(298, 298, "not_proven", False, id="one too few"),
            pytest.param(472, 473, "met", True, id="just enough, one missed"),
            pytest.param(471, 472, "not_proven", False, id="one too few, one missed"),
            pytest.param(99, 100, "not_proven", False, id="exactly the target"),
            pytest.param(98, 99, "missed", False, id="below it, by chance perhaps"),
            pytest.param(0, 1, "missed", True, id="one label, missed"),
            pytest.param(1, 1, "not_proven", False, id="one label, found"),
            pytest.param(0, 300, "missed", True, id="all missed"),
            pytest.param(290, 300, "missed", True, id="surely below"),
        ],
    )
    def test_is_one_word_about_99_percent(self, found, total, word, certain):
        assert target_status(Proportion(found, total), 0.99) == (word, certain)

    @given(st.integers(1, 900), st.data(), st.floats(0.01, 0.999))
    def test_says_what_its_bounds_say(self, total, data, target):
        proportion = Proportion(data.draw(st.integers(0, total)), total)

        word, certain = target_status(proportion, target)

        assert (word == "met") is (proportion.lower() >= target)
        assert (word == "missed") is (proportion.share < target)
        assert certain is (word == "met" or proportion.upper() < target)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        pytest.param({}, Proportion(), id="none"),
        pytest.param(
            {"a": Proportion(5, 5), "b": Proportion(1, 1)}, Proportion(2, 2), id="all found"
        ),
        pytest.param(
            {"a": Proportion(4, 5), "b": Proportion(1, 1)}, Proportion(1, 2), id="one miss in five"
        ),
        pytest.param({"a": Proportion(0, 5)}, Proportion(0, 1), id="all missed"),
    ],
)
def test_a_group_with_any_miss_counts_as_missed(groups, expected):
    assert whole_groups(groups) == expected


class TestBootstrap:
    def test_of_no_groups_nothing_is_said(self):
        assert bootstrap_lower({}) is None

    @pytest.mark.parametrize("found", [0, 7], ids=["all missed", "all found"])
    def test_says_nothing_beyond_what_was_seen(self, found):
        groups = {str(number): Proportion(found, 7) for number in range(9)}

        assert bootstrap_lower(groups) == found / 7

    def test_does_not_depend_on_the_order_of_groups(self):
        groups = {f"{n:02}": Proportion(n * n % 17, 17 + n) for n in range(40)}

        assert bootstrap_lower(dict(reversed(groups.items()))) == bootstrap_lower(groups)

    def test_lies_below_the_share(self):
        assert 0.75 <= bootstrap_lower(GROUPS) < 33 / 35

    def test_agrees_with_drawing_labels_where_each_is_its_own_group(self):
        groups = {f"{number:03}": Proportion(int(number >= 10), 1) for number in range(100)}

        bound = bootstrap_lower(groups)

        drawn = np.random.default_rng(1).binomial(100, 0.9, 20_000) / 100
        assert bound == pytest.approx(np.quantile(drawn, 0.05), abs=0.011)


@pytest.mark.parametrize(("labels", "enough"), [(0, False), (1, False), (58, False), (59, True)])
def test_a_slice_is_enough_when_it_could_prove_95_percent(labels, enough):
    assert is_enough(labels) is enough


class TestReport:
    def test_has_every_key_of_its_specification(self):
        made = pictures(2, masked(BOX), labels=(label(BOX, tone="V"), label(FAR, tone="II")))

        said = report(made, PLAIN).to_json()

        assert keys("") <= said.keys()
        assert keys("review_load") == said["review_load"].keys()
        assert keys("excess_masked") == said["excess_masked"].keys()
        assert keys("excess_masked") == said["margins_masked"].keys()
        cost = said["cost"]
        assert keys("cost") == cost.keys()
        assert keys("to_a_person") == cost["to_a_person"].keys()
        assert keys("boxes") == cost["to_a_person"]["boxes"].keys()
        assert keys("boxes") == cost["to_a_person"]["doubts"].keys()
        assert keys("excess_masked") == cost["removed"].keys() == cost["removed_at_most"].keys()
        assert keys("free") == cost["free"].keys()
        assert list(said["categories"]) == ["face", "tattoo", "jewelry"]
        for one in said["categories"].values():
            assert keys("category") <= one.keys()
            assert all(keys(part) <= one[part].keys() for part in ("iou", "coverage", "automatic"))
        assert [keys("group") == one.keys() for one in said["groups"]] == [True, True]

    @given(pairs())
    def test_as_stored_reads_and_writes_back_equal(self, made):
        stored = json.dumps(report(made, PLAIN).to_json())

        assert json.dumps(Summary.from_json(json.loads(stored)).to_json()) == stored

    def test_of_before_there_were_types_reads_and_writes_back_equal(self):
        stored = Path(__file__).with_name("stored_summary.json").read_text()

        assert (
            json.dumps(Summary.from_json(json.loads(stored)).to_json(), indent=1) + "\n" == stored
        )

    @pytest.mark.parametrize("part", ["cost", "margins_masked", "uncounted", "turned"])
    def test_of_long_ago_is_written_back_without_what_it_lacks(self, part):
        stored = report(pictures(2, masked(BOX)), PLAIN).to_json()
        del stored[part]
        for category in stored["categories"].values():
            category.pop(part, None)

        assert Summary.from_json(stored).to_json() == stored

    @given(pairs(), st.randoms())
    def test_is_valid_json_whatever_the_order_of_pictures(self, made, chance):
        shuffled = list(made)
        chance.shuffle(shuffled)

        text = json.dumps(report(made, PLAIN).to_json(), allow_nan=False)

        assert json.dumps(report(shuffled, PLAIN).to_json(), allow_nan=False) == text

    @given(pairs())
    def test_of_shards_that_were_added_is_the_same(self, made):
        scores = score_all(made, PLAIN).scores
        counts = count(scores[1::2]) + count(scores[::2]) + Counts()

        assert summary(counts, PLAIN, target=0.99, unread=0, problems=0) == report(made, PLAIN)

    def test_of_no_pictures_measures_nothing(self):
        said = report([], PLAIN).to_json()

        assert said["pictures"] == 0
        assert said["review_load"] == {"all": None, "with": None, "without": None, "audit": None}
        assert said["excess_masked"] == said["margins_masked"] == {"mean": None, "p95": None}
        nothing = {"median": None, "p90": None, "worst": None}
        assert said["cost"] == {
            "to_a_person": {"pictures": 0, "share": None, "boxes": nothing, "doubts": nothing},
            "removed": {"mean": None, "p95": None},
            "removed_at_most": {"mean": None, "p95": None},
            "free": {"pictures": 0, "touched": 0, "to_a_person": 0},
        }
        assert said["groups"] == []
        for one in said["categories"].values():
            assert (one["verdict"], one["certain"], one["labels"]) == ("not_measured", False, 0)
            assert one["coverage"]["recall"] is one["coverage"]["lower95_groups"] is None
            assert one["false_per_picture"] is None

    def test_of_300_labels_all_found_meets_the_target(self):
        one = faces(pictures(300, masked(BOX)))

        assert one["coverage"] == {
            "found": 300,
            "recall": 1.0,
            "lower95": 0.990063918,
            "upper95": 1.0,
            "lower95_groups": 0.990063918,
            "lower95_bootstrap": 1.0,
            "groups": 300,
            "whole_groups": 300,
        }
        assert (one["verdict"], one["certain"]) == ("met", True)

    def test_of_labels_all_missed_says_so_for_certain(self):
        one = faces(pictures(3))

        assert one["coverage"]["lower95"] == 0.0
        assert one["misses"] == {"unseen": 3}
        assert (one["verdict"], one["certain"]) == ("missed", True)

    def test_the_status_is_about_removed_or_asked_and_automatic_stands_apart(self):
        one = faces(pictures(300, masked(BOX, score=0.3)))

        assert one["verdict"] == "met"
        assert one["automatic"] == {"found": 0, "recall": 0.0}

    def test_labels_of_one_group_prove_less_than_as_many_of_many(self):
        one = faces(pictures(300, masked(BOX), group="wedding"))

        assert one["coverage"]["lower95"] == 0.990063918
        assert one["coverage"]["lower95_groups"] == 0.05

    def test_false_regions_are_counted_per_complete_picture(self):
        made = pictures(4, masked(BOX), labels=()) + pictures(
            3, masked(BOX), labels=(), complete=[TATTOO], partial=[FACE]
        )

        one = faces(made)

        assert (one["false_per_picture"], one["complete_pictures"]) == (1.0, 4)
        assert one["false_alarms"] == {"unlabelled?": 4}

    def test_the_review_load_adds_the_sample_of_what_passes(self):
        made = pictures(1, masked(BOX, score=0.3)) + pictures(3, masked(BOX), labels=())

        assert report(made, PLAIN).to_json()["review_load"] == {
            "all": 0.25,
            "with": 1.0,
            "without": 0.0,
            "audit": 0.0375,
        }

    def test_the_excess_is_told_by_its_mean_and_its_95th_percentile(self):
        made = pictures(19, labels=()) + pictures(1, masked((0, 0, 1000, 800)), labels=())

        assert report(made, PLAIN).to_json()["excess_masked"] == {"mean": 0.05, "p95": 0.05}
        assert report(made[10:], PLAIN).to_json()["excess_masked"] == {"mean": 0.1, "p95": 0.55}

    def test_the_cost_is_of_what_the_policy_would_do(self):
        made = [
            *pictures(1, masked(BOX), masked(FAR, score=0.3)),
            *pictures(1, masked((0, 0, 1000, 400)), labels=()),
            *pictures(2, labels=()),
        ]

        assert report(made, PLAIN).to_json()["cost"] == {
            "to_a_person": {
                "pictures": 1,
                "share": 0.25,
                "boxes": {"median": 2, "p90": 2, "worst": 2},
                "doubts": {"median": 1, "p90": 1, "worst": 1},
            },
            "removed": {"mean": 0.128125, "p95": 0.426875},
            "removed_at_most": {"mean": 0.13125, "p95": 0.42875},
            "free": {"pictures": 3, "touched": 1, "to_a_person": 0},
        }

    def test_pictures_that_could_not_be_measured_are_in_no_other_figure(self):
        invalid = (labelled(label(BOX), name="unfit", size=Size(3, 4)), findings())

        said = report([*pictures(2, masked(BOX)), invalid], PLAIN, unread=5, problems=7).to_json()

        assert (said["pictures"], said["unread"], said["problems"]) == (2, 6, 7)
        assert said["categories"]["face"]["labels"] == 2

    def test_names_the_policy_and_every_model(self):
        policy = with_doubt(PLAIN, FACE, 0.1)

        said = report(pictures(1), policy).to_json()

        assert said["policy"] == policy.fingerprint != PLAIN.fingerprint
        assert said["weights"] == ["fake@00000000"]


def test_scores_are_in_the_order_of_names():
    made = [(labelled(name=name), findings()) for name in ("b", "c", "a")]

    assert [one.picture.name for one in score_all(made, PLAIN).scores] == ["a", "b", "c"]


def test_every_category_is_reported_in_the_order_it_is_always_shown():
    assert list(report([], PLAIN).to_json()["categories"]) == [one.value for one in DETECTABLE]
