"""Pictures teach a category only where they are labelled for it."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training is not installed: make .venv/train")

import json  # noqa: E402

import numpy as np  # noqa: E402
from ultralytics.cfg import get_cfg  # noqa: E402
from ultralytics.data.augment import Mosaic  # noqa: E402
from ultralytics.models.yolo.detect import DetectionTrainer  # noqa: E402
from ultralytics.utils.instance import Instances  # noqa: E402
from ultralytics.utils.loss import v8DetectionLoss  # noqa: E402

from models.train.data.choosing import Choice, training_part  # noqa: E402
from models.train.data.prepare import prepare  # noqa: E402
from models.train.detector.federated import (  # noqa: E402
    SILENCE,
    FederatedDataset,
    FederatedLoss,
    FederatedTrainer,
    RandomTurn,
    SameKindMosaic,
    turned,
)
from models.train.detector.start import new_model  # noqa: E402

FACE, TATTOO, JEWELRY = range(3)
SIDE = 64
WHOLE = (0.5, 0.5, 1.0, 1.0)
CENTRE = (0.5, 0.5, 0.4, 0.4)
LEFT = (0.25, 0.5, 0.5, 1.0)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = new_model()
    model.args = get_cfg()
    return model.train()


def gradient(model, loss, labelled_for, boxes):
    """Of the class loss with respect to each score, (categories, places), of one picture.

    boxes: (class, corners as centre and extent) pairs.
    """
    predictions = model(torch.zeros(1, 3, SIDE, SIDE))
    predictions["scores"].retain_grad()
    batch = {
        "labelled": torch.tensor([[kind in labelled_for for kind in range(3)]]),
        "cls": torch.tensor([[float(kind)] for kind, _ in boxes]).view(-1, 1),
        "bboxes": torch.tensor([corners for _, corners in boxes]).view(-1, 4),
        "batch_idx": torch.zeros(len(boxes)),
    }
    parts, _ = loss(predictions, batch)
    parts[1].backward()
    return predictions["scores"].grad[0]


def test_what_is_not_labelled_is_hardly_taken_for_background(model):
    boxes = [(TATTOO, CENTRE)]

    masked = gradient(model, FederatedLoss(model), {TATTOO}, boxes)
    plain = gradient(model, v8DetectionLoss(model), {TATTOO}, boxes)

    torch.testing.assert_close(masked[[FACE, JEWELRY]], SILENCE * plain[[FACE, JEWELRY]])
    assert (plain[[FACE, JEWELRY]] > 0).all()
    torch.testing.assert_close(masked[TATTOO], plain[TATTOO])


def test_a_box_of_a_category_that_is_labelled_in_part_still_teaches(model):
    seen = gradient(model, FederatedLoss(model), {TATTOO}, [(FACE, CENTRE)])
    whole = gradient(model, FederatedLoss(model), {FACE, TATTOO}, [(FACE, CENTRE)])

    on_it = whole[FACE] < 0
    assert on_it.any()
    torch.testing.assert_close(seen[FACE, on_it], whole[FACE, on_it])


def test_where_all_is_labelled_the_loss_is_the_plain_one(model):
    boxes = [(FACE, CENTRE), (JEWELRY, LEFT)]

    masked = gradient(model, FederatedLoss(model), {FACE, TATTOO, JEWELRY}, boxes)
    plain = gradient(model, v8DetectionLoss(model), set(), boxes)

    torch.testing.assert_close(masked, plain)


def test_under_an_ignored_box_nothing_is_background_of_its_category(model):
    everything = {FACE, TATTOO, JEWELRY}

    seen = gradient(model, FederatedLoss(model), everything, [(FACE + 3, LEFT)])

    places = places_x(model)
    assert not seen[FACE, places < 0.5].any()
    assert (seen[FACE, places > 0.5] > 0).all()
    assert (seen[[TATTOO, JEWELRY]] > 0).all()


def test_a_box_on_an_ignored_one_still_teaches(model):
    everything = {FACE, TATTOO, JEWELRY}

    seen = gradient(model, FederatedLoss(model), everything, [(FACE + 3, WHOLE), (FACE, CENTRE)])

    assert (seen[FACE] < 0).any()
    assert not (seen[FACE] > 0).any()


def test_a_picture_without_boxes_teaches_background(model):
    seen = gradient(model, FederatedLoss(model), {JEWELRY}, [])
    known = gradient(model, FederatedLoss(model), {FACE}, [])

    assert (seen[JEWELRY] > 0).all()
    torch.testing.assert_close(seen[FACE] / SILENCE, known[FACE])


def places_x(model):
    """Horizontal centre of each place, as a share of the width."""
    rows = []
    for stride in model.stride.tolist():
        cells = int(SIDE / stride)
        rows += [(column + 0.5) / cells for _ in range(cells) for column in range(cells)]
    return torch.tensor(rows)


@pytest.fixture(scope="module")
def dataset(shapes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "data"
    prepare(training_part(shapes), folder, Choice())
    data = json.loads((folder / "data.yaml").read_text())
    data |= {"names": {int(key): name for key, name in data["names"].items()}, "channels": 3}
    data["labelled"] = json.loads((folder / "labelled.json").read_text())
    return FederatedDataset(
        img_path=str(folder / "images" / "train"), data=data, task="detect", imgsz=64,
        augment=True, hyp=get_cfg(overrides={"mosaic": 1.0}),
    )  # fmt: skip


def test_only_pictures_labelled_alike_are_put_together(dataset):
    foreign = []
    for index in range(len(dataset)):
        item = dataset[index]
        drawn = {int(kind) for kind in item["cls"].view(-1)}
        allowed = {
            (True, False, False): {FACE},
            (False, True, False): {TATTOO},
            (True, False, True): {JEWELRY},
        }[dataset.kind(item["im_file"])]
        foreign += sorted(drawn - allowed)

    assert not foreign


def test_a_mosaic_is_made_of_several_pictures(dataset):
    mosaic = dataset.transforms.transforms[0].transforms[0]

    assert type(mosaic) is SameKindMosaic
    assert issubclass(SameKindMosaic, Mosaic)
    assert sum(len(members) for members in mosaic.kinds.values()) == len(dataset)
    assert any(len(dataset[index]["cls"]) > 1 for index in range(len(dataset)))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_box_lies_on_what_it_lay_on(quarters):
    pixels = np.zeros((60, 40, 3), np.uint8)
    pixels[10:20, 5:30] = 255
    corners = np.array([[5.0, 10.0, 30.0, 20.0]], np.float32)
    boxes = Instances(corners, np.zeros((0, 0, 2)), bbox_format="xyxy", normalized=False)

    after = turned({"img": pixels, "instances": boxes}, quarters)

    x0, y0, x1, y1 = after["instances"].bboxes[0].astype(int)
    assert after["img"].shape[:2] == ((40, 60) if quarters % 2 else (60, 40))
    assert after["img"][y0:y1, x0:x1].all()
    assert after["img"].sum() == after["img"][y0:y1, x0:x1].sum()


def test_a_picture_without_boxes_can_be_turned():
    none = Instances(np.zeros((0, 4)), np.zeros((0, 0, 2)), bbox_format="xyxy", normalized=False)

    after = turned({"img": np.zeros((4, 4, 3), np.uint8), "instances": none}, 1)

    assert len(after["instances"]) == 0


def test_pictures_are_turned_while_training(dataset):
    assert any(type(part) is RandomTurn for part in dataset.transforms.transforms)


def test_the_loss_is_that_of_float32_whatever_the_network_computed_in(model):
    batch = {
        "labelled": torch.tensor([[True, True, True]]),
        "cls": torch.tensor([[float(FACE)]]),
        "bboxes": torch.tensor([CENTRE]),
        "batch_idx": torch.zeros(1),
    }
    predictions = model(torch.rand(1, 3, SIDE, SIDE, generator=torch.manual_seed(0)))
    coarse = {key: predictions[key].bfloat16() for key in ("boxes", "scores")}
    exact = {key: value.float() for key, value in coarse.items()}

    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = FederatedLoss(model)({**predictions, **coarse}, batch)
    expected, _ = FederatedLoss(model)({**predictions, **exact}, batch)

    assert loss.dtype is torch.float32
    torch.testing.assert_close(loss, expected)


def test_a_network_in_bfloat16_learns_what_one_in_float32_does(model):
    batch = {
        "labelled": torch.tensor([[True, True, True]]),
        "cls": torch.tensor([[float(FACE)], [float(JEWELRY)]]),
        "bboxes": torch.tensor([CENTRE, LEFT]),
        "batch_idx": torch.zeros(2),
    }
    pixels = torch.rand(1, 3, SIDE, SIDE, generator=torch.manual_seed(0))
    losses = []
    for is_coarse in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=is_coarse):
            loss, _ = FederatedLoss(model)(model(pixels), batch)
        losses.append(loss.sum().item())

    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_a_checkpoint_that_is_not_written_to_its_end_replaces_nothing(tmp_path, monkeypatch):
    trainer = object.__new__(FederatedTrainer)
    trainer.wdir = tmp_path
    (tmp_path / "last.pt").write_bytes(b"whole")

    def stopped(self):
        self.last.write_bytes(b"ha")
        raise KeyboardInterrupt

    monkeypatch.setattr(DetectionTrainer, "save_model", stopped)
    with pytest.raises(KeyboardInterrupt):
        trainer.save_model()

    assert (tmp_path / "last.pt").read_bytes() == b"whole"
