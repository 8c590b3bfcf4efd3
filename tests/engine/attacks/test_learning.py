from __future__ import annotations

import numpy as np
import pytest

from engine.attacks.algorithms import network, ridge
from engine.attacks.battery import score
from engine.attacks.battery.attack_set import NOBODY, attack_set
from engine.attacks.battery.methods import METHODS
from engine.attacks.subjects.composites import SEEN_PX
from engine.attacks.subjects.synthetic import synthetic
from engine.category import Category

pytestmark = pytest.mark.slow

LEARNERS = [ridge] + ([network] if network.is_installed() else [])


@pytest.fixture(scope="module")
def stage():
    subjects = synthetic(Category.FACE, 24, side_px=48, spare=24, seed=4)
    return attack_set(subjects, copies=4, spare_copies=2, seed=4)


def attempts(stage, learner, name):
    """Score matrices of the inverse and the classifier."""
    method = METHODS[name]
    seen, training = stage.under_attack(method), stage.for_training(method)
    known = stage.owners != NOBODY
    guessed = learner.inverse(seen, stage.folds, training, stage.copies, stage.owners)
    return (
        score.similarities(guessed, stage.subjects.patches),
        learner.identity(seen, training[known], stage.owners[known]),
    )


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: one.__name__.rsplit(".", 1)[-1])
def test_blur_is_learned_and_our_fill_is_not(stage, learner):
    rng = np.random.default_rng(1)
    orders = score.orders(stage.folds, 4999, rng)

    p = {
        name: score.corrected_p_values(
            [score.permutation_null(one, orders) for one in attempts(stage, learner, name)]
        )
        for name in ("blur-6", "pushpull")
    }

    assert max(p["blur-6"]) < 0.01
    assert min(p["pushpull"]) > 0.01


def test_an_inverse_is_blind_to_the_subjects_it_is_judged_on(stage):
    method = METHODS["blur-6"]
    seen, training = stage.under_attack(method), stage.for_training(method)
    inside = stage.folds == 0
    other = stage.copies.copy()
    other[np.isin(stage.owners, np.flatnonzero(inside))] = 255 - 77

    one, two = (
        ridge.inverse(seen, stage.folds, training, copies, stage.owners)
        for copies in (stage.copies, other)
    )

    np.testing.assert_array_equal(one[inside], two[inside])
    assert not np.array_equal(one[~inside], two[~inside])


def test_surroundings_are_drawn_by_lot_and_masks_lie_on_the_public_grid(stage):
    corners = {one.rect[:2] for one in (*stage.staged, *stage.rehearsed)}

    assert len(corners) > 4
    assert all(side % 16 == 0 for one in stage.staged for side in one.rect)
    for one, patch in zip(stage.staged, stage.subjects.patches, strict=True):
        np.testing.assert_array_equal(one.image.rgb[one.rect.rows, one.rect.columns], patch)
        assert one.mask.sum() == patch.shape[0] ** 2


def test_an_attack_is_given_nothing_of_the_original(stage):
    windows = stage.under_attack(METHODS["solid"])

    assert (windows[:, SEEN_PX:-SEEN_PX, SEEN_PX:-SEEN_PX] == 0).all()
