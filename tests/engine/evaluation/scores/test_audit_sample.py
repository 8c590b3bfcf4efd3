from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import Category
from engine.evaluation.scores.audit_sample import (
    Check,
    SampleCounts,
    count_checks,
    score_check,
)
from engine.evaluation.scores.proportion import Proportion
from tests.engine.evaluation.made import FACE, JEWELRY, SIZE, TATTOO, masked
from tests.scenes import region

BOX, FAR = (100, 100, 200, 200), (500, 500, 600, 600)
BEYOND = (-100, 100, 100, 200)
"""Half of it is beside the picture, and no mask reaches there."""


def check(machine=(), decided=()):
    return Check("picture", tuple(machine), tuple(decided), SIZE)


@pytest.mark.parametrize(
    ("machine", "decided", "missed", "false"),
    [
        pytest.param([], [], 0, 0, id="nothing on either side"),
        pytest.param([masked(BOX)], [region(BOX)], 0, 0, id="kept as it was"),
        pytest.param([masked(BEYOND)], [region(BEYOND)], 0, 0, id="kept, beyond the edge"),
        pytest.param(
            [masked(BEYOND)], [region((0, 100, 100, 200))], 0, 0, id="kept, cut off at the edge"
        ),
        pytest.param([masked(BOX)], [], 0, 1, id="taken away"),
        pytest.param([], [region(BOX, score=None)], 1, 0, id="added"),
        pytest.param([], [region((5, 5, 6, 6), score=None)], 1, 0, id="one pixel added"),
        pytest.param([], [region((5, 5, 5, 6), score=None)], 0, 0, id="without an area"),
        pytest.param([], [region((0, 0, *SIZE), score=None)], 1, 0, id="whole picture added"),
        pytest.param([masked(BOX)], [region(FAR, score=None)], 1, 1, id="another instead"),
        pytest.param(
            [masked(BOX)], [region((200, 100, 300, 200), score=None)], 1, 1, id="touching instead"
        ),
        pytest.param([], [region(BOX, Category.OTHER, None)], 0, 0, id="a plate"),
        pytest.param([masked(BOX, TATTOO)], [region(BOX)], 0, 0, id="renamed: hidden all the same"),
        pytest.param([masked(BOX)], [region((100, 100, 205, 205))], 0, 0, id="drawn a bit larger"),
        pytest.param([masked(BOX)], [region((100, 100, 240, 200))], 1, 0, id="drawn much larger"),
    ],
)
def test_what_people_add_was_missed_and_what_they_take_away_was_false(
    machine, decided, missed, false
):
    result = score_check(check(machine, decided))

    assert (len(result.missed), len(result.false)) == (missed, false)


def test_checks_give_the_share_of_clean_pictures_with_its_bound():
    checks = [check([masked(BOX)], [region(BOX)])] * 58 + [check()]

    counts = count_checks(checks)

    assert counts.clean == Proportion(59, 59)
    assert counts.clean.lower() >= 0.95
    assert counts.of(FACE) == Proportion(58, 58)


def test_a_picture_with_two_misses_is_one_unclean_picture():
    counts = count_checks([check([], [region(BOX, score=None), region(FAR, TATTOO, None)])])

    assert counts.clean == Proportion(0, 1)
    assert (counts.of(FACE), counts.of(TATTOO), counts.of(JEWELRY)) == (
        Proportion(0, 1),
        Proportion(0, 1),
        Proportion(),
    )


def test_dropped_regions_are_counted_by_category():
    counts = count_checks([check([masked(BOX), masked(FAR, TATTOO)], [region(BOX)])])

    assert (counts.dropped(FACE), counts.dropped(TATTOO)) == (0, 1)


def test_of_no_checks_nothing_is_said():
    assert count_checks([]).clean.share is None
    assert SampleCounts().of(FACE) == Proportion()
    assert SampleCounts().dropped(FACE) == 0


some_checks = st.lists(
    st.builds(
        check,
        st.lists(st.sampled_from([masked(BOX), masked(FAR, TATTOO), masked(BEYOND)]), max_size=3),
        st.lists(st.sampled_from([region(BOX), region(FAR, TATTOO, None)]), max_size=3),
    ),
    max_size=6,
)


@given(some_checks, some_checks)
def test_shards_of_checks_add_up(one, other):
    together = count_checks(one + other)
    added = count_checks(other) + count_checks(one)

    assert added.clean == together.clean
    for category in (FACE, TATTOO, JEWELRY):
        assert added.of(category) == together.of(category)
        assert added.dropped(category) == together.dropped(category)
