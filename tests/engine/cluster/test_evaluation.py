"""An evaluation whose pictures are looked at by actors."""

from __future__ import annotations

import json
import shutil

import pytest

from engine.__main__ import main
from tests.engine.run_folders import RELEASING
from tests.scenes import shipped_picture


@pytest.fixture
def dataset(tmp_path):
    """One face with its box, once more under another name, and a picture that is missing."""
    for name in ("a.png", "b.png"):
        shutil.copy(shipped_picture("skimage", "data/astronaut.png"), tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    names = ("a.png", "b.png", "broken.png")
    images = [
        {"id": number, "file_name": name, "width": 512, "height": 512}
        for number, name in enumerate(names)
    ]
    faces = [
        {"id": number, "image_id": number, "category_id": 1, "bbox": [175, 65, 95, 125]}
        for number in range(3)
    ]
    labels = {
        "images": images, "annotations": faces, "categories": [{"id": 1, "name": "face"}]
    }  # fmt: skip
    (tmp_path / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    policy = RELEASING.replace("[64]", "[320]")
    (tmp_path / "policy.toml").write_text(policy, encoding="utf-8")
    return tmp_path


@pytest.mark.slow
@pytest.mark.usefixtures("ray_of_two")
def test_figures_are_those_of_local_processes(dataset):
    def figures(name, *options):
        words = [
            "evaluate", dataset / "labels.json", "--only", "face",
            "--policy", dataset / "policy.toml", "--json", dataset / name, "--workers", "2",
        ]  # fmt: skip
        assert main([str(word) for word in (*words, *options)]) == 0
        return json.loads((dataset / name).read_text(encoding="utf-8"))

    by_ray, local = figures("ray.json", "--executor", "ray"), figures("local.json")

    assert local["pictures"] == 2
    assert by_ray == local
