"""Fitting the coefficients of `engine.detect.score_fusion` on pictures no detector was trained on.

Detectors and classifiers are surer than they should be on the pictures they were trained on. So the
few coefficients are fitted on calibration pictures alone, where nothing was trained: logistic
regression by maximum likelihood with a small ridge, coefficients of scores kept from becoming
negative (bound-constrained L-BFGS, Byrd et al. 1995).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import tomlkit

from engine.category import DETECTABLE, Category
from engine.detect.score_fusion import (
    MEASURES,
    NEVER_NEGATIVE,
    NEVER_POSITIVE,
    Coefficients,
    FittedFusion,
    evidence,
    measures,
)
from models.train import logistic
from models.train.calibration.judging import Judged, Proposal

Likelihood: TypeAlias = Callable[[Judged, Category], Sequence[float]]
"""How likely each proposal of a category in a picture is, in the order of `Judged.of`."""
RIDGE = 1e-3
"""Times the squared coefficients, per proposal: what says nothing gets no weight."""
_UP, _DOWN, _FREE = (0.0, None), (None, 0.0), (None, None)


def fit(every: Sequence[Judged], detectors: Sequence[str]) -> dict[Category, Coefficients]:
    """Fit one category after the other; one with no true or no false proposal is left out."""
    fitted = {}
    for category in DETECTABLE:
        own = [one for each in every for one in each.of(category) if one.is_true is not None]
        if 0 < sum(bool(one.is_true) for one in own) < len(own):
            fitted[category] = _fit(own, detectors)
    return fitted


def likelihood(fusion: FittedFusion) -> Likelihood:
    """What a fuser says, of whatever picture."""

    def likely(picture: Judged, category: Category) -> list[float]:
        return [fusion.probability(one.cluster, one.features) for one in picture.of(category)]

    return likely


def cross_fitted(
    folds: Sequence[Sequence[Judged]], make: Callable[[Sequence[Judged]], FittedFusion]
) -> Likelihood:
    """What is said of each picture by a fuser that was fitted on the other folds.

    Args:
        folds: no group of pictures lies in two.
        make: fits a fuser.
    """
    said: dict[str, Likelihood] = {}
    for fold in folds:
        others = [one for other in folds if other is not fold for one in other]
        said |= dict.fromkeys((one.picture.name for one in fold), likelihood(make(others)))

    def likely(picture: Judged, category: Category) -> Sequence[float]:
        return said[picture.picture.name](picture, category)

    return likely


def as_toml(fitted: Mapping[Category, Coefficients], second: str, scene: str = "") -> str:
    """`models/fusion.toml`, with the classifiers it was fitted with; empty when there was none."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Written by `make calibrate`; see models/cards/fusion.md."))
    document.add("second", second)
    document.add("scene", scene)
    for category, one in fitted.items():
        table = tomlkit.table()
        table.add("bias", round(one.bias, 4))
        table.add("scores", _rounded(one.scores))
        table.add("crops", _rounded({each.value: by for each, by in one.crops.items()}))
        table.add("measured", _rounded(one.measured))
        document.add(category.value, table)
    return str(tomlkit.dumps(document))


def _rounded(coefficients: Mapping[str, float]) -> tomlkit.items.InlineTable:
    table = tomlkit.inline_table()
    table.update({name: round(by, 4) for name, by in coefficients.items()})
    return table


def _fit(own: Sequence[Proposal], detectors: Sequence[str]) -> Coefficients:
    category = own[0].cluster.category
    rows = np.array([_row(one, detectors) for one in own])
    is_true = np.array([bool(one.is_true) for one in own])
    bounds = [
        *([_UP] * len(detectors)),
        *(_UP if each is category else _FREE for each in DETECTABLE),
        *(
            _UP if name in NEVER_NEGATIVE else _DOWN if name in NEVER_POSITIVE else _FREE
            for name in MEASURES
        ),
        _FREE,
    ]
    *fitted, bias = logistic.fit(rows, is_true, ridge=RIDGE, bounds=bounds).tolist()
    scores, rest = fitted[: len(detectors)], fitted[len(detectors) :]
    return Coefficients(
        bias,
        dict(zip(detectors, scores, strict=True)),
        dict(zip(DETECTABLE, rest[: len(DETECTABLE)], strict=True)),
        dict(zip(MEASURES, rest[len(DETECTABLE) :], strict=True)),
    )


def _row(one: Proposal, detectors: Sequence[str]) -> list[float]:
    """What the coefficients are multiplied with, in order; the bias last."""
    return [
        *(evidence(one.cluster, name) for name in detectors),
        *(one.features.crops.get(category, 0.0) for category in DETECTABLE),
        *measures(one.cluster, one.features).values(),
        1.0,
    ]
