"""Labelled pictures as ultralytics reads them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.evaluation.data.datasets import read_dataset
from models.train.data.choosing import Choice
from models.train.data.prepare import LONGEST_PX, prepare
from models.train.errors import TrainingRefused
from tests.models.train.shapes import write_description

ONCE = Choice(repeat_rarest=1)


def image(number, name, size, **more):
    return {"id": number, "file_name": name, "width": size[0], "height": size[1], **more}


def box(number, image_id, category, corners, **more):
    return {"id": number, "image_id": image_id, "category_id": category, "bbox": corners, **more}


def prepared(folder, images, annotations, choice=ONCE, **options):
    dataset = read_dataset(write_description(folder, images, annotations))
    return folder / "data", prepare(dataset, folder / "data", choice, **options)


def paint(folder, name, size, **options):
    Image.new("RGB", size, "grey").save(folder / name, **options)


def lines(data, name="000001"):
    text = (data / "labels" / "train" / f"{name}.txt").read_text()
    return [[float(value) for value in line.split()] for line in text.splitlines()]


def test_boxes_become_shares_of_the_picture(tmp_path):
    paint(tmp_path, "a.png", (100, 50))

    data, _ = prepared(tmp_path, [image(1, "a.png", (100, 50))], [box(1, 1, 2, [10, 20, 40, 10])])

    assert lines(data) == [[1, 0.3, 0.5, 0.4, 0.2]]


def test_what_a_picture_is_labelled_for_stands_beside_it(tmp_path):
    paint(tmp_path, "a.png", (100, 50))
    paint(tmp_path, "b.png", (100, 51))
    images = [
        image(1, "a.png", (100, 50), labelled_for=["tattoo"]),
        image(2, "b.png", (100, 51), labelled_for=["face"], partial_for=["jewelry"]),
    ]

    data, _ = prepared(tmp_path, images, [box(1, 1, 2, [9, 9, 9, 9]), box(2, 2, 3, [9, 9, 9, 9])])

    labelled = json.loads((data / "labelled.json").read_text())
    assert sorted(labelled.values()) == [[False, True, False], [True, False, False]]


@pytest.mark.parametrize(
    ("corners", "more"),
    [([9, 9, 9, 9], {"ignore": 1}), ([9, 9, 9, 9], {"iscrowd": 1}), ([9, 9, 1, 9], {})],
    ids=["ignored", "crowd", "too small to see"],
)
def test_boxes_that_neither_teach_nor_refute_have_classes_of_their_own(tmp_path, corners, more):
    paint(tmp_path, "a.png", (100, 50))
    boxes = [box(1, 1, 1, [40, 10, 20, 20]), box(2, 1, 1, corners, **more)]

    data, summary = prepared(tmp_path, [image(1, "a.png", (100, 50))], boxes)

    assert [line[0] for line in lines(data)] == [0, 3]
    assert summary["ignored_boxes"] == 1
    assert summary["sources"][0]["labels"]["face"] == 1


def test_pictures_are_linked_and_the_rarest_are_there_more_often(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        paint(tmp_path, name, (64, 64))
    images = [image(number, f"{name}.png", (64, 64)) for number, name in enumerate("abc", 1)]
    boxes = [box(number, number, kind, [9, 9, 9, 9]) for number, kind in ((1, 1), (2, 1), (3, 2))]

    data, summary = prepared(tmp_path, images, boxes, Choice(repeat_rarest=3))

    links = list((data / "images" / "train").iterdir())
    names = sorted(link.resolve().name for link in links)
    assert names == ["a.png", "b.png"] + ["c.png"] * 3
    assert all(link.is_symlink() for link in links)
    assert (summary["pictures"], summary["shown"]) == (3, 5)


def test_a_turned_picture_is_copied_upright_with_its_boxes(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[10:20, 20:60] = 255
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)

    data, _ = prepared(tmp_path, [image(1, "a.jpg", (80, 40))], [box(1, 1, 1, [20, 10, 40, 10])])

    file = data / "images" / "train" / "000001.jpg"
    copy = cv2.imread(str(file), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    ((_, x, y, width, height),) = lines(data)
    left, top = round((x - width / 2) * 40), round((y - height / 2) * 80)
    assert copy.shape == (80, 40, 3)
    assert (left, top, round(width * 40), round(height * 80)) == (20, 20, 10, 40)
    assert copy[top : top + 40, left : left + 10].mean() > 240


def test_a_large_picture_is_copied_smaller_and_the_original_stays(tmp_path):
    paint(tmp_path, "a.png", (2 * LONGEST_PX, 100))
    before = (tmp_path / "a.png").read_bytes()

    data, _ = prepared(
        tmp_path, [image(1, "a.png", (2 * LONGEST_PX, 100))], [box(1, 1, 1, [0, 0, 320, 50])]
    )

    copy = data / "images" / "train" / "000001.jpg"
    assert not copy.is_symlink()
    assert cv2.imread(str(copy)).shape == (50, LONGEST_PX, 3)
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_jpeg_with_something_behind_its_end_is_copied(tmp_path):
    paint(tmp_path, "a.jpg", (64, 64))
    with (tmp_path / "a.jpg").open("ab") as file:
        file.write(b"behind the end")

    data, summary = prepared(tmp_path, [image(1, "a.jpg", (64, 64))], [box(1, 1, 1, [1, 1, 9, 9])])

    assert summary["pictures"] == 1
    assert not (data / "images" / "train" / "000001.jpg").is_symlink()


def test_broken_pictures_are_left_out_and_counted(tmp_path):
    paint(tmp_path, "a.png", (64, 64))
    (tmp_path / "b.png").write_bytes(b"no picture")
    paint(tmp_path, "c.png", (64, 64))
    paint(tmp_path, "d.png", (9, 64))
    images = [image(1, "a.png", (64, 64)), image(2, "b.png", (64, 64)),
              image(3, "c.png", (99, 99)), image(4, "d.png", (9, 64))]  # fmt: skip
    boxes = [box(number, number, 1, [1, 1, 5, 5]) for number in (1, 2, 3, 4)]

    data, summary = prepared(tmp_path, images, boxes)

    assert summary["pictures"] == len(list((data / "images" / "train").iterdir())) == 1
    names = sorted(line.split(":")[0] for line in summary["left_out"])
    assert names == ["b.png", "c.png", "d.png"]


def test_sources_are_told_with_their_licences(tmp_path):
    for name in ("a.png", "b.png"):
        paint(tmp_path, name, (64, 64))
    images = [image(1, "a.png", (64, 64), source="studio", licence="contract 7"),
              image(2, "b.png", (64, 64))]  # fmt: skip

    _, summary = prepared(tmp_path, images, [box(1, 1, 1, [1, 1, 9, 9])], licence="ours")

    told = [(one["name"], one["licence"], one["pictures"]) for one in summary["sources"]]
    assert told == [("own pictures", "ours", 1), ("studio", "contract 7", 1)]


def test_pictures_without_a_box_alone_are_refused_and_leave_the_old_folder(tmp_path):
    paint(tmp_path, "a.png", (64, 64))
    prepared(tmp_path, [image(1, "a.png", (64, 64))], [box(1, 1, 1, [1, 1, 9, 9])])

    with pytest.raises(TrainingRefused, match="none of them has a box"):
        prepared(tmp_path, [image(1, "a.png", (64, 64))], [])

    assert (tmp_path / "data" / "summary.json").is_file()
    assert not (tmp_path / "data.partial").exists()


def test_a_stop_leaves_what_was_prepared_before(tmp_path):
    paint(tmp_path, "a.png", (64, 64))
    data, _ = prepared(tmp_path, [image(1, "a.png", (64, 64))], [box(1, 1, 1, [1, 1, 9, 9])])
    before = sorted(path.name for path in data.rglob("*"))

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(tmp_path, [image(1, "a.png", (64, 64))], [], progress=stop)

    assert sorted(path.name for path in data.rglob("*")) == before
