"""An area drawn on a picture with the mouse. The only code that knows the canvas component.

The canvas shows the picture with the area as it is; a rectangle drawn on it becomes the area, and a
new canvas, under a new key, shows that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from components.app import session
from engine.geometry import Box, Size

_LINE_PX = 2


def draw_area(
    background: bytes,
    shown: Size,
    size: Size,
    take: Callable[[Box], None],
    *,
    key: str,
    colour: str,
) -> None:
    """Let an area be drawn.

    Args:
        background: a PNG or JPEG of `shown` pixels.
        shown: how large the picture is on the screen.
        size: of the picture itself.
        take: given the area in pixels of the picture, before the page runs.
        key: of the picture.
        colour: of the line, as `#rrggbb`.
    """
    # importing it outside a Streamlit run raises, hence here
    import streamlit_drawable_canvas as canvas

    round_ = session.kept(_round(key), lambda: 0)
    mounted = f"irreversibility_area_{key}_{round_}"

    def drawn() -> None:
        box = area_of(session.widget_value(mounted), shown, size)
        if box is not None:
            session.keep(_round(key), round_ + 1)
            take(box)

    canvas.st_canvas(
        background_image=background,
        width=shown.width,
        height=shown.height,
        drawing_mode="rect",
        stroke_color=colour,
        stroke_width=_LINE_PX,
        fill_color="rgba(0, 0, 0, 0)",
        key=mounted,
        on_change=drawn,
    )
    canvas._bg_image_cache.clear()  # noqa: SLF001 -- or the last 32 pictures stay in memory


def area_of(state: Mapping[str, Any] | None, shown: Size, size: Size) -> Box | None:
    """The rectangle drawn last, in pixels of the picture; None when it shows nothing of it.

    Args:
        state: what the canvas sent.
        shown: of the picture on the screen.
        size: of the picture itself.
    """
    drawing = state.get("drawing") if state is not None else None
    shapes = ((drawing or {}).get("raw") or {}).get("objects") or []
    if not shapes:
        return None
    shape = shapes[-1]
    width, height = (
        abs(float(shape[side]) * float(shape.get(scale, 1)))
        for side, scale in (("width", "scaleX"), ("height", "scaleY"))
    )
    across, down = size.width / shown.width, size.height / shown.height
    box = Box.from_xywh(
        float(shape["left"]) * across, float(shape["top"]) * down, width * across, height * down
    ).clipped(size)
    return box if box.area > 0 else None


def _round(key: str) -> str:
    return f"irreversibility_area_round_{key}"
