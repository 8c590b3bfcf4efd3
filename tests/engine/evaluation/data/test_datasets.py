from __future__ import annotations

import json
import os
from pathlib import Path

import globox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import DETECTABLE, Category
from engine.errors import InvalidDataset
from engine.evaluation.data import json_entries as entries_of_lists
from engine.evaluation.data import raw, yolo
from engine.evaluation.data.class_names import category_of, spelled_category
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.labels import Dataset
from tests.engine.evaluation.labelled_sets import (
    PICTURES,
    WRITERS,
    coco,
    cvat,
    paint,
    voc,
    write_coco,
    write_cvat,
    write_voc,
    write_yolo,
)

FACE, TATTOO, JEWELRY = DETECTABLE
EXPECTED = {
    "a.png": [(FACE, (8, 4, 24, 20), ()), (TATTOO, (32, 8, 48, 16), ())],
    "b.png": [(JEWELRY, (0, 0, 4, 4), (("subclass", "earring"),))],
    "c.png": [],
}


def content(dataset):
    return {
        picture.path.name: [
            (label.category, label.box.corners, label.attributes) for label in picture.labels
        ]
        for picture in dataset.pictures
    }


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_one_set_reads_the_same_in_every_format(tmp_path, write):
    write(tmp_path)

    dataset = read_dataset(tmp_path)

    assert content(dataset) == EXPECTED
    assert dataset.problems == ()
    assert dataset.name == tmp_path.name
    assert all(picture.labelled_for == set(DETECTABLE) for picture in dataset.pictures)
    assert all(picture.group == picture.name for picture in dataset.pictures)
    assert all(picture.path.is_file() for picture in dataset.pictures)


@pytest.mark.parametrize(
    "write", [write_coco, write_yolo, write_cvat], ids=["coco", "yolo", "cvat"]
)
def test_the_file_itself_can_be_named(tmp_path, write):
    where = write(tmp_path)

    dataset = read_dataset(where)

    assert content(dataset) == EXPECTED
    assert dataset.name == where.stem


def test_a_single_voc_file_can_be_named(tmp_path):
    write_voc(tmp_path)

    dataset = read_dataset(tmp_path / "Annotations" / "a.xml")

    assert content(dataset) == {"a.png": EXPECTED["a.png"]}
    assert dataset.pictures[0].labelled_for == {FACE, TATTOO}


def test_another_library_sees_the_same_boxes(tmp_path):
    write_coco(tmp_path)
    write_voc(tmp_path / "voc")
    write_cvat(tmp_path / "cvat")
    write_yolo(tmp_path / "yolo")
    sets = {
        "coco": globox.AnnotationSet.from_coco(tmp_path / "labels.json"),
        "voc": globox.AnnotationSet.from_pascal_voc(tmp_path / "voc" / "Annotations"),
        "cvat": globox.AnnotationSet.from_cvat(tmp_path / "cvat" / "annotations.xml"),
        "yolo": globox.AnnotationSet.from_yolo_v5(
            folder=tmp_path / "yolo" / "test" / "labels",
            image_folder=tmp_path / "yolo" / "test" / "images",
            image_extension=".png",
        ),
    }

    for kind, theirs in sets.items():
        ours = read_dataset(tmp_path if kind == "coco" else tmp_path / kind)

        for picture in ours.pictures:
            boxes = theirs[picture.path.name].boxes if picture.path.name in theirs.image_ids else []
            assert sorted(label.box.corners for label in picture.labels) == sorted(
                box.ltrb for box in boxes
            )


def test_pictures_come_by_name_whatever_their_order(tmp_path):
    forwards = read_dataset(write_coco(tmp_path, coco()))
    description = coco()
    description["images"].reverse()
    description["annotations"].reverse()

    backwards = read_dataset(write_coco(tmp_path, description))

    assert [picture.name for picture in backwards.pictures] == ["a.png", "b.png", "c.png"]
    assert [picture.name for picture in forwards.pictures] == ["a.png", "b.png", "c.png"]


def test_json_may_lie_in_a_folder_called_annotations(tmp_path):
    write_coco(tmp_path / "annotations")

    assert content(read_dataset(tmp_path)) == EXPECTED


def test_pictures_may_lie_elsewhere_if_one_says_where(tmp_path):
    where = write_coco(tmp_path / "labels")
    for name in PICTURES:
        (tmp_path / "labels" / name).unlink()
        paint(tmp_path / "pictures" / name)

    dataset = read_dataset(where, tmp_path / "pictures")

    assert content(dataset) == EXPECTED


def test_pictures_put_into_one_folder_are_found_by_the_last_part_of_their_name(tmp_path):
    description = coco()
    description["images"][0]["file_name"] = "deep/er/a.png"
    where = write_coco(tmp_path, description)

    dataset = read_dataset(where, tmp_path)

    assert dataset.pictures[-1].name == "deep/er/a.png"
    assert content(dataset) == EXPECTED


@pytest.mark.parametrize("kinds", [("coco", "yolo"), ("voc", "cvat"), ("yolo", "voc")])
def test_two_data_sets_in_one_folder_are_refused_by_name(tmp_path, kinds):
    for kind in kinds:
        WRITERS[kind](tmp_path)

    with pytest.raises(InvalidDataset, match=r"more than one data set: .*, "):
        read_dataset(tmp_path)


@pytest.mark.parametrize("where", ["", "nothing.json", "notes.txt", "a\0b", "x" * 5000])
def test_what_is_no_data_set_is_refused(tmp_path, where):
    (tmp_path / "notes.txt").write_text("face", encoding="utf-8")

    with pytest.raises(InvalidDataset, match=r"^(No data set|There is no|notes.txt is none).*\.$"):
        read_dataset(tmp_path / where)


def test_a_folder_without_a_data_set_hears_what_was_looked_for(tmp_path):
    with pytest.raises(InvalidDataset, match=r"data\.yaml .*\.json .*\.xml .*annotations\.xml"):
        read_dataset(tmp_path)


def test_a_folder_of_pictures_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidDataset, match="There is no file or folder"):
        read_dataset(write_coco(tmp_path), tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", b"", "not a JSON object"),
        ("a.json", b"[]", "not a JSON object"),
        ("a.json", b'"text"', "not a JSON object"),
        ("a.json", b"{} {}", "not a JSON object"),
        ("a.json", b'{"images": [1,]}', "not a JSON object"),
        ("a.json", b"{1: 2}", "not a JSON object"),
        ("a.json", b"{}", "no list called images or annotations or categories"),
        ("a.json", b'{"images": [], "annotations": {}, "categories": []}', "called annotations"),
        ("a.json", b'{"images": ' + b"[" * 100_000 + b"}", "nested too deeply|not a JSON"),
        ("a.json", b'{"images": [' + b"9" * 5000 + b"]}", "not a JSON object"),
        ("a.json", b"\xff\xfe{}", "not UTF-8"),
        ("a.json", b'{"images": [], "annotations": [], "categories": []}', "names no classes"),
        ("a.json", b'{"images":[],"annotations":[],"categories":[{"id":1,"name":"face"}]}',
         "names no pictures"),
        ("a.xml", b"", "not XML"),
        ("a.xml", b"<annotation>", "not XML"),
        ("a.xml", b"<html/>", "neither Pascal VOC"),
        ("a.xml", b"<annotations/>", "has no <image>"),
        ("a.xml", b"<annotations><track/></annotations>", "has no <image>"),
        ("a.xml", b"<annotation/>", "no <filename>"),
        ("a.yaml", b"", "not a YOLO data set"),
        ("a.yaml", b"- face", "not a YOLO data set"),
        ("a.yaml", b"names: [", "not YAML"),
        ("a.yaml", b"names: 3", "must list its names"),
        ("a.yaml", b"names: {face: 0}", "must list its names"),
        ("a.yaml", b"names: &a [*a]", "not YAML that can be read: found .* node in line 1"),
        ("a.yaml", b"names: [face]", "None of the folders"),
        ("a.yaml", b"names: [face]\ntest: /etc", "None of the folders"),
        ("a.yaml", b"names: [face]\npath: /\ntest: etc", "None of the folders"),
        ("a.yaml", b"names: [face]\ntest: \"a\\0b\"", "None of the folders"),
        ("a.yaml", b"[" * 10_000, "nested too deeply"),
        ("a.yaml", b"- " * 10_000, "not YAML"),
        ("a.yaml", b"names: [" + b"face, " * 50_000 + b"face]", "is longer than 262144 bytes"),
        ("classes.txt", b"\xff", "not UTF-8"),
        ("classes.txt", b"", "classes"),
        ("a.yaml", b"\xff", "not UTF-8"),
    ],
)  # fmt: skip
def test_an_unreadable_file_is_refused_in_a_sentence(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InvalidDataset, match=says) as refusal:
        read_dataset(tmp_path / name)

    assert str(refusal.value).endswith(".")


def test_a_folder_of_unreadable_voc_files_hears_what_is_wrong_with_them(tmp_path):
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "a.xml").write_bytes(b"<annotation>")

    with pytest.raises(InvalidDataset, match=r"first problem of 1 .*a\.xml, line 1: .*not XML"):
        read_dataset(tmp_path)


def test_a_list_of_millions_is_refused_before_memory_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(entries_of_lists, "MOST_ENTRIES", 3)
    description = coco()
    description["annotations"] *= 2

    with pytest.raises(InvalidDataset, match="at most 3 entries in a list"):
        read_dataset(write_coco(tmp_path, description))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_of_labels_that_is_too_large_is_refused_unread(tmp_path, kind, monkeypatch):
    where = WRITERS[kind](tmp_path)
    monkeypatch.setattr(raw, "LARGEST_FILE", 10)
    monkeypatch.setattr(yolo, "LARGEST_DESCRIPTION", 10)

    with pytest.raises(InvalidDataset, match="is longer than 10 bytes"):
        read_dataset(where)


@pytest.mark.parametrize("name", ["labels.json", "labels.xml", "data.yaml", "classes.txt"])
def test_what_is_no_plain_file_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)

    with pytest.raises(InvalidDataset, match="no plain file"):
        read_dataset(tmp_path / name)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_set_without_our_classes_is_refused_with_theirs_and_ours(tmp_path, kind, monkeypatch):
    where = WRITERS[kind](tmp_path)
    for path in [where] if where.is_file() else (where / "Annotations").iterdir():
        text = path.read_text(encoding="utf-8")
        for ours, theirs in (("face", "head"), ("Tattoo", "dog"), ("earring", "cat")):
            text = text.replace(ours, theirs)
        path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidDataset, match=r"'head', 'dog', 'cat'.*face, tattoo, jewelry"):
        read_dataset(tmp_path)


def test_when_no_picture_is_left_the_first_problem_is_told(tmp_path):
    where = tmp_path / "labels.json"
    where.write_text(json.dumps(coco()), encoding="utf-8")

    with pytest.raises(
        InvalidDataset, match=r"None of .* of 3 is in labels.json, line 1: .*a\.png"
    ):
        read_dataset(where)


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("face", FACE), ("Faces", FACE), ("FACE", FACE), ("human face", FACE),
        ("tattoo", TATTOO), ("Tatoos", TATTOO), ("body_tattoo", TATTOO),
        ("jewellery", JEWELRY), ("ear-rings", JEWELRY), ("Wrist Watches", JEWELRY),
        ("brooches", JEWELRY), ("rings", JEWELRY), ("cuff_links", JEWELRY),
        ("head", None), ("face_mask", None), ("facemask", None), ("", None), ("s", None),
        ("other", None), ("string", None), ("glasses", None), ("人脸", None),
    ],
)  # fmt: skip
def test_class_names_are_understood(name, category):
    assert category_of(name) == category


def test_a_kind_of_jewelry_does_not_stand_for_all_of_it():
    assert spelled_category("jewelleries") is Category.JEWELRY
    assert spelled_category("earring") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)
PLAUSIBLE = [1, 2, "a.png", "face", "../a.png", [0, 0, 4, 4], ["face"]]


def entries(*keys):
    """Objects that have some of the right keys, with something plausible behind them or not."""
    values = json_values | st.sampled_from(PLAUSIBLE)
    objects = st.fixed_dictionaries({}, optional=dict.fromkeys(keys, values))
    return st.lists(json_values | objects, max_size=4)


descriptions = st.fixed_dictionaries(
    {
        "images": entries(
            "id", "file_name", "width", "height", "labelled_for", "partial_for", "group"
        ),
        "annotations": entries("image_id", "category_id", "bbox", "ignore", "attributes"),
        "categories": entries("id", "name"),
    }
)


@given(description=descriptions | json_values)
def test_any_json_is_read_or_refused(tmp_path_factory, description):
    folder = tmp_path_factory.mktemp("any")
    paint(folder / "a.png")
    where = folder / "labels.json"
    where.write_text(json.dumps(description), encoding="utf-8")

    try:
        dataset = read_dataset(where)
    except InvalidDataset:
        pass
    else:
        assert Dataset(dataset.name, dataset.pictures).fingerprint
        assert [picture.path.name for picture in dataset.pictures] == ["a.png"]
        assert all(
            problem.file == "labels.json" and problem.line == 1 for problem in dataset.problems
        )


@pytest.mark.parametrize("name", ["labels.json", "labels.xml", "data.yaml"])
@given(
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes_are_refused(tmp_path_factory, name, content):
    where = tmp_path_factory.mktemp("any") / name
    where.write_bytes(content)

    with pytest.raises(InvalidDataset):
        read_dataset(where)


@given(
    damage=st.tuples(st.integers(0, 10_000), st.binary(max_size=3)),
    kind=st.sampled_from(sorted(WRITERS)),
)
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, damage, kind):
    folder = tmp_path_factory.mktemp("damaged")
    where = WRITERS[kind](folder)
    file = where / "Annotations" / "a.xml" if where.is_dir() else where
    at, new = damage
    whole = file.read_bytes()
    at %= len(whole)
    file.write_bytes(whole[:at] + new + whole[at + 1 :])

    try:
        dataset = read_dataset(where)
    except InvalidDataset:
        pass
    else:
        assert dataset.pictures


def test_entities_are_not_followed(tmp_path):
    (tmp_path / "secret.txt").write_text("face", encoding="utf-8")
    paint(tmp_path / "a.png")
    entity = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{tmp_path}/secret.txt">]>'
    (tmp_path / "a.xml").write_text(
        entity + voc("a.png", [("&x;", (0, 0, 4, 4)), ("tattoo", (0, 0, 4, 4))]), encoding="utf-8"
    )

    dataset = read_dataset(tmp_path / "a.xml")

    assert [label.category for label in dataset.pictures[0].labels] == [TATTOO]
    assert dataset.problems[0].text == "The object has no <name>."


def test_a_bomb_of_entities_does_no_harm(tmp_path):
    nested = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10}">' for at in range(1, 12))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "face">{nested}]>'
    paint(tmp_path / "a.png")
    (tmp_path / "a.xml").write_text(
        bomb + cvat({"a.png": ['<box label="&e11;" xtl="0" ytl="0" xbr="4" ybr="4"/>']}),
        encoding="utf-8",
    )

    with pytest.raises(InvalidDataset, match="not XML that can be read"):
        read_dataset(tmp_path / "a.xml")


@pytest.mark.skipif(
    "LETHE_DATA" not in os.environ, reason="LETHE_DATA names no folder of labelled pictures"
)
@pytest.mark.parametrize(
    ("name", "pictures", "labels", "ignored"),
    [("benchmark", 500, 1110, 48), ("calibration", 759, 1383, 89), ("train", 2737, 5902, 189)],
)
def test_the_shared_data_are_read_whole_and_unopened(monkeypatch, name, pictures, labels, ignored):
    monkeypatch.setattr("PIL.Image.open", lambda path: pytest.fail(f"{path} was opened"))

    dataset = read_dataset(Path(os.environ["LETHE_DATA"]) / f"{name}.json")

    found = [label for picture in dataset.pictures for label in picture.labels]
    assert (len(dataset.pictures), len(found)) == (pictures, labels)
    assert sum(label.is_ignored for label in found) == ignored
    assert dataset.problems == ()
    assert all(dict(picture.attributes)["source"] for picture in dataset.pictures)
    assert all(picture.size and picture.group for picture in dataset.pictures)
