"""How likely a thing is there, given everything that saw it.

Detectors' scores are not probabilities, and two detectors' scores do not mean the same. A logistic
regression per category makes one probability of them; its coefficients are fitted by
`models/train/fuser.py` and kept in `models/fusion.toml`. No coefficient of a score is negative, so
seeing a thing better never makes it less likely.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.category import Category
from engine.detect.fusion import Thing
from engine.errors import UnusableWeights
from engine.images import RgbImage
from engine.weights import Weights

LEAST = 0.02
"""A score this low says as much as not having seen the thing."""
MOST = 0.995
"""A higher score says no more than this."""


class Fuser(Protocol):
    """Gives things their probabilities."""

    @property
    def names(self) -> tuple[str, ...]:
        """`name@sha256[:8]` of what it goes by."""
        ...

    def probabilities(self, image: RgbImage, things: Sequence[Thing]) -> NDArray[np.float64]:
        """One probability for each thing, 0..1.

        Args:
            image: the upright original, for those who look again.
            things: of any categories.
        """
        ...


class SurestScore:
    """A fuser that takes detectors at their word: the surest score is the probability."""

    names = ()

    def probabilities(self, image: RgbImage, things: Sequence[Thing]) -> NDArray[np.float64]:
        """See `Fuser.probabilities`."""
        del image
        return np.array([thing.score for thing in things], np.float64)


class SecondLook(Protocol):
    """A classifier that looks at each thing's crop."""

    @property
    def name(self) -> str:
        """`name@sha256[:8]`."""
        ...

    @property
    def classes(self) -> tuple[Category, ...]:
        """The order of its answers."""
        ...

    def logits(self, rgb: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, categories) log-odds that each of (N, 4) `x0 y0 x1 y1` is on one."""
        ...


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Of one category."""

    bias: float
    scores: Mapping[str, float]
    """By detector: per unit of evidence in its surest score."""
    looks: float
    """Per unit of the logarithm of how many sightings there are."""
    crop: float
    """Per unit of the second look's log-odds."""


class FittedFuser:
    """The logistic regression."""

    def __init__(self, weights: Weights, second: SecondLook | None) -> None:
        self._fitted = coefficients(weights.data.decode())
        self._second = second
        self.names = (weights.label, *([second.name] if second else []))

    def probabilities(self, image: RgbImage, things: Sequence[Thing]) -> NDArray[np.float64]:
        """See `Fuser.probabilities`.

        A detector the coefficients were not fitted with is taken at its word: a thing is at least
        as likely as its score says.
        """
        crops = second_look(self._second, image, things)
        return np.array(
            [self.probability(thing, crop) for thing, crop in zip(things, crops, strict=True)],
            np.float64,
        )

    def probability(self, thing: Thing, crop: float) -> float:
        """How likely one thing is, given the log-odds of its crop."""
        fitted = self._fitted.get(thing.category)
        if fitted is None:
            return thing.score
        total = fitted.bias + fitted.looks * np.log(len(thing.sightings)) + fitted.crop * crop
        total += sum(by * evidence(thing, name) for name, by in fitted.scores.items())
        strangers = [one.score for one in thing.sightings if one.detector not in fitted.scores]
        return float(max(1 / (1 + np.exp(-total)), *strangers, 0.0))


def evidence(thing: Thing, detector: str) -> float:
    """Log-odds of a detector's surest score above those of not having seen it: at least 0."""
    scores = [one.score for one in thing.sightings if one.detector == detector]
    return _log_odds(min(max([LEAST, *scores]), MOST)) - _log_odds(LEAST)


def second_look(
    second: SecondLook | None, image: RgbImage, things: Sequence[Thing]
) -> NDArray[np.float64]:
    """Log-odds of each thing by its crop; 0 where nobody looks."""
    if second is None or not things:
        return np.zeros(len(things))
    boxes = np.array([thing.box.corners for thing in things], np.float32)
    answers = second.logits(image.rgb, boxes)
    columns = [second.classes.index(thing.category) for thing in things]
    return answers[np.arange(len(things)), columns].astype(np.float64)


def coefficients(text: str) -> dict[Category, Coefficients]:
    """Read `fusion.toml`.

    Raises:
        UnusableWeights: it does not hold what it must, or seeing better would mean less likely.
    """
    try:
        return {Category(name): _one(table) for name, table in tomllib.loads(text).items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableWeights(
            f"The coefficients in models/fusion.toml cannot be used ({error}); "
            "make calibrate writes them anew."
        ) from error


def _one(table: Mapping[str, object]) -> Coefficients:
    scores = {str(name): float(by) for name, by in dict(table["scores"]).items()}  # type: ignore[call-overload]
    bias, looks, crop = (float(table[key]) for key in ("bias", "looks", "crop"))  # type: ignore[arg-type]
    if not np.isfinite([bias, looks, crop, *scores.values()]).all():
        raise ValueError("a coefficient is no number")
    if min(looks, crop, *scores.values()) < 0:
        raise ValueError("a coefficient is negative")
    return Coefficients(bias, scores, looks, crop)


def _log_odds(share: float) -> float:
    return float(np.log(share / (1 - share)))
