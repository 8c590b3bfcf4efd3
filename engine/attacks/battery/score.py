"""Scores of an attack: similarity of outputs to originals, permutation tests, rank-1 hits, bits.

Absolute similarity never decides: an attack on a safe fill that draws an average face resembles
every face. So outputs are compared with the right original against the same outputs compared with
permuted ones, after what all subjects share has been taken away from both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import bdtr, betaincinv

from engine.errors import LetheError

F64 = NDArray[np.float64]
Order = NDArray[np.intp]

COMPARED_PX: Final = 48
"""Side at which pictures are compared."""
CAUGHT_AT: Final = 0.01
"""A corrected p below this counts as found."""
CONFIDENCE: Final = 0.99
_FLAT: Final = 1e-6
_FLAT_GREY: Final = 0.01
"""Grey levels: less difference between outputs than this is rounding, not a picture."""
_WHITENING_FLOOR: Final = 0.05
_TEMPERATURES: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""0 says nothing, so that bits are never negative for lack of a choice."""


class NotFinite(LetheError):
    """An attack gave NaN or infinity, which would compare as "nothing found"."""


def require_finite(values: NDArray[np.floating[Any]] | NDArray[np.uint8], what: str) -> None:
    """Return finite values as they are.

    Raises:
        NotFinite: one is infinite or not a number.
    """
    if not np.isfinite(values).all():
        raise NotFinite(
            f"The battery was stopped: {what} gave a value that is no number, and what cannot be "
            "compared cannot pass. No report was made; this is a fault in the attack."
        )


def centred(pictures: NDArray[np.float32] | NDArray[np.uint8]) -> F64:
    """Downscale pictures and subtract their mean.

    Args:
        pictures: (N, S, S, 3), 0..255 or beyond.

    Returns:
        (N, D), mean zero over the pictures.
    """
    size = (COMPARED_PX, COMPARED_PX)
    small = np.stack(
        [
            cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            for picture in pictures.astype(np.float32)
        ]
    ).astype(np.float64)
    return np.asarray(small - small.mean(axis=0)).reshape(len(small), -1)


def similarities(outputs: NDArray[np.float32], originals: NDArray[np.uint8]) -> F64:
    """Similarity matrix of outputs and originals.

    Correlation after spectral whitening: natural pictures are nearly all coarse light and shade,
    and without it a trace of fine detail would drown in how bright two pictures are.

    Args:
        outputs: (N, S, S, 3), what an attack made of N releases.
        originals: (N, S, S, 3), in the same order.

    Returns:
        (N, N), -1..1: row for the output, column for the original.

    Raises:
        NotFinite: an output has a value that is no number.
    """
    require_finite(outputs, "an attack")
    results, targets = centred(outputs), centred(originals)
    results[np.abs(results).max(axis=1) < _FLAT_GREY] = 0.0
    shape = (len(targets), COMPARED_PX, COMPARED_PX, 3)
    spectrum = fft.fft2(targets.reshape(shape), axes=(1, 2))
    power = np.sqrt((np.abs(spectrum) ** 2).mean(axis=(0, 3)))
    gain = 1 / (power + _WHITENING_FLOOR * power.max())
    whitened_targets = fft.ifft2(spectrum * gain[None, :, :, None], axes=(1, 2)).real
    result_spectrum = fft.fft2(results.reshape(shape), axes=(1, 2)) * gain[None, :, :, None]
    whitened_results = fft.ifft2(result_spectrum, axes=(1, 2)).real
    return np.asarray(
        _unit(whitened_results.reshape(results.shape))
        @ _unit(whitened_targets.reshape(targets.shape)).T
    )


def _unit(rows: F64) -> F64:
    """Normalise rows to length one; nearly constant rows become zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(length > _FLAT, rows / np.maximum(length, _FLAT), 0.0)


def orders(folds: NDArray[np.intp], count: int, rng: np.random.Generator) -> Order:
    """Permutations that stay within folds, (count, N).

    An attack that learned from the other folds knows their originals. Within a fold it knows none,
    so there every order is equally likely when nothing leaks, and the test is exact.
    """
    drawn = np.tile(np.arange(len(folds)), (count, 1))
    for fold in np.unique(folds):
        members = np.flatnonzero(folds == fold)
        drawn[:, members] = rng.permuted(np.tile(members, (count, 1)), axis=1)
    return drawn


@dataclass(frozen=True, slots=True, eq=False)
class Null:
    """Permutation null: z-scores of a similarity matrix and of its permutations."""

    observed: float
    permuted: F64
    """(B,)"""


def permutation_null(scores: F64, permutations: Order) -> Null:
    """Mean score of the true pairs, and of B permutations of them.

    Args:
        scores: (N, N), row for the release, column for the candidate.
        permutations: (B, N), from `orders`.

    Raises:
        NotFinite: a score is no number.
    """
    require_finite(scores, "the comparison")
    observed = float(np.diag(scores).mean())
    permuted = scores[np.arange(len(scores)), permutations].mean(axis=1)
    deviation = float(permuted.std())
    if deviation <= _FLAT * _FLAT:
        return Null(0.0, np.zeros(len(permutations)))
    mean = float(permuted.mean())
    return Null((observed - mean) / deviation, (permuted - mean) / deviation)


def corrected_p_values(tests: list[Null]) -> list[float]:
    """Family-wise corrected p-values by the maximum statistic (Westfall and Young 1993).

    Single-step maxT. With B permutations no p is below 1 / (B + 1).
    """
    largest = np.sort(np.max([test.permuted for test in tests], axis=0))
    slack = 1e-9  # equal sums may differ in their last bits
    return [
        float(1 + len(largest) - np.searchsorted(largest, test.observed - slack))
        / (len(largest) + 1)
        for test in tests
    ]


def hits(scores: F64, rng: np.random.Generator) -> int:
    """Count rank-1 hits: releases that score highest with their own candidate; ties by lot.

    Raises:
        NotFinite: a score is no number.
    """
    require_finite(scores, "the comparison")
    lot = rng.random(scores.shape)
    best = scores == scores.max(axis=1, keepdims=True)
    return int((np.where(best, lot, -1.0).argmax(axis=1) == np.arange(len(scores))).sum())


def upper99(count: int, total: int) -> float:
    """One-sided 99 % upper limit of a share (Clopper and Pearson 1934)."""
    return 1.0 if count >= total else float(betaincinv(count + 1, total - count, CONFIDENCE))


def most_hits_by_chance(total: int, tests: int) -> int:
    """Upper limit of rank-1 hits by chance over `tests` tests together, 99 % confidence.

    Binomial, with the share of tests (Bonferroni 1936) as its tail.
    """
    below = bdtr(np.arange(total + 1), total, 1 / total)
    return int(np.searchsorted(below, 1 - (1 - CONFIDENCE) / tests))


def bits(scores: F64, folds: NDArray[np.intp]) -> float:
    """InfoNCE lower bound on what a release tells about its subject (van den Oord et al. 2018).

    The softmax's temperature is chosen on the other folds, so that choosing it adds nothing.
    At most log2 N; zero or less means nothing.

    Raises:
        NotFinite: a score is no number.
    """
    require_finite(scores, "the comparison")
    deviation = float(scores.std())
    if deviation <= _FLAT * _FLAT:
        return 0.0
    logits = (scores - scores.mean()) / deviation
    by_temperature = np.stack([_log2_share(logits * temperature) for temperature in _TEMPERATURES])
    log_shares = np.empty(len(scores))
    for fold in np.unique(folds):
        inside = folds == fold
        log_shares[inside] = by_temperature[by_temperature[:, ~inside].mean(axis=1).argmax()][
            inside
        ]
    return float(np.log2(len(scores)) + log_shares.mean())


def _log2_share(logits: F64) -> F64:
    """log2 of the right candidate's share in the softmax, per row."""
    top = logits.max(axis=1)
    total = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top
    return np.asarray((np.diag(logits) - total) / np.log(2.0))
