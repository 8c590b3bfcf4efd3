"""Score fusion: a cluster of detections in, one calibrated probability out (logistic regression).

Detectors' scores are not probabilities, and two detectors' scores do not mean the same. The
coefficients, for each category, are fitted by `models.train.calibration.fusing` and kept in
`models/fusion.toml`. No coefficient of a score is negative, so a higher score never makes a cluster
less likely; a neighbour that lies within it becomes less so.
How large a box is matters as well: what is taken for a tattoo by mistake is often half a wall.
And where the whole picture shows nobody, nothing is a face: that never makes anything likelier.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.category import DETECTABLE, Category
from engine.detect.clusters import Cluster
from engine.detect.nms import containment
from engine.detect.weights import Weights
from engine.errors import UnusableWeights
from engine.geometry import Box, Size
from engine.images import RgbImage

LEAST = 0.02
"""A score this low says as much as no detection."""
SUREST = 0.9999
"""No probability is higher, so that an `auto_redact_at` of 1 accepts nothing."""
MOST = 0.995
"""A higher score says no more than this."""
SIDE_PX = 32.0
"""A box with this shorter side is neither small nor large."""
EMPTIEST = 6.0
"""Log-odds of a picture without people beyond which it says no more."""


class ScoreFusion(Protocol):
    """Clusters in, probabilities out."""

    @property
    def names(self) -> tuple[str, ...]:
        """`name@sha256[:8]` of its files."""
        ...

    @property
    def fitted_with(self) -> frozenset[str] | None:
        """The detectors whose scores it was fitted with; None where it needs no fitting."""
        ...

    def probabilities(self, image: RgbImage, clusters: Sequence[Cluster]) -> NDArray[np.float64]:
        """One probability for each cluster, 0..1.

        Args:
            image: the upright original, for crop and scene classifiers.
            clusters: of any categories.
        """
        ...


class MaxScore:
    """Fusion without fitting: a cluster's highest score is its probability."""

    names = ()
    fitted_with = None

    def probabilities(self, image: RgbImage, clusters: Sequence[Cluster]) -> NDArray[np.float64]:
        """See `ScoreFusion.probabilities`."""
        del image
        return np.array([cluster.score for cluster in clusters], np.float64)


class CropScorer(Protocol):
    """A classifier of each cluster's crop."""

    @property
    def name(self) -> str:
        """`name@sha256[:8]`."""
        ...

    @property
    def classes(self) -> tuple[Category, ...]:
        """The order of its columns."""
        ...

    def logits(self, rgb: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, categories) log-odds that each of (N, 4) `x0 y0 x1 y1` is on one."""
        ...


class SceneScorer(Protocol):
    """A classifier of the whole picture."""

    @property
    def name(self) -> str:
        """`name@sha256[:8]`."""
        ...

    def people(self, rgb: NDArray[np.uint8]) -> float:
        """Log-odds that a picture, (H, W, 3), shows a person or a part of one."""
        ...


MEASURES = (
    *("looks", "within", "around"),
    *("share", "share_squared", "side", "side_squared"),
    "no_people",
)
"""What is measured of a cluster besides scores, in the order of `measures`."""
NEVER_NEGATIVE = frozenset({"looks"})
NEVER_POSITIVE = frozenset({"within", "around", "no_people"})
_CLASSIFIERS = ("second", "scene")
"""Keys of `fusion.toml` that name what it was fitted with besides detectors."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Of one category."""

    bias: float
    scores: Mapping[str, float]
    """By detector: per unit of evidence in its highest score. Never negative."""
    crops: Mapping[Category, float]
    """Per unit of the crop classifier's log-odds of each category. Never negative for its own."""
    measured: Mapping[str, float]
    """By name in `MEASURES`: per unit of it."""


@dataclass(frozen=True, slots=True)
class Features:
    """Features of a cluster for the regression, besides its detections' scores."""

    crops: Mapping[Category, float] = field(default_factory=dict)
    """Log-odds of each category by its crop; empty without a crop classifier."""
    within: float = 0.0
    """The largest share of it in a cluster of its category with a higher score, 0..1."""
    around: float = 0.0
    """The largest share of such a cluster that lies in it, 0..1."""
    share: float = 0.0
    """Common logarithm of its share of the picture's area, at most 0."""
    side: float = 0.0
    """Common logarithm of its shorter side over `SIDE_PX`."""
    people: float = 0.0
    """Log-odds that its picture shows people; 0 without a scene classifier."""


class FittedFusion:
    """The logistic regression."""

    def __init__(
        self, weights: Weights, crop_scorer: CropScorer | None, scene: SceneScorer | None = None
    ) -> None:
        """Read the coefficients.

        Raises:
            UnusableWeights: they cannot be used, or were fitted with other classifiers.
        """
        text = weights.data.decode()
        self._fitted = coefficients(text)
        self._crop_scorer, self._scene = crop_scorer, scene
        names = [scorer.name if scorer else "" for scorer in (crop_scorer, scene)]
        self.names = (weights.label, *filter(None, names))
        self.fitted_with = frozenset().union(*(fit.scores for fit in self._fitted.values()))
        fitted = tomllib.loads(text)
        for key, name in zip(_CLASSIFIERS, names, strict=True):
            if fitted.get(key, "") != name:
                raise UnusableWeights(
                    f"Probabilities were fitted with {fitted.get(key) or f'no {key}'}, but "
                    f"{name or f'no {key}'} is here; make calibrate fits them anew."
                )

    def probabilities(self, image: RgbImage, clusters: Sequence[Cluster]) -> NDArray[np.float64]:
        """See `ScoreFusion.probabilities`.

        The score of a detector that the coefficients were not fitted with counts as it is: a
        cluster is at least as likely.
        """
        features = features_of(self._crop_scorer, self._scene, image, clusters)
        pairs = zip(clusters, features, strict=True)
        return np.array([self.probability(cluster, row) for cluster, row in pairs], np.float64)

    def probability(self, cluster: Cluster, features: Features) -> float:
        """Fuse one cluster's scores and features (logistic regression)."""
        fitted = self._fitted.get(cluster.category)
        if fitted is None:
            return cluster.score
        total = fitted.bias
        total += sum(by * evidence(cluster, name) for name, by in fitted.scores.items())
        total += sum(
            by * features.crops.get(category, 0.0) for category, by in fitted.crops.items()
        )
        values = measures(cluster, features)
        total += sum(fitted.measured[name] * value for name, value in values.items())
        unfitted = [
            raw.score for raw in cluster.raw_detections if raw.detector not in fitted.scores
        ]
        return min(max(1 / (1 + math.exp(-total)), *unfitted, 0.0), SUREST)


def evidence(cluster: Cluster, detector: str) -> float:
    """Log-odds of a detector's highest score above those of no detection: at least 0."""
    scores = [raw.score for raw in cluster.raw_detections if raw.detector == detector]
    return _log_odds(min(max([LEAST, *scores]), MOST)) - _log_odds(LEAST)


def measures(cluster: Cluster, features: Features) -> dict[str, float]:
    """A cluster's features as regressors, by the names in `MEASURES`."""
    values = (
        math.log(len(cluster.raw_detections)),
        features.within,
        features.around,
        features.share,
        features.share**2,
        features.side,
        features.side**2,
        min(max(-features.people, 0.0), EMPTIEST),
    )
    return dict(zip(MEASURES, values, strict=True))


def features_of(
    crop_scorer: CropScorer | None,
    scene: SceneScorer | None,
    image: RgbImage,
    clusters: Sequence[Cluster],
) -> tuple[Features, ...]:
    """The features of each cluster."""
    shares = np.zeros((len(clusters), 2))
    for category in DETECTABLE:
        indices = [index for index, cluster in enumerate(clusters) if cluster.category is category]
        rows = [(*clusters[index].box.corners, clusters[index].score) for index in indices]
        shares[indices] = containment(np.array(rows).reshape(-1, 5))
    crops = _crops(crop_scorer, image, clusters)
    people = scene.people(image.rgb) if scene and clusters else 0.0
    return tuple(
        Features(crop, within, around, *_size(cluster.box.clipped(image.size), image.size), people)
        for cluster, crop, (within, around) in zip(clusters, crops, shares.tolist(), strict=True)
    )


def _size(box: Box, size: Size) -> tuple[float, float]:
    """`share` and `side` of a box that lies in the picture; one without an area is a pixel."""
    share = max(box.area, 1.0) / (size.width * size.height)
    side = max(min(box.width, box.height), 1.0) / SIDE_PX
    return math.log10(share), math.log10(side)


def _crops(
    crop_scorer: CropScorer | None, image: RgbImage, clusters: Sequence[Cluster]
) -> list[dict[Category, float]]:
    if crop_scorer is None or not clusters:
        return [{} for _ in clusters]
    boxes = np.array([cluster.box.corners for cluster in clusters], np.float32)
    rows = crop_scorer.logits(image.rgb, boxes).tolist()
    return [dict(zip(crop_scorer.classes, row, strict=True)) for row in rows]


def coefficients(text: str) -> dict[Category, Coefficients]:
    """Read `fusion.toml`.

    Raises:
        UnusableWeights: it does not hold what it must, or a higher score would mean less likely.
    """
    try:
        tables = {
            name: table for name, table in tomllib.loads(text).items() if name not in _CLASSIFIERS
        }
        return {
            Category(name): _coefficients(table, Category(name)) for name, table in tables.items()
        }
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableWeights(
            f"The coefficients in models/fusion.toml cannot be used ({error}); "
            "make calibrate writes them anew."
        ) from error


def _coefficients(table: Mapping[str, Any], category: Category) -> Coefficients:
    bias = float(table["bias"])
    scores = {str(name): float(by) for name, by in table["scores"].items()}
    crops = {Category(name): float(by) for name, by in table["crops"].items()}
    measured = {name: float(table["measured"][name]) for name in MEASURES}
    if not np.isfinite([bias, *scores.values(), *crops.values(), *measured.values()]).all():
        raise ValueError("a coefficient is no number")
    not_negative = [*scores.values(), crops.get(category, 0.0)]
    not_negative += [measured[name] for name in NEVER_NEGATIVE]
    if min(not_negative) < 0 or max(measured[name] for name in NEVER_POSITIVE) > 0:
        raise ValueError("a coefficient has the wrong sign")
    return Coefficients(bias, scores, crops, measured)


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))
