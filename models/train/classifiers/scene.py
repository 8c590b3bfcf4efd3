"""Training of the scene classifier: `python -m models.train scene`.

A logistic regression on the ImageNet features of whole pictures, each in its four turns. ImageNet's
thousand classes tell animals, tools and food apart already, so that some hundred pictures without
people are enough, and nothing but 320 numbers can learn which source a picture is from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.codec.decode import decode
from engine.detect.scene_classifier import resize_square
from engine.errors import UnreadableImage
from engine.evaluation.data.labels import LabelledPicture
from models.train import logistic
from models.train.classifiers import efficientnet_lite
from models.train.classifiers.export import export
from models.train.data.choosing import source_of, sources_of
from models.train.errors import TrainingRefused
from models.train.manifest import enter

NAME: Final = "scene"
SIDE: Final = 224
"""What the trunk was made for; half of it loses the people in the distance."""
RIDGE: Final = 1e-3
"""Times the squared weights of standardised features."""
MAX_MEGAPIXELS: Final = 120

Features = NDArray[np.float64]
"""(N, 320)"""


class SceneNet(nn.Module):
    """Pictures (N, 3, side, side), RGB in 0..1, to log-odds (N, 1) that they show a person."""

    def __init__(self, trunk: efficientnet_lite.Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(efficientnet_lite.FEATURES, 1)

    def features(self, pictures: Tensor) -> Tensor:
        """(N, 320), the mean over the picture of what the trunk sees."""
        found: Tensor = self.trunk((pictures * 255 - 127) / 128).mean((2, 3))
        return found

    def forward(self, pictures: Tensor) -> Tensor:
        """The log-odds."""
        answer: Tensor = self.head(self.features(pictures))
        return answer


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Features of pictures, and whether each shows people."""

    features: Features
    shows_people: NDArray[np.bool_]
    """(N,)"""
    pictures: tuple[LabelledPicture, ...]
    """Those that could be read; each has four rows, one a turn."""


def shows_people(picture: LabelledPicture, without: Collection[str]) -> bool:
    """Whether a picture counts as one with people: any that is not from a source without them."""
    return bool(picture.labels) or source_of(picture) not in without


def lesson(
    pictures: Sequence[LabelledPicture],
    without: Collection[str],
    net: SceneNet,
    progress: Callable[[], object] = lambda: None,
) -> Lesson:
    """Compute the features of pictures; those that cannot be read are left out.

    Raises:
        TrainingRefused: there are none with, or none without people.
    """
    rows: list[Features] = []
    answers: list[bool] = []
    read: list[LabelledPicture] = []
    for picture in pictures:
        progress()
        try:
            image = decode(picture.path.read_bytes(), picture.name, max_megapixels=MAX_MEGAPIXELS)
        except (OSError, UnreadableImage):
            continue
        rows.append(_features(net, resize_square(image.rgb, SIDE)))
        answers += [shows_people(picture, without)] * len(rows[-1])
        read.append(picture)
    if not 0 < sum(answers) < len(answers):
        raise TrainingRefused(
            "A scene classifier needs pictures with people and pictures without: name the sources "
            f"that show none. Here are {', '.join(sorted(set(map(source_of, read))))}."
        )
    return Lesson(np.concatenate(rows), np.array(answers), tuple(read))


@torch.no_grad()
def _features(net: SceneNet, square: NDArray[np.uint8]) -> Features:
    """(4, 320), of a picture in its four rotations."""
    rotations = np.stack([np.rot90(square, quarters) for quarters in range(4)])
    blob = torch.from_numpy(rotations.transpose(0, 3, 1, 2).copy()).float() / 255
    return np.asarray(net.features(blob).numpy(), np.float64)


def fit(net: SceneNet, taught: Lesson) -> None:
    """Set the head by logistic regression with a ridge, both answers weighing the same."""
    mean, spread = taught.features.mean(axis=0), taught.features.std(axis=0) + 1e-6
    rows = np.column_stack([(taught.features - mean) / spread, np.ones(len(taught.features))])
    share = taught.shows_people.mean()
    worth = np.where(taught.shows_people, 0.5 / share, 0.5 / (1 - share)) / len(rows)
    *weights, bias = logistic.fit(rows, taught.shows_people, ridge=RIDGE, worth=worth).tolist()
    scaled = np.array(weights) / spread
    with torch.no_grad():
        net.head.weight.copy_(torch.from_numpy(scaled).float()[None])
        net.head.bias.fill_(float(bias - scaled @ mean))


def log_odds(net: SceneNet, taught: Lesson) -> NDArray[np.float64]:
    """(N,), what the head says of features."""
    with torch.no_grad():
        answers = net.head(torch.from_numpy(taught.features).float())
    return np.asarray(answers.numpy()[:, 0], np.float64)


@dataclass(frozen=True, slots=True)
class Right:
    """Accuracy of the classifier on held-out pictures in all four rotations."""

    with_people: tuple[int, int]
    """True positives, and all that show people."""
    without: tuple[int, int]
    """True negatives, and all that show none."""


def right(net: SceneNet, taught: Lesson) -> Right:
    """Count right answers at even odds."""
    answers = log_odds(net, taught) > 0
    people = taught.shows_people
    return Right(
        (int((answers & people).sum()), int(people.sum())),
        (int((~answers & ~people).sum()), int((~people).sum())),
    )


def train(
    pictures: Sequence[LabelledPicture],
    unknown: Sequence[LabelledPicture],
    without: Collection[str],
    models: Path,
    use: str,
    progress: Callable[[], object] = lambda: None,
) -> Right:
    """Fit, export, and enter the model into the manifest with its card.

    Args:
        pictures: those that teach.
        unknown: those that tell how good it is.
        without: the sources whose pictures show nobody.
        models: the folder of models.
        use: what the licences of the pictures allow.
        progress: called for each picture.

    Raises:
        TrainingRefused: there are no pictures with, or none without people; or it cannot be
            written.
    """
    net = SceneNet(efficientnet_lite.started()).eval()
    taught = lesson(pictures, without, net, progress)
    fit(net, taught)
    score = right(net, lesson(unknown, without, net, progress))
    file = models / f"{NAME}.onnx"
    example = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    difference = export(net, example, file, names=("pictures", "log_odds"))
    data = file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    sources = sources_of(taught.pictures)
    entry = {
        "file": file.name,
        "sha256": digest,
        "licence": "AGPL-3.0-only, on EfficientNet-lite0 weights, Apache-2.0",
        "use": use,
        "role": "scene classifier",
        "categories": [],
        "side": SIDE,
        "colour": "rgb",
        "origin": "python -m models.train scene; models/cards/scene.md",
        "sources": sources,
    }
    enter(models, NAME, entry, data, _card(sources, sorted(without), digest, difference, score))
    return score


def _card(
    sources: Sequence[dict[str, Any]],
    without: Sequence[str],
    digest: str,
    difference: float,
    score: Right,
) -> str:
    """Model card, as Markdown."""
    rows = "\n".join(
        f"| {source['name']} | {source['licence']} | {source['pictures']} | "
        f"{'no' if source['name'] in without else 'yes'} |"
        for source in sources
    )
    return f"""# scene

The scene classifier: says of a whole picture whether it shows people.
`engine/detect/scene_classifier.py` runs it, `python -m models.train scene` makes it, and score
fusion weighs what it says.

- **File**: `{NAME}.onnx`, SHA-256 `{digest}`;
  it computes the same as torch within {difference:.0e}.
- **Network**: EfficientNet-Lite0 trunk (ImageNet weights, Apache-2.0, as published) with one linear
  head, a logistic regression on pictures in their four turns. Input (N, 3, {SIDE}, {SIDE}), RGB 0
  to 1; output (N, 1), log-odds.
- **On calibration pictures**, each in four turns, at even odds: {score.with_people[0]} of
  {score.with_people[1]} with people and {score.without[0]} of {score.without[1]} without are right.
- **Misses** people who are small in a wide scene. It is a feature among others: score fusion
  lets it count against a detection, never for one, and calibration decides how much.
- Pictures licensed for research alone make it research data: retrain before commercial use.

| source | licence | pictures | shows people |
|---|---|--:|---|
{rows}
"""
