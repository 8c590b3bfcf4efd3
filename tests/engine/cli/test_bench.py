from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.cli.bench.commands import Cost, redact
from engine.cli.bench.measure import as_text, spread
from engine.cli.bench.photographs import compose
from engine.errors import LetheError, UnusableFolder
from engine.geometry import Size
from engine.policy import Policy

SET = {
    "pictures": 3,
    "lethe": {
        "pictures_per_second": 2.0,
        "cpu_seconds_per_picture": 0.8,
        "pictures_per_second_once_started": 2.5,
    },
    "deface": {"pictures_per_second": 4.0, "cpu_seconds_per_picture": 0.1},
    "outcomes": {"released": 2, "review": 1, "quarantined": 0},
    "ratio": 0.5,
    "stages": {"decode": 0.01, "detect": 0.29},
    "floor": {"decode": 0.01, "detect": 0.09},
    "over_floor": 3.0,
    "loading": 0.5,
    "loaded_mb": 240,
    "peak_mb": 445,
    "unreadable": 0,
}
REPORT = {
    "workers": 2,
    "not_looked_for": [],
    "start_up": {"seconds": 1.5, "cpu_seconds": 2.5},
    "workers_over_one": 1.9,
    "photographs": SET,
} | SET


def test_starting_is_told_apart_from_working():
    cost = Cost(seconds=12.0, cpu_seconds=20.0)

    report = cost.to_json(10, Cost(seconds=2.0, cpu_seconds=3.0))

    assert report == {
        "pictures_per_second": 0.833,
        "cpu_seconds_per_picture": 2.0,
        "pictures_per_second_once_started": 1.0,
    }


def test_the_report_says_stages_memory_and_what_it_is_held_against():
    text = as_text(REPORT)

    for said in (
        "takes 1.5 s and 2.5 CPU s",
        "2 released; 1 for review, from which nothing was removed yet; 0 quarantined",
        "0.50 (Lethe's pictures/s over deface's)",
        "detect     290.0",
        "all        300.0",
        "floor      100.0 (decode, one look of CenterFace, encode); all is 3.0 times that",
        "445 MiB at most",
        "2 workers do 1.90 times",
        "3 photographs of 12 megapixels",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("there", "most", "taken"), [(5, 5, 5), (5, 9, 5), (500, 100, 100), (7, 3, 3), (1, 1, 1)]
)
def test_the_pictures_measured_are_spread_over_all_there_are(there, most, taken):
    files = [Path(f"{number}.png") for number in range(there)]

    chosen = spread(files, most)

    assert len(chosen) == taken
    places = [files.index(file) for file in chosen]
    assert len({b - a for a, b in pairwise(places)}) <= 1
    assert places[0] == 0
    assert places[-1] >= there - -(-there // most)


def test_too_few_pictures_tell_nothing_of_workers():
    assert "times the pictures" not in as_text(REPORT | {"workers_over_one": None})


def test_photographs_are_composed_of_the_pictures_that_can_be_read(tmp_path, rng):
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for name, value in (("a.png", 40), ("b.png", 200)):
        cv2.imwrite(str(tmp_path / name), np.full((30, 50, 3), value, np.uint8))

    compose(sorted(tmp_path.glob("*.png")), Size(2500, 1200), 2, folder)

    first, second = (cv2.imread(str(file)) for file in sorted(folder.iterdir()))
    assert first.shape == second.shape == (1200, 2500, 3)
    assert {int(first[500, x, 0]) // 100 for x in (500, 1500)} == {0, 2}


def test_without_a_readable_picture_there_is_a_sentence(tmp_path):
    file = tmp_path / "broken.png"
    file.write_bytes(b"no picture")

    with pytest.raises(UnusableFolder, match="None of the pictures"):
        compose([file], Size(10, 10), 1, tmp_path)


@pytest.mark.slow
def test_what_is_quarantined_is_no_speed(tmp_path):
    originals = tmp_path / "in"
    originals.mkdir()
    (originals / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    policy = tmp_path / "policy.toml"
    policy.write_text(Policy().to_toml(), encoding="utf-8")

    with pytest.raises(LetheError, match="quarantined"):
        redact(originals, tmp_path / "out", policy, workers=1)
