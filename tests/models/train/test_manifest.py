"""The manifest keeps what it says of other models."""

from __future__ import annotations

import tomllib

import pytest

pytest.importorskip("tomlkit", reason="training is not installed: make .venv/train")

from engine.detect.weights import MODELS
from engine.files import atomic
from models.train.errors import TrainingRefused
from models.train.manifest import enter, with_entry

ENTRY = {
    "file": "adornments.onnx",
    "sha256": "ab" * 32,
    "categories": ["face", "tattoo"],
    "side": 480,
    "sources": [{"name": "a [b]", "licence": 'CC "0"', "pictures": 3}],
}
TEXT = """\
# What may be loaded.

[first]
file = "a.onnx"   # ours
categories = [
  "face",
]

# The second.
[second]
file = "b.onnx"
"""


def test_an_entry_is_added_and_all_else_stays_as_it_is():
    text = with_entry(TEXT, "adornments", ENTRY)

    assert text.startswith(TEXT)
    assert tomllib.loads(text) == {**tomllib.loads(TEXT), "adornments": ENTRY}


def test_an_entry_is_replaced_where_it_stands():
    earlier = with_entry(TEXT, "adornments", {**ENTRY, "licence": "old"}) + "\n# The last.\n"
    later = earlier + '[last]\nfile = "c.onnx"\n'

    text = with_entry(later, "adornments", ENTRY)

    assert tomllib.loads(text) == {**tomllib.loads(later), "adornments": ENTRY}
    assert text.startswith(TEXT)
    assert "# The last." in text


def test_writing_the_same_entry_again_changes_nothing():
    once = with_entry(TEXT, "adornments", ENTRY)

    assert with_entry(once, "adornments", ENTRY) == once


def test_the_products_own_manifest_keeps_its_other_entries():
    text = (MODELS / "manifest.toml").read_text(encoding="utf-8")

    changed = with_entry(text, "adornments", ENTRY)

    others = {name: value for name, value in tomllib.loads(text).items() if name != "adornments"}
    assert tomllib.loads(changed) == {**others, "adornments": ENTRY}
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in changed.splitlines() if line.startswith("#")
    ]


@pytest.mark.parametrize("writes", [0, 1, 2], ids=["model", "card", "manifest"])
def test_a_stop_while_writing_leaves_each_file_as_it_was_or_as_it_is_to_be(
    tmp_path, monkeypatch, writes
):
    (tmp_path / "manifest.toml").write_text(TEXT)
    enter(tmp_path, "adornments", ENTRY, b"old", "old")
    names = ("adornments.onnx", "cards/adornments.md", "manifest.toml")
    old = [(tmp_path / name).read_bytes() for name in names]
    left = iter([None, None] * writes)  # each file and its folder

    def stop(_):
        if next(left, "stop") == "stop":
            raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        enter(tmp_path, "adornments", {**ENTRY, "side": 640}, b"new", "new")

    after = [(tmp_path / name).read_bytes() for name in names]
    assert after == [b"new", b"new"][:writes] + old[writes:]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("manifest", [None, "[broken"], ids=["missing", "broken"])
def test_without_a_manifest_nothing_is_written(tmp_path, manifest):
    if manifest is not None:
        (tmp_path / "manifest.toml").write_text(manifest)

    with pytest.raises(TrainingRefused, match=r"manifest\.toml"):
        enter(tmp_path, "adornments", ENTRY, b"model", "# card")

    assert not (tmp_path / "adornments.onnx").exists()
