from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch comes with requirements-train.txt")

import torch

from engine.category import DETECTABLE, Category
from engine.detect.crop_classifier import CropClassifier
from engine.detect.weights import Weights, load_weights
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.geometry import Box, Size
from models.train.classifiers.crops import network, train
from models.train.classifiers.crops.examples import SHARES, gathered, moved, read_proposals, taught
from models.train.classifiers.crops.network import Course, Fitting, average_precision, masked_loss
from models.train.classifiers.crops.variations import varied
from models.train.classifiers.export import TOLERANCE
from models.train.data.halves import half_of

SIZE = Size(200, 160)
INK = Box(40, 40, 80, 80)
FACE, TATTOO, JEWELRY = range(3)


def labelled(*labels, complete=("tattoo",), partial=(), name="a.png", path=None):
    return LabelledPicture(
        name=name,
        path=path,
        labels=labels,
        labelled_for=frozenset(map(Category, complete)),
        partial_for=frozenset(map(Category, partial)),
        size=SIZE,
        group=name,
        attributes=(("source", "painted"), ("licence", "CC0")),
    )


def lesson(box, picture):
    """`is`, `is not` or `unknown` for each category."""
    found = taught(np.array([box], float), picture)
    return [
        ("is" if wanted else "is not") if counts else "unknown"
        for wanted, counts in zip(found.wanted[0], found.counts[0], strict=True)
    ]


class TestTaught:
    ink = Label(INK, Category.TATTOO)

    @pytest.mark.parametrize(
        ("box", "says"),
        [
            pytest.param((40, 40, 80, 80), "is", id="the label itself"),
            pytest.param((50, 40, 90, 80), "is", id="iou .6"),
            pytest.param((35, 35, 95, 95), "is", id="all of it, 2.25 times the size"),
            pytest.param((60, 40, 100, 80), "unknown", id="iou .33"),
            pytest.param((50, 50, 60, 60), "unknown", id="a small part of it"),
            pytest.param((10, 10, 110, 110), "unknown", id="all of it and much more"),
            pytest.param((120, 100, 160, 140), "is not", id="elsewhere"),
            pytest.param((0, 0, 200, 160), "is not", id="the whole picture"),
        ],
    )
    def test_a_box_is_on_a_label_or_on_none_or_teaches_nothing(self, box, says):
        assert lesson(box, labelled(self.ink)) == ["unknown", says, "unknown"]

    def test_a_picture_labelled_in_part_teaches_what_is_there_alone(self):
        picture = labelled(self.ink, complete=(), partial=("tattoo",))

        assert lesson(INK.corners, picture) == ["unknown", "is", "unknown"]
        assert lesson((120, 100, 160, 140), picture) == ["unknown"] * 3

    def test_an_ignored_label_is_neither_right_nor_wrong(self):
        picture = labelled(replace(self.ink, is_ignored=True))

        assert lesson(INK.corners, picture) == ["unknown"] * 3

    def test_labels_of_another_category_are_nothing_of_this_one(self):
        picture = labelled(Label(INK, Category.FACE), complete=("face", "jewelry"))

        assert lesson(INK.corners, picture) == ["is", "unknown", "is not"]

    def test_no_boxes_teach_nothing(self):
        found = taught(np.zeros((0, 4)), labelled(self.ink))

        assert found.wanted.shape == found.counts.shape == (0, 3)


class TestLoss:
    def test_targets_that_do_not_count_teach_nothing(self):
        logits = torch.randn(4, 3, requires_grad=True)
        counts = torch.tensor([[1.0, 0, 0], [0, 0, 0], [0, 1, 1], [0, 0, 0]])
        for wanted in (torch.zeros(4, 3), torch.ones(4, 3)):
            logits.grad = None
            masked_loss(logits, wanted, counts).backward()

            assert ((logits.grad != 0) == (counts > 0)).all()

    def test_a_lot_without_any_target_is_no_loss(self):
        assert masked_loss(torch.randn(2, 3), torch.ones(2, 3), torch.zeros(2, 3)).item() == 0


def test_frozen_parts_stay_as_they_are_and_the_rest_learns():
    fitting = Fitting(Course(is_from_scratch=True))
    before = {name: value.clone() for name, value in fitting.net.state_dict().items()}
    rng = np.random.default_rng(0)
    lot = network.Lot(
        rng.integers(0, 256, (8, network.SIDE, network.SIDE, 3), np.uint8),
        network.Taught(np.ones((8, 3), np.float32), np.ones((8, 3), np.float32)),
    )

    fitting.learn(lot)

    changed = {
        name for name, value in fitting.net.state_dict().items() if (value != before[name]).any()
    }
    frozen = tuple(f"trunk.{place}." for place in range(network.FROZEN))
    assert not [name for name in changed if name.startswith(frozen)]
    assert "head.1.weight" in changed
    assert f"trunk.{network.FROZEN}.layers.0.0.weight" in changed


def test_no_step_is_begun_after_the_minutes(monkeypatch):
    monkeypatch.setattr(network, "BATCH", 2)
    fitting = Fitting(Course(minutes=0.0, is_from_scratch=True))
    ones = np.ones((6, 3), np.float32)
    crops_seen = np.zeros((6, 32, 32, 3), np.uint8)

    fitting.learn(network.Lot(crops_seen, network.Taught(ones, ones)))

    assert fitting.steps == 1  # a network that never took one could not be told from its start


@pytest.mark.parametrize(
    ("scores", "wanted", "expected"),
    [
        ([3, 2, 1], [1, 1, 0], 1.0),
        ([3, 2, 1], [0, 1, 0], 0.5),
        ([1, 2, 3], [1, 0, 1], (1 + 2 / 3) / 2),
    ],
)
def test_average_precision(scores, wanted, expected):
    found = average_precision(np.array(scores, float), np.array(wanted, bool))

    assert found == pytest.approx(expected)


def test_halves_are_those_written_down_and_about_equal():
    assert [half_of(name) for name in ("t:1", "t:2", "t:3", "j:1", "")] == list("ABABA")
    share = np.mean([half_of(str(number)) == "A" for number in range(2000)])
    assert 0.45 < share < 0.55


class TestDrawing:
    def test_moved_boxes_stay_ordered_and_near(self, rng):
        boxes = np.array([[10, 20, 50, 40]] * 200, float)

        found = moved(boxes, np.full(200, 0.15), rng)

        assert (found[:, 2:] > found[:, :2]).all()
        assert np.abs(found - boxes).max() < 0.35 * 40
        assert len(np.unique(found, axis=0)) == 200

    def test_varied_crops_keep_shape_and_type(self, rng):
        crop = rng.integers(0, 256, (32, 32, 3), np.uint8)

        found = [varied(crop, rng) for _ in range(50)]

        assert {(one.shape, one.dtype.name) for one in found} == {((32, 32, 3), "uint8")}
        assert len({one.tobytes() for one in found}) == 50

    def test_roles_have_their_shares_and_unknown_boxes_are_never_drawn(self, rng):
        ink = Label(INK, Category.TATTOO)
        sets = [
            labelled(ink, name=f"{number}.png")
            if number
            else labelled(ink, complete=(), partial=("tattoo",))
            for number in range(9)
        ]
        proposals = {
            picture.name: np.array([[120, 100, 160, 140, TATTOO, 0.3], [*INK.corners, TATTOO, 0.9]])
            for picture in sets
        }

        examples = gathered(sets, proposals, rng)

        known = [
            taught(box[None], sets[owner]).counts.any()
            for box, owner in zip(examples.boxes, examples.owner, strict=True)
        ]
        assert examples.odds.sum() == pytest.approx(1)
        assert ((examples.odds > 0) == known).all()
        is_on = np.array(
            [
                taught(box[None], sets[owner]).wanted.any()
                for box, owner in zip(examples.boxes, examples.owner, strict=True)
            ]
        )
        shares = SHARES["tattoo", "is"], SHARES["tattoo", "is not"], SHARES["nothing", "drawn"]
        assert examples.odds[is_on].sum() == pytest.approx(shares[0] / sum(shares))


def painted_set(folder, rng, name, count):
    """Pictures with a red square, labelled as a tattoo, on noise; and a detector's proposals."""
    images, annotations, lines = [], [], []
    for number in range(count):
        file = f"{name}{number}.png"
        pixels = rng.integers(60, 180, (SIZE.height, SIZE.width, 3), np.uint8)
        x, y = (int(value) for value in rng.integers(0, 100, 2))
        pixels[y : y + 40, x : x + 40] = (200, 20, 20)
        cv2.imwrite(str(folder / file), pixels[..., ::-1])
        images.append(
            {"id": number, "file_name": file, "width": 200, "height": 160, "source": "painted"}
            | {"licence": "CC0", "labelled_for": ["tattoo"], "partial_for": [], "group": file}
        )
        box = {"id": number, "image_id": number, "category_id": 2, "bbox": [x, y, 40, 40]}
        annotations.append(box)
        boxes = [[x, y, x + 40, y + 40, TATTOO, 0.6, 0]]
        boxes += [[150, y, 190, y + 40, TATTOO, 0.5, 0], [0, 0, 200, 160, FACE, 0.1, 0]]
        lines.append(json.dumps({"file": file, "detectors": ["made@0"], "boxes": boxes}))
    categories = [{"id": place + 1, "name": name} for place, name in enumerate(DETECTABLE)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return lines


def test_one_epoch_gives_a_file_that_the_product_loads(tmp_path, rng):
    lines = painted_set(tmp_path, rng, "train", 12) + painted_set(tmp_path, rng, "calibration", 8)
    (tmp_path / "proposals.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "manifest.toml").write_text("# models\n", encoding="utf-8")
    course = Course(epochs=1, crops=48, is_from_scratch=True)
    epochs = []

    said = train.train(
        tmp_path, tmp_path / "proposals.jsonl", tmp_path, "any", course, epochs.append
    )

    assert epochs == [said["best"]]
    data = (tmp_path / "crops.onnx").read_bytes()
    assert said["categories"] == ["face", "tattoo", "jewelry"]
    assert said["sources"] == [{"name": "painted", "licence": "CC0", "pictures": 12}]
    assert said["difference"] <= TOLERANCE
    assert set(said["best"]) == {"epoch", "loss", "mean", "tattoo"}
    assert len(data) < 15e6
    stage = CropClassifier(
        Weights("crops", said["sha256"], "CC0", frozenset(DETECTABLE), data, classes=DETECTABLE)
    )
    pixels = rng.integers(0, 256, (60, 80, 3), np.uint8)
    boxes = np.array([[5, 5, 30, 30], [0, 0, 80, 60]], np.float32)
    assert stage.logits(pixels, boxes).shape == (2, 3)
    assert np.isfinite(stage.logits(pixels, boxes)).all()
    entered = load_weights("crops", tmp_path)
    assert (entered.classes, entered.use, entered.side) == (DETECTABLE, "any", said["side"])


def test_training_ends_when_its_minutes_are_over(tmp_path, rng):
    lines = painted_set(tmp_path, rng, "train", 3) + painted_set(tmp_path, rng, "calibration", 2)
    (tmp_path / "proposals.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "manifest.toml").write_text("# models\n", encoding="utf-8")
    course = Course(epochs=50, crops=200, minutes=0.0, is_from_scratch=True)

    said = train.train(tmp_path, tmp_path / "proposals.jsonl", tmp_path, "any", course)

    assert said["epochs"] == 1
    assert (tmp_path / "crops.onnx").exists()


def test_proposals_are_read_by_picture(tmp_path):
    file = tmp_path / "proposals.jsonl"
    file.write_text(
        '{"file": "a.png", "detectors": ["d"], "boxes": [[0, 1, 2, 3, 1, 0.5, 0]]}\n'
        '{"file": "b", "detectors": ["d"], "boxes": []}\n'
    )

    found = read_proposals(file)

    np.testing.assert_array_equal(found["a.png"], [[0, 1, 2, 3, 1, 0.5]])
    assert found["b"].shape == (0, 6)
