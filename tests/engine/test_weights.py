from __future__ import annotations

import hashlib

import pytest

from engine.category import Category
from engine.errors import UnusableWeights
from engine.weights import MODELS, load_weights

CONTENT = b"not really a network"


@pytest.fixture
def models(tmp_path):
    digest = hashlib.sha256(CONTENT).hexdigest()
    (tmp_path / "own.onnx").write_bytes(CONTENT)
    (tmp_path / "manifest.toml").write_text(
        f'[own]\nfile = "own.onnx"\nsha256 = "{digest}"\nlicence = "MIT"\n'
        f'categories = ["tattoo", "jewelry"]\n'
        f'[lost]\nfile = "lost.onnx"\nsha256 = "{digest}"\nlicence = "MIT"\ncategories = []\n'
        f'[elsewhere]\npackage = "no_such_package"\nfile = "x.onnx"\nsha256 = "{digest}"\n'
        f'licence = "MIT"\ncategories = []\n',
        encoding="utf-8",
    )
    return tmp_path


def test_a_file_that_is_what_the_manifest_says_is_loaded(models):
    own = load_weights("own", models)

    assert own.data == CONTENT
    assert own.label == f"own@{hashlib.sha256(CONTENT).hexdigest()[:8]}"
    assert own.categories == {Category.TATTOO, Category.JEWELRY}


@pytest.mark.parametrize(
    "content",
    [b"", CONTENT[:-1], CONTENT + b"\0", CONTENT.replace(b"r", b"R", 1)],
    ids=["empty", "cut short", "a byte more", "one byte changed"],
)
def test_another_file_is_refused_with_both_sums(models, content):
    (models / "own.onnx").write_bytes(content)
    actual, expected = (hashlib.sha256(each).hexdigest()[:12] for each in (content, CONTENT))

    with pytest.raises(UnusableWeights, match=f"'own' has SHA-256 {actual}.*expects {expected}"):
        load_weights("own", models)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("unknown", "no entry 'unknown'"),
        ("lost", "lost.onnx is missing"),
        ("elsewhere", "x.onnx is missing"),
    ],
)
def test_what_is_not_there_is_refused(models, name, says):
    with pytest.raises(UnusableWeights, match=says):
        load_weights(name, models)


def test_the_shipped_face_detector_is_the_one_named():
    weights = load_weights("centerface", MODELS)

    assert weights.label == "centerface@09189dea"
    assert weights.licence == "MIT"
    assert weights.categories == {Category.FACE}
