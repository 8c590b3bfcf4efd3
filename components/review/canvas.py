"""Boxes on a canvas. The only code that knows the canvas component and its JSON.

The canvas is given its boxes once, when it is mounted, and owns them until the draft is changed
from outside; then a new mount, under a new key, starts from the new draft. Edits arrive through the
component's callback, before the page's script runs, so that a click on another page loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from components.app import session
from components.app.palette import COLOURS
from components.review.draft import SMALLEST_PX, Draft
from components.review.viewport import View
from engine.category import Category
from engine.geometry import Box, Size

LABEL_PX = 13
MOVED_PX = 1.0
"""Stage pixels below which a box counts as untouched: the canvas rounds a little."""
_LABEL = re.compile(r"(?:(?P<number>\d+) )?(?P<word>[a-z]+)")


def edit_boxes(
    draft: Draft,
    view: View,
    background: bytes,
    *,
    key: str,
    category: Category,
    on_edit: Callable[[], None],
) -> None:
    """Show the draft's kept boxes over the picture and let them be drawn, moved and deleted.

    Args:
        draft: as it is when this key is first used; later ones are not looked at.
        view: which part of the picture the background shows.
        background: JPEG of `view.shown` pixels.
        key: of the mount; take a new one to show another draft or view.
        category: given to boxes that are drawn.
        on_edit: called when something was edited, before the page runs; see `edited`.
    """
    # importing it outside a Streamlit run raises, hence here
    from streamlit_drawable_canvas import st_canvas

    mounted = session.kept(_mount(key), lambda: _drawing(draft, view))
    st_canvas(
        background_image=background,
        width=view.shown.width,
        height=view.shown.height,
        drawing_mode="labeled_rect",
        label=category.value,
        stroke_color=COLOURS[category],
        stroke_width=2,
        fill_color="rgba(0, 0, 0, 0)",
        font_size=LABEL_PX,
        initial_drawing=mounted,
        key=key,
        on_change=on_edit,
    )


def edited(draft: Draft, view: View, key: str, category: Category, size: Size) -> Draft:
    """The draft with everything done on the canvas under `key` since it was mounted.

    Args:
        draft: as it was mounted.
        view: as it was mounted.
        key: of the mount.
        category: for boxes whose label says none.
        size: of the picture.
    """
    raw = _raw(key)
    if raw is None:
        return draft
    shown = _shown(draft, view)
    boxes = [(_label(shape), _box(shape)) for shape in raw if shape.get("type") == "LabeledRect"]
    drawn: list[tuple[Box, Category]] = []
    seen: set[int] = set()
    for (number, word), box in boxes:
        known = word or category
        if number is None or number in seen or number not in shown:
            drawn.append((box, known))
            continue
        seen.add(number)
        draft = draft.with_category(number, known)
        if _moved(view.to_stage(draft.items[number].region.box), box):
            draft = draft.with_box(number, view.to_picture(box), size)
    for number in set(shown) - seen:
        draft = draft.with_dropped(number, dropped=True)
    for box, known in drawn:  # last: what takes the place of a moved or deleted box is no twin
        if min(box.width, box.height) >= SMALLEST_PX:
            draft = draft.with_drawn(view.to_picture(box), known, size)
    return draft


def is_open(key: str) -> bool:
    """True while the canvas under `key` is on the page and can be asked for its boxes."""
    return _raw(key) is not None


def close(key: str) -> None:
    """Forget a mount that will not be shown again, and every background the component kept."""
    import streamlit_drawable_canvas as component

    session.forget(_mount(key))
    component._bg_image_cache.clear()  # noqa: SLF001 -- or the last 32 originals stay in memory


def _mount(key: str) -> str:
    return f"{key}_mounted"


def _shown(draft: Draft, view: View) -> list[int]:
    """Numbers of the items that are put on the canvas."""
    return [
        number
        for number, item in enumerate(draft.items)
        if not item.is_dropped and item.region.box.intersection(view.window) > 0
    ]


def _drawing(draft: Draft, view: View) -> dict[str, Any]:
    return {"objects": [_shape(number, draft, view) for number in _shown(draft, view)]}


def _shape(number: int, draft: Draft, view: View) -> dict[str, Any]:
    item = draft.items[number]
    box = view.to_stage(item.region.box)
    colour = COLOURS[item.region.category]
    return {
        "type": "LabeledRect",
        "label": f"{number + 1} {item.region.category.value}{'?' if item.needs_review else ''}",
        "left": box.x0,
        "top": box.y0,
        "width": box.width,
        "height": box.height,
        "originX": "left",
        "originY": "top",
        "scaleX": 1,
        "scaleY": 1,
        "angle": 0,
        "stroke": colour,
        "strokeWidth": 2,
        "strokeDashArray": [6, 4] if item.needs_review else None,
        "fill": f"{colour}22" if item.needs_review else f"{colour}11",
        "fontSize": LABEL_PX,
        "lockRotation": True,
        "strokeUniform": True,
    }


def _raw(key: str) -> list[Mapping[str, Any]] | None:
    """The shapes on the canvas; None before it has sent any."""
    state = session.widget_value(key)
    drawing = state.get("drawing") if state is not None else None
    raw = drawing.get("raw") if drawing else None
    return None if raw is None else list(raw.get("objects", ()))


def _label(shape: Mapping[str, Any]) -> tuple[int | None, Category | None]:
    match = _LABEL.match(str(shape.get("label", "")))
    if match is None:
        return None, None
    number = match["number"]
    words = {category.value: category for category in Category}
    return (int(number) - 1 if number else None), words.get(match["word"])


def _box(shape: Mapping[str, Any]) -> Box:
    width = abs(float(shape.get("width", 0)) * float(shape.get("scaleX", 1)))
    height = abs(float(shape.get("height", 0)) * float(shape.get("scaleY", 1)))
    share = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}
    left = float(shape.get("left", 0)) - share[shape.get("originX", "left")] * width
    top = float(shape.get("top", 0)) - share[shape.get("originY", "top")] * height
    return Box.from_xywh(left, top, width, height)


def _moved(before: Box, after: Box) -> bool:
    pairs = zip(before.corners, after.corners, strict=True)
    return any(abs(one - other) > MOVED_PX for one, other in pairs)
