"""Fitting the coefficients of `engine.detect.fuser` on pictures no detector was trained on.

Detectors and second look are surer than they should be on the pictures they were trained on. So
the few coefficients are fitted on calibration half A alone, where nothing was trained: logistic
regression by maximum likelihood with a small ridge, coefficients of scores kept from becoming
negative (bound-constrained L-BFGS, Byrd et al. 1995).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tomlkit
from numpy.typing import NDArray
from scipy.optimize import minimize

from engine.category import DETECTABLE, Category
from engine.detect.fuser import Coefficients, evidence
from models.train.judging import Judged, Proposal

RIDGE = 1e-3
"""Times the squared coefficients, per proposal: what says nothing gets no weight."""


def fit(every: Sequence[Judged], detectors: Sequence[str]) -> dict[Category, Coefficients]:
    """Fit one category after the other; one with no true or no false proposal is left out."""
    fitted = {}
    for category in DETECTABLE:
        own = [one for each in every for one in each.of(category) if one.is_true is not None]
        if 0 < sum(bool(one.is_true) for one in own) < len(own):
            fitted[category] = _fit(own, detectors)
    return fitted


def as_toml(fitted: Mapping[Category, Coefficients], second: str) -> str:
    """`models/fusion.toml`, with the second look it was fitted with; empty when there was none."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Written by `make calibrate`; see models/cards/fusion.md."))
    document.add("second", second)
    for category, one in fitted.items():
        table = tomlkit.table()
        for name in ("bias", "looks", "crop", "within", "around"):
            table.add(name, round(getattr(one, name), 4))
        scores = tomlkit.inline_table()
        scores.update({name: round(by, 4) for name, by in one.scores.items()})
        table.add("scores", scores)
        document.add(category.value, table)
    return str(tomlkit.dumps(document))


def _fit(own: Sequence[Proposal], detectors: Sequence[str]) -> Coefficients:
    rows = np.array(
        [
            [*(evidence(one.thing, name) for name in detectors),
             np.log(len(one.thing.sightings)), one.clues.crop,
             one.clues.within, one.clues.around, 1.0]
            for one in own
        ]
    )  # fmt: skip
    signs = np.array([1.0 if one.is_true else -1.0 for one in own])

    def loss(by: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = signs * (rows @ by)
        value = np.logaddexp(0.0, -margin).mean() + RIDGE * float(by[:-1] @ by[:-1])
        slope = -(signs / (1 + np.exp(margin))) @ rows / len(rows)
        slope[:-1] += 2 * RIDGE * by[:-1]
        return float(value), slope

    up, down, free = (0.0, None), (None, 0.0), (None, None)
    bounds = [up] * (len(detectors) + 2) + [down, down, free]
    *scores, looks, crop, within, around, bias = minimize(
        loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds
    ).x.tolist()
    by_detector = dict(zip(detectors, scores, strict=True))
    return Coefficients(bias, by_detector, looks, crop, within, around)
