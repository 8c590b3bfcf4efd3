from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.detect import int8
from engine.detect.centerface import CenterFace
from engine.detect.clusters import clusters_of
from engine.detect.int8 import quantised, quantised_tensors
from engine.detect.onnx import session_of
from engine.detect.weights import load_weights
from engine.policy import Policy
from tests.scenes import image, shipped_rgb

SPREAD = np.array([0.01, 0.1, 1, 10, 30, 0.03, 3, 100], np.float32)
"""Of the channels of one tensor: far more than eight bits tell apart."""


TWO_GROUPS = helper.make_attribute("group", 2)


def network(seed=3, *, silent=False, loud_bias=False):
    """Every kind of layer: expanded, depthwise, projected, summed, enlarged, and an answer each.

    Channels differ as `SPREAD` says, and what uses them makes up for it.
    """
    rng = np.random.default_rng(seed)

    def weights(*shape):
        return rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape)

    by_channel = SPREAD[:, None, None, None]
    constants = {
        "w0": weights(8, 3, 3, 3) * by_channel, "b0": rng.normal(0, 0.1, 8) * SPREAD,
        "w1": weights(8, 1, 3, 3) * 3, "b1": rng.normal(0, 0.1, 8) * SPREAD,
        "w2": weights(4, 8, 1, 1) / SPREAD[None, :, None, None], "b2": rng.normal(0, 0.1, 4),
        "w3": weights(4, 4, 3, 3), "b3": rng.normal(0, 0.1, 4),
        "w4": weights(4, 4, 2, 2), "b4": rng.normal(0, 0.1, 4),
        "gamma": np.array([0.05, 1, 5, 20]), "beta": rng.normal(0, 0.1, 4),
        "mean": rng.normal(0, 0.1, 4), "variance": rng.uniform(0.5, 2, 4),
        "w5": weights(4, 4, 1, 1) / np.array([0.05, 1, 5, 20])[None, :, None, None],
        "b5": rng.normal(0, 0.1, 4),
        "w6": weights(1, 4, 1, 1), "b6": rng.normal(0, 0.1, 1),
        "w7": weights(2, 4, 1, 1), "b7": rng.normal(0, 0.1, 2),
    }  # fmt: skip
    if silent:
        constants["w0"][2], constants["b0"][2] = 0, 0
    if loud_bias:
        constants["w3"][1], constants["b3"][1] = 0, 3

    def conv(number, source, result, **how):
        return helper.make_node("Conv", [source, f"w{number}", f"b{number}"], [result], **how)

    same = {"pads": [1, 1, 1, 1]}
    nodes = [
        conv(0, "x", "expanded", **same),
        helper.make_node("Relu", ["expanded"], ["expanded+"]),
        conv(1, "expanded+", "depthwise", group=8, **same),
        helper.make_node("Relu", ["depthwise"], ["depthwise+"]),
        conv(2, "depthwise+", "projected"),
        conv(3, "projected", "branch", **same),
        helper.make_node("Add", ["projected", "branch"], ["sum"]),
        helper.make_node("ConvTranspose", ["sum", "w4", "b4"], ["large"], strides=[2, 2]),
        helper.make_node(
            "BatchNormalization", ["large", "gamma", "beta", "mean", "variance"], ["n"]
        ),
        helper.make_node("Relu", ["n"], ["n+"]),
        conv(5, "n+", "last"),
        helper.make_node("Relu", ["last"], ["last+"]),
        conv(6, "last+", "odds"),
        helper.make_node("Sigmoid", ["odds"], ["heat"]),
        conv(7, "last+", "size"),
        helper.make_node("Relu", ["size"], ["nobody asks for"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("heat", "size")],
        [
            numpy_helper.from_array(np.asarray(value, np.float32), name)
            for name, value in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=9)
    return model.SerializeToString()


def pictures(count=3, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.uniform(0, 255, (1, 3, 24, 32)).astype(np.float32) for _ in range(count)]


def answers(data, picture):
    return session_of(data).run(["heat", "size"], {"x": picture})


def ranges_of(data):
    """Ranges as training measures them."""
    names = quantised_tensors(data)
    model = onnx.load_from_string(data)
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names[1:]
    )
    session = session_of(model.SerializeToString())
    seen = [[one, *session.run(list(names[1:]), {"x": one})] for one in pictures()]
    return {
        name: np.stack(
            [
                np.min([one[place].min(axis=(0, 2, 3)) for one in seen], axis=0),
                np.max([one[place].max(axis=(0, 2, 3)) for one in seen], axis=0),
            ]
        )
        for place, name in enumerate(names)
    }


def error(data, *, exact):
    (picture,) = pictures(1, seed=9)
    expected, given = answers(exact, picture), answers(data, picture)
    return max(
        np.abs(one - other).mean() / np.abs(one).std()
        for one, other in zip(expected, given, strict=True)
    )


def test_the_int8_network_answers_nearly_the_same():
    data = network()

    assert error(quantised(data, ranges_of(data)), exact=data) < 0.05


def test_that_is_because_channels_are_equalised(monkeypatch):
    data = network()
    plain = int8._Network._scale
    monkeypatch.setattr(int8._Network, "_scale", lambda *given: np.ones_like(plain(*given)))

    assert error(quantised(data, ranges_of(data)), exact=data) > 0.15


def test_equalising_alone_changes_no_answer():
    data = network()
    changed = int8._Network(data)

    changed.equalised(ranges_of(data))

    assert error(changed.with_pairs({}), exact=data) < 1e-4


def test_a_channel_that_is_always_silent_breaks_nothing():
    data = network(silent=True)

    result = quantised(data, ranges_of(data))

    assert np.isfinite(
        np.concatenate([one.ravel() for one in answers(result, pictures(1)[0])])
    ).all()
    assert error(result, exact=data) < 0.05


def test_a_channel_of_its_bias_alone_keeps_it():
    data = network(loud_bias=True)

    assert error(quantised(data, ranges_of(data)), exact=data) < 0.05


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
    model = onnx.load_from_string(quantised(data, ranges_of(data)))
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

    assert quantised(data, ranges_of(data)) == quantised(data, ranges_of(data))


def test_ranges_of_another_network_are_refused():
    with pytest.raises(KeyError):
        quantised(network(), {"y": np.zeros((2, 3), np.float32)})


def test_the_shipped_one_sees_the_faces_that_float32_sees():
    weights, ranges = load_weights("centerface"), load_weights("ranges")
    picture = image(shipped_rgb("insightface.data", "images/t1.jpg"))

    float32, quick = (
        [one.box for one in clusters_of(detector.detect(picture, Policy())) if one.score >= 0.5]
        for detector in (CenterFace(weights), CenterFace(weights, ranges))
    )

    assert len(float32) == len(quick) == 6
    for box in float32:
        assert max(box.iou(other) for other in quick) > 0.85


def test_it_is_called_by_both_of_its_files():
    weights, ranges = load_weights("centerface"), load_weights("ranges")

    assert CenterFace(weights, ranges).name == f"{weights.label}+{ranges.label}"
    assert CenterFace(weights).name == weights.label
