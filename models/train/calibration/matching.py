"""Proposals: detection clusters of labelled pictures, matched with labels.

Fitting score fusion and choosing thresholds both go by this, so that the expensive part, detection,
is done once and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.category import Category
from engine.codec.decode import decode
from engine.detect.clusters import Cluster, clusters_of
from engine.detect.score_fusion import CropScorer, Features, SceneScorer, features_of
from engine.errors import InvalidDataset
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.evaluation.scores.matching import hidden_from, inside, is_found_by
from engine.geometry import Box, Size
from engine.images import RgbImage
from engine.plan import Detection, Origin, Region
from engine.policy import Policy
from engine.redact.masks import rect_of
from models.train.classifiers.crops.examples import APART_IOU
from models.train.data.upright import labels_in


@dataclass(frozen=True, slots=True)
class Proposal:
    """A detection cluster with its features, and whether it is on a label."""

    cluster: Cluster
    features: Features
    region: Region
    is_true: bool | None
    """Whether it finds a label; None where the labels cannot tell, and for a part of what is
    labelled: half a face does not tell against what sees faces."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """One picture with its proposals."""

    picture: LabelledPicture
    proposals: tuple[Proposal, ...]
    size: Size
    """Of the upright picture; data sets may leave it out, or give that of the stored one."""

    @property
    def group(self) -> str:
        """Pictures of one group are not independent; one without a group is its own."""
        return self.picture.group or self.picture.name

    def of(self, category: Category) -> tuple[Proposal, ...]:
        """The proposals of one category."""
        return tuple(
            proposal for proposal in self.proposals if proposal.cluster.category is category
        )

    def hiding(self, category: Category, likely: Sequence[float]) -> tuple[float, ...]:
        """The highest threshold at which each label of a category is still hidden.

        Args:
            category: nothing is told where the picture is not labelled for it.
            likely: the probabilities of `of(category)`.
        """
        if category not in self.picture.counted:
            return ()
        order = np.argsort([-probability for probability in likely], kind="stable").tolist()
        own = self.of(category)
        found = [
            replace(own[place].region, score=likely[place]).with_rect(own[place].region.rect)
            for place in order
        ]
        return tuple(hidden_from(box, found) for box in self.labels(category))

    def labels(self, category: Category) -> tuple[Box, ...]:
        """The boxes of a category that count."""
        return tuple(
            label.box
            for label in self.picture.labels
            if label.category is category and not label.is_ignored
        )


def match_proposals(
    pictures: Iterable[LabelledPicture],
    raw_detections: dict[str, tuple[Detection, ...]],
    crop_scorer: CropScorer | None,
    policy: Policy,
    scene: SceneScorer | None = None,
) -> Iterator[Proposals]:
    """Match the detection clusters of each picture with its labels.

    A proposal is true when it finds a label, as in an evaluation. One that does not is false only
    where the picture is labelled completely for its category and no label is near.

    Args:
        pictures: those nothing was kept of, and those whose labels do not fit, are left out.
        raw_detections: of all detectors, by picture.
        crop_scorer: looks at each proposal's crop.
        policy: how far masks grow.
        scene: looks at the whole picture.
    """
    for picture in pictures:
        if picture.name not in raw_detections:
            continue
        data = picture.path.read_bytes()
        image = decode(data, picture.name, max_megapixels=policy.codec.max_megapixels)
        try:
            upright = replace(picture, labels=labels_in(picture, image))
        except InvalidDataset:
            continue
        clusters = [
            cluster
            for cluster in clusters_of(raw_detections[picture.name])
            if cluster.box.clipped(image.size).area > 0
        ]
        features = features_of(crop_scorer, scene, image, clusters)
        yield Proposals(
            upright,
            tuple(
                _proposal(cluster, row, upright, image, policy)
                for cluster, row in zip(clusters, features, strict=True)
            ),
            image.size,
        )


def _proposal(
    cluster: Cluster, features: Features, picture: LabelledPicture, image: RgbImage, policy: Policy
) -> Proposal:
    region = Region(cluster.box, cluster.category, Origin.MODEL)
    rect = rect_of(region, image.codec, policy)
    (clipped,) = inside([region.with_rect(rect)], image.size)
    labels = [label for label in picture.labels if label.category is cluster.category]
    return Proposal(cluster, features, clipped, _is_true(clipped, labels, picture))


def _is_true(region: Region, labels: Sequence[Label], picture: LabelledPicture) -> bool | None:
    box, category = region.box, region.category
    touching = [label for label in labels if label.box.intersection(box) > 0]
    if any(is_found_by(label.box, region) for label in touching if not label.is_ignored):
        return True if category in picture.counted else None
    is_apart = all(_is_apart(box, label.box) for label in touching)
    return False if is_apart and category in picture.labelled_for else None


def _is_apart(box: Box, label: Box) -> bool:
    """Whether neither most of the box lies on the label nor the two are much alike."""
    return box.iou(label) < APART_IOU and box.intersection(label) < 0.5 * box.area
