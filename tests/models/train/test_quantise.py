from __future__ import annotations

import hashlib
import tomllib

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.category import Category
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.geometry import Box
from models.train.card import with_section
from models.train.errors import TrainingRefused
from models.train.quantise import enter_quantised, inputs, quantise

SIDE = 32
ACTIVATIONS = {
    "SiLU": [
        helper.make_node("Sigmoid", ["/model.0/Conv_output_0"], ["s"], "/model.0/Sigmoid"),
        helper.make_node("Mul", ["/model.0/Conv_output_0", "s"], ["a"], "/model.0/Mul"),
    ],
    "ReLU": [helper.make_node("Relu", ["/model.0/Conv_output_0"], ["a"], "/model.0/Relu")],
}


def network(seed=3, activation="SiLU"):
    """Two convolutions, the second a head whose answer is scaled in float."""
    rng = np.random.default_rng(seed)
    weights = {
        "w0": rng.normal(0, 0.5, (8, 3, 3, 3)),
        "w1": rng.normal(0, 0.05, (4, 8, 3, 3)) * np.array([1, 2, 0.1, 1])[:, None, None, None],
        "scale": np.array(640.0),
    }
    nodes = [
        helper.make_node("Conv", ["images", "w0"], ["/model.0/Conv_output_0"], "/model.0/Conv"),
        *ACTIVATIONS[activation],
        helper.make_node("Conv", ["a", "w1"], ["/model.1/Conv_output_0"], "/model.1/Conv"),
        helper.make_node("Tanh", ["/model.1/Conv_output_0"], ["t"], "/model.1/Tanh"),
        helper.make_node("Mul", ["t", "scale"], ["output0"], "/model.1/Mul"),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(value.astype(np.float32), name)
            for name, value in weights.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def pictures(count=4):
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(count)]


def answer(data):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    blob = pictures(1)[0].transpose(2, 0, 1)[None].astype(np.float32) / 255
    return session.run(None, {"images": blob})[0]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_int8_file_answers_nearly_the_same(activation):
    made = network(activation=activation)

    float32, int8 = answer(made), answer(quantise(made, pictures()))

    assert np.abs(float32 - int8).mean() < 0.03 * np.abs(float32).max()


def test_a_relu_is_part_of_its_convolution():
    graph = onnx.load_from_string(quantise(network(activation="ReLU"), pictures())).graph

    assert not [node for node in graph.node if node.op_type == "Relu"]


@pytest.mark.parametrize(("seven_bits", "most"), [(False, 127), (True, 63)])
def test_weights_use_all_their_bits_of_a_scale_a_channel(seven_bits, most):
    model = onnx.load_from_string(quantise(network(), pictures(), seven_bits=seven_bits))
    weights = [
        numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.INT8 and tensor.name.endswith("_quantized")
    ]

    assert len(weights) == 2
    for tensor in weights:
        assert (np.abs(np.abs(tensor.astype(int)).max(axis=(1, 2, 3)) - most) <= 1).all()


def test_what_makes_boxes_of_the_answers_stays_float():
    model = onnx.load_from_string(quantise(network(), pictures()))
    made_by = {name: node for node in model.graph.node for name in node.output}

    scaled = made_by["output0"]

    assert scaled.op_type == "Mul"
    assert [made_by[name].op_type for name in scaled.input if name in made_by] == ["Tanh"]


def test_it_is_made_the_same_again():
    assert quantise(network(), pictures()) == quantise(network(), pictures())


def test_a_file_that_is_quantised_already_is_refused():
    with pytest.raises(TrainingRefused, match="quantised already"):
        quantise(quantise(network(), pictures()), pictures())


def test_without_pictures_it_is_refused():
    with pytest.raises(TrainingRefused, match="no pictures"):
        quantise(network(), [])


CARD = """# witness

| file | `witness.onnx`, SHA-256 `{sha}` |
| checkpoint | `abc`; the file computes the same within 1e-04 |

## What it detects

- much
"""


@pytest.fixture
def models(tmp_path):
    """A folder of models with a float32 witness, and pictures beside it."""
    folder = tmp_path / "models"
    (folder / "cards").mkdir(parents=True)
    data = network()
    sha = hashlib.sha256(data).hexdigest()
    (folder / "witness.onnx").write_bytes(data)
    (folder / "manifest.toml").write_text(f'[witness]\nfile = "witness.onnx"\nsha256 = "{sha}"\n')
    (folder / "cards" / "witness.md").write_text(CARD.format(sha=sha))
    return folder


@pytest.fixture
def labelled(tmp_path):
    """Two pictures, one with a label, and one that cannot be read."""
    (tmp_path / "2.png").write_bytes(b"no picture")
    for number, rgb in enumerate(pictures(2)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rgb)
    label = Label(Box(4, 4, 20, 24), Category.FACE)
    return [
        LabelledPicture(f"{n}.png", tmp_path / f"{n}.png", (label,) if n == 0 else (), frozenset())
        for n in range(3)
    ]


def entered(models, labelled, source=None):
    return enter_quantised("witness", source, models, labelled, models / "float32")


def test_file_entry_and_card_say_the_same(models, labelled):
    sha = entered(models, labelled)

    card = (models / "cards" / "witness.md").read_text()
    entry = tomllib.loads((models / "manifest.toml").read_text())["witness"]
    written = hashlib.sha256((models / "witness.onnx").read_bytes()).hexdigest()
    assert sha == entry["sha256"] == written
    assert f"`witness.onnx`, SHA-256 `{sha}`" in card
    assert "the float32 file computes the same within 1e-04" in card
    assert "- much" in card
    assert "## In int8" in card


def test_the_int8_file_is_made_again_of_the_float_one_that_was_kept(models, labelled):
    first = entered(models, labelled)
    card = (models / "cards" / "witness.md").read_text()

    assert (models / "float32" / "witness.onnx").read_bytes() == network()
    assert entered(models, labelled) == first
    assert (models / "cards" / "witness.md").read_text() == card


def test_a_newer_float_network_is_taken_and_not_the_one_that_was_kept(models, labelled):
    first = entered(models, labelled)
    newer = network(seed=4)
    (models / "witness.onnx").write_bytes(newer)

    assert entered(models, labelled) != first
    assert (models / "float32" / "witness.onnx").read_bytes() == newer


def test_without_a_float_network_it_says_where_to_find_one(models, labelled):
    entered(models, labelled)
    (models / "float32" / "witness.onnx").unlink()

    with pytest.raises(TrainingRefused, match="name it with --float"):
        entered(models, labelled)


@pytest.mark.parametrize(
    ("name", "count", "side"),
    [("centerface", 2, 320), ("adornments", 2, 320), ("crops", 7, 112), ("scene", 2, 224)],
)
def test_networks_are_shown_what_they_are_shown_at_work(labelled, name, count, side):
    shown = list(inputs(name, labelled))

    assert len(shown) == count  # three random crops of each picture, and one of the label
    assert max(shown[0].shape) <= side


def test_a_section_is_replaced_and_the_others_stay():
    card = "# a\n\n## One\n\n1\n\n## Two\n\n2\n"

    assert with_section(card, "One", "3") == "# a\n\n## One\n\n3\n\n## Two\n\n2\n"
    assert with_section(card, "Two", "3") == "# a\n\n## One\n\n1\n\n## Two\n\n3\n"
    assert with_section(card, "Three", "3") == f"{card}\n## Three\n\n3\n"


def test_the_release_check_keeps_the_bits_its_scores_were_chosen_with(models, labelled):
    entered(models, labelled)

    weights = [
        numpy_helper.to_array(tensor).astype(int)
        for tensor in onnx.load(models / "witness.onnx").graph.initializer
        if tensor.name.endswith("_quantized") and tensor.data_type == TensorProto.INT8
    ]

    assert {np.abs(one).max() for one in weights} <= {62, 63, 64}
