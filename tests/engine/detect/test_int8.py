from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from engine.category import Category
from engine.detect.clusters import clusters_of
from engine.detect.int8 import quantised, ranges_for
from engine.detect.tattoo_jewelry import TattooJewelry
from engine.detect.weights import load_weights
from engine.errors import UnusableWeights
from engine.policy import Policy
from tests.scenes import image, shipped_rgb

SURE = 0.5
LARGEST_DIFFERENCE = 0.1
"""Of a sure score, between 8 and 32 bits."""


def test_eight_bits_see_the_faces_that_thirty_two_see():
    picture = image(shipped_rgb("insightface.data", "images/t1.jpg"))
    weights = load_weights("adornments")
    whole, eight = (
        clusters_of(
            one
            for one in TattooJewelry(weights, ranges).detect(picture, Policy())
            if one.category is Category.FACE
        )
        for ranges in (None, ranges_for(weights, load_weights("ranges")))
    )

    sure = [one for one in whole if one.score >= SURE]
    nearest = [max(eight, key=lambda other: other.box.iou(one.box)) for one in sure]

    assert len(sure) >= 6
    assert min(a.box.iou(b.box) for a, b in zip(sure, nearest, strict=True)) > 0.8
    assert max(abs(a.score - b.score) for a, b in zip(sure, nearest, strict=True)) < (
        LARGEST_DIFFERENCE
    )


def test_weights_leave_room_for_sums_of_two_products():
    """Of 8 bits, processors without VNNI lose what exceeds 16 when they add two products."""
    weights = load_weights("adornments")
    ranges = ranges_for(weights, load_weights("ranges"))

    model = onnx.load_from_string(quantised(weights.data, ranges))

    eight = [
        numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) > 1
    ]
    assert len(eight) == 57
    assert max(int(np.abs(values.astype(int)).max()) for values in eight) <= 64


def test_ranges_of_another_file_are_refused():
    weights = replace(load_weights("adornments"), sha256="0" * 64)

    with pytest.raises(UnusableWeights, match="not measured with this 'adornments'"):
        ranges_for(weights, load_weights("ranges"))
