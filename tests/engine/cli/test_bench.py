from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.cli.bench import commands, measure
from engine.cli.bench.commands import Cost, Run, redact
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


def test_what_is_compared_runs_in_the_order_a_b_b_a(tmp_path, monkeypatch):
    """A machine that slows down evenly changes no ratio."""
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((8, 8, 3), np.uint8))
    ran = []

    def took(kind):
        ran.append(kind)
        return Cost(10.0 + len(ran), 1.0)

    def ours(folder, out, policy, workers):
        return Run(took(workers), {"released": 1, "review": 0, "quarantined": 0})

    monkeypatch.setattr(commands, "redact", ours)
    monkeypatch.setattr(commands, "deface", lambda folder: took("deface"))
    monkeypatch.setattr(measure._Bench, "stages", lambda bench, files: {})

    report = measure.measure(
        str(tmp_path), Policy(), measure.Wanted(2, limit=3, against=True, photographs=False)
    )

    start_up, *compared = ran
    assert start_up == 2
    assert compared == [2, "deface", "deface", 2, 2, 1, 1, 2]
    assert report["ratio"] == 1.0


def test_what_deface_writes_is_gone_before_the_next_run(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "deface").touch()
    originals = tmp_path / "in"
    originals.mkdir()
    (originals / "a.png").write_bytes(b"pixels")
    monkeypatch.setattr(commands.sys, "executable", str(tmp_path / "bin" / "python"))

    def written(command):
        (originals / "a_anonymized.png").write_bytes(b"pixels")
        return Cost(1.0, 1.0), b""

    monkeypatch.setattr(commands, "_timed", written)

    commands.deface(originals)

    assert [path.name for path in originals.iterdir()] == ["a.png"]
