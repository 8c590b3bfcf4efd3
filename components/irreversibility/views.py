"""What a demonstration looks like: four pictures of equal size, and the scores as a strip of dots.

Everything is made in memory for the screen. PNG, so that what is equal looks equal.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from components.app.palette import COLOURS
from components.recall.charts.axes import ACCENT, NEUTRAL, Chart, blank
from engine.attacks.demonstration import Answer, Demonstration
from engine.category import Category
from engine.geometry import Box, PixelRect, Size

Rgb = NDArray[np.uint8]

PANEL_PX = 720
"""Side of a panel; the picture lies in its middle, and the rest is clear."""
OVERVIEW_PX = 420
FULL_DIFFERENCE = 128
"""Levels from which a difference has the brightest colour; the same in every picture."""
TILES = 12
"""Along the longer side of a difference: too few for a face to be seen in what it lacks."""
_AXIS = (-1.04, 1.32)
"""Of -1..1, with room for the words beside a mark."""
_STRIP_PX = 76
_GOLDEN = 0.618034
"""Multiples of the golden ratio scatter evenly, and the same each time."""
_WHITE, _BLACK = (255, 255, 255), (20, 26, 26)


def panel_png(rgb: Rgb, outline: PixelRect) -> bytes:
    """A window with its mask's outline, enlarged onto a clear square.

    Args:
        rgb: uint8 (h, w, 3).
        outline: of the mask, in the window's pixels.
    """
    height, width = rgb.shape[:2]
    scale = PANEL_PX / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    large = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    corners = [round(value * scale) for value in outline]
    _frame(large, PixelRect(*corners), _WHITE)
    panel = np.zeros((PANEL_PX, PANEL_PX, 4), np.uint8)
    top, left = (PANEL_PX - size[1]) // 2, (PANEL_PX - size[0]) // 2
    panel[top : top + size[1], left : left + size[0]] = cv2.cvtColor(large, cv2.COLOR_RGB2BGRA)
    return _png(panel)


def difference_rgb(difference: Rgb) -> Rgb:
    """A difference of 0..255 as tiles, in colours that everybody can tell apart: blue to yellow.

    Pixel by pixel it would show the original, for that is what a flat fill differs by, and could be
    taken for something that came back. A tile has the mean of its pixels.

    Args:
        difference: uint8 (h, w).

    Returns:
        uint8 (h, w, 3).
    """
    height, width = difference.shape
    scale = min(TILES / max(height, width), 1.0)
    grid = (max(round(width * scale), 1), max(round(height * scale), 1))
    means = np.asarray(cv2.resize(difference, grid, interpolation=cv2.INTER_AREA), np.uint8)
    tiles = cv2.resize(_coloured(means), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(tiles, np.uint8)


def _coloured(difference: Rgb) -> Rgb:
    shown = np.clip(difference.astype(np.float32) * (255 / FULL_DIFFERENCE), 0, 255)
    bgr = cv2.applyColorMap(shown.astype(np.uint8), cv2.COLORMAP_CIVIDIS)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def overview_size(size: Size) -> Size:
    """How large a picture of that size is made small."""
    scale = min(OVERVIEW_PX / max(size), 1.0)
    return Size(max(round(size.width * scale), 1), max(round(size.height * scale), 1))


def overview_png(rgb: Rgb, box: Box, mask: PixelRect, category: Category) -> bytes:
    """The whole picture, made small, with an area and its mask.

    Args:
        rgb: uint8 (H, W, 3).
        box: the area, in the category's colour.
        mask: white.
        category: of what is in the area.
    """
    size = overview_size(Size(rgb.shape[1], rgb.shape[0]))
    scale = size.width / rgb.shape[1]
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    _frame(small, PixelRect(*(round(value * scale) for value in mask)), _WHITE)
    colour = COLOURS[category]
    tint = (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))
    _frame(small, PixelRect(*(round(value * scale) for value in box.corners)), tint)
    return _png(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), np.uint8))


def strip(result: Demonstration) -> Chart:
    """Likeness to what was there: a dot for each other thing, a diamond for the true one."""
    figure = blank(_STRIP_PX, 10)
    heights = [(number * _GOLDEN) % 1.0 for number in range(1, len(result.others) + 1)]
    figure.add_scatter(
        x=list(result.others),
        y=heights,
        mode="markers",
        marker={"color": NEUTRAL, "size": 9, "opacity": 0.75},
        hoverinfo="text",
        hovertext=[f"another thing: {score:.2f}" for score in result.others],
    )
    figure.add_scatter(
        x=[result.score],
        y=[0.5],
        mode="markers+text",
        marker={
            "color": ACCENT,
            "symbol": "diamond",
            "size": 17,
            "line": {"width": 2, "color": "#FFFFFF"},
        },
        text=["<b>what was there</b>"],
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="text",
        hovertext=[f"what was there: {result.score:.2f}"],
    )
    figure.update_xaxes(
        range=_AXIS,
        tickvals=[-1, -0.5, 0, 0.5, 1],
        ticktext=["−1", "−0.5", "0: not at all", "0.5", "1: the same"],
        showgrid=True,
        title={"text": "How much the attack's result is like what was there"},
    )
    figure.update_yaxes(visible=False, range=[-0.15, 1.15])
    return Chart(figure, likeness_words(result))


def likeness_words(result: Demonstration) -> str:
    """The same in a sentence."""
    if result.answer is Answer.SAME:
        return (
            f"All {len(result.others) + 1} results score alike, for they are one and the same: "
            "nothing tells what was there from what was not."
        )
    low, high = (_number(edge) for edge in (min(result.others), max(result.others)))
    return (
        f"Likeness to what was there is {_number(result.score)} for the true one, and {low} to "
        f"{high} for the {len(result.others)} other things."
    )


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _frame(rgb: Rgb, rect: PixelRect, colour: tuple[int, int, int]) -> None:
    """Draw a thin line that is seen on light and on dark."""
    first, last = (rect.x0, rect.y0), (rect.x1 - 1, rect.y1 - 1)
    cv2.rectangle(rgb, first, last, _BLACK, 3)
    cv2.rectangle(rgb, first, last, colour, 1)


def _png(picture: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", picture)[1].tobytes())
