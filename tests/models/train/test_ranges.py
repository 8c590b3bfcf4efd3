from __future__ import annotations

import hashlib
import io
import tomllib

import cv2
import numpy as np
import pytest

from engine.detect.int8 import quantised_tensors
from engine.detect.weights import MODELS
from engine.evaluation.data.labels import LabelledPicture
from models.train.errors import TrainingRefused
from models.train.ranges import enter_ranges, measured_ranges, to_file
from tests.engine.detect.networks import network
from tests.scenes import picture


def test_each_channel_has_the_least_and_the_largest_of_all_pictures(rng):
    data = network()
    pictures = [picture(rng, 24, 32) for _ in range(3)]

    measured = measured_ranges(data, pictures)

    assert tuple(measured) == quantised_tensors(data)
    np.testing.assert_array_equal(
        measured["x"],
        [
            [function([one[..., c] for one in pictures]) for c in range(3)]
            for function in (np.min, np.max)
        ],
    )
    each = [measured_ranges(data, [one]) for one in pictures]
    for name, (low, high) in measured.items():
        np.testing.assert_array_equal(low, np.min([one[name][0] for one in each], axis=0))
        np.testing.assert_array_equal(high, np.max([one[name][1] for one in each], axis=0))


def test_without_pictures_it_is_refused():
    with pytest.raises(TrainingRefused, match="no pictures"):
        measured_ranges(network(), [])


def test_the_file_holds_the_ranges_and_is_made_the_same_again(rng):
    ranges = measured_ranges(network(), [picture(rng, 24, 32)])

    data = to_file(ranges)

    assert data == to_file(ranges)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert set(arrays.files) == set(ranges)
        for name in ranges:
            np.testing.assert_array_equal(arrays[name], ranges[name])


def test_file_entry_and_card_say_the_same(tmp_path, rng):
    cv2.imwrite(str(tmp_path / "0.png"), picture(rng, 60, 80))
    labelled = [LabelledPicture("0.png", tmp_path / "0.png", (), frozenset())]
    models = tmp_path / "models"
    models.mkdir()
    (models / "manifest.toml").write_bytes((MODELS / "manifest.toml").read_bytes())

    sha256 = enter_ranges(models, labelled, "any")

    entry = tomllib.loads((models / "manifest.toml").read_text())["ranges"]
    written = hashlib.sha256((models / "ranges.npz").read_bytes()).hexdigest()
    assert sha256 == entry["sha256"] == written
    assert (entry["use"], entry["role"]) == ("any", "activation ranges")
    assert [one["pictures"] for one in entry["sources"]] == [1]
    assert sha256 in (models / "cards" / "ranges.md").read_text()
