"""Pascal VOC and CVAT: what is broken in them, and shapes."""

from __future__ import annotations

import pytest

from engine.category import DETECTABLE
from engine.evaluation.data.datasets import read_dataset
from tests.engine.evaluation.labelled_sets import (
    PICTURES,
    cvat_box,
    line_of,
    paint,
    voc,
    write_cvat,
    write_voc,
)

FACE, TATTOO, JEWELRY = DETECTABLE
ALL = set(DETECTABLE)
BAD_CORNERS = [
    (("x", 0, 4, 4), "'x' is not a number"),
    (("nan", 0, 4, 4), "'nan' is not a finite number"),
    (("1e999", 0, 4, 4), "'1e999' is not a finite number"),
    ((4, 4, 4, 8), "no area"),
    ((8, 4, 4, 8), "no area"),
    ((64, 0, 70, 4), "outside the picture"),
]


def rewritten(folder, before, after):
    """A VOC set of which the file of a.png was changed, and the set read."""
    write_voc(folder)
    file = folder / "Annotations" / "a.xml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
    return read_dataset(folder)


@pytest.mark.parametrize(("corners", "says"), BAD_CORNERS)
def test_a_broken_voc_box_is_told_and_its_picture_no_longer_complete(tmp_path, corners, says):
    write_voc(tmp_path)
    file = tmp_path / "Annotations" / "a.xml"
    file.write_text(
        voc("a.png", [("face", (0, 0, 4, 4)), ("tattoo", corners)]), encoding="utf-8"
    )  # fmt: skip

    dataset = read_dataset(tmp_path)

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("Annotations/a.xml", line_of(file, "<object>", nth=2))
    assert says in problem.text
    first, second, _ = dataset.pictures
    assert [label.category for label in first.labels] == [FACE]
    assert (first.labelled_for, first.partial_for) == ({FACE, JEWELRY}, {TATTOO})
    assert second.labelled_for == ALL


@pytest.mark.parametrize(
    ("before", "after", "line", "partial"),
    [
        ("<name>face</name>", "", 4, {TATTOO, JEWELRY}),
        ("<name>face</name>", "<name> </name>", 4, {TATTOO, JEWELRY}),
        ("<xmin>8</xmin>", "", 4, {FACE}),
        ("<xmin>8</xmin>", "<xmin/>", 4, {FACE}),
        ("<width>64</width>", "<width>0</width>", 2, set()),
        ("<height>32</height>", "", 2, set()),
    ],
)
def test_a_broken_part_of_a_voc_file_is_told(tmp_path, before, after, line, partial):
    dataset = rewritten(tmp_path, before, after)

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("Annotations/a.xml", line)
    assert len(dataset.pictures[0].labels) == 2 - bool(partial)
    assert dataset.pictures[0].partial_for == partial


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 1),
        (b"not xml", 1),
        (b"<annotation>\n<object>\n</annotation>", 3),
        (b"<annotation>\n\xff</annotation>", 2),
        (b"<html/>", None),
        (b"<annotation/>", None),
        (b"<annotation><filename/></annotation>", None),
    ],
)
def test_one_unreadable_voc_file_does_not_stop_the_rest(tmp_path, content, line):
    write_voc(tmp_path)
    (tmp_path / "Annotations" / "a.xml").write_bytes(content)

    dataset = read_dataset(tmp_path)

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("Annotations/a.xml", line)
    assert [picture.name for picture in dataset.pictures] == ["b.png", "c.png"]


@pytest.mark.parametrize("name", ["none.png", "../a.png", "/etc/passwd", "x" * 5000])
def test_a_voc_file_of_a_picture_that_is_not_there_is_told(tmp_path, name):
    paint(tmp_path / "a.png")

    dataset = rewritten(tmp_path, "a.png", name)

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("Annotations/a.xml", 2)
    assert [picture.name for picture in dataset.pictures] == ["b.png", "c.png"]


def test_two_voc_files_of_one_picture_count_once_and_in_part(tmp_path):
    write_voc(tmp_path)
    (tmp_path / "Annotations" / "z.xml").write_text(voc("a.png", []), encoding="utf-8")

    dataset = read_dataset(tmp_path)

    assert [(problem.file, problem.line) for problem in dataset.problems] == [
        ("Annotations/z.xml", 2)
    ]
    assert len(dataset.pictures[0].labels) == 2
    assert dataset.pictures[0].partial_for == ALL


@pytest.mark.parametrize(("difficult", "is_ignored"), [("1", True), ("0", False), ("", False)])
def test_what_voc_calls_difficult_is_ignored(tmp_path, difficult, is_ignored):
    mark = f"<name>face</name><difficult>{difficult}</difficult>"

    dataset = rewritten(tmp_path, "<name>face</name>", mark)

    assert dataset.pictures[0].labels[0].is_ignored is is_ignored


def test_the_box_of_a_part_is_not_the_box_of_the_whole(tmp_path):
    part = (
        "<part><name>nose</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>1</xmax><ymax>1</ymax>"
        "</bndbox></part><name>face</name>"
    )

    dataset = rewritten(tmp_path, "<name>face</name>", part)

    assert dataset.problems == ()
    assert dataset.pictures[0].labels[0].box.corners == (8, 4, 24, 20)


def test_voc_files_may_lie_beside_their_pictures(tmp_path):
    for name, boxes in PICTURES.items():
        paint(tmp_path / name)
        (tmp_path / f"{name[0]}.xml").write_text(voc(name, boxes), encoding="utf-8")

    assert [len(picture.labels) for picture in read_dataset(tmp_path).pictures] == [2, 1, 0]


def test_a_folder_called_annotations_finds_the_pictures_beside_it(tmp_path):
    write_voc(tmp_path)

    dataset = read_dataset(tmp_path / "Annotations")

    assert len(dataset.pictures) == 3


def test_voc_is_labelled_for_the_names_seen_anywhere(tmp_path):
    dataset = rewritten(tmp_path, "Tattoo", "dog")

    assert all(picture.labelled_for == {FACE, JEWELRY} for picture in dataset.pictures)
    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("Annotations/a.xml", 8)
    assert "'dog'" in problem.text


def shaped(folder, *shapes):
    """A CVAT set whose first picture has these shapes, its file, and the set read."""
    where = write_cvat(folder, {"a.png": list(shapes), "b.png": [cvat_box("face", (0, 0, 4, 4))]})
    return where, read_dataset(where)


@pytest.mark.parametrize(("corners", "says"), BAD_CORNERS)
def test_a_broken_cvat_box_is_told_and_its_picture_no_longer_complete(tmp_path, corners, says):
    good = cvat_box("face", (0, 0, 4, 4))

    where, dataset = shaped(tmp_path, good, cvat_box("Tattoo", corners))

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("annotations.xml", line_of(where, "Tattoo", nth=2))
    assert says in problem.text
    first, second = dataset.pictures
    assert [label.category for label in first.labels] == [FACE]
    assert (first.labelled_for, first.partial_for) == ({FACE, JEWELRY}, {TATTOO})
    assert second.labelled_for == ALL


@pytest.mark.parametrize(
    ("shape", "corners"),
    [
        ('<polygon label="face" points="4,4;8.5,4;6,12"/>', (4, 4, 8.5, 12)),
        ('<polyline label="face" points="4,4;8,12"/>', (4, 4, 8, 12)),
        ('<points label="face" points="4,4;8,12;5,5"/>', (4, 4, 8, 12)),
        ('<ellipse label="face" cx="20" cy="16" rx="8" ry="4"/>', (12, 12, 28, 20)),
        ('<ellipse label="face" cx="20" cy="16" rx="8" ry="4" rotation="90"/>', (16, 8, 24, 24)),
        ('<mask label="face" rle="1" left="2" top="3" width="4" height="5"/>', (2, 3, 6, 8)),
        (cvat_box("face", (12, 12, 28, 20), rotation="90"), (16, 8, 24, 24)),
        (cvat_box("face", (12, 12, 28, 20), rotation="180"), (12, 12, 28, 20)),
        (cvat_box("face", (12, 12, 20, 20), rotation="45"), (10.3431, 10.3431, 21.6569, 21.6569)),
        (cvat_box("face", (12, 12, 20, 20), rotation="315"), (10.3431, 10.3431, 21.6569, 21.6569)),
    ],
)
def test_a_shape_becomes_the_box_around_it(tmp_path, shape, corners):
    _, dataset = shaped(tmp_path, shape)

    assert dataset.problems == ()
    assert dataset.pictures[0].labels[0].box.corners == pytest.approx(corners, abs=1e-4)


@pytest.mark.parametrize(
    ("shape", "says", "partial"),
    [
        ('<box label="face" xtl="1"/>', "no ytl, xbr, ybr", {FACE}),
        (cvat_box("face", (0, 0, 4, 4), rotation="x"), "'x' is not a number", {FACE}),
        ('<polygon label="face" points="4,4;8;6,12"/>', "pairs", {FACE}),
        ('<polygon label="face"/>', "pairs", {FACE}),
        ('<points label="face" points="4,4"/>', "no area", {FACE}),
        ('<ellipse label="face" cx="9" cy="9" rx="0" ry="4"/>', "no area", {FACE}),
        ('<cuboid label="face"/>', "no shape", {FACE}),
        ('<box xtl="0" ytl="0" xbr="4" ybr="4"/>', "no label", ALL),
    ],
)
def test_a_shape_without_a_box_is_told(tmp_path, shape, says, partial):
    where, dataset = shaped(tmp_path, cvat_box("earring", (0, 0, 4, 4)), shape)

    (problem,) = dataset.problems
    assert problem.line == line_of(where, "<image") + 2
    assert says in problem.text
    assert [label.category for label in dataset.pictures[0].labels] == [JEWELRY]
    assert dataset.pictures[0].partial_for == partial


def test_a_tag_of_a_whole_picture_is_no_shape(tmp_path):
    _, dataset = shaped(tmp_path, '<tag label="face"/>')

    assert dataset.problems == ()
    assert dataset.pictures[0].labelled_for == ALL


def test_cvat_attributes_are_kept(tmp_path):
    attribute = '<attribute name="skin_tone">4</attribute><attribute name="note"/>'
    shape = cvat_box("face", (0, 0, 4, 4)).replace("</box>", attribute + "</box>")

    _, dataset = shaped(tmp_path, shape)

    assert dict(dataset.pictures[0].labels[0].attributes) == {"skin_tone": "4", "note": ""}


@pytest.mark.parametrize(
    ("before", "after", "pictures"),
    [
        ('name="a.png"', "", ["b.png"]),
        ('name="a.png"', 'name="none.png"', ["b.png"]),
        ('name="a.png"', 'name="../secret.png"', ["b.png"]),
        ('width="64"', 'width="0"', ["a.png", "b.png"]),
        ('width="64"', "", ["a.png", "b.png"]),
    ],
)
def test_a_broken_cvat_image_is_told(tmp_path, before, after, pictures):
    paint(tmp_path / "secret.png")
    where = write_cvat(tmp_path / "set", {"a.png": [], "b.png": []})
    where.write_text(
        where.read_text(encoding="utf-8").replace(before, after, 1), encoding="utf-8"
    )  # fmt: skip

    dataset = read_dataset(where)

    (problem,) = dataset.problems
    assert (problem.file, problem.line) == ("annotations.xml", line_of(where, "<image"))
    assert [picture.name for picture in dataset.pictures] == pictures


def test_a_cvat_image_that_is_given_twice_counts_once_and_in_part(tmp_path):
    where = write_cvat(tmp_path, {"a.png": [], "b.png": []})
    text = where.read_text(encoding="utf-8").replace("b.png", "a.png")
    where.write_text(text, encoding="utf-8")

    dataset = read_dataset(where)

    (problem,) = dataset.problems
    assert problem.line == line_of(where, "<image", nth=2)
    (picture,) = dataset.pictures
    assert picture.partial_for == ALL


@pytest.mark.slow
def test_lines_beyond_what_two_bytes_hold_are_right_or_one_below(tmp_path):
    many = [cvat_box("face", (0, 0, 4, 4))] * 70_000

    where, dataset = shaped(tmp_path, *many, cvat_box("face", (0, 0, 0, 0)))

    (problem,) = dataset.problems
    assert problem.line - line_of(where, 'xbr="0"') in {0, 1}
