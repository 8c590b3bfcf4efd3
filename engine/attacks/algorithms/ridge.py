"""Learned linear attacks (ridge regression): inversion of the removal, and identification.

Ridge regression in its dual form (Saunders, Gammerman and Vovk 1998): there are far fewer pictures
than pixels. The inverse never sees, in training, a subject that it is judged on. The classifier has
to, since it learns who is who; it is judged on a release it has not seen, in other surroundings.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.attacks.battery.score import COMPARED_PX

F64 = NDArray[np.float64]
Rgb = NDArray[np.uint8]

PENALTY: Final = 0.03
"""Of the kernel's mean diagonal."""
_FINE_SIGMA_PX: Final = 1.5
_FLAT: Final = 1e-3


def features(windows: Rgb) -> F64:
    """Features of a picture: a reduced copy, and its high frequencies.

    Args:
        windows: uint8 (N, W, W, 3), releases with some surroundings.

    Returns:
        (N, D), every column of mean 0 and deviation 1 over the pictures, or 0 where all agree.
    """
    size = (COMPARED_PX, COMPARED_PX)
    small = np.stack(
        [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in windows]
    )
    coarse = small.astype(np.float32)
    fine = np.stack(
        [picture - cv2.GaussianBlur(picture, (0, 0), _FINE_SIGMA_PX) for picture in coarse]
    )
    columns = np.concatenate([coarse, fine], axis=3).reshape(len(windows), -1).astype(np.float64)
    columns -= columns.mean(axis=0)
    deviation = columns.std(axis=0)
    return np.asarray(np.where(deviation > _FLAT, columns / np.maximum(deviation, _FLAT), 0.0))


def inverse(
    releases: Rgb, folds: NDArray[np.intp], training: Rgb, originals: Rgb, owners: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Reconstruct originals from releases, cross-validated by subject.

    Args:
        releases: uint8 (N, W, W, 3), the releases under attack.
        folds: (N,), the fold of each.
        training: uint8 (T, W, W, 3), releases that an attacker made.
        originals: uint8 (T, S, S, 3), what was hidden in them.
        owners: (T,), the subject of each: 0..N-1, or -1 for one that is not under attack.

    Returns:
        float32 (N, C, C, 3) with C = `COMPARED_PX`, around zero.
    """
    size = (COMPARED_PX, COMPARED_PX)
    targets = np.stack(
        [cv2.resize(original, size, interpolation=cv2.INTER_AREA) for original in originals]
    )
    answers = targets.reshape(len(targets), -1).astype(np.float64)
    rows = features(np.concatenate([releases, training]))
    kernel = rows @ rows[len(releases) :].T
    release_kernel, training_kernel = kernel[: len(releases)], kernel[len(releases) :]
    guesses = np.empty((len(releases), answers.shape[1]))
    for fold in np.unique(folds):
        inside = np.flatnonzero(folds == fold)
        others = np.flatnonzero(~np.isin(owners, inside))
        centred_answers = answers[others] - answers[others].mean(axis=0)
        weights = _solved(training_kernel[np.ix_(others, others)], centred_answers)
        guesses[inside] = release_kernel[np.ix_(inside, others)] @ weights
    return guesses.reshape(-1, *size, 3).astype(np.float32)


def identity(releases: Rgb, training: Rgb, owners: NDArray[np.intp]) -> F64:
    """Score each release against each subject, trained on other releases of them.

    Args:
        releases: uint8 (N, W, W, 3), one release of each subject.
        training: uint8 (T, W, W, 3), other releases, in other surroundings.
        owners: (T,), the subject of each, 0..N-1.

    Returns:
        (N, N): row for the release, column for the subject.
    """
    rows = features(np.concatenate([releases, training]))
    kernel = rows @ rows[len(releases) :].T
    labels = (owners[:, None] == np.arange(len(releases))).astype(np.float64)
    weights = _solved(kernel[len(releases) :], labels - labels.mean(axis=0))
    return np.asarray(kernel[: len(releases)] @ weights)


def _solved(kernel: F64, answers: F64) -> F64:
    level = PENALTY * max(float(np.trace(kernel)) / len(kernel), _FLAT)
    return np.asarray(np.linalg.solve(kernel + level * np.eye(len(kernel)), answers))
