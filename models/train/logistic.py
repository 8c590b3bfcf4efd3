"""Logistic regression with a ridge and bounds (L-BFGS-B, Byrd et al. 1995)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
Bound = tuple[float | None, float | None]


def fit(
    rows: Floats,
    is_true: NDArray[np.bool_],
    *,
    ridge: float,
    worth: Floats | None = None,
    bounds: Sequence[Bound] | None = None,
) -> Floats:
    """Fit logistic regression with an L2 penalty on all coefficients but the last.

    Args:
        rows: (N, K) features; the last column is 1, for the bias.
        is_true: (N,)
        ridge: times the squared coefficients.
        worth: (N,) weights that sum to 1; the same for all by default.
        bounds: (K,) of the coefficients; none by default.

    Returns:
        (K,) coefficients of the log-odds.
    """
    signs = np.where(is_true, 1.0, -1.0)
    weights = np.full(len(rows), 1 / len(rows)) if worth is None else worth

    def loss(by: Floats) -> tuple[float, Floats]:
        margin = signs * (rows @ by)
        value = float(weights @ np.logaddexp(0.0, -margin)) + ridge * float(by[:-1] @ by[:-1])
        slope = -(weights * signs / (1 + np.exp(margin))) @ rows
        slope[:-1] += 2 * ridge * by[:-1]
        return value, slope

    start = np.zeros(rows.shape[1])
    result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(result.x, np.float64)
