"""The file that the product loads computes what the checkpoint computes."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="training is not installed: make .venv/train")

from engine.category import DETECTABLE  # noqa: E402
from engine.detect.weights import load_weights  # noqa: E402
from engine.errors import UnusableWeights  # noqa: E402
from models.train.detector import export as exporting  # noqa: E402
from models.train.detector.export import export, largest_difference  # noqa: E402
from models.train.detector.release import Wanted, release  # noqa: E402
from models.train.detector.start import ARCHITECTURES, Start, from_checkpoint, new_model  # noqa: E402
from models.train.errors import TrainingRefused  # noqa: E402
from models.train.files import write_json  # noqa: E402
from tests.models.train.detector.networks import normalising  # noqa: E402


@pytest.fixture(scope="module")
def start():
    return Start("made.pt", "0" * 64, normalising(3).state_dict())


@pytest.fixture(scope="module")
def exported(start):
    return export(start, 96)


@pytest.mark.parametrize(("height", "width"), [(96, 96), (32, 64), (160, 128)])
def test_the_file_equals_torch_at_any_size(start, exported, height, width):
    pixels = np.random.default_rng(4).random((1, 3, height, width), dtype=np.float32)
    session = onnxruntime.InferenceSession(exported.data, providers=["CPUExecutionProvider"])

    (seen,) = session.run(["output0"], {"images": pixels})

    with torch.no_grad():
        expected = new_model(state=start.state).eval()(torch.from_numpy(pixels))[0].numpy()
    places = sum((height // stride) * (width // stride) for stride in (8, 16, 32))
    assert seen.shape == (1, 4 + len(DETECTABLE), places)
    assert np.abs(seen - expected).max() < 1e-3


def test_the_file_says_nothing_of_where_and_when(start, exported):
    again = export(start, 96)

    assert again.data == exported.data
    assert b".py" not in exported.data


def test_a_file_that_computes_something_else_is_refused(start, exported, monkeypatch):
    monkeypatch.setattr(exporting, "_traced", lambda *_: exported.data)
    other = {name: value * 1.1 for name, value in start.state.items()}

    with pytest.raises(TrainingRefused, match="differs from the checkpoint"):
        export(Start("made.pt", "0" * 64, other), 96)


def test_a_file_that_computes_no_number_is_refused(start, exported, monkeypatch):
    monkeypatch.setattr(exporting, "largest_difference", lambda *_: float("nan"))

    with pytest.raises(TrainingRefused):
        export(start, 96)


def test_a_witness_is_exported_as_the_network_it_is(tmp_path):
    torch.manual_seed(3)
    torch.save({"model": new_model(ARCHITECTURES["witness"])}, tmp_path / "w.pt")

    read = from_checkpoint(tmp_path / "w.pt")

    assert read.architecture == ARCHITECTURES["witness"]
    assert export(read, 96).difference < 1e-3


def test_the_difference_is_of_the_outputs(start, exported):
    model = exporting._for_export(start)

    assert 0 <= largest_difference(model, exported.data) == exported.difference < 1e-3


@pytest.fixture
def checkpoint(start, tmp_path):
    torch.save({"model": new_model(state=start.state)}, tmp_path / "last.pt")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "manifest.toml").write_text("# Ours.\n")
    return tmp_path / "last.pt"


def wanted(folder, **more):
    return Wanted("adornments", "finder", folder / "models", "AGPL-3.0-only", "research", **more)


def test_an_entered_model_can_be_loaded(checkpoint, tmp_path):
    summary = {"sources": [{"name": "a", "licence": "CC0-1.0", "pictures": 2, "labels": {}}]}
    write_json(tmp_path / "data" / "summary.json", summary)

    done = release(
        checkpoint,
        wanted(tmp_path, side=96, notes=("By hand.",), prepared=(tmp_path / "data",)),
    )

    weights = load_weights("adornments", tmp_path / "models")
    card = (tmp_path / "models" / "cards" / "adornments.md").read_text()
    assert (weights.sha256, weights.categories) == (done.sha256, frozenset(DETECTABLE))
    assert "1. By hand." in card
    assert "| a | CC0-1.0 | 2 |" in card
    assert "| network | yolov8n, ReLU |" in card
    assert "retrain on licensed data" in card


def test_a_model_of_unknown_size_is_not_entered(checkpoint, tmp_path):
    with pytest.raises(TrainingRefused, match="--side"):
        release(checkpoint, wanted(tmp_path))

    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["manifest.toml"]


def test_a_stop_between_file_and_entry_leaves_nothing_that_loads(checkpoint, tmp_path, monkeypatch):
    release(checkpoint, wanted(tmp_path, side=96))
    torch.save({"model": new_model()}, checkpoint)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("models.train.manifest.write_whole", _only_first(stop))
    with pytest.raises(KeyboardInterrupt):
        release(checkpoint, wanted(tmp_path, side=96))

    with pytest.raises(UnusableWeights, match="SHA-256"):
        load_weights("adornments", tmp_path / "models")


def _only_first(then):
    """Write the first file, then do something else."""
    from models.train.files import write_whole

    calls = []

    def write(*arguments):
        calls.append(arguments)
        return write_whole(*arguments) if len(calls) == 1 else then()

    return write
