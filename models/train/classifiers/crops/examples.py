"""Training examples of the crop classifier: boxes, targets and sampling odds.

Labels are federated: a picture that is labelled for tattoos alone says nothing about rings. So a
box has, for each category, a target and whether that target counts; what does not count adds
nothing to the loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.category import DETECTABLE
from engine.detect.clusters import clusters_of
from engine.detect.crop_classifier import crop_and_resize
from engine.detect.resizing import Mipmap
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.evaluation.scores.matching import LARGEST_EXTRA_PX2, LARGEST_FACTOR
from engine.geometry import Box
from models.train.data.choosing import source_of
from models.train.data.proposals import raw_detections_in

Pixels = NDArray[np.uint8]
Boxes = NDArray[np.float64]
"""(N, 4) `x0 y0 x1 y1` in picture pixels."""

LABEL_IOU = 0.5
"""From here on a box is on a label."""
COVERED = 0.8
"""A box that covers this much of a label is on it too, unless it is much larger."""
COMPARABLE = 2.5
"""At most this many times the label's area is not much larger."""
APART_IOU = 0.2
"""Below this a box is on no label, unless most of it lies on one or it may find one after all."""
LEAST_PX = 4.0
"""Labels narrower than this show nothing."""
BACKGROUNDS = 4
"""Boxes drawn at random in each picture."""
JITTER, LABEL_JITTER = 0.05, 0.15
"""How far a box is moved each time it is drawn, as a share of its sides; labels fit too well."""
Role = tuple[str, str]
"""A category, or nothing; and whether the box is on one."""
SHARES: Mapping[Role, float] = {
    ("face", "is"): 0.16,
    ("tattoo", "is"): 0.15,
    ("jewelry", "is"): 0.15,
    ("face", "is not"): 0.18,
    ("tattoo", "is not"): 0.15,
    ("jewelry", "is not"): 0.15,
    ("nothing", "drawn"): 0.06,
}
"""How much of what is seen in training plays each role."""


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Targets of N boxes, in the order of `DETECTABLE`."""

    wanted: NDArray[np.float32]
    """(N, 3), 1 where the box is on a label of the category."""
    counts: NDArray[np.float32]
    """(N, 3), 1 where `wanted` is known."""


def taught(boxes: Boxes, picture: LabelledPicture) -> Taught:
    """Targets of boxes, from a picture's labels.

    On a label: IoU of half or more, or most of the label under a box of comparable size. On none:
    hardly any overlap with labels, ignored ones too, and the picture is labelled completely for the
    category. Anything else counts for nothing: a part of a tattoo is ink, so it is not for this
    network to refuse it, but for whoever tells which of several boxes fits best.
    """
    wanted = np.zeros((len(boxes), len(DETECTABLE)), np.float32)
    counts = np.zeros_like(wanted)
    for column, category in enumerate(DETECTABLE):
        labels = [label for label in picture.labels if label.category is category]
        is_real = np.array([not label.is_ignored for label in labels], bool)
        is_on, is_near = _overlaps(boxes, labels)
        wanted[:, column] = (is_on & is_real).any(axis=1)
        is_apart = ~is_near.any(axis=1) & (category in picture.labelled_for)
        counts[:, column] = np.maximum(wanted[:, column], is_apart)
    return Taught(wanted, counts)


def _overlaps(boxes: Boxes, labels: Sequence[Label]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N, M) each: the box is on the label; the box is too near to the label to be on none."""
    corners = np.array([label.box.corners for label in labels]).reshape(-1, 4)
    shared = np.prod(
        np.clip(
            np.minimum(boxes[:, None, 2:], corners[None, :, 2:])
            - np.maximum(boxes[:, None, :2], corners[None, :, :2]),
            0,
            None,
        ),
        axis=2,
    )
    areas = np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-9)[:, None]
    label_areas = np.maximum(np.prod(corners[:, 2:] - corners[:, :2], axis=1), 1e-9)[None]
    iou, covered = shared / (areas + label_areas - shared), shared / label_areas
    is_on = (iou >= LABEL_IOU) | ((covered >= COVERED) & (areas <= COMPARABLE * label_areas))
    may_find = (covered >= 0.5) & (areas <= LARGEST_FACTOR * label_areas + LARGEST_EXTRA_PX2)
    return is_on, (iou >= APART_IOU) | (shared >= areas / 2) | may_find


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Boxes of many pictures from which epochs are drawn."""

    pictures: Sequence[LabelledPicture]
    owner: NDArray[np.intp]
    """(N,), the picture of each box."""
    boxes: Boxes
    jitter: NDArray[np.float64]
    """(N,), how far each box is moved and scaled when it is drawn, as a share of its sides."""
    odds: NDArray[np.float64]
    """(N,), how likely each box is drawn; sums to 1."""


def read_proposals(file: Path) -> dict[str, NDArray[np.float64]]:
    """Clustered proposals of detectors by picture: (N, 6) `x0 y0 x1 y1`, category, score."""
    return {
        name: np.array(
            [
                (*cluster.box.corners, DETECTABLE.index(cluster.category), cluster.score)
                for cluster in clusters_of(raw_detections)
            ],
            np.float64,
        ).reshape(-1, 6)
        for name, raw_detections in raw_detections_in(file).items()
    }


def gathered(
    pictures: Sequence[LabelledPicture],
    proposals: Mapping[str, NDArray[np.float64]],
    rng: np.random.Generator,
) -> Examples:
    """Labels, proposals and random boxes of all pictures, balanced by role, source and picture."""
    none = np.zeros((0, 6))
    parts = [_candidates(picture, proposals.get(picture.name, none), rng) for picture in pictures]
    owner = np.repeat(np.arange(len(pictures)), [len(part.boxes) for part in parts])
    odds = _balanced(
        [role for part in parts for role in part.roles],
        [pictures[index] for index in owner.tolist()],
        np.concatenate([part.worth for part in parts]),
    )
    boxes = np.concatenate([part.boxes for part in parts])
    return Examples(pictures, owner, boxes, np.concatenate([part.jitter for part in parts]), odds)


class _Candidates(NamedTuple):
    """N boxes of one picture."""

    boxes: Boxes
    jitter: NDArray[np.float64]
    roles: list[Role]
    worth: NDArray[np.float64]
    """(N,), before balancing: proposals weigh more the surer the detector was."""


def _candidates(
    picture: LabelledPicture, proposed: NDArray[np.float64], rng: np.random.Generator
) -> _Candidates:
    labelled = _labelled(picture)
    drawn = _drawn(picture, rng)
    boxes = np.concatenate([labelled, proposed[:, :4], drawn])
    of_proposals = slice(len(labelled), len(labelled) + len(proposed))
    jitter = np.full(len(boxes), JITTER)
    jitter[: len(labelled)] = LABEL_JITTER
    worth = np.ones(len(boxes))
    worth[of_proposals] = np.sqrt(proposed[:, 5])
    mistaken_for: list[int | None] = [None] * len(boxes)
    mistaken_for[of_proposals] = proposed[:, 4].astype(int).tolist()
    lesson = taught(boxes, picture)
    roles = [_role(*each) for each in zip(lesson.wanted, lesson.counts, mistaken_for, strict=True)]
    return _Candidates(boxes, jitter, roles, worth)


def _labelled(picture: LabelledPicture) -> Boxes:
    corners = [
        label.box.corners
        for label in picture.labels
        if not label.is_ignored and min(label.box.width, label.box.height) >= LEAST_PX
    ]
    return np.array(corners).reshape(-1, 4)


def _drawn(picture: LabelledPicture, rng: np.random.Generator) -> Boxes:
    """Random boxes, from 24 pixels to most of the picture, inside it."""
    if picture.size is None:
        return np.zeros((0, 4))
    size = np.array(picture.size, float)
    sides = np.exp(rng.uniform(np.log(24), np.log(max(0.7 * size.min(), 25)), (BACKGROUNDS, 1)))
    sides = np.minimum(sides * np.exp(rng.normal(0, 0.3, (BACKGROUNDS, 2))), size)
    start = rng.uniform(0, 1, (BACKGROUNDS, 2)) * (size - sides)
    return np.concatenate([start, start + sides], axis=1)


def _role(
    wanted: NDArray[np.float32], counts: NDArray[np.float32], mistaken_for: int | None
) -> Role:
    """For what a box is drawn: the rarest category it is on, else the one it was mistaken for.

    Args:
        wanted: (3,), see `Taught`.
        counts: (3,), see `Taught`.
        mistaken_for: place of the proposed category; None for a box that nobody proposed.
    """
    for column in (1, 2, 0):
        if wanted[column]:
            return DETECTABLE[column].value, "is"
    if not counts.any():
        return "nothing", "known"
    if mistaken_for is None:
        return "nothing", "drawn"
    column = mistaken_for if counts[mistaken_for] else int(counts.argmax())
    return DETECTABLE[column].value, "is not"


def _balanced(
    roles: Sequence[Role], owners: Sequence[LabelledPicture], worth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Odds by role; within a role large sources and crowded pictures weigh less than they count."""
    by_source = Counter((role, source_of(owner)) for role, owner in zip(roles, owners, strict=True))
    by_picture = Counter((role, owner.name) for role, owner in zip(roles, owners, strict=True))
    odds = worth * [
        (by_source[role, source_of(owner)] * by_picture[role, owner.name]) ** -0.5
        for role, owner in zip(roles, owners, strict=True)
    ]
    numbers = {role: number for number, role in enumerate(SHARES)}
    of = np.array([numbers.get(role, -1) for role in roles])
    totals = {number: odds[of == number].sum() for number in numbers.values()}
    shares = [
        share / totals[number] if totals[number] > 0 else 0.0
        for number, share in enumerate(SHARES.values())
    ]
    odds = odds * np.array([*shares, 0.0])[of]
    if not odds.sum():
        raise ValueError("expected at least one box whose category is known, got none")
    return np.asarray(odds / odds.sum())


def pixels_of(picture: LabelledPicture) -> Pixels:
    """uint8 (H, W, 3), upright."""
    pixels = cv2.imread(str(picture.path), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise ValueError(f"picture {picture.name!r} cannot be read")
    return np.asarray(pixels, dtype=np.uint8)


def moved(boxes: Boxes, jitter: NDArray[np.float64], rng: np.random.Generator) -> Boxes:
    """Boxes shifted and scaled at random by about `jitter` (N,) of their sides."""
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    middle = middle + rng.uniform(-1, 1, middle.shape) * sides * jitter[:, None]
    sides = sides * np.exp(rng.uniform(-1.5, 1.5, sides.shape) * jitter[:, None])
    return np.concatenate([middle - sides / 2, middle + sides / 2], axis=1)


def cropped_all(rgb: Pixels, boxes: Iterable[Sequence[float]], side: int) -> list[Pixels]:
    """The crops that the product would make, see `engine.detect.crop_classifier`."""
    mipmap = Mipmap(rgb)
    return [crop_and_resize(mipmap, Box(*corners), side) for corners in boxes]
