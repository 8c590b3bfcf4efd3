"""What thresholds promise holds on average, for people that are made up by the hundred."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.evaluation.scores.matching import NEVER
from models.train.calibration.thresholds import (
    NEEDLESS_RISK,
    RISKS,
    control,
    first_valid,
    last_valid,
    least_risk,
)
from tests.engine.evaluation.made import FACE
from tests.models.train.losses import missed_share, needless_share
from tests.models.train.proposed import AT_ITS_WORD, proposals_of

pytestmark = pytest.mark.slow

DRAWS = 600


def person(rng):
    """Scores at which one person's labels are hidden: some people are hard to see in all of them.

    Heavy ties, empty chances and groups of unequal size, as in real calibration pictures.
    """
    ease = rng.beta(2, 1)
    found = rng.random(rng.integers(1, 7)) < 0.6 + 0.4 * ease
    return np.where(found, np.round(rng.random(len(found)) ** 0.5 * ease, 2), NEVER).tolist()


def well_seen(rng):
    """A person most of whose labels are seen; one in fifty has one that no threshold hides."""
    ease = 0.1 + 0.9 * rng.beta(2, 1)
    seen = np.ceil(20 * ease * rng.random(rng.integers(1, 5)) ** 0.5) / 20
    return seen.tolist(), int(rng.random() < 0.02)


def scores_of(people):
    return {str(at): [*seen, *[NEVER] * unseen] for at, (seen, unseen) in enumerate(people)}


def at_most_on_average(lost, risk):
    """Whether a mean loss is within the risk, but for the luck of the draws."""
    return np.mean(lost) <= risk + 2 * np.std(lost) / math.sqrt(len(lost))


@pytest.mark.parametrize("make", [lambda rng: (person(rng), 0), well_seen], ids=["hard", "well"])
@pytest.mark.parametrize(("count", "risk"), [(12, 0.10), (25, 0.05), (25, 0.10), (12, 0.4)])
def test_at_a_fixed_risk_one_more_person_loses_no_more_on_average(rng, make, count, risk):
    """Where no threshold keeps the risk, a person looks, and nothing is lost."""
    lost = []
    for _ in range(DRAWS // 2):
        hiding = scores_of(make(rng) for _ in range(count))
        is_kept = least_risk(hiding) <= risk
        new = scores_of([make(rng)])
        lost.append(missed_share(new, last_valid(hiding, risk)) if is_kept else 0.0)

    assert at_most_on_average(lost, risk)
    if make is well_seen:
        assert np.mean(lost) > 0.15 * risk


@pytest.mark.parametrize("count", [12, 25, 60])
def test_of_each_risk_fixed_beforehand_the_choice_among_them_keeps_the_promise(rng, count):
    """For each risk: choices of it or a smaller one lose no more on average than it says.

    The theorem is about a fixed risk. A choice of a smaller one has a lower threshold, so it loses
    no more than the fixed one would; where a larger one or none is chosen, nothing is claimed.
    """
    lost = {risk: [] for risk in RISKS}
    chosen_risks = set()
    for _ in range(DRAWS // 4):
        people = [well_seen(rng) for _ in range(count)]
        every = [proposals_of(f"{at}", *one[:1], unseen=one[1]) for at, one in enumerate(people)]
        chosen = control(every, FACE, AT_ITS_WORD)
        loses = missed_share(scores_of([well_seen(rng)]), chosen.review_at)
        chosen_risks.add(chosen.risk)
        for risk, so_far in lost.items():
            claims = chosen.risk is not None and chosen.risk <= risk
            so_far.append(loses if claims else 0.0)

    assert chosen_risks - {None}
    for risk, so_far in lost.items():
        assert at_most_on_average(so_far, risk)


@pytest.mark.parametrize("count", [5, 12])
def test_on_average_one_more_person_sees_no_more_needless_removal_than_was_promised(rng, count):
    def needless():
        sure = rng.random() ** 2
        return np.round(rng.random(rng.integers(1, 6)) * sure, 2).tolist()

    lost = []
    for _ in range(DRAWS):
        threshold = first_valid({str(number): needless() for number in range(count)}, NEEDLESS_RISK)
        lost.append(needless_share({"new": needless()}, threshold))

    assert np.mean(lost) <= NEEDLESS_RISK + 2 * np.std(lost) / math.sqrt(len(lost))
