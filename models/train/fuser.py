"""Fitting the coefficients of `engine.detect.fuser` on pictures no detector was trained on.

The detectors and the second look saw the training pictures, where they are surer than they should
be. So the few coefficients are fitted on calibration half A alone, where nothing was trained:
logistic regression by maximum likelihood with a small ridge, scores' coefficients kept from
becoming negative (bound-constrained L-BFGS, Byrd et al. 1995).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from engine import codec
from engine.category import DETECTABLE, Category
from engine.detect.detector import Detector
from engine.detect.fuser import Coefficients, SecondLook, evidence, second_look
from engine.detect.fusion import Thing, things
from engine.evaluation.labels import Label, LabelledPicture
from engine.evaluation.matching import is_found_by
from engine.images import RgbImage
from engine.masks import masked
from engine.plan import Origin, Region
from engine.policy import Policy

RIDGE = 1e-3
"""Times the squared coefficients, per example: keeps a coefficient of nothing at nothing."""


@dataclass(frozen=True, slots=True)
class Example:
    """A thing the detectors proposed, and whether it is one."""

    thing: Thing
    crop: float
    """Log-odds by its crop."""
    is_true: bool


def examples(
    pictures: Iterable[LabelledPicture],
    detector: Detector,
    second: SecondLook | None,
    policy: Policy,
) -> Iterator[Example]:
    """Everything proposed in pictures whose labels can tell whether it is right.

    A proposal is true when it finds a label, as in an evaluation. One that does not is false only
    where the picture is labelled completely for its category and no ignored label is near.
    """
    for picture in pictures:
        data = picture.path.read_bytes()
        image = codec.decode(data, picture.name, max_megapixels=policy.codec.max_megapixels)
        found = things(detector.detect(image, policy))
        crops = second_look(second, image, found)
        for thing, crop in zip(found, crops.tolist(), strict=True):
            is_true = _is_true(thing, picture, image, policy)
            if is_true is not None:
                yield Example(thing, crop, is_true)


def _is_true(
    thing: Thing, picture: LabelledPicture, image: RgbImage, policy: Policy
) -> bool | None:
    """None where the labels cannot tell."""
    region = masked(
        Region(thing.box.clipped(image.size), thing.category, Origin.MODEL), image.codec, policy
    )
    same = [one for one in picture.labels if one.category is thing.category]
    if any(is_found_by(one.box, region) for one in same if not one.is_ignored):
        return True if thing.category in picture.counted else None
    is_told = thing.category in picture.labelled_for
    return None if not is_told or _is_near_ignored(thing, same) else False


def _is_near_ignored(thing: Thing, labels: Iterable[Label]) -> bool:
    ignored = (one.box for one in labels if one.is_ignored)
    return any(thing.box.intersection(box) >= 0.5 * thing.box.area for box in ignored)


def fit(
    every: Sequence[Example], detectors: Sequence[str], *, has_crops: bool
) -> dict[Category, Coefficients]:
    """Fit one category after the other; one with no true or no false example is left out."""
    fitted = {}
    for category in DETECTABLE:
        own = [one for one in every if one.thing.category is category]
        if 0 < sum(one.is_true for one in own) < len(own):
            fitted[category] = _fit(own, detectors, has_crops=has_crops)
    return fitted


def _fit(own: Sequence[Example], detectors: Sequence[str], *, has_crops: bool) -> Coefficients:
    rows = np.array(
        [
            [*(evidence(one.thing, name) for name in detectors),
             np.log(len(one.thing.sightings)), one.crop, 1.0]
            for one in own
        ]
    )  # fmt: skip
    signs = np.array([1.0 if one.is_true else -1.0 for one in own])

    def loss(by: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = signs * (rows @ by)
        slack = np.logaddexp(0.0, -margin).mean() + RIDGE * float(by[:-1] @ by[:-1])
        pull = -(signs / (1 + np.exp(margin))) @ rows / len(rows)
        pull[:-1] += 2 * RIDGE * by[:-1]
        return float(slack), pull

    bounds = [(0.0, None)] * (len(detectors) + 1) + [(0.0, None if has_crops else 0.0)]
    start = np.zeros(rows.shape[1])
    *scores, looks, crop, bias = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)]
    ).x.tolist()
    return Coefficients(bias, dict(zip(detectors, scores, strict=True)), looks, crop)
