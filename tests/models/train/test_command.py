"""`python -m models.train`, from pictures to a model that finds something."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib

import numpy as np
import onnxruntime
import pytest

from engine.detect.weights import MODELS, load_weights
from models.train.__main__ import main
from tests.models.train.shapes import SIZE, write_shapes

HAS_TORCH = importlib.util.find_spec("torch") is not None
WITHOUT_TORCH = "training is not installed: make .venv/train"
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason=WITHOUT_TORCH)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of models after one command, and what it printed."""
    if not HAS_TORCH:
        pytest.skip(WITHOUT_TORCH)
    folder = tmp_path_factory.mktemp("trained")
    (folder / "models").mkdir()
    manifest = (MODELS / "manifest.toml").read_bytes()
    (folder / "models" / "manifest.toml").write_bytes(manifest)
    (folder / "pictures").mkdir()
    shapes = write_shapes(folder / "pictures")
    (folder / "pictures" / "1.png").write_bytes(b"broken")
    command = [
        sys.executable, "-m", "models.train", "all", str(shapes), "--epochs", "1", "--size", "64",
        "--batch", "4", "--run", str(folder / "run"), "--models", str(folder / "models"),
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=MODELS.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_one_command_makes_a_model_that_looks_at_pictures(trained):
    folder, _ = trained
    weights = load_weights("adornments", folder / "models")
    session = onnxruntime.InferenceSession(weights.data, providers=["CPUExecutionProvider"])
    width, height = SIZE
    pixels = np.zeros((1, 3, height, width // 32 * 32), np.float32)

    (found,) = session.run(None, {"images": pixels})

    assert found.shape[1] == 7
    assert np.isfinite(found).all()
    assert ((found[:, 4:] >= 0) & (found[:, 4:] <= 1)).all()


@pytest.mark.slow
def test_the_entry_says_what_the_model_is_and_where_it_comes_from(trained):
    folder, _ = trained

    manifest = tomllib.loads((folder / "models" / "manifest.toml").read_text())

    entry = manifest["adornments"]
    assert "centerface" in manifest
    assert entry["categories"] == ["face", "tattoo", "jewelry"]
    assert (entry["licence"], entry["use"], entry["side"]) == ("AGPL-3.0-only", "research", 64)
    assert [(one["name"], one["licence"]) for one in entry["sources"]] == [
        ("drawn face", "CC0-1.0"), ("drawn jewelry", "CC0-1.0"), ("drawn tattoo", "CC0-1.0")
    ]  # fmt: skip


@pytest.mark.slow
def test_what_was_left_out_is_said(trained):
    _, printed = trained

    assert "8 pictures" in printed
    assert "1 that cannot be used" in printed
    assert "1.png" in printed


@pytest.mark.slow
def test_resuming_what_is_finished_exports_it_again(trained):
    folder, _ = trained
    before = (folder / "models" / "manifest.toml").read_bytes()
    (folder / "models" / "adornments.onnx").unlink()

    status = main(
        ["all", "--resume", "--run", str(folder / "run"), "--models", str(folder / "models")]
    )

    assert status == 0
    assert load_weights("adornments", folder / "models")
    assert (folder / "models" / "manifest.toml").read_bytes() == before


@needs_torch
@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["prepare"], "Name the labelled pictures"),
        (["prepare", "nowhere"], "nowhere"),
        (["fit"], "Nothing is prepared"),
        (["fit", "--resume"], "no stopped round"),
        (["fit", "--size", "100"], "multiple of 32"),
        (["all", "--resume"], "Nothing is prepared"),
        (["export", "--side", "64"], "last.pt"),
        (["export"], "--side"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_in_a_sentence(words, sentence, tmp_path, capsys):
    status = main([*words, "--run", str(tmp_path / "run")])

    assert status == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_without_the_training_packages_a_sentence_says_how_to_get_them(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    status = main(["fit"])

    assert status == 2
    assert "make .venv/train" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["--minutes", "0"], ["--minutes", "soon"], ["--epochs", "0"], ["--per-source", "-1"]],
    ids=" ".join,
)
def test_words_that_mean_nothing_are_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["all", "data", *words])

    assert stopped.value.code == 2
    assert words[0] in capsys.readouterr().err


@needs_torch
@pytest.mark.slow
def test_training_leaves_the_way_pictures_are_opened_alone():
    program = (
        "from PIL import Image; opened = Image.open; from models.train.offline import go_offline; "
        "go_offline(); import ultralytics.data; print(Image.open is opened)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=MODELS.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip().endswith("True")
