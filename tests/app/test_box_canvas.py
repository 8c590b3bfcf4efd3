"""Canvas JSON becomes edits of the draft; what was not touched keeps its exact corners."""

from __future__ import annotations

from typing import Any

import pytest

from components.app import session
from components.review import canvas as box_canvas
from components.review.draft import Draft, Item
from components.review.viewport import View, Zoom, view_of
from engine.category import Category
from engine.geometry import Box, Size
from tests.scenes import region

KEY = "canvas"
SIZE = Size(1720, 1280)  # two picture pixels to a stage pixel
FIT = view_of(SIZE, Zoom.FIT)
FACE = region((100.25, 100.5, 300.75, 300))
DOUBT = region((700, 500, 900, 700), Category.TATTOO, 0.4)
DRAFT = Draft((Item(FACE), Item(DOUBT, needs_review=True)))


class Canvas:
    """What the component would hold: the shapes it was given, to be changed, and a label."""

    def __init__(self, draft: Draft, view: View) -> None:
        self.draft, self.view = draft, view
        self.shapes: list[dict[str, Any]] = box_canvas._drawing(draft, view)["objects"]

    def draw(self, left: float, top: float, width: float, height: float, label: str = "face"):
        self.shapes.append(
            {"type": "LabeledRect", "label": label, "left": left, "top": top, "width": width,
             "height": height, "originX": "left", "originY": "top", "scaleX": 1, "scaleY": 1}
        )  # fmt: skip

    def edited(self, monkeypatch: pytest.MonkeyPatch, size: Size = SIZE) -> Draft:
        value = {"drawing": {"raw": {"objects": self.shapes}, "data": None}}
        monkeypatch.setattr(session, "widget_value", {KEY: value}.get)
        return box_canvas.edited(self.draft, self.view, KEY, Category.JEWELRY, size)


@pytest.fixture
def canvas() -> Canvas:
    return Canvas(DRAFT, FIT)


def test_a_canvas_that_has_sent_nothing_changes_nothing(monkeypatch):
    monkeypatch.setattr(session, "widget_value", {}.get)

    assert not box_canvas.is_open(KEY)
    assert box_canvas.edited(DRAFT, FIT, KEY, Category.FACE, SIZE) is DRAFT


@pytest.mark.parametrize("zoom", Zoom)
def test_untouched_boxes_keep_their_exact_corners(monkeypatch, zoom):
    canvas = Canvas(DRAFT, view_of(SIZE, zoom, (200, 200)))
    for shape in canvas.shapes:  # the canvas rounds
        shape["left"], shape["top"] = round(shape["left"]), round(shape["top"])

    assert canvas.edited(monkeypatch) == DRAFT


def test_a_moved_box_moves_by_picture_pixels(canvas, monkeypatch):
    canvas.shapes[0]["left"] += 10
    canvas.shapes[0]["top"] -= 20

    edited = canvas.edited(monkeypatch)

    assert edited.items[0].region.box.corners == pytest.approx((120.25, 60.5, 320.75, 260))
    assert edited.items[1] == DRAFT.items[1]


def test_a_resized_box_is_read_through_its_scale(canvas, monkeypatch):
    canvas.shapes[0] |= {"scaleX": 2, "scaleY": 0.5}

    edited = canvas.edited(monkeypatch)

    assert edited.items[0].region.box.corners == pytest.approx((100.25, 100.5, 501.25, 200.25))


def test_a_box_whose_origin_is_its_centre_lies_where_it_is_seen(canvas, monkeypatch):
    shape = canvas.shapes[0]
    centre = {"left": shape["left"] + shape["width"] / 2, "top": shape["top"] + shape["height"] / 2}
    canvas.shapes[0] |= centre | {"originX": "center", "originY": "center"}

    assert canvas.edited(monkeypatch) == DRAFT


def test_a_deleted_box_is_dropped_and_stays_in_the_list(canvas, monkeypatch):
    del canvas.shapes[0]

    edited = canvas.edited(monkeypatch)

    assert edited.items[0] == Item(FACE, is_dropped=True)
    assert edited.kept == (DOUBT,)


def test_a_drawn_box_takes_its_label_as_category(canvas, monkeypatch):
    canvas.draw(500, 500, 50, 60, label="tattoo")

    edited = canvas.edited(monkeypatch)

    assert edited.items[:2] == DRAFT.items
    assert edited.items[2] == Item(region((1000, 1000, 1100, 1120), Category.TATTOO, None))


def test_a_drawn_box_without_a_label_takes_the_category_that_is_chosen(canvas, monkeypatch):
    canvas.draw(500, 500, 50, 60, label="")

    assert canvas.edited(monkeypatch).items[2].region.category is Category.JEWELRY


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((500, 500, 5, 60), id="a slip of the mouse"),
        pytest.param((500, 500, 0, 0), id="a click"),
        pytest.param((900, 100, 50, 50), id="outside the picture"),
        pytest.param((-50, 100, 50, 50), id="touching it from outside"),
    ],
)
def test_a_box_that_cannot_be_meant_is_left_out(canvas, monkeypatch, box):
    canvas.draw(*box)

    assert canvas.edited(monkeypatch) == DRAFT


def test_a_box_over_the_edge_is_clipped(canvas, monkeypatch):
    canvas.draw(-10, -10, 100, 100)

    assert canvas.edited(monkeypatch).items[2].region.box == Box(0, 0, 180, 180)


def test_two_equal_drawn_boxes_are_one(canvas, monkeypatch):
    canvas.draw(500, 500, 50, 60)
    canvas.draw(500, 500, 50, 61)

    assert len(canvas.edited(monkeypatch).items) == 3


def test_a_copy_of_a_box_does_not_replace_it(canvas, monkeypatch):
    canvas.shapes.append({**canvas.shapes[0], "left": 400, "top": 400})

    edited = canvas.edited(monkeypatch)

    assert edited.items[0] == DRAFT.items[0]
    assert edited.items[2].region.category is Category.FACE


def test_a_relabelled_box_changes_category_and_keeps_its_corners(canvas, monkeypatch):
    canvas.shapes[0]["label"] = "1 jewelry"

    edited = canvas.edited(monkeypatch)

    assert edited.items[0].region.category is Category.JEWELRY
    assert edited.items[0].region.box == FACE.box


def test_a_label_of_no_category_never_loses_the_box(canvas, monkeypatch):
    canvas.draw(500, 500, 50, 60, label="granny")
    canvas.shapes[0]["label"] = "99 face"

    kept = canvas.edited(monkeypatch).kept

    assert any(one.box.iou(FACE.box) > 0.9 for one in kept)
    assert any(one.box.iou(Box(1000, 1000, 1100, 1120)) > 0.99 for one in kept)


def test_a_box_drawn_where_one_was_deleted_is_kept(canvas, monkeypatch):
    gone = canvas.shapes.pop(0)
    canvas.draw(gone["left"], gone["top"], gone["width"], gone["height"])

    edited = canvas.edited(monkeypatch)

    assert any(one.box.iou(FACE.box) > 0.99 for one in edited.kept)


def test_a_box_drawn_where_one_was_moved_away_is_kept(canvas, monkeypatch):
    first = dict(canvas.shapes[0])
    canvas.shapes[0]["left"] += 300
    canvas.draw(first["left"], first["top"], first["width"], first["height"])
    canvas.shapes.insert(0, canvas.shapes.pop())  # the moved one was brought forward

    edited = canvas.edited(monkeypatch)

    assert len(edited.kept) == 3
    assert any(one.box.iou(FACE.box) > 0.99 for one in edited.kept)


@pytest.mark.parametrize("zoom", [Zoom.FULL, Zoom.DOUBLE])
def test_what_lies_outside_the_crop_survives_a_zoom(monkeypatch, zoom):
    far = Draft((*DRAFT.items, Item(region((1600, 1200, 1700, 1270)))))
    canvas = Canvas(far, view_of(SIZE, zoom, (200, 200)))
    canvas.draw(10, 300, 50, 50)

    edited = canvas.edited(monkeypatch)

    assert len(canvas.shapes) < 4
    assert edited.items[:3] == far.items
    assert len(edited.kept) == 4


def test_dropped_boxes_are_not_on_the_canvas_and_stay_dropped(monkeypatch):
    draft = DRAFT.with_dropped(1, dropped=True)
    canvas = Canvas(draft, FIT)

    assert len(canvas.shapes) == 1
    assert canvas.edited(monkeypatch) == draft


def test_shapes_that_are_no_boxes_are_not_looked_at(canvas, monkeypatch):
    canvas.shapes.append({"type": "Path", "left": 500, "top": 500, "width": 50, "height": 50})

    assert canvas.edited(monkeypatch) == DRAFT
