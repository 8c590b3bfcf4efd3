from __future__ import annotations

import piexif
import pytest

from engine.category import DETECTABLE
from engine.errors import InvalidDataset
from engine.evaluation.data.datasets import read_dataset
from engine.geometry import Size
from tests.engine.evaluation.labelled_sets import paint, write_yolo

FACE, TATTOO, JEWELRY = DETECTABLE
ALL = set(DETECTABLE)
NAMES = "names: [face, Tattoo, earring]\n"


def labelled(folder, lines, **options):
    """A set of one picture with these lines, and the set read."""
    paint(folder / "test" / "images" / "a.png")
    labels = folder / "test" / "labels" / "a.txt"
    labels.parent.mkdir(exist_ok=True)
    labels.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    data = folder / "data.yaml"
    data.write_text("test: test/images\n" + options.get("names", NAMES), encoding="utf-8")
    return read_dataset(data)


@pytest.mark.parametrize(
    ("line", "says", "partial"),
    [
        ("1", "must be a class and four numbers", {TATTOO}),
        ("1 .5 .5 .5", "must be a class and four numbers", {TATTOO}),
        ("1 .5 .5 .5 .5 .9", "must be a class and four numbers", {TATTOO}),
        ("1 .1 .1 .2 .2 .3 .3 .4", "must be a class and four numbers", {TATTOO}),
        ("1 .5 .5 .5 x", "'x' is not a number", {TATTOO}),
        ("1 .5 .5 .5 nan", "'nan' is not a finite number", {TATTOO}),
        ("1 .5 .5 .5 inf", "'inf' is not a finite number", {TATTOO}),
        ("1 .5 .5 .5 1.02", "'1.02' is not a share", {TATTOO}),
        ("1 -.02 .5 .5 .5", "'-.02' is not a share", {TATTOO}),
        ("1 .5 .5 0 .5", "no area", {TATTOO}),
        ("1 .1 .1 .2 .1 .3 .1", "no area", {TATTOO}),
        ("3 .5 .5 .5 .5", "no class '3'", ALL),
        ("-1 .5 .5 .5 .5", "no class '-1'", ALL),
        ("1.5 .5 .5 .5 .5", "no class '1.5'", ALL),
        ("face .5 .5 .5 .5", "'face' is not a number", ALL),
        ("hello", "'hello' is not a number", ALL),
    ],
)
def test_a_broken_line_is_told_and_its_picture_no_longer_complete(tmp_path, line, says, partial):
    dataset = labelled(tmp_path, f"0 .5 .5 .5 .5\n\n{line}\r\n2 .5 .5 .5 .5\n")

    (problem,) = dataset.problems
    picture = dataset.pictures[0]
    assert (problem.file, problem.line) == ("test/labels/a.txt", 3)
    assert says in problem.text
    assert [label.category for label in picture.labels] == [FACE, JEWELRY]
    assert (picture.labelled_for, picture.partial_for) == (ALL - partial, partial)


@pytest.mark.parametrize(
    ("line", "corners"),
    [
        ("0 .5 .5 1 1", (0, 0, 64, 32)),
        ("0 .5 .5 1.01 1.005", (0, 0, 64, 32)),
        ("0 -.005 .5 .5 .5", (-16, 8, 16, 24)),
        ("0.0 1 1 .5 .5", (48, 24, 80, 40)),
        ("0 .25 .25 .5 .25 .375 .75", (16, 8, 32, 24)),
        ("0 0 0 1 0 1 1 0 1", (0, 0, 64, 32)),
    ],
    ids=["whole", "overshoot", "clipped", "beyond the edge", "triangle", "four points"],
)
def test_a_line_becomes_a_box_in_pixels(tmp_path, line, corners):
    dataset = labelled(tmp_path, line)

    assert dataset.pictures[0].labels[0].box.corners == corners
    assert dataset.problems == ()


def test_key_points_after_a_box_are_no_polygon(tmp_path):
    line = "0 .5 .5 .5 .5 -1 -1 0 .2 .2 1"

    dataset = labelled(tmp_path, line, names=NAMES + "kpt_shape: [2, 3]\n")

    assert dataset.pictures[0].labels[0].box.corners == (16, 8, 48, 24)


@pytest.mark.parametrize("lines", ["", "\n \n"])
def test_an_empty_file_of_labels_says_that_nothing_is_there(tmp_path, lines):
    dataset = labelled(tmp_path, lines)

    assert dataset.pictures[0].labels == ()
    assert dataset.pictures[0].labelled_for == ALL
    assert dataset.problems == ()


def test_a_set_without_any_file_of_labels_is_told(tmp_path):
    paint(tmp_path / "test" / "a.png")
    (tmp_path / "data.yaml").write_text("test: test\n" + NAMES, encoding="utf-8")

    dataset = read_dataset(tmp_path)

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("data.yaml", None)
    assert dataset.pictures[0].labelled_for == ALL


def test_labels_that_are_no_text_leave_nothing_complete(tmp_path):
    dataset = labelled(tmp_path, b"0 .5 .5 .5 \xff")

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("test/labels/a.txt", None)
    assert (dataset.pictures[0].labelled_for, dataset.pictures[0].partial_for) == (set(), ALL)


def test_a_picture_whose_header_cannot_be_read_is_left_out(tmp_path):
    write_yolo(tmp_path)
    (tmp_path / "test" / "images" / "a.png").write_bytes(b"\x89PNG")

    dataset = read_dataset(tmp_path)

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("test/images/a.png", None)
    names = [picture.name for picture in dataset.pictures]
    assert names == ["test/images/b.png", "test/images/c.png"]


def test_the_header_of_a_picture_without_boxes_is_not_read(tmp_path):
    write_yolo(tmp_path)
    (tmp_path / "test" / "images" / "c.png").write_bytes(b"")

    dataset = read_dataset(tmp_path)

    assert dataset.problems == ()
    assert [picture.size for picture in dataset.pictures] == [Size(64, 32), Size(64, 32), None]


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 32)), (3, (64, 32)), (6, (32, 64))])
@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_shares_are_of_the_upright_picture(tmp_path, orientation, size, ending):
    labelled(tmp_path, "0 .5 .5 1 1")
    (tmp_path / "test" / "images" / "a.png").unlink()
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}})
    paint(tmp_path / "test" / "images" / f"a.{ending}", exif=exif)

    (picture,) = read_dataset(tmp_path).pictures

    assert picture.size == size
    assert picture.labels[0].box.corners == (0, 0, *size)


@pytest.mark.parametrize("split", ["test", "val", "train"])
@pytest.mark.parametrize(
    "written",
    ["{0}/images", "./{0}/images", "../{0}/images", "../../{0}/images", "[{0}/images]",
     "[{0}/images, nowhere]", "{here}/{0}/images"],
)  # fmt: skip
def test_a_split_is_found_however_its_folder_is_written(tmp_path, split, written):
    text = f"{split}: {written.format(split, here=tmp_path)}\n" + NAMES
    write_yolo(tmp_path, split=split, data=text)

    dataset = read_dataset(tmp_path)

    assert len(dataset.pictures) == 3
    assert [str(problem)[:22] for problem in dataset.problems] == [
        f"data.yaml: {split} names 'nowhere'"[:22]
    ] * ("nowhere" in written)


@pytest.mark.parametrize("path", [".", "set", "../elsewhere", "/somewhere"])
def test_path_is_where_the_splits_are(tmp_path, path):
    folder = tmp_path / "set" if path == "set" else tmp_path
    write_yolo(folder)
    (folder / "data.yaml").unlink()
    data = tmp_path / "data.yaml"
    data.write_text(f"path: {path}\ntest: test/images\n{NAMES}", encoding="utf-8")

    assert len(read_dataset(data).pictures) == 3


def test_the_first_split_that_is_there_is_read(tmp_path):
    write_yolo(tmp_path, split="train")
    paint(tmp_path / "valid" / "images" / "v.png")
    data = f"test: test/images\nval: valid/images\ntrain: train/images\n{NAMES}"
    (tmp_path / "data.yaml").write_text(data, encoding="utf-8")

    names = [picture.name for picture in read_dataset(tmp_path).pictures]

    assert names == ["valid/images/v.png"]


def test_a_split_may_be_a_list_of_files(tmp_path):
    write_yolo(tmp_path, data=f"test: lists/test.txt\n{NAMES}")
    paint(tmp_path / "lists" / "near.png")
    paint(tmp_path.parent / "outside.png")
    lines = ["test/images/a.png", "", "test/images/none.png", "./near.png", "../outside.png"]
    (tmp_path / "lists" / "test.txt").write_text("\n".join(lines), encoding="utf-8")

    dataset = read_dataset(tmp_path)

    names = [picture.name for picture in dataset.pictures]
    assert names == ["lists/near.png", "test/images/a.png"]
    places = [(problem.file, problem.line) for problem in dataset.problems]
    assert places == [("lists/test.txt", 3), ("lists/test.txt", 5)]
    assert "outside" in dataset.problems[1].text


def test_a_picture_that_is_listed_twice_counts_once_and_in_part(tmp_path):
    write_yolo(tmp_path, data=f"test: test.txt\n{NAMES}")
    (tmp_path / "test.txt").write_text("test/images/a.png\n" * 2, encoding="utf-8")

    dataset = read_dataset(tmp_path)

    assert [(problem.file, problem.line) for problem in dataset.problems] == [("test.txt", 2)]
    assert len(dataset.pictures[0].labels) == 2
    assert dataset.pictures[0].labelled_for == set()


def test_a_linked_picture_outside_the_folder_is_never_touched(tmp_path):
    write_yolo(tmp_path / "set")
    paint(tmp_path / "secret.png")
    (tmp_path / "set" / "test" / "images" / "d.png").symlink_to(tmp_path / "secret.png")

    dataset = read_dataset(tmp_path / "set")

    (problem,) = dataset.problems
    assert problem.file == "test/images/d.png"
    assert "outside" in problem.text
    assert len(dataset.pictures) == 3


def test_names_may_be_numbered(tmp_path):
    names = "names:\n  2: face\n  0: dog\n"

    dataset = labelled(tmp_path, "2 .5 .5 .5 .5\n0 .5 .5 .5 .5\n1 .5 .5 .5 .5\n", names=names)

    assert [label.category for label in dataset.pictures[0].labels] == [FACE]
    assert [problem.line for problem in dataset.problems] == [2, 3]
    assert dataset.pictures[0].partial_for == {FACE}


def test_words_that_yaml_takes_for_other_things_stay_names(tmp_path):
    dataset = labelled(tmp_path, "1 .5 .5 .5 .5", names="names: [no, face, 2020-99-99, 1e3]\n")

    assert dataset.pictures[0].labels[0].category == FACE


def test_pictures_may_lie_elsewhere_if_one_says_where(tmp_path):
    write_yolo(tmp_path / "elsewhere")
    data = tmp_path / "data.yaml"
    data.write_text(f"train: gone\n{NAMES}", encoding="utf-8")

    dataset = read_dataset(data, tmp_path / "elsewhere" / "test" / "images")

    assert [len(picture.labels) for picture in dataset.pictures] == [2, 1, 0]


def test_python_objects_in_yaml_are_not_made(tmp_path):
    trap = f"names: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n"
    (tmp_path / "data.yaml").write_text(trap, encoding="utf-8")

    with pytest.raises(InvalidDataset):
        read_dataset(tmp_path)

    assert not (tmp_path / "made").exists()
