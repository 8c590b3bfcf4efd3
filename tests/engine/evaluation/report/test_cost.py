"""What recall costs, in words, of new summaries and of old ones."""

from __future__ import annotations

import pytest

from engine.evaluation.report.cost import NOT_MEASURED, cost_table, in_short, prices
from engine.evaluation.scores.recall import report
from engine.evaluation.scores.summary import Summary
from tests.engine.evaluation.made import PLAIN, findings, label, labelled, masked

BOX, FAR = (100, 100, 200, 200), (500, 500, 600, 600)
WHATS = [
    "Pictures that go to a person",
    "Boxes on such a picture",
    "Boxes there that need a decision",
    "Pixels removed without asking",
    "Pixels removed if all boxes to review are",
    "Masked without need",
    "Of that, margins around what is there",
    "Pictures free of all that is looked for: touched",
    "Pictures free of all that is looked for: to a person",
]


def pictures(count, *found, labels=()):
    return [(labelled(*labels, name=f"{number}"), findings(*found)) for number in range(count)]


MANY = report(
    [
        *pictures(1, masked(BOX), masked(FAR, score=0.3), labels=[label(BOX)]),
        *pictures(3, masked(BOX)),
    ],
    PLAIN,
)


def plain(summary):
    return {one.what: one.much.replace("\u00a0", " ") for one in prices(summary)}


def old(summary):
    values = summary.to_json()
    del values["cost"], values["margins_masked"]
    return Summary.from_json(values)


@pytest.mark.parametrize(
    "summary",
    [report([], PLAIN), report(pictures(1), PLAIN), MANY, old(MANY), old(report([], PLAIN))],
    ids=["no pictures", "one picture", "some", "old", "old, no pictures"],
)
def test_every_cost_is_told_in_the_same_order(summary):
    assert [one.what for one in prices(summary)] == WHATS
    assert [row.cells[0] for row in cost_table(summary).rows] == WHATS
    assert in_short(summary)


def test_of_no_pictures_nothing_is_told():
    told = plain(report([], PLAIN))

    assert [told[what] for what in WHATS[:7]] == ["–"] * 7
    assert [told[what] for what in WHATS[7:]] == ["– (no such picture)"] * 2
    assert in_short(report([], PLAIN)) == "What that costs was not measured."


def test_costs_are_told_with_how_many_they_are_of():
    told = plain(MANY)

    assert told[WHATS[0]].startswith("25.0 % (1 of 4), ")
    assert told[WHATS[1]] == "median 2, 90th percentile 2, worst 2"
    assert told[WHATS[2]] == "median 1, 90th percentile 1, worst 1"
    assert told[WHATS[3]] == "mean 1.3 %, 95th percentile 1.3 %"
    assert told[WHATS[6]] == "mean 0.0 %, 95th percentile 0.0 %"
    assert told[WHATS[7]].startswith("100.0 % (3 of 3), ")
    assert told[WHATS[8]].startswith("0.0 % (0 of 3), ")
    assert in_short(MANY).startswith("25.0\u00a0% of the pictures go to a person, half of them")


def test_what_an_old_summary_lacks_is_not_measured_rather_than_nothing():
    told = plain(old(MANY))

    assert told[WHATS[0]] == "25.0 %"
    assert told[WHATS[5]] == plain(MANY)[WHATS[5]] != NOT_MEASURED
    others = [what for what in WHATS if what not in (WHATS[0], WHATS[5])]
    assert [told[what] for what in others] == [NOT_MEASURED] * 7
    assert in_short(old(MANY)).endswith("what else it costs was not measured.")
