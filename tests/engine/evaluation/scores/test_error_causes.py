from __future__ import annotations

import pytest
from hypothesis import given

from engine.evaluation.scores.error_causes import (
    FalseNegative,
    FalseNegativeCause,
    FalsePositiveCause,
)
from engine.evaluation.scores.scoring import score
from engine.evaluation.scores.tradeoff import curve
from engine.plan import Reason, ReasonKind
from tests.engine.evaluation.made import (
    FACE,
    PLAIN,
    SIZE,
    TATTOO,
    label,
    masked,
    pair,
    scored,
)

BOX = (100, 100, 200, 200)
MOST = (100, 100, 185, 200)
"""85 % of the box: found by IoU, and yet not hidden."""
LEFT, RIGHT = (100, 100, 140, 200), (140, 100, 200, 200)
WHOLE = (0, 0, *SIZE)


@pytest.mark.parametrize(
    ("found", "dropped", "miss"),
    [
        pytest.param([], [], FalseNegative(FalseNegativeCause.UNSEEN), id="nothing"),
        pytest.param(
            [masked((0, 100, 100, 200))],
            [],
            FalseNegative(FalseNegativeCause.UNSEEN),
            id="touching",
        ),
        pytest.param(
            [masked((150, 150, 151, 151))],
            [],
            FalseNegative(FalseNegativeCause.UNSEEN),
            id="one pixel",
        ),
        pytest.param(
            [masked(WHOLE)], [], FalseNegative(FalseNegativeCause.TOO_LARGE), id="whole picture"
        ),
        pytest.param(
            [masked(WHOLE, TATTOO)],
            [],
            FalseNegative(FalseNegativeCause.UNSEEN),
            id="another's, too large",
        ),
        pytest.param(
            [masked(BOX, score=0.19)],
            [],
            FalseNegative(FalseNegativeCause.SCORE_TOO_LOW, 0.19),
            id="not sure enough",
        ),
        pytest.param(
            [masked(LEFT, score=0.15), masked(RIGHT, score=0.1, mask=RIGHT)],
            [],
            FalseNegative(FalseNegativeCause.SCORE_TOO_LOW, 0.1),
            id="two that are not, the surer one too small by itself",
        ),
        pytest.param(
            [masked(MOST)], [], FalseNegative(FalseNegativeCause.TOO_SMALL), id="box too small"
        ),
        pytest.param(
            [masked(BOX, mask=(100, 100, 140, 200))],
            [],
            FalseNegative(FalseNegativeCause.TOO_SMALL),
            id="mask is",
        ),
        pytest.param(
            [masked(BOX, TATTOO, 0.7)],
            [],
            FalseNegative(FalseNegativeCause.WRONG_CATEGORY, 0.7),
            id="taken for a tattoo",
        ),
        pytest.param(
            [masked(BOX, TATTOO, 0.19)],
            [],
            FalseNegative(FalseNegativeCause.UNSEEN),
            id="hardly taken for one",
        ),
        pytest.param(
            [masked(MOST)],
            [masked(BOX, score=0.6)],
            FalseNegative(FalseNegativeCause.LOST_IN_MERGING, 0.6),
            id="lost",
        ),
        pytest.param(
            [masked(MOST)],
            [masked((100, 100, 188, 200), score=0.6)],
            FalseNegative(FalseNegativeCause.TOO_SMALL),
            id="what was lost was too small as well",
        ),
        pytest.param(
            [masked(MOST)],
            [masked(BOX, score=0.15)],
            FalseNegative(FalseNegativeCause.TOO_SMALL),
            id="what was lost would not have counted",
        ),
        pytest.param(
            [masked(MOST)],
            [masked(BOX, TATTOO, 0.6)],
            FalseNegative(FalseNegativeCause.TOO_SMALL),
            id="lost tattoo",
        ),
    ],
)
def test_every_miss_has_its_first_cause(found, dropped, miss):
    picture = scored([label(BOX)], found, dropped=dropped)

    assert [one.false_negative for one in picture.labels] == [miss]


def test_what_is_found_is_no_miss():
    assert scored([label(BOX)], [masked(BOX)]).labels[0].false_negative is None


@pytest.mark.parametrize(
    ("policy", "standing"),
    [
        pytest.param(PLAIN, [Reason(ReasonKind.NO_DETECTOR, "face")], id="no detector"),
        pytest.param(PLAIN.only([TATTOO]), [], id="not asked for"),
    ],
)
def test_where_nobody_looked_nothing_else_is_the_cause(policy, standing):
    picture = scored([label(BOX)], [masked(BOX, TATTOO)], policy, standing=standing)

    assert picture.labels[0].false_negative == FalseNegative(FalseNegativeCause.NOBODY_LOOKED)


def test_another_blind_spot_is_no_cause():
    picture = scored([label(BOX)], standing=[Reason(ReasonKind.NO_DETECTOR, "tattoo")])

    assert picture.labels[0].false_negative == FalseNegative(FalseNegativeCause.UNSEEN)


@pytest.mark.parametrize(
    ("labels", "region", "kind"),
    [
        pytest.param([], masked(BOX), FalsePositiveCause.UNLABELLED, id="sure, and on nothing"),
        pytest.param([], masked(BOX, score=0.3), FalsePositiveCause.BACKGROUND, id="unsure"),
        pytest.param(
            [], masked(WHOLE, score=0.3), FalsePositiveCause.BACKGROUND, id="whole picture"
        ),
        pytest.param(
            [label(BOX)],
            masked((100, 100, 220, 200), score=0.3),
            FalsePositiveCause.DUPLICATE,
            id="second one",
        ),
        pytest.param(
            [label(BOX)], masked((200, 100, 300, 200)), FalsePositiveCause.UNLABELLED, id="touching"
        ),
        pytest.param(
            [label(BOX, TATTOO)], masked(BOX), FalsePositiveCause.WRONG_CATEGORY, id="on a tattoo"
        ),
        pytest.param(
            [label(BOX, TATTOO, ignored=True)],
            masked(BOX),
            FalsePositiveCause.UNLABELLED,
            id="on a tattoo that counts for nothing",
        ),
        pytest.param(
            [label((100, 100, 120, 120), ignored=True)],
            masked(BOX),
            FalsePositiveCause.UNLABELLED,
            id="around a face that counts for nothing",
        ),
    ],
)
def test_every_false_region_has_its_kind(labels, region, kind):
    picture = scored(
        labels, [masked(BOX, score=0.95), region] if labels == [label(BOX)] else [region]
    )

    assert [one.false_positive for one in picture.false_positives(FACE)] == [kind]


@given(pair())
def test_a_miss_has_a_cause_and_a_lower_threshold_that_would_help_is_not_unseen(made):
    picture, seen = made
    result = score(picture, seen, PLAIN)

    for category in (FACE, TATTOO):
        lowest = curve([made], PLAIN, category)[0].detection
        causes = [
            one.false_negative.kind for one in result.labels_of(category) if one.false_negative
        ]
        missed_at_any = lowest.total - lowest.found
        assert causes.count(FalseNegativeCause.UNSEEN) <= missed_at_any


@pytest.mark.parametrize(
    ("miss", "text"),
    [
        (FalseNegative(FalseNegativeCause.UNSEEN), "unseen"),
        (FalseNegative(FalseNegativeCause.SCORE_TOO_LOW, 0.126), "score too low (0.13)"),
    ],
)
def test_a_miss_reads_as_words(miss, text):
    assert str(miss) == text
