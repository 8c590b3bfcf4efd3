"""Learned attacks with small convolutional networks: inversion and identification (torch).

The only module of `engine` that names torch, and only inside functions: nothing that makes releases
ever loads it. docs/decisions/0009-battery.md says why it is here at all.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.attacks.algorithms.ridge import features
from engine.attacks.battery.score import COMPARED_PX

if TYPE_CHECKING:
    import torch

Rgb = NDArray[np.uint8]

_SEED: Final = 20_261_123
_WIDTH: Final = 24
_BATCH: Final = 32
_RATE: Final = 4e-3
_INVERSE_STEPS: Final = 80
_IDENTITY_STEPS: Final = 120
_PLANES: Final = 6
"""Three colours of a small picture, and three of its fine detail."""


def is_installed() -> bool:
    """Whether torch is installed."""
    return find_spec("torch") is not None


def inverse(
    releases: Rgb, folds: NDArray[np.intp], training: Rgb, originals: Rgb, owners: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Reconstruct originals from releases; arguments as of `ridge.inverse`."""
    import torch

    size = (COMPARED_PX, COMPARED_PX)
    targets = np.stack(
        [cv2.resize(original, size, interpolation=cv2.INTER_AREA) for original in originals]
    )
    answers = torch.from_numpy(targets.astype(np.float32).transpose(0, 3, 1, 2) / 255)
    planes = _planes(np.concatenate([releases, training]))
    release_planes, training_planes = planes[: len(releases)], planes[len(releases) :]
    guesses = np.empty((len(releases), *size, 3), np.float32)
    for fold in np.unique(folds):
        inside = np.flatnonzero(folds == fold)
        others = np.flatnonzero(~np.isin(owners, inside))
        mean = answers[others].mean(dim=0, keepdim=True)
        torch.manual_seed(_SEED)
        layers = _convolutions(3)
        _fit(
            layers, training_planes[others], answers[others] - mean,
            torch.nn.functional.mse_loss, _INVERSE_STEPS,
        )  # fmt: skip
        with torch.no_grad():
            guesses[inside] = layers(release_planes[inside]).numpy().transpose(0, 2, 3, 1) * 255
    return guesses


def identity(releases: Rgb, training: Rgb, owners: NDArray[np.intp]) -> NDArray[np.float64]:
    """Score each release against each subject; arguments as of `ridge.identity`."""
    import torch

    planes = _planes(np.concatenate([releases, training]))
    torch.manual_seed(_SEED)
    nn = torch.nn
    layers = nn.Sequential(
        nn.Conv2d(_PLANES, _WIDTH, 3, stride=2, padding=1), nn.GroupNorm(4, _WIDTH), nn.ReLU(),
        nn.Conv2d(_WIDTH, 2 * _WIDTH, 3, stride=2, padding=1), nn.GroupNorm(4, 2 * _WIDTH),
        nn.ReLU(), nn.AvgPool2d(3), nn.Flatten(), nn.LazyLinear(len(releases)),
    )  # fmt: skip
    layers(planes[:1])
    _fit(
        layers, planes[len(releases) :], torch.from_numpy(owners.astype(np.int64)),
        nn.functional.cross_entropy, _IDENTITY_STEPS,
    )  # fmt: skip
    with torch.no_grad():
        return np.asarray(layers(planes[: len(releases)]).log_softmax(dim=1).numpy(), np.float64)


def _planes(windows: Rgb) -> torch.Tensor:
    """`ridge.features` as pictures, (N, 6, C, C)."""
    import torch

    shape = (len(windows), COMPARED_PX, COMPARED_PX, _PLANES)
    planes = features(windows).reshape(shape).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(planes, np.float32))


def _convolutions(channels: int) -> torch.nn.Module:
    import torch

    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(_PLANES, _WIDTH, 4, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1), nn.ReLU(),
        nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(_WIDTH, channels, 4, stride=2, padding=1),
    )  # fmt: skip


def _fit(
    layers: torch.nn.Module,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    loss: object,
    steps: int,
) -> None:
    """Train with Adam and a decaying learning rate; batches drawn by a seed."""
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    generator = torch.Generator().manual_seed(_SEED)
    optimiser = torch.optim.Adam(layers.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        batch = torch.randint(len(inputs), (min(_BATCH, len(inputs)),), generator=generator)
        optimiser.zero_grad()
        loss(layers(inputs[batch]), targets[batch]).backward()  # type: ignore[operator]
        optimiser.step()
        schedule.step()
