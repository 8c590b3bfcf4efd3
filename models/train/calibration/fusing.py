"""Fit `engine.detect.score_fusion` (logistic regression) on held-out pictures, cross-fitted.

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
from models.train.calibration.matching import Proposal, Proposals

Likelihood: TypeAlias = Callable[[Proposals, Category], Sequence[float]]
"""How likely each proposal of a category in a picture is, in the order of `Proposals.of`."""
RIDGE = 1e-3
"""Times the squared coefficients, per proposal: what says nothing gets no weight."""
_UP, _DOWN, _FREE = (0.0, None), (None, 0.0), (None, None)


def fit(pictures: Sequence[Proposals], detectors: Sequence[str]) -> dict[Category, Coefficients]:
    """Fit one category after the other; one with no true or no false proposal is left out."""
    fitted = {}
    for category in DETECTABLE:
        proposals = [
            proposal
            for picture in pictures
            for proposal in picture.of(category)
            if proposal.is_true is not None
        ]
        if 0 < sum(bool(proposal.is_true) for proposal in proposals) < len(proposals):
            fitted[category] = _fit(proposals, detectors)
    return fitted


def likelihood(fusion: FittedFusion) -> Likelihood:
    """Probability of each cluster, in whatever picture."""

    def likely(picture: Proposals, category: Category) -> list[float]:
        return [
            fusion.probability(proposal.cluster, proposal.features)
            for proposal in picture.of(category)
        ]

    return likely


def cross_fitted(
    folds: Sequence[Sequence[Proposals]],
    make: Callable[[Sequence[Proposals]], FittedFusion],
) -> Likelihood:
    """Cross-fitted probabilities: each picture by a fusion fitted on the other folds.

    Args:
        folds: no group of pictures lies in two.
        make: fits a fusion.
    """
    likelihood_of: dict[str, Likelihood] = {}
    for fold in folds:
        training = [picture for rest in folds if rest is not fold for picture in rest]
        likelihood_of |= dict.fromkeys(
            (picture.picture.name for picture in fold), likelihood(make(training))
        )

    def likely(picture: Proposals, category: Category) -> Sequence[float]:
        return likelihood_of[picture.picture.name](picture, category)

    return likely


def as_toml(fitted: Mapping[Category, Coefficients], second: str, scene: str = "") -> str:
    """`models/fusion.toml`, with the classifiers it was fitted with; empty when there was none."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Written by `make calibrate`; see models/cards/fusion.md."))
    document.add("second", second)
    document.add("scene", scene)
    for category, coefficients in fitted.items():
        table = tomlkit.table()
        table.add("bias", round(coefficients.bias, 4))
        table.add("scores", _rounded(coefficients.scores))
        table.add(
            "crops",
            _rounded({kind.value: by for kind, by in coefficients.crops.items()}),
        )
        table.add("measured", _rounded(coefficients.measured))
        document.add(category.value, table)
    return str(tomlkit.dumps(document))


def _rounded(coefficients: Mapping[str, float]) -> tomlkit.items.InlineTable:
    table = tomlkit.inline_table()
    table.update({name: round(by, 4) for name, by in coefficients.items()})
    return table


def _fit(proposals: Sequence[Proposal], detectors: Sequence[str]) -> Coefficients:
    category = proposals[0].cluster.category
    rows = np.array([_row(proposal, detectors) for proposal in proposals])
    is_true = np.array([bool(proposal.is_true) for proposal in proposals])
    bounds = [
        *([_UP] * len(detectors)),
        *(_UP if kind is category else _FREE for kind in DETECTABLE),
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


def _row(proposal: Proposal, detectors: Sequence[str]) -> list[float]:
    """What the coefficients are multiplied with, in order; the bias last."""
    return [
        *(evidence(proposal.cluster, name) for name in detectors),
        *(proposal.features.crops.get(category, 0.0) for category in DETECTABLE),
        *measures(proposal.cluster, proposal.features).values(),
        1.0,
    ]
