"""Crop classifier network and its training loop: trunk, one-vs-rest heads, masked loss."""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.category import DETECTABLE
from models.train.classifiers import efficientnet_lite
from models.train.classifiers.crops.examples import Taught
from models.train.classifiers.export import export

SIDE = 112
"""Pixels of a crop; the box is two thirds of it."""
FROZEN = 4
"""Parts of the trunk that keep their ImageNet weights: stem and three blocks, the dear ones."""
BATCH = 64
TRUNK_RATE, HEAD_RATE = 8e-4, 3e-3
DECAY = 0.03
SMOOTHING = 0.99
"""Of the moving average of weights that is judged and exported."""


@dataclass(frozen=True, slots=True)
class Course:
    """Training schedule and learning rates."""

    epochs: int = 8
    crops: int = 5000
    """Drawn in each epoch."""
    minutes: float | None = None
    """No step but the first is begun after these; None for no limit."""
    seed: int = 0
    is_from_scratch: bool = False
    """No start weights, for tests."""


@dataclass(frozen=True, slots=True, eq=False)
class Lot:
    """Crops with their targets."""

    crops: NDArray[np.uint8]
    """(N, side, side, 3)"""
    taught: Taught


class CropClassifierNet(nn.Module):
    """Crops (N, 3, side, side), RGB in 0..1, to logits (N, 3) in the order of `DETECTABLE`."""

    def __init__(self, trunk: efficientnet_lite.Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Sequential(
            nn.Dropout(0.25), nn.Linear(efficientnet_lite.FEATURES, len(DETECTABLE))
        )

    def forward(self, crops: Tensor) -> Tensor:
        """One-vs-rest log-odds."""
        features = (crops * 255 - 127) / 128
        for place, part in enumerate(self.trunk):
            with torch.set_grad_enabled(torch.is_grad_enabled() and place >= FROZEN):
                features = part(features)
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits

    def train(self, mode: bool = True) -> CropClassifierNet:
        """Switch to training, but for the frozen parts, whose statistics stay as they are."""
        super().train(mode)
        for part in list(self.trunk)[:FROZEN]:
            part.train(mode=False)
        return self


def masked_loss(logits: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
    """Binary cross-entropy over the targets that count; 0 when none does."""
    each = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (each * counts).sum() / counts.sum().clamp(min=1)


def _blob(crops: NDArray[np.uint8]) -> Tensor:
    values = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float() / 255
    return values.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def average_precisions(net: CropClassifierNet, lot: Lot) -> dict[str, float]:
    """Average precision of each category that has crops on it and crops that are not."""
    net.eval()
    rows = [
        net(_blob(lot.crops[start : start + BATCH])).numpy()
        for start in range(0, len(lot.crops), BATCH)
    ]
    logits = np.concatenate([np.zeros((0, len(DETECTABLE)), np.float32), *rows])
    precisions = {}
    for column, category in enumerate(DETECTABLE):
        counts = lot.taught.counts[:, column] > 0
        wanted = lot.taught.wanted[counts, column] > 0
        if wanted.any() and not wanted.all():
            precisions[category.value] = average_precision(logits[counts, column], wanted)
    return precisions


def average_precision(scores: NDArray[np.floating], wanted: NDArray[np.bool_]) -> float:
    """Average precision (area under the precision-recall curve), 0..1."""
    order = np.argsort(-scores, kind="stable")
    hits = wanted[order]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


class Fitting:
    """One training run: a network, its moving average, and the best epoch so far."""

    def __init__(self, course: Course) -> None:
        torch.manual_seed(course.seed)
        trunk = efficientnet_lite.Trunk() if course.is_from_scratch else efficientnet_lite.started()
        self.net = CropClassifierNet(trunk).to(memory_format=torch.channels_last)
        self.smooth = deepcopy(self.net)
        self.steps = 0
        self._course, self._began = course, time.monotonic()
        trained = [p for part in list(self.net.trunk)[FROZEN:] for p in part.parameters()]
        groups = [
            {"params": trained, "initial": TRUNK_RATE},
            {"params": list(self.net.head.parameters()), "initial": HEAD_RATE},
        ]
        self._optimizer = torch.optim.AdamW(groups, lr=TRUNK_RATE, weight_decay=DECAY)

    @property
    def progress(self) -> float:
        """How much of the course is over, by steps or by time, whichever is further; 0..1."""
        done = self.steps * BATCH / (self._course.epochs * self._course.crops)
        if self._course.minutes is not None:
            passed = (time.monotonic() - self._began) / 60
            done = max(done, passed / max(self._course.minutes, 1e-9))
        return min(done, 1.0)

    def learn(self, lot: Lot) -> float:
        """One pass over a lot, cut short when the time is up; the mean loss."""
        self.net.train()
        losses: list[float] = []
        for start in range(0, len(lot.crops), BATCH):
            if self.progress >= 1 and losses:
                break
            self._set_rates()
            part = slice(start, start + BATCH)
            loss = masked_loss(
                self.net(_blob(lot.crops[part])),
                torch.from_numpy(lot.taught.wanted[part]),
                torch.from_numpy(lot.taught.counts[part]),
            )
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            self.steps += 1
            self._smooth()
            losses.append(loss.item())
        return float(np.mean(losses))

    def _set_rates(self) -> None:
        """Rise over the first twentieth, then half a cosine down."""
        rate = min(self.progress * 20 + 0.02, 1.0) * (1 + np.cos(np.pi * self.progress)) / 2
        for group in self._optimizer.param_groups:
            group["lr"] = group["initial"] * rate

    @torch.no_grad()
    def _smooth(self) -> None:
        share = min(SMOOTHING, (1 + self.steps) / (10 + self.steps))
        for average, value in zip(
            self.smooth.state_dict().values(), self.net.state_dict().values(), strict=True
        ):
            if average.is_floating_point():
                average.lerp_(value, 1 - share)


def exported(net: CropClassifierNet, file: Path) -> float:
    """Write the network as ONNX: `crops` float32 (N, 3, side, side) in, `logits` (N, 3) out.

    Returns:
        The largest difference between what it and the file say of random crops.

    Raises:
        TrainingRefused: they differ by too much.
    """
    net = deepcopy(net).to(memory_format=torch.contiguous_format).eval()
    crops = torch.rand(5, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return export(net, crops, file, names=("crops", "logits"))
