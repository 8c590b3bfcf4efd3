from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import DETECTABLE
from engine.errors import InvalidDataset
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.json_entries import listed_entries
from engine.geometry import Size
from tests.engine.evaluation.labelled_sets import coco, line_of, paint, write_coco

FACE, TATTOO, JEWELRY = DETECTABLE
ALL = set(DETECTABLE)


def changed(folder, kind, index, indent=1, **members):
    """The set with members of one entry changed, and where it was written."""
    description = coco()
    description[kind][index] |= members
    return write_coco(folder, description, indent=indent)


def pictures(dataset):
    return {picture.name: picture for picture in dataset.pictures}


def entry_line(where, kind, index):
    """The line on which an entry of an indented file begins: its brace stands two deep."""
    lines = where.read_text(encoding="utf-8").split("\n")
    start = line_of(where, f'"{kind}"')
    return [at for at, line in enumerate(lines, 1) if line == "  {" and at > start][index]


@pytest.mark.parametrize(
    ("bbox", "says"),
    [
        (None, "four numbers"),
        ([], "four numbers"),
        ([0, 0, 4], "four numbers"),
        ([0, 0, 4, 4, 4], "four numbers"),
        (["0", "0", "4", "4"], "four numbers"),
        ({"x": 0}, "four numbers"),
        ([0, 0, 4, None], "None is not a number"),
        ([0, 0, 4, True], "True is not a number"),
        ([0, 0, 4, [4]], "not a number"),
        ([float("nan"), 0, 4, 4], "nan is not a finite number"),
        ([0, 0, float("inf"), 4], "inf is not a finite number"),
        ([10**400, 0, 4, 4], "not a number that can be used"),
        ([1e308, 0, 1e308, 4], "finite"),
        ([4, 4, 0, 4], "no area"),
        ([4, 4, -2, 4], "no area"),
        ([64, 0, 4, 4], "outside the picture"),
        ([-4, 0, 4, 4], "outside the picture"),
        ([0, 32, 4, 4], "outside the picture"),
    ],
)
def test_a_broken_box_is_told_and_its_picture_no_longer_complete(tmp_path, bbox, says):
    where = changed(tmp_path, "annotations", 1, bbox=bbox)

    dataset = read_dataset(where)

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("labels.json", entry_line(where, "annotations", 1))
    assert says in problem.text
    first, second, third = dataset.pictures
    assert [label.category for label in first.labels] == [FACE]
    assert (first.labelled_for, first.partial_for) == ({FACE, JEWELRY}, {TATTOO})
    assert second.labelled_for == third.labelled_for == ALL
    assert len(second.labels) == 1


@pytest.mark.parametrize("bbox", [[-2, -2, 4, 4], [0, 0, 64, 32], [63, 31, 1, 1], [-9, -9, 99, 99]])
def test_a_box_that_reaches_into_the_picture_stays_as_it_is(tmp_path, bbox):
    dataset = read_dataset(changed(tmp_path, "annotations", 0, bbox=bbox))

    box = dataset.pictures[0].labels[0].box
    assert [box.x0, box.y0, box.width, box.height] == bbox
    assert dataset.problems == ()


@pytest.mark.parametrize(
    ("category_id", "says"),
    [
        (9, "no category with the id 9"),
        ("01", "id '01'"),
        (None, "category_id"),
        ([1], "category_id"),
    ],
)
def test_a_box_of_an_unknown_category_id_may_be_of_any_category(tmp_path, category_id, says):
    where = changed(tmp_path, "annotations", 0, category_id=category_id)

    dataset = read_dataset(where)

    (problem,) = dataset.problems
    assert problem.line == entry_line(where, "annotations", 0)
    assert says in problem.text
    assert (dataset.pictures[0].labelled_for, dataset.pictures[0].partial_for) == (set(), ALL)
    assert dataset.pictures[1].labelled_for == ALL


def test_an_id_of_two_categories_is_the_id_of_none(tmp_path):
    description = coco()
    description["categories"].append({"id": 1, "name": "tattoo"})
    where = write_coco(tmp_path, description)

    dataset = read_dataset(where)

    lines = [entry_line(where, "annotations", 0), entry_line(where, "categories", 3)]
    assert [problem.line for problem in dataset.problems] == lines
    assert len(dataset.pictures[0].labels) == 1
    assert dataset.pictures[0].labelled_for == set()


@pytest.mark.parametrize("image_id", [9, "01", None, 1.5, {}])
def test_a_box_of_an_unknown_image_leaves_no_picture_complete(tmp_path, image_id):
    where = changed(tmp_path, "annotations", 1, image_id=image_id)

    dataset = read_dataset(where)

    assert [problem.line for problem in dataset.problems] == [entry_line(where, "annotations", 1)]
    assert [len(picture.labels) for picture in dataset.pictures] == [1, 1, 0]
    assert all(picture.labelled_for == {FACE, JEWELRY} for picture in dataset.pictures)
    assert all(picture.partial_for == {TATTOO} for picture in dataset.pictures)
    assert dataset.lost == {TATTOO: 1}


def test_a_box_of_which_nothing_is_known_leaves_nothing_complete(tmp_path):
    description = coco()
    description["annotations"].append({"bbox": [0, 0, 4, 4]})

    dataset = read_dataset(write_coco(tmp_path, description))

    assert all(picture.labelled_for == set() for picture in dataset.pictures)
    assert dataset.lost == {None: 1}


@pytest.mark.parametrize("change", [{"file_name": ""}, {"file_name": "gone.png"}])
def test_the_boxes_of_a_picture_that_is_missing_are_counted_and_touch_no_other(tmp_path, change):
    dataset = read_dataset(changed(tmp_path, "images", 0, **change))

    assert dataset.lost == {FACE: 1, TATTOO: 1}
    assert all(picture.labelled_for == ALL for picture in dataset.pictures)


def test_a_lost_box_of_a_class_that_is_none_of_ours_is_no_loss(tmp_path):
    description = coco()
    description["categories"].append({"id": 4, "name": "dog"})
    description["annotations"].append({"image_id": None, "category_id": 4, "bbox": [0, 0, 4, 4]})

    dataset = read_dataset(write_coco(tmp_path, description))

    assert dataset.lost == {}
    assert all(picture.labelled_for == ALL for picture in dataset.pictures)


@pytest.mark.parametrize("written", [float, str], ids=["as 1.0", "as a text"])
@pytest.mark.parametrize(
    ("kind", "key"),
    [("images", "id"), ("categories", "id"), ("annotations", "image_id"),
     ("annotations", "category_id")],
)  # fmt: skip
def test_an_id_is_the_same_number_however_it_is_written(tmp_path, kind, key, written):
    description = coco()
    for entry in description[kind]:
        entry[key] = written(entry[key])

    dataset = read_dataset(write_coco(tmp_path, description))

    assert dataset.problems == ()
    assert [len(picture.labels) for picture in dataset.pictures] == [2, 1, 0]


def test_ids_may_be_texts(tmp_path):
    description = coco()
    for entry in description["images"]:
        entry["id"] = f"picture {entry['id']}"
    for entry in description["annotations"]:
        entry["image_id"] = f"picture {entry['image_id']}"

    assert read_dataset(write_coco(tmp_path, description)).problems == ()


@pytest.mark.parametrize("kind", ["images", "annotations", "categories"])
@pytest.mark.parametrize("entry", [None, 3, "face", [], [[]], {}, float("nan")])
def test_an_entry_of_the_wrong_type_is_told(tmp_path, kind, entry):
    description = coco()
    description[kind].append("here")
    where = write_coco(tmp_path, description)
    line = line_of(where, '"here"')
    text = where.read_text(encoding="utf-8").replace('"here"', json.dumps(entry))
    where.write_text(text, encoding="utf-8")

    dataset = read_dataset(where)

    assert [problem.line for problem in dataset.problems] == [line]
    assert len(dataset.pictures) == 3


def test_a_missing_picture_is_left_out(tmp_path):
    where = write_coco(tmp_path)
    (tmp_path / "a.png").unlink()

    dataset = read_dataset(where)

    (problem,) = dataset.problems
    assert problem.line == entry_line(where, "images", 0)
    assert "no picture file 'a.png'" in problem.text
    assert list(pictures(dataset)) == ["b.png", "c.png"]


@pytest.mark.parametrize("images", [None, "inside/deeper"])
@pytest.mark.parametrize(
    "name",
    ["../a.png", "..\\a.png", "x/../../a.png", "{outside}/a.png", "{outside}\\a.png", "link/a.png"],
)
def test_a_picture_outside_the_folder_is_never_touched(tmp_path, name, images):
    folder = tmp_path / "inside"
    for inside in ("b.png", "c.png"):
        paint(folder / "deeper" / inside)
    paint(tmp_path / "a.png")
    where = changed(folder, "images", 0, file_name=name.format(outside=tmp_path))
    (folder / "images").mkdir()  # from here ../a.png would lie inside, and be another picture
    for at in (folder, folder / "deeper"):
        (at / "link").symlink_to(tmp_path, target_is_directory=True)

    dataset = read_dataset(where, images and tmp_path / images)

    (problem,) = dataset.problems
    assert problem.line == entry_line(where, "images", 0)
    assert "outside" in problem.text
    assert list(pictures(dataset)) == ["b.png", "c.png"]


@pytest.mark.parametrize(
    "name",
    ["../a.png", "/somewhere/a.png", "x/../../a.png", "..\\up\\a.png", "C:\\Users\\me\\a.png"],
)
def test_whoever_names_the_folder_of_pictures_is_helped_by_it(tmp_path, name):
    paint(tmp_path / "a.png", (8, 8))
    where = changed(tmp_path / "set", "images", 0, file_name=name)

    dataset = read_dataset(where, tmp_path / "set")

    assert dataset.problems == ()
    assert pictures(dataset)[name].path == tmp_path / "set" / "a.png"


@pytest.mark.parametrize(
    "name", ["", " ", 3, None, "a\0b.png", "x" * 5000, "\ud800.png", ".", "loop/a"]
)
def test_a_name_that_names_no_picture_is_told(tmp_path, name):
    where = changed(tmp_path, "images", 0, file_name=name)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    dataset = read_dataset(where)

    assert entry_line(where, "images", 0) in {problem.line for problem in dataset.problems}
    assert list(pictures(dataset)) == ["b.png", "c.png"]


def test_a_picture_that_is_given_twice_counts_once_and_in_part(tmp_path):
    description = coco()
    description["images"].append(description["images"][0] | {"id": 7})
    where = write_coco(tmp_path, description)

    dataset = read_dataset(where)

    (problem,) = dataset.problems
    assert problem.line == entry_line(where, "images", 3)
    first = pictures(dataset)["a.png"]
    assert len(first.labels) == 2
    assert (first.labelled_for, first.partial_for) == (set(), ALL)


@pytest.mark.parametrize(
    "change", [{"id": 2}, {"file_name": "./b.png"}], ids=["one id", "one file"]
)
def test_pictures_that_cannot_be_told_apart_are_all_left_out(tmp_path, change):
    where = changed(tmp_path, "images", 0, **change)
    dataset = read_dataset(where)

    lines = {entry_line(where, "images", 0), entry_line(where, "images", 1)}
    assert lines <= {problem.line for problem in dataset.problems}
    assert list(pictures(dataset)) == ["c.png"]


def test_the_boxes_of_a_class_that_is_none_of_ours_are_one_problem(tmp_path):
    description = coco()
    description["categories"].append({"id": 4, "name": "dog"})
    for image in (2, 1, 3):
        box = {"image_id": image, "category_id": 4, "bbox": [0, 0, 4, 4]}
        description["annotations"].append(box)
    where = write_coco(tmp_path, description)

    dataset = read_dataset(where)

    (problem,) = dataset.problems
    assert problem.line == entry_line(where, "annotations", 3)
    assert "'dog'" in problem.text
    assert ": 3, of which" in problem.text
    assert [len(picture.labels) for picture in dataset.pictures] == [2, 1, 0]
    assert all(picture.labelled_for == ALL for picture in dataset.pictures)


def test_a_picture_says_what_it_is_labelled_for(tmp_path):
    where = changed(tmp_path, "images", 0, labelled_for=["face"], partial_for=["tattoo"])

    picture = read_dataset(where).pictures[0]

    assert (picture.labelled_for, picture.partial_for) == ({FACE}, {TATTOO})


def test_a_category_that_is_partly_labelled_is_not_completely_so(tmp_path):
    where = changed(tmp_path, "images", 0, labelled_for=["face", "tattoo"], partial_for=["tattoo"])

    picture = read_dataset(where).pictures[0]

    assert (picture.labelled_for, picture.partial_for) == ({FACE}, {TATTOO})


@pytest.mark.parametrize("name", ["head", "earring", 3, None])
def test_an_unknown_name_in_labelled_for_is_told(tmp_path, name):
    where = changed(tmp_path, "images", 0, labelled_for=["Faces", name])

    dataset = read_dataset(where)

    (problem,) = dataset.problems
    assert problem.line == entry_line(where, "images", 0)
    assert repr(name) in problem.text
    assert dataset.pictures[0].labelled_for == {FACE}


def test_a_labelled_for_that_is_no_list_leaves_nothing_complete(tmp_path):
    where = changed(tmp_path, "images", 0, labelled_for="face")

    dataset = read_dataset(where)

    assert [problem.line for problem in dataset.problems] == [entry_line(where, "images", 0)]
    assert (dataset.pictures[0].labelled_for, dataset.pictures[0].partial_for) == (set(), ALL)


def test_what_else_is_said_of_pictures_and_boxes_is_kept(tmp_path):
    description = coco()
    description["images"][0] |= {
        "source": "here", "licence": "CC0", "rank": 3, "is_old": True, "group": "g",
        "verified": "x", "list": [1], "nothing": None,
    }  # fmt: skip
    attributes = {"skin_tone": "4", "blurred": False, "nested": {}, "subclass": "own"}
    description["annotations"][2]["attributes"] = attributes

    first, second, _ = read_dataset(write_coco(tmp_path, description)).pictures

    assert first.group == "g"
    assert dict(first.attributes) == {
        "source": "here", "licence": "CC0", "rank": "3", "is_old": "true",
    }  # fmt: skip
    assert first.size == Size(64, 32)
    kept = {"skin_tone": "4", "blurred": "false", "subclass": "own"}
    assert dict(second.labels[0].attributes) == kept


@pytest.mark.parametrize(
    ("members", "is_ignored"),
    [
        ({"ignore": 1}, True),
        ({"iscrowd": 1}, True),
        ({"ignore": True}, True),
        ({"ignore": 0}, False),
        ({"iscrowd": "1"}, True),
        ({"iscrowd": "0"}, False),
        ({"ignore": "False"}, False),
    ],
)
def test_ignored_boxes_are_marked(tmp_path, members, is_ignored):
    dataset = read_dataset(changed(tmp_path, "annotations", 0, **members))

    assert dataset.pictures[0].labels[0].is_ignored is is_ignored


@pytest.mark.parametrize("width", [0, -1, "wide", 1.5, float("nan"), [], True])
def test_a_size_that_is_none_is_told_and_the_boxes_stay(tmp_path, width):
    where = changed(tmp_path, "images", 0, width=width)

    dataset = read_dataset(where)

    assert [problem.line for problem in dataset.problems] == [entry_line(where, "images", 0)]
    assert dataset.pictures[0].size is None
    assert len(dataset.pictures[0].labels) == 2


@pytest.mark.parametrize("indent", [None, 0, 1, "\t"])
def test_the_line_is_true_however_the_file_is_laid_out(tmp_path, indent):
    where = changed(tmp_path, "annotations", 1, indent, bbox=["here"])
    text = where.read_text(encoding="utf-8")
    start = text.rindex("{", 0, text.index("here"))

    (problem,) = read_dataset(where).problems

    assert problem.line == text.count("\n", 0, start) + 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@pytest.mark.slow
@given(
    value=st.dictionaries(st.text(), json_values, max_size=4), indent=st.sampled_from([None, 0, 3])
)
def test_entries_are_what_the_standard_parser_reads(value, indent):
    entries = listed_entries(json.dumps(value, indent=indent))

    assert list(entries) == list(value)
    for key, list_or_none in entries.items():
        values = None if list_or_none is None else [entry.value for entry in list_or_none]
        assert values == (value[key] if isinstance(value[key], list) else None)


@given(text=st.text(alphabet='{}[]:,"a1 \n\\', max_size=14))
def test_what_the_standard_parser_refuses_is_refused(text):
    def is_object():
        try:
            return isinstance(json.loads(text), dict)
        except ValueError:
            return False

    def is_read():
        try:
            listed_entries(text)
        except ValueError:
            return False
        return True

    assert is_read() == is_object()


def test_a_byte_order_mark_is_no_harm(tmp_path):
    where = write_coco(tmp_path)
    where.write_bytes(b"\xef\xbb\xbf" + where.read_bytes())

    assert len(read_dataset(where).pictures) == 3


def test_the_line_of_broken_json_is_told(tmp_path):
    where = tmp_path / "labels.json"
    where.write_text('{"images": [\n1,\n,\n]}', encoding="utf-8")

    with pytest.raises(InvalidDataset, match="line 3"):
        read_dataset(where)
