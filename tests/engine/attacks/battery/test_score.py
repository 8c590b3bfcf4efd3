from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom, kstest

from engine.attacks.battery.score import (
    NotFinite,
    bits,
    corrected_p_values,
    hits,
    most_hits_by_chance,
    orders,
    permutation_null,
    similarities,
    upper99,
)

pytestmark = pytest.mark.slow

PERMUTATIONS = 19_999
N = 40
FOLDS = np.arange(N) % 5


def p_of(matrices, permutations):
    return corrected_p_values([permutation_null(one, permutations) for one in matrices])


@pytest.fixture(scope="module")
def permutations():
    return orders(FOLDS, PERMUTATIONS, np.random.default_rng(1))


class TestNull:
    def test_p_of_an_attack_without_a_leak_is_uniform(self):
        rng = np.random.default_rng(2)
        few = orders(FOLDS, 999, rng)

        drawn = [p_of([rng.normal(size=(N, N))], few)[0] for _ in range(300)]

        assert kstest(drawn, "uniform").pvalue > 0.01

    def test_the_least_p_of_many_attacks_is_uniform_after_correction(self):
        rng = np.random.default_rng(3)
        few = orders(FOLDS, 999, rng)

        drawn = [min(p_of(rng.normal(size=(20, N, N)), few)) for _ in range(200)]

        assert kstest(drawn, "uniform").pvalue > 0.01

    def test_attacks_that_agree_are_not_corrected_as_if_they_were_many(self, permutations):
        rng = np.random.default_rng(4)
        one = rng.normal(size=(N, N)) + 0.5 * np.eye(N)

        alone, twenty = p_of([one], permutations)[0], p_of([one] * 20, permutations)[0]

        assert alone == twenty

    def test_an_attack_that_draws_the_average_face_is_not_taken_for_a_find(self, permutations):
        rng = np.random.default_rng(5)
        originals = rng.integers(0, 256, (N, 48, 48, 3), dtype=np.uint8)
        average = np.repeat(originals.mean(axis=0, dtype=np.float32)[None], N, axis=0)

        (p,) = p_of([similarities(average, originals)], permutations)

        assert p == 1.0

    def test_what_a_fold_learned_from_the_others_is_not_taken_for_a_find(self):
        """Outputs of a fold lean on the other folds' originals: the worst a learner can do."""
        drawn = []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            originals = rng.integers(0, 256, (N, 48, 48, 3), dtype=np.uint8)
            outputs = np.stack(
                [
                    originals[fold != FOLDS].mean(axis=0) + rng.normal(0, 2, (48, 48, 3))
                    for fold in FOLDS
                ]
            ).astype(np.float32)
            few = orders(FOLDS, 499, rng)
            drawn += p_of([similarities(outputs, originals)], few)

        assert np.mean(np.array(drawn) < 0.05) < 0.15


class TestPower:
    @pytest.mark.parametrize("share", [0.5, 0.1, 0.05])
    def test_a_share_of_the_original_is_found(self, share, permutations):
        rng = np.random.default_rng(6)
        originals = rng.integers(0, 256, (N, 48, 48, 3), dtype=np.uint8)
        noise = rng.normal(128, 40, originals.shape)
        outputs = (noise + share * originals).astype(np.float32)

        scores = similarities(outputs, originals)

        assert p_of([scores], permutations) == [1 / (PERMUTATIONS + 1)]
        assert bits(scores, FOLDS) > 1
        assert hits(scores, rng) > most_hits_by_chance(N, 1)

    def test_a_find_in_one_attack_outlives_the_correction_for_many(self, permutations):
        rng = np.random.default_rng(7)
        blind = rng.normal(size=(30, N, N))

        found, *others = p_of([blind[0] + 2 * np.eye(N), *blind[1:]], permutations)

        assert found < 0.001
        assert min(others) > 0.01


class TestCounting:
    def test_ties_are_broken_by_lot_and_not_for_the_attacker(self):
        drawn = [hits(np.zeros((N, N)), np.random.default_rng(seed)) for seed in range(400)]

        assert 0.8 < np.mean(drawn) < 1.2

    def test_a_perfect_attack_names_everyone(self, rng):
        assert hits(np.eye(N), rng) == N
        assert bits(np.eye(N), FOLDS) == pytest.approx(np.log2(N), abs=0.01)

    def test_flat_outputs_tell_nothing(self, permutations):
        originals = np.random.default_rng(8).integers(0, 256, (N, 48, 48, 3), dtype=np.uint8)
        rounding = np.random.default_rng(9).normal(0, 1e-4, originals.shape)
        flat = (128 + rounding).astype(np.float32)

        scores = similarities(flat, originals)

        assert p_of([scores], permutations) == [1.0]
        assert bits(scores, FOLDS) == 0.0

    def test_noise_gives_no_bits(self):
        drawn = [bits(np.random.default_rng(seed).normal(size=(N, N)), FOLDS) for seed in range(50)]

        assert np.mean(drawn) < 0.02

    @pytest.mark.parametrize(("found", "total"), [(0, 40), (3, 40), (39, 40), (1, 1), (0, 1)])
    def test_the_upper_limit_is_clopper_and_pearsons(self, found, total):
        expected = 1.0 if found == total else beta.ppf(0.99, found + 1, total - found)

        assert upper99(found, total) == pytest.approx(expected)

    @pytest.mark.parametrize("total", [12, 40, 100])
    @pytest.mark.parametrize("tests", [1, 6])
    def test_the_limit_of_chance_is_the_binomial_one(self, total, tests):
        assert most_hits_by_chance(total, tests) == binom.ppf(1 - 0.01 / tests, total, 1 / total)


class TestNotFinite:
    """Each of these was once scored as "nothing found"."""

    @pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
    def test_one_such_pixel_in_a_perfect_attack_is_refused(self, value):
        originals = np.random.default_rng(10).integers(0, 256, (N, 48, 48, 3), dtype=np.uint8)
        outputs = originals.astype(np.float32)
        outputs[3, 5, 7, 1] = value

        with pytest.raises(NotFinite, match="no number"):
            similarities(outputs, originals)

    def test_one_such_score_beside_a_real_leak_is_refused(self, permutations):
        spoilt = np.random.default_rng(11).normal(size=(N, N))
        spoilt[2, 9] = np.nan

        with pytest.raises(NotFinite):
            p_of([np.eye(N), spoilt], permutations)

    @pytest.mark.parametrize(
        "count", [lambda one: hits(one, np.random.default_rng(0)), lambda one: bits(one, FOLDS)]
    )
    def test_such_scores_are_not_counted(self, count):
        spoilt = np.eye(N)
        spoilt[0, 0] = np.inf

        with pytest.raises(NotFinite):
            count(spoilt)


def test_permutations_stay_within_folds_and_are_permutations(rng):
    folds = np.array([0, 1, 0, 1, 2, 0, 2])

    drawn = orders(folds, 50, rng)

    assert (np.sort(drawn, axis=1) == np.arange(7)).all()
    assert (folds[drawn] == folds).all()
    assert len({tuple(one) for one in drawn}) > 10
