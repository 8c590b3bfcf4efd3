"""The table of experiments says what a hand count says."""

from __future__ import annotations

import pytest

from engine.category import DETECTABLE
from models.train.calibration.experiments import HEAD, RECALLS, Experiment, measured, note_down
from models.train.calibration.thresholds import Control
from tests.engine.evaluation.made import FACE, TATTOO
from tests.models.train.proposed import AT_ITS_WORD, proposals_of

CHOSEN = Control(0.1, 0.5, 0.05, 20, 20, 0, may_accept=True)


def measure(every, category=FACE):
    return measured(every, category, AT_ITS_WORD, CHOSEN)


def test_false_proposals_are_counted_at_each_recall():
    # 20 labels, hidden at 0.81, 0.82 … 1.00: 18 of them from 0.83 on, 19 from 0.82, all from 0.81.
    seen = [0.81 + at / 100 for at in range(20)]
    false = [0.5, 0.805, 0.815, 0.825, 0.835, 0.9]
    every = [proposals_of("a", seen[:10], false[:3]), proposals_of("b", seen[10:], false[3:])]

    found = measure(every)

    assert (found.labels, found.never, found.risk) == (20, 0, 0.05)
    assert found.false_at == (2 / 2, 3 / 2, 4 / 2)


def test_a_false_proposal_as_sure_as_the_threshold_counts():
    found = measure([proposals_of("a", [0.6], false=[0.6, 0.5999])])

    assert found.false_at == (1.0, 1.0, 1.0)


def test_a_recall_that_no_threshold_reaches_is_shown_as_a_dash():
    every = [proposals_of(f"{at}", [0.5], false=[0.7]) for at in range(9)]
    every += [proposals_of("blind", unseen=1)]

    found = measure(every)

    assert (found.labels, found.never) == (10, 1)
    assert found.false_at == (0.9, None, None)
    assert found.row("as before") == "| as before | face | 10 | 1 | 0.90 | – | – | 5% |\n"


@pytest.mark.parametrize(
    "every",
    [
        pytest.param([], id="no picture"),
        pytest.param([proposals_of("a", false=[0.5])], id="no label"),
        pytest.param([proposals_of("a", unseen=2)], id="nothing seen"),
        pytest.param([proposals_of("a", [0.5], complete=(), partial=[FACE])], id="none complete"),
    ],
)
def test_what_cannot_be_told_is_not(every):
    found = measure(every)

    assert found.false_at == (None,) * len(RECALLS)


def test_pictures_that_are_not_labelled_completely_count_for_recall_alone():
    partly = proposals_of("b", [0.9], false=[0.99], complete=(), partial=[FACE])
    every = [proposals_of("a", [0.9], false=[0.95]), partly]

    found = measure(every)

    assert found.labels == 2
    assert found.false_at == (1.0, 1.0, 1.0)


def test_each_category_is_measured_by_itself():
    every = [proposals_of("a", [0.9]), proposals_of("b", [0.4], [0.5], category=TATTOO)]

    assert measure(every).false_at == (0.0, 0.0, 0.0)
    assert measure(every, TATTOO).false_at == (0.5, 0.5, 0.5)


def test_rows_are_appended_and_fit_under_the_head(tmp_path):
    table = tmp_path / "table.md"
    table.write_text(HEAD)
    rows = [Experiment(one, 10, 1, (0.5, 1.25, None), risk)
            for one, risk in zip(DETECTABLE, (0.01, 0.10, None), strict=True)]  # fmt: skip

    note_down(table, "first", rows[:1])
    note_down(table, "second", rows[1:])

    written = table.read_text()
    assert written.startswith(HEAD)
    lines = written.splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2:] == [
        "| first | face | 10 | 1 | 0.50 | 1.25 | – | 1% |",
        "| second | tattoo | 10 | 1 | 0.50 | 1.25 | – | 10% |",
        "| second | jewelry | 10 | 1 | 0.50 | 1.25 | – | – |",
    ]


def test_what_is_said_below_the_table_stays_below(tmp_path):
    file = tmp_path / "decision.md"
    file.write_text("| a |\n|---|\n| 1 |\n\nBelow.\n")
    experiment = Experiment(FACE, 1, 0, (None, None, None), 0.5)

    note_down(file, "more", [experiment])

    assert file.read_text() == f"| a |\n|---|\n| 1 |\n{experiment.row('more')}\nBelow.\n"


@pytest.mark.parametrize("note", ["one | two", "one\ntwo", "\n"], ids=["pipe", "newline", "empty"])
def test_a_note_that_would_break_the_table_is_refused(tmp_path, note):
    table = tmp_path / "table.md"

    with pytest.raises(ValueError, match="one line"):
        note_down(table, note, [Experiment(FACE, 1, 0, (None, None, None), 0.5)])

    assert not table.exists()
