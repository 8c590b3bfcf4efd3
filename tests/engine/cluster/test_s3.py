"""Ray between two places of an S3 that speaks over the loopback interface."""

from __future__ import annotations

import itertools
import json
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.__main__ import main
from engine.cli import running
from engine.cluster.bucket import Bucket
from engine.signing.schema import ENDING
from tests.engine.run_folders import RELEASING
from tests.scenes import picture, shipped_picture


@pytest.fixture
def same_draws(monkeypatch):
    """Every run draws the same names and seeds, for pictures in the order of their names."""

    def again():
        ids, seeds = itertools.count(1), itertools.count(1)
        monkeypatch.setattr(running.RANDOM, "shuffle", lambda pictures: None)
        draws = SimpleNamespace(
            token_hex=lambda size: f"{next(ids):032x}", randbits=lambda bits: next(seeds)
        )
        monkeypatch.setattr(running, "secrets", draws)

    return again


@pytest.fixture
def originals(tmp_path, rng):
    """Noise, a face, a palette that a person must look at, and a file that is no picture."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for number in range(3):
        assert cv2.imwrite(str(folder / f"{number}.png"), picture(rng, 60, 80))
    rgb = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(rgb).convert("P").save(folder / "palette.png")
    shutil.copy(shipped_picture("skimage", "data/astronaut.png"), folder / "deep" / "face.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "policy.toml").write_text(RELEASING.replace("[64]", "[160]"), encoding="utf-8")
    return folder


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def summary_of(capsys, *words):
    assert main([str(word) for word in (*words, "--json")]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_of_two")
def test_from_bucket_to_bucket_by_ray_is_from_folder_to_folder_here(
    originals, tmp_path, s3, s3_bucket, same_draws, capsys
):
    Bucket.at(f"{s3}/in").write(files(originals))
    how = ("--only", "face", "--policy", tmp_path / "policy.toml", "--workers", 2)

    same_draws()
    local = summary_of(capsys, "redact", originals, tmp_path / "out", *how)
    same_draws()
    ray = ("--executor", "ray")
    far = summary_of(capsys, "redact", f"{s3}/in", s3_bucket.url, *how, *ray)
    again = summary_of(capsys, "redact", f"{s3}/in", s3_bucket.url, *how, *ray)

    counts = ("pictures", "released", "review", "quarantined")
    assert [local[key] for key in counts] == [6, 4, 1, 1]
    assert [far[key] for key in counts] == [6, 4, 1, 1]
    assert [again[key] for key in counts] == [6, 4, 1, 1]
    here = files(tmp_path / "out" / "released")
    there = {
        name.removeprefix("released/"): s3_bucket.read(name) for name in s3_bucket.names("released")
    }
    manifest = "manifest.json"  # names its run
    assert here.pop(manifest) != there.pop(manifest)
    assert len([name for name in here if name.endswith(ENDING)]) == 4
    assert there == here
