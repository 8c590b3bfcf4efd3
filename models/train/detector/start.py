"""Initial weights of detectors: NudeNet, random, a checkpoint, or an exported network.

The finder starts from NudeNet's weights; the release check is another network and starts from
nothing, so that it does not inherit what the finder overlooks.

NudeNet's `320n.onnx` is a YOLOv8n that was trained on people. Its graph holds convolutions with
their batch normalisation folded in, so what is carried over is a convolution, a normalisation that
changes nothing, and a bias: 349 of the 355 tensors it shares with ours; the six others are the last
layers, which tell three categories apart here and eighteen there.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from ultralytics.nn.modules import Conv
from ultralytics.nn.tasks import DetectionModel, torch_safe_load, yaml_model_load

from engine.category import DETECTABLE
from models.train.errors import TrainingRefused
from models.train.files import digest


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of ultralytics, with its activation function."""

    name: str
    """Of ultralytics' description of it, such as `yolov8n`."""
    activation: str = "SiLU"
    """A class of `torch.nn`. A ReLU costs nothing when int8 convolutions are run, a SiLU two passes
    over their output (docs/decisions/0048-relu.md)."""


ARCHITECTURES: Final = {
    "finder": Architecture("yolov8n", "ReLU"),
    "witness": Architecture("yolo11n", "ReLU"),
}
"""By the role a model plays."""
EPSILON: Final = 1e-3
"""Ultralytics' `eps` of batch normalisation: with a variance of 1 - eps it divides by one."""
CARRIED_OVER: Final = 349


@dataclass(frozen=True, slots=True)
class Start:
    """Weights that a round begins with."""

    name: str
    sha256: str
    """Of the file they were read from."""
    state: dict[str, torch.Tensor]
    architecture: Architecture = ARCHITECTURES["finder"]


def new_model(
    architecture: Architecture = ARCHITECTURES["finder"],
    state: dict[str, torch.Tensor] | None = None,
) -> DetectionModel:
    """A network for our three categories, with given weights or random ones."""
    described = {
        **yaml_model_load(f"{architecture.name}.yaml"),
        "nc": len(DETECTABLE),
        "activation": f"torch.nn.{architecture.activation}()",
    }
    model = DetectionModel(described, ch=3, verbose=False)
    model.names = dict(enumerate(map(str, DETECTABLE)))
    if state is not None:
        model.load_state_dict(state)
    return model


def first(role: str) -> Start:
    """What the first round of a model begins with.

    Raises:
        TrainingRefused: as `nudenet`, which the finder begins with.
    """
    return nudenet() if role == "finder" else unlearned(ARCHITECTURES[role])


def unlearned(architecture: Architecture) -> Start:
    """Random weights, as torch's seed has it."""
    return Start("random weights", "", new_model(architecture).state_dict(), architecture)


def nudenet() -> Start:
    """NudeNet's weights in our network, the last layers fresh.

    Raises:
        TrainingRefused: the package is missing, or holds another network.
    """
    file = _nudenet_file()
    data = file.read_bytes()
    model = new_model()
    carried = carry_over(data, model)
    if carried != CARRIED_OVER:
        raise TrainingRefused(
            f"{file.name} is not the network it was: {carried} tensors fit ours, {CARRIED_OVER} "
            "were expected. Install nudenet 3.4.2: make .venv/train"
        )
    return Start(f"NudeNet's {file.name}", digest(data), model.state_dict())


def _nudenet_file() -> Path:
    spec = importlib.util.find_spec("nudenet")
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = [Path(folder) / "320n.onnx" for folder in folders]
    for file in files:
        if file.is_file():
            return file
    raise TrainingRefused(
        "The weights to start from come with nudenet 3.4.2, which is missing: make .venv/train"
    )


def carry_over(data: bytes, model: DetectionModel) -> int:
    """Copy what fits from an exported YOLOv8n into a model; the number of tensors set by it."""
    state = model.state_dict()
    carried: set[str] = set()
    for tensor in onnx.load_from_string(data).graph.initializer:
        value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
        name = tensor.name
        if name.endswith(".conv.bias") and name not in state:
            name = name.replace(".conv.bias", ".bn.bias")
        if name not in state or state[name].shape != value.shape:
            continue
        state[name].copy_(value)
        carried.add(name)
        if name.endswith(".conv.weight"):
            carried |= _neutralised(state, name.removesuffix("conv.weight") + "bn.")
    model.load_state_dict(state)
    return len(carried)


def _neutralised(state: dict[str, torch.Tensor], normalisation: str) -> set[str]:
    """Make a batch normalisation change nothing; the names of its tensors but the bias."""
    values = {"weight": 1, "running_mean": 0, "running_var": 1 - EPSILON, "num_batches_tracked": 0}
    names = {normalisation + part: value for part, value in values.items()}
    for name, value in names.items():
        if name in state:
            state[name].fill_(value)
    return state.keys() & names.keys()


def from_checkpoint(file: Path) -> Start:
    """The weights in a checkpoint of ours.

    It is opened so that it can bring tensors and the known layers, but run no code.

    Raises:
        TrainingRefused: not there, broken, or of another network.
    """
    try:
        data = file.read_bytes()
        read, _ = torch_safe_load(str(file), safe_only=True)
        model = read.get("ema") or read.get("model")
        state = model.float().state_dict()
        architecture = Architecture(Path(model.yaml["yaml_file"]).stem, _activation(model))
        if architecture.name not in {ours.name for ours in ARCHITECTURES.values()}:
            raise ValueError(architecture)
        new_model(architecture, state)
    except OSError as error:
        raise TrainingRefused(f"{file} cannot be read: {error.strerror}.") from error
    except Exception as error:  # whatever a stranger's pickle brings about
        raise TrainingRefused(
            f"{file.name} is not a checkpoint of this training ({type(error).__name__}): it must "
            "be a .pt file that `fit` wrote."
        ) from error
    return Start(file.name, digest(data), state, architecture)


def from_export(file: Path, pictures: torch.Tensor, architecture: Architecture) -> Start:
    """The weights in a float32 file that `export` wrote, with batch normalisation unfolded.

    In such a file the normalisation is folded into the convolutions. Taken as it is, it would
    normalise what needs none as soon as training begins, and most of what was learned would be
    lost. So each layer gets mean and variance of its inputs on pictures, and a scale and shift that
    undo them: the network computes what it did, and goes on doing so in training.

    Args:
        file: the exported network.
        pictures: (N, 3, H, W) RGB 0..1 that give mean and variance.
        architecture: of the network; the file tells its activation function.

    Raises:
        TrainingRefused: not there, broken, of another network, or in int8.
    """
    try:
        data = file.read_bytes()
        architecture = replace(architecture, activation=_exported_activation(data))
        model = new_model(architecture).eval()
        carried = carry_over(data, model)
    except OSError as error:
        raise TrainingRefused(f"{file} cannot be read: {error.strerror}.") from error
    except DecodeError as error:
        raise TrainingRefused(f"{file.name} is not an ONNX file.") from error
    if carried != len(model.state_dict()):
        raise TrainingRefused(
            f"{file.name} does not hold a {architecture.name} of ours in float32: {carried} of "
            f"{len(model.state_dict())} tensors fit. What `quantise` made cannot be trained; it "
            "keeps the file that it was made of."
        )
    _unfold(model, pictures)
    return Start(file.name, digest(data), model.state_dict(), architecture)


def _activation(model: DetectionModel) -> str:
    """What follows the convolutions of a network."""
    return next(type(layer.act).__name__ for layer in model.modules() if isinstance(layer, Conv))


def _exported_activation(data: bytes) -> str:
    """What follows the convolutions of an exported network."""
    nodes = onnx.load_from_string(data).graph.node
    return "ReLU" if any(node.op_type == "Relu" for node in nodes) else "SiLU"


def _unfold(model: DetectionModel, pictures: torch.Tensor) -> None:
    """Give each batch normalisation the statistics of its inputs, changing no output."""
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    hooks = [layer.register_forward_pre_hook(_measure) for layer in layers]
    with torch.no_grad():
        model(pictures)
    for hook in hooks:
        hook.remove()


def _measure(layer: torch.nn.BatchNorm2d, inputs: tuple[torch.Tensor, ...]) -> None:
    """Set one neutral normalisation to mean and variance of what comes in."""
    variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
    layer.running_mean, layer.running_var = mean, variance
    layer.weight.copy_((variance + layer.eps).sqrt())
    layer.bias.add_(mean)
