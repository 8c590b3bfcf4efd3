"""Training of the crop classifier: `python -m models.train crops`.

Fitted on the proposals in a folder's `train.json`; the epoch is chosen on half A of its
`calibration.json`.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.category import DETECTABLE
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.labels import LabelledPicture
from models.train.classifiers.crops.examples import (
    Examples,
    Taught,
    cropped_all,
    gathered,
    moved,
    pixels_of,
    read_proposals,
    taught,
)
from models.train.classifiers.crops.network import (
    SIDE,
    Course,
    Fitting,
    Lot,
    average_precisions,
    exported,
)
from models.train.classifiers.crops.variations import varied
from models.train.data.choosing import sources_of
from models.train.data.halves import half
from models.train.manifest import enter

NAME: Final = "crops"


def drawn(examples: Examples, count: int, rng: np.random.Generator) -> Lot:
    """Crops for one epoch, each picture read once, in random order."""
    chosen = rng.choice(len(examples.odds), count, p=examples.odds)
    chosen = chosen[np.argsort(examples.owner[chosen], kind="stable")]
    crops, wanted, counts = [], [], []
    for owner in np.unique(examples.owner[chosen]):
        rows = chosen[examples.owner[chosen] == owner]
        picture = examples.pictures[owner]
        boxes = moved(examples.boxes[rows], examples.jitter[rows], rng)
        lesson = taught(boxes, picture)
        crops += [
            varied(crop, rng) for crop in cropped_all(pixels_of(picture), boxes.tolist(), SIDE)
        ]
        wanted.append(lesson.wanted)
        counts.append(lesson.counts)
    order = rng.permutation(count)
    return Lot(
        np.stack(crops)[order],
        Taught(np.concatenate(wanted)[order], np.concatenate(counts)[order]),
    )


def proposed(pictures: Sequence[LabelledPicture], proposals: dict[str, NDArray[np.float64]]) -> Lot:
    """The proposals of pictures as they are, each counting for its own category alone."""
    crops: list[NDArray[np.uint8]] = []
    wanted, counts = [np.zeros((0, len(DETECTABLE)), np.float32)] * 2
    for picture in pictures:
        rows = proposals.get(picture.name, np.zeros((0, 6)))
        lesson = taught(rows[:, :4], picture)
        weights = lesson.counts * np.eye(len(DETECTABLE), dtype=np.float32)[rows[:, 4].astype(int)]
        is_labelled = weights.any(axis=1)
        if is_labelled.any():
            crops += cropped_all(pixels_of(picture), rows[is_labelled, :4].tolist(), SIDE)
            wanted = np.concatenate([wanted, lesson.wanted[is_labelled]])
            counts = np.concatenate([counts, weights[is_labelled]])
    stacked = np.stack(crops) if crops else np.zeros((0, SIDE, SIDE, 3), np.uint8)
    return Lot(stacked, Taught(wanted, counts))


def fitted(
    examples: Examples,
    held_out: Lot,
    course: Course,
    progress: Callable[[Mapping[str, float]], object] = lambda _: None,
) -> tuple[Fitting, list[dict[str, float]]]:
    """Train, keeping the epoch whose mean average precision on `held_out` is best.

    Args:
        examples: to draw from.
        held_out: to judge by.
        course: the settings.
        progress: called after each epoch with its figures.

    Returns:
        The run, its smoothed network set to the best epoch, and each epoch's figures.
    """
    rng = np.random.default_rng(course.seed)
    fitting, best, history = Fitting(course), -1.0, []
    best_weights = deepcopy(fitting.smooth.state_dict())
    for epoch in range(course.epochs):
        loss = fitting.learn(drawn(examples, course.crops, rng))
        precisions = average_precisions(fitting.smooth, held_out)
        mean = float(np.mean(list(precisions.values()))) if precisions else -loss
        history.append({"epoch": epoch + 1, "loss": loss, "mean": mean, **precisions})
        progress(history[-1])
        if mean > best or not epoch:
            best, best_weights = mean, deepcopy(fitting.smooth.state_dict())
        if fitting.progress >= 1:
            break
    fitting.smooth.load_state_dict(best_weights)
    return fitting, history


def train(
    data: Path,
    proposals_file: Path,
    models: Path,
    use: str,
    course: Course,
    progress: Callable[[Mapping[str, float]], object] = lambda _: None,
) -> dict[str, Any]:
    """Fit, choose, export, and enter the model into the manifest with its card.

    Args:
        data: the folder of `train.json`, which teaches, and `calibration.json`.
        proposals_file: what the detectors see in both, as `propose` wrote it.
        models: the folder of models.
        use: what the licences of the pictures allow.
        course: the settings.
        progress: called after each epoch with its figures.

    Returns:
        What the card says, as plain values.

    Raises:
        TrainingRefused: it cannot be written.
    """
    proposals = read_proposals(proposals_file)
    pictures = read_dataset(data / "train.json", data).pictures
    half_a = half(read_dataset(data / "calibration.json", data).pictures, "A")
    examples = gathered(pictures, proposals, np.random.default_rng(course.seed))
    held_out = proposed(half_a, proposals)
    fitting, history = fitted(examples, held_out, course, progress)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{NAME}.onnx"
        difference = exported(fitting.smooth, file)
        content = file.read_bytes()
    report = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "side": SIDE,
        "categories": [category.value for category in DETECTABLE],
        "difference": difference,
        "best": max(history, key=lambda epoch: epoch["mean"]),
        "epochs": len(history),
        "sources": sources_of(
            examples.pictures[index] for index in np.unique(examples.owner[examples.odds > 0])
        ),
    }
    enter(models, NAME, _entry(report, use), content, _card(report))
    return report


def _entry(report: dict[str, Any], use: str) -> dict[str, Any]:
    """Manifest entry of a file that `train` made."""
    return {
        "file": f"{NAME}.onnx",
        "sha256": report["sha256"],
        "licence": "AGPL-3.0-only, started from EfficientNet-lite0 weights, Apache-2.0",
        "use": use,
        "role": "crop classifier",
        "categories": report["categories"],
        "side": report["side"],
        "colour": "rgb",
        "origin": "python -m models.train crops; models/cards/crops.md",
        "sources": report["sources"],
    }


def _card(report: dict[str, Any]) -> str:
    """Model card, as Markdown."""
    pictures = sum(source["pictures"] for source in report["sources"])
    sources = "\n".join(
        f"| {source['name']} | {source['licence']} | {source['pictures']} |"
        for source in report["sources"]
    )
    return f"""# crops

The crop classifier: says of the crop around each proposed box what it shows.
`engine/detect/crop_classifier.py` runs it, `python -m models.train crops` makes it; it computes the
same as torch within {report["difference"]:.0e}.

- **Network**: EfficientNet-Lite0 trunk (ImageNet weights, Apache-2.0) with three one-vs-rest heads.
  Input (N, 3, {report["side"]}, {report["side"]}), RGB 0 to 1; output (N, 3), log-odds of balanced
  crops: {", ".join(report["categories"])}. SHA-256 `{report["sha256"]}`.
- **Trained** on {pictures} pictures in {report["epochs"]} epochs; the epoch was chosen on half A of
  the calibration pictures. Calibrate after it: make calibrate.
- **Says** whether a box is on something, not whether it fits.
- Pictures licensed for research alone make it research data: retrain before commercial use.

| source | licence | pictures |
|---|---|---|
{sources}
"""
