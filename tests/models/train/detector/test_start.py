"""What training starts from."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is not installed: make .venv/train")

import onnx  # noqa: E402
import onnxruntime  # noqa: E402

from engine.detect.weights import MODELS  # noqa: E402
from models.train.detector import start  # noqa: E402
from models.train.detector.export import export  # noqa: E402
from models.train.detector.start import (  # noqa: E402
    ARCHITECTURES,
    CARRIED_OVER,
    Start,
    carry_over,
    from_checkpoint,
    from_export,
    new_model,
)
from models.train.errors import TrainingRefused  # noqa: E402
from tests.models.train.detector.networks import normalising  # noqa: E402

WITH_SILU = replace(ARCHITECTURES["finder"], activation="SiLU")
TRUNK = 21
"""Number of the last block before the head."""


@pytest.fixture(scope="module")
def nudenet():
    """The file, and our network with its weights."""
    data = start._nudenet_file().read_bytes()
    model = new_model(WITH_SILU)  # as NudeNet's
    return data, model.eval(), carry_over(data, model)


def test_all_but_the_last_layers_are_carried_over(nudenet):
    _, model, carried = nudenet

    assert carried == CARRIED_OVER == len(model.state_dict()) - 6


def test_the_trunk_computes_what_nudenets_does(nudenet):
    data, model, _ = nudenet
    pixels = np.random.default_rng(2).random((1, 3, 320, 320), dtype=np.float32)

    expected = onnx_output(data, f"/model.{TRUNK}/cv2/act/Mul_output_0", pixels)
    seen = []
    model.model[TRUNK].register_forward_hook(lambda *_, output=None: seen.append(_[2]))
    with torch.no_grad():
        model(torch.from_numpy(pixels))

    assert np.abs(seen[0].numpy() - expected).max() < 1e-3


def onnx_output(data, name, pixels):
    graph = onnx.load_from_string(data)
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run([name], {session.get_inputs()[0].name: pixels})[0]


def test_another_network_is_refused(monkeypatch, tmp_path):
    other = onnx.helper.make_model(onnx.helper.make_graph([], "none", [], []))
    (tmp_path / "320n.onnx").write_bytes(other.SerializeToString())
    monkeypatch.setattr(start, "_nudenet_file", lambda: tmp_path / "320n.onnx")

    with pytest.raises(TrainingRefused, match="not the network"):
        start.nudenet()


@pytest.mark.parametrize("architecture", [WITH_SILU, *ARCHITECTURES.values()])
def test_a_network_comes_back_from_a_checkpoint(architecture, tmp_path):
    model = new_model(architecture)
    torch.save({"model": model}, tmp_path / "a.pt")

    read = from_checkpoint(tmp_path / "a.pt")

    assert read.architecture == architecture
    assert all(torch.equal(read.state[name], value) for name, value in model.state_dict().items())


def test_the_finder_has_no_activation_that_costs_time():
    kinds = {type(layer).__name__ for layer in new_model().modules()}

    assert "ReLU" in kinds
    assert "SiLU" not in kinds


@pytest.mark.parametrize(
    "content",
    [b"", b"no checkpoint", pickle.dumps({"model": 1}, protocol=2), None],
    ids=["empty", "text", "no network", "not there"],
)
def test_what_is_no_checkpoint_is_refused_with_a_sentence(content, tmp_path):
    file = tmp_path / "a.pt"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(TrainingRefused, match=r"a\.pt"):
        from_checkpoint(file)


@pytest.fixture(scope="module")
def pictures():
    return torch.rand((4, 3, 96, 96), generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module", params=[ARCHITECTURES["finder"], WITH_SILU], ids=["ReLU", "SiLU"])
def architecture(request):
    return request.param


@pytest.fixture(scope="module")
def learned(architecture):
    return normalising(7, architecture)


@pytest.fixture(scope="module")
def started(learned, architecture, pictures, tmp_path_factory):
    """The network that training begins with, of the exported file of the other."""
    file = tmp_path_factory.mktemp("exported") / "a.onnx"
    file.write_bytes(export(Start("a.pt", "", learned.state_dict(), architecture), 96).data)
    read = from_export(file, pictures, ARCHITECTURES["finder"])
    assert read.architecture == architecture
    return new_model(read.architecture, read.state)


class TestExported:
    """An exported network goes on being trained."""

    def test_it_computes_what_it_did(self, learned, started, pictures):
        with torch.no_grad():
            expected, seen = learned(pictures)[0], started.eval()(pictures)[0]

        assert (seen - expected).abs().max() < 1e-2  # px

    def test_it_goes_on_computing_that_in_training(self, started, pictures):
        with torch.no_grad():
            expected = started.eval()(pictures)[1]["scores"]
            seen = started.train()(pictures)["scores"]

        assert (seen - expected).abs().max() < 0.05 * expected.std()

    @pytest.mark.parametrize("content", [b"nothing", None], ids=["no network", "not there"])
    def test_what_is_none_is_refused_with_a_sentence(self, content, pictures, tmp_path):
        file = tmp_path / "a.onnx"
        if content is not None:
            file.write_bytes(content)

        with pytest.raises(TrainingRefused, match=r"a\.onnx"):
            from_export(file, pictures, ARCHITECTURES["finder"])

    def test_a_quantised_one_is_refused_with_a_way_out(self, pictures):
        with pytest.raises(TrainingRefused, match="keeps the file that it was made of"):
            from_export(MODELS / "adornments.onnx", pictures, ARCHITECTURES["finder"])


def test_a_checkpoint_cannot_run_code(tmp_path):
    torch.save({"model": _Trap(str(tmp_path / "sprung"))}, tmp_path / "a.pt")

    with pytest.raises(TrainingRefused):
        from_checkpoint(tmp_path / "a.pt")

    assert not (tmp_path / "sprung").exists()


class _Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        import os

        return os.mkdir, (self.folder,)
