from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from engine.detect import int8
from engine.detect.centerface import CenterFace
from engine.detect.clusters import clusters_of
from engine.detect.int8 import quantised, quantised_tensors
from engine.detect.onnx import session_of
from engine.detect.weights import load_weights
from engine.policy import Policy
from models.train.ranges import measured_ranges
from tests.engine.detect.networks import network
from tests.scenes import image, picture, shipped_rgb


def pictures(count=3, seed=1):
    rng = np.random.default_rng(seed)
    return [picture(rng, 24, 32) for _ in range(count)]


def measured(data):
    return measured_ranges(data, pictures())


def answers(data, rgb):
    return session_of(data).run(["heat", "size"], {"x": cv2.dnn.blobFromImage(rgb)})


def error(data, *, exact):
    (rgb,) = pictures(1, seed=9)
    expected, given = answers(exact, rgb), answers(data, rgb)
    return max(
        np.abs(one - other).mean() / np.abs(one).std()
        for one, other in zip(expected, given, strict=True)
    )


def test_the_int8_network_answers_nearly_the_same():
    data = network()

    assert error(quantised(data, measured(data)), exact=data) < 0.05


def test_that_is_because_channels_are_equalised(monkeypatch):
    data = network()
    plain = int8._Network._scale
    monkeypatch.setattr(int8._Network, "_scale", lambda *given: np.ones_like(plain(*given)))

    assert error(quantised(data, measured(data)), exact=data) > 0.15


def test_equalising_alone_changes_no_answer():
    data = network()
    changed = int8._Network(data)

    changed.equalised(measured(data))

    assert error(changed.with_pairs({}), exact=data) < 1e-4


def test_a_channel_that_is_always_silent_breaks_nothing():
    data = network(silent=True)

    result = quantised(data, measured(data))

    assert np.isfinite(
        np.concatenate([one.ravel() for one in answers(result, pictures(1)[0])])
    ).all()
    assert error(result, exact=data) < 0.05


def test_a_channel_of_its_bias_alone_keeps_it():
    data = network(loud_bias=True)

    assert error(quantised(data, measured(data)), exact=data) < 0.05


TWO_GROUPS = helper.make_attribute("group", 2)


def unfit(change):
    model = onnx.load_from_string(network())
    by_output = {node.output[0]: node for node in model.graph.node}
    change(by_output)
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda nodes: nodes["projected"].input.pop(), "no bias"),
        (lambda nodes: nodes["sum"].input.__setitem__(1, "b2"), "constant"),
        (lambda nodes: nodes["size"].input.__setitem__(2, "b1"), "share"),
        (
            lambda nodes: nodes["branch"].attribute.append(helper.make_attribute("group", 2)),
            "grouped",
        ),
    ],
    ids=["a layer without bias", "a constant in a sum", "shared weights", "groups"],
)
def test_what_would_be_scaled_wrongly_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        quantised_tensors(unfit(change))


def test_its_integers_use_all_eight_bits_and_what_answers_stays_float():
    data = network()
    model = onnx.load_from_string(quantised(data, measured(data)))
    weights = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}

    integers = {
        name for name, value in weights.items() if value.dtype == np.int8 and value.ndim == 4
    }

    assert integers == {f"w{number}_int" for number in (0, 1, 2, 3, 5)}
    for name in integers:
        assert (np.abs(weights[name].astype(int)).max(axis=(1, 2, 3)) == 127).all()
    assert weights["w6"].dtype == weights["w7"].dtype == weights["w4"].dtype == np.float32


def test_it_is_made_the_same_again():
    data = network()

    assert quantised(data, measured(data)) == quantised(data, measured(data))


def test_ranges_of_another_network_are_refused():
    with pytest.raises(KeyError):
        quantised(network(), {"y": np.zeros((2, 3), np.float32)})


def test_the_shipped_one_sees_the_faces_that_float32_sees():
    weights, ranges = load_weights("centerface"), load_weights("ranges")
    six = image(shipped_rgb("insightface.data", "images/t1.jpg"))

    float32, quick = (
        [one.box for one in clusters_of(detector.detect(six, Policy())) if one.score >= 0.5]
        for detector in (CenterFace(weights), CenterFace(weights, ranges))
    )

    assert len(float32) == len(quick) == 6
    for box in float32:
        assert max(box.iou(other) for other in quick) > 0.85


def test_it_is_called_by_both_of_its_files():
    weights, ranges = load_weights("centerface"), load_weights("ranges")

    assert CenterFace(weights, ranges).name == f"{weights.label}+{ranges.label}"
    assert CenterFace(weights).name == weights.label
