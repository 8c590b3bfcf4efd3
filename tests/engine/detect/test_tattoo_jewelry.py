from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import Category
from engine.detect.tattoo_jewelry import TattooJewelry
from engine.detect.weights import Weights, load_weights
from engine.detect.yolo import FLOOR, MOST, class_wise_nms, decode
from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.policy import read_policy
from tests.engine.detect.networks import detector, network
from tests.scenes import image, picture

CLASSES = (Category.FACE, Category.TATTOO, Category.JEWELRY)


def rows_of(*rows):
    """Rows `x0 y0 x1 y1 score class`."""
    return np.array(rows, np.float32).reshape(-1, 6)


def plainly_kept(rows):
    """The reference: every category by itself, box by box, the surest of overlapping ones kept."""
    found = []
    for label in range(3):
        kept = []
        for *corners, score, _ in sorted(
            (row for row in rows if row[5] == label), key=lambda row: -row[4]
        ):
            if all(Box(*corners).iou(other) < 0.6 for other, _ in kept):
                kept.append((Box(*corners), score))
        found += [(*box.corners, score, label) for box, score in kept]
    return rows_of(*found)


sides = st.integers(1, 40).map(float)
labelled = st.lists(st.tuples(sides, sides, sides, sides, st.integers(0, 2)), max_size=20)


@given(labelled, st.randoms(use_true_random=False))
def test_each_object_is_given_once_as_the_plain_way_does(boxes, random):
    scores = random.sample(range(100), len(boxes))  # no two alike: of such, either may win
    rows = rows_of(
        *((x, y, x + width, y + height, score / 100, label)
          for (x, y, width, height, label), score in zip(boxes, scores, strict=True))
    )  # fmt: skip

    np.testing.assert_array_equal(class_wise_nms(rows), plainly_kept(rows))


@pytest.mark.parametrize(("least", "count"), [(0.03, MOST), (0.1, MOST + 20)])
def test_noise_is_cut_off_but_nothing_surer(least, count):
    many = [(x * 10, 5, x * 10 + 8, 13, least + x / 10_000, 1) for x in range(MOST + 20)]

    found = class_wise_nms(rows_of(*many))

    assert len(found) == count
    assert found[:, 4].max() == pytest.approx(least + (MOST + 19) / 10_000)


def maps_of(*cells, height=64):
    """Maps of three grids in which cells `grid row column category logit sides` stand out."""
    maps = []
    for stride in (8, 16, 32):
        shape = (height // stride, height // stride)
        maps += [np.zeros((1, 64, *shape), np.float32), np.full((1, 3, *shape), -20, np.float32)]
    for grid, row, column, category, logit, away in cells:
        maps[2 * grid + 1][0, category, row, column] = logit
        for side, distance in enumerate(away):
            whole, part = divmod(distance, 1)
            bins = np.full(16, -50.0)
            bins[int(whole)] = np.log(max(1 - part, 1e-20))
            if part:
                bins[int(whole) + 1] = np.log(part)
            maps[2 * grid][0, 16 * side : 16 * side + 16, row, column] = bins
    return maps


def test_a_box_reaches_as_far_as_its_cell_says():
    maps = maps_of((1, 2, 3, 1, 2.0, (1, 0.5, 0.25, 1.5)))

    (found,) = decode(maps, 64, 0.5)

    corners = ((3.5 - 1) * 16, (2.5 - 0.5) * 16, (3.5 + 0.25) * 16, (2.5 + 1.5) * 16)
    assert found == pytest.approx((*corners, 1 / (1 + np.exp(-2)), 1), abs=1e-3)


def test_a_cell_may_be_of_two_categories():
    place = (0, 1, 1)
    maps = maps_of((*place, 0, 2.0, (1, 1, 1, 1)), (*place, 2, 0.0, (1, 1, 1, 1)))

    found = decode(maps, 64, 0.3)

    np.testing.assert_allclose(
        found, [(4, 4, 20, 20, 1 / (1 + np.exp(-2)), 0), (4, 4, 20, 20, 0.5, 2)], atol=1e-3
    )


@pytest.mark.parametrize(("logit", "count"), [(-0.01, 0), (0.01, 1)])
def test_cells_below_the_threshold_give_no_boxes(logit, count):
    assert decode(maps_of((0, 0, 0, 1, logit, (1, 1, 1, 1))), 64, 0.5).shape == (count, 6)


def test_a_file_that_is_no_detector_is_refused():
    with pytest.raises(UnusableWeights, match="is no YOLO detector"):
        TattooJewelry(replace(bright_is_jewelry(), data=network()))


def test_a_file_for_other_categories_is_refused():
    weights = bright_is_jewelry()

    with pytest.raises(UnusableWeights, match="tells 3 categories apart, but its manifest names 2"):
        TattooJewelry(replace(weights, classes=CLASSES[:2]))


def bright_is_jewelry(**how):
    """A detector for which white is jewelry, and nothing is anything else."""
    data = detector((0, -20), (0, -20), (20, -10), **how)
    digest = hashlib.sha256(data).hexdigest()
    return Weights("own", digest, "MIT", frozenset(CLASSES), data, classes=CLASSES)


def looks(**policy):
    lines = [f"{key} = {value}" for key, value in policy.items()]
    return read_policy("\n".join(["[detection]", "adornment_scales = [64]", *lines]))


def test_a_sighting_comes_back_in_picture_pixels_from_each_turn():
    rgb = np.zeros((128, 128, 3), np.uint8)
    rgb[64:80, 64:80] = 255  # one cell of the finest grid, 16 picture pixels a cell
    left_and_down = TattooJewelry(bright_is_jewelry(away=(4, 0, 0, 4)))

    found = left_and_down.detect(image(rgb), looks(rotations=[0, 180]))

    assert [(one.box.corners, one.category) for one in found] == [
        (pytest.approx((8, 72, 72, 136), abs=1e-3), Category.JEWELRY),
        (pytest.approx((72, 8, 136, 72), abs=1e-3), Category.JEWELRY),
    ]


def test_it_is_given_values_from_0_to_1():
    rgb = np.full((64, 64, 3), 127, np.uint8)

    found = TattooJewelry(bright_is_jewelry()).detect(image(rgb), looks(rotations=[0]))

    expected = 1 / (1 + np.exp(10 - 20 * 127 / 255))
    assert [one.score for one in found] == pytest.approx([expected] * len(found), abs=1e-4)
    assert found


def test_what_nobody_wants_is_not_given():
    rgb = np.full((64, 64, 3), 255, np.uint8)
    policy = looks(rotations=[0]).only([Category.TATTOO])

    assert TattooJewelry(bright_is_jewelry()).detect(image(rgb), policy) == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (33, 47)])
def test_any_shape_of_picture_can_be_looked_at(rng, shape):
    own = TattooJewelry(load_weights("adornments"))

    for one in own.detect(image(picture(rng, *shape)), looks(rotations=[0, 90])):
        assert one.category in CLASSES
        assert one.score >= FLOOR
        assert one.detector == own.name
