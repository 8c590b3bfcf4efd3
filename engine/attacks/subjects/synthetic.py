"""Synthetic subjects and scenes, drawn with enough variation to be told apart.

They let anybody run the battery, since pictures of people cannot be shipped. Every subject draws
its own build and colours from the seed; lighting and grain vary as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.attacks.subjects.patches import Patches, Subjects
from engine.category import Category

SOURCE: Final = "made-up drawings from the built-in generator"
_CANVAS_PX: Final = 256
_FINE: Final = 4
"""cv2's fixed-point shift: coordinates are drawn in 1/16 px."""

_METALS: Final = ((212.0, 175.0, 55.0), (200.0, 200.0, 208.0), (183.0, 110.0, 121.0))
"""Gold, silver, rose gold; RGB."""

Canvas = NDArray[np.uint8]
Colour = tuple[float, float, float]


def synthetic(
    category: Category, n: int, *, side_px: int, spare: int = 0, seed: int = 0
) -> Subjects:
    """Synthetic subjects of a category.

    Args:
        category: face, tattoo or jewelry.
        n: how many the attacks must tell apart.
        side_px: side of a patch, a multiple of 16.
        spare: how many more, for training.
        seed: equal seeds give equal subjects.
    """
    rng = np.random.default_rng((seed, list(DRAWINGS).index(category)))
    drawn = np.stack([_subject(category, side_px, rng) for _ in range(n + spare)])
    return Subjects(category, drawn[:n], SOURCE, spare=drawn[n:])


def scenes(count: int, side_px: int, rng: np.random.Generator) -> Patches:
    """Surroundings: soft colours, edges, texture and grain. uint8 (count, side, side, 3)."""
    return np.stack([_scene(side_px, rng) for _ in range(count)])


def _subject(category: Category, side_px: int, rng: np.random.Generator) -> Canvas:
    canvas = np.empty((_CANVAS_PX, _CANVAS_PX, 3), np.uint8)
    DRAWINGS[category](canvas, rng)
    small = cv2.resize(canvas, (side_px, side_px), interpolation=cv2.INTER_AREA).astype(np.float32)
    slope = np.linspace(-1, 1, side_px, dtype=np.float32)
    light = rng.normal(0, 0.12) * slope[:, None] + rng.normal(0, 0.12) * slope[None, :]
    lit = small * (1 + light[..., None]) * rng.uniform(0.85, 1.1)
    grainy = lit + rng.normal(0, 2.0, lit.shape)
    return np.asarray(np.clip(grainy, 0, 255), dtype=np.uint8)


def _scene(side_px: int, rng: np.random.Generator) -> Canvas:
    coarse = np.array([_muted(rng) for _ in range(16)]).reshape(4, 4, 3).astype(np.uint8)
    soft = cv2.resize(coarse, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(3, 9))):
        colour = _muted(rng)
        corners = rng.integers(0, side_px, (3, 2)).astype(np.int32)
        cv2.fillConvexPoly(soft, corners, colour, cv2.LINE_AA)
    blurred = cv2.GaussianBlur(soft, (0, 0), float(rng.uniform(0.6, 3.0))).astype(np.float32)
    grain = rng.normal(0, rng.uniform(0.8, 4.0), (side_px, side_px, 1))
    return np.asarray(np.clip(blurred + grain, 0, 255), dtype=np.uint8)


def _skin(rng: np.random.Generator) -> Colour:
    """A colour between deep brown and pale, RGB."""
    depth = rng.uniform(0, 1)
    dark, pale = np.array([70, 45, 35]), np.array([240, 205, 185])
    red, green, blue = dark + depth * (pale - dark) + rng.normal(0, 5, 3)
    return float(red), float(green), float(blue)


def _colour(rng: np.random.Generator, low: float, high: float) -> Colour:
    red, green, blue = rng.uniform(low, high, 3)
    return float(red), float(green), float(blue)


def _scaled(colour: Colour, factor: float, more: float = 0.0) -> Colour:
    red, green, blue = (min(value * factor + more, 255.0) for value in colour)
    return red, green, blue


def _hair(rng: np.random.Generator) -> Colour:
    """Black over brown and red to blond and grey, RGB."""
    shades = ((28, 22, 20), (72, 46, 30), (128, 60, 34), (198, 160, 104), (168, 166, 164))
    red, green, blue = np.array(shades[int(rng.integers(len(shades)))]) * rng.uniform(0.7, 1.2)
    return float(red), float(green), float(blue)


def _muted(rng: np.random.Generator) -> Colour:
    """A colour as walls, clothes and plants have it, RGB."""
    red, green, blue = np.clip(rng.uniform(40, 215) + rng.normal(0, 26, 3), 15, 240)
    return float(red), float(green), float(blue)


def _round(radius: float) -> tuple[float, float]:
    return radius, radius


def _oval(
    canvas: Canvas,
    centre: tuple[float, float],
    axes: tuple[float, float],
    colour: Colour,
    *,
    turn: float = 0.0,
    arc: tuple[float, float] = (0, 360),
    thickness: int = -1,
) -> None:
    """An ellipse in pixels of the canvas, anti-aliased."""
    x, y = (round(value * 2**_FINE) for value in centre)
    a, b = (max(round(value * 2**_FINE), 1) for value in axes)
    cv2.ellipse(canvas, (x, y), (a, b), turn, arc[0], arc[1], colour, thickness, cv2.LINE_AA, _FINE)


def _face(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas[:] = _muted(rng)
    skin, hair = _skin(rng), _hair(rng)
    shade = _scaled(skin, 0.75)
    x, y = 128 + rng.normal(0, 6), 132 + rng.normal(0, 6)
    wide, tall = rng.uniform(68, 92), rng.uniform(92, 116)
    _oval(canvas, (x, y - rng.uniform(10, 40)), (wide * 1.15, tall * rng.uniform(0.85, 1.1)), hair)
    _oval(canvas, (x, y), (wide, tall), skin)
    _oval(canvas, (x, y - tall * 0.85), (wide * 0.9, tall * rng.uniform(0.15, 0.45)), hair)
    apart, high = rng.uniform(26, 40), y - rng.uniform(14, 32)
    eye = (rng.uniform(9, 17), rng.uniform(4, 9))
    iris, brow = _colour(rng, 20, 130), rng.uniform(12, 22)
    tilt, bold = rng.normal(0, 9), int(rng.integers(2, 8))
    for side in (-1, 1):
        at = (x + side * apart, high)
        _oval(canvas, at, eye, (238, 236, 232))
        _oval(canvas, at, (eye[1], eye[1]), iris)
        over = (at[0], high - brow)
        _oval(
            canvas, over, (eye[0] * 1.4, 7), hair, turn=side * tilt, arc=(190, 350), thickness=bold
        )
    nose = rng.uniform(18, 40)
    _oval(canvas, (x + 3, high + nose), (rng.uniform(6, 16), nose * 0.5), shade)
    mouth = (rng.uniform(16, 36), rng.uniform(3, 13))
    lips = (skin[0] * 0.85, skin[1] * rng.uniform(0.4, 0.7), skin[2] * rng.uniform(0.4, 0.7))
    _oval(canvas, (x, y + rng.uniform(44, 62)), mouth, lips, turn=rng.normal(0, 5))
    if rng.random() < 0.35:
        _oval(canvas, (x, y + 66), (wide * 0.75, tall * rng.uniform(0.15, 0.4)), hair)
    for _ in range(int(rng.integers(0, 12))):
        spot = (x + rng.uniform(-0.7, 0.7) * wide, y + rng.uniform(-0.4, 0.7) * tall)
        _oval(canvas, spot, _round(rng.uniform(1, 4)), shade)


def _tattoo(canvas: Canvas, rng: np.random.Generator) -> None:
    skin = _skin(rng)
    canvas[:] = skin
    ink = _scaled(skin, rng.uniform(0.15, 0.4))
    for _ in range(int(rng.integers(4, 10))):
        colour = ink if rng.random() < 0.7 else _colour(rng, 30, 180)
        at, bold = rng.uniform(40, 216, 2), int(rng.integers(2, 11))
        if rng.random() < 0.5:
            axes = (rng.uniform(8, 70), rng.uniform(8, 70))
            turn, span = rng.uniform(0, 180), rng.uniform(90, 360)
            centre = (float(at[0]), float(at[1]))
            _oval(canvas, centre, axes, colour, turn=turn, arc=(0, span), thickness=bold)
        else:
            steps = np.cumsum(rng.normal(0, 26, (int(rng.integers(3, 9)), 2)), axis=0)
            line = np.clip(at + steps, 16, 240).astype(np.int32)
            cv2.polylines(canvas, [line], bool(rng.random() < 0.4), colour, bold, cv2.LINE_AA)


def _jewelry(canvas: Canvas, rng: np.random.Generator) -> None:
    skin = _skin(rng)
    canvas[:] = skin
    metal = _METALS[int(rng.integers(len(_METALS)))]
    bright = _scaled(metal, 1.3, 20)
    x, y = 128 + rng.normal(0, 14), 110 + rng.normal(0, 20)
    axes, turn = (rng.uniform(45, 100), rng.uniform(25, 90)), rng.uniform(0, 180)
    if rng.random() < 0.5:
        bold = int(rng.integers(6, 26))
        _oval(canvas, (x, y), axes, metal, turn=turn, thickness=bold)
        _oval(canvas, (x - 2, y - 2), axes, bright, turn=turn, thickness=max(bold // 4, 1))
    else:
        for angle in np.linspace(0, 2 * np.pi, int(rng.integers(8, 30)), endpoint=False):
            bead = (x + axes[0] * float(np.cos(angle)), y + axes[1] * float(np.sin(angle)))
            _oval(canvas, bead, _round(rng.uniform(4, 10)), metal)
            _oval(canvas, (bead[0] - 2, bead[1] - 2), (2, 2), bright)
    for _ in range(int(rng.integers(1, 5))):
        gem = (x + rng.normal(0, 30), y + axes[1] * rng.uniform(0, 1.2))
        size = rng.uniform(6, 26)
        _oval(canvas, gem, (size, size * rng.uniform(0.5, 1.2)), _colour(rng, 10, 245))
        _oval(canvas, (gem[0] - size / 3, gem[1] - size / 3), _round(size / 4), (250, 250, 250))


DRAWINGS: Final[dict[Category, Callable[[Canvas, np.random.Generator], None]]] = {
    Category.FACE: _face,
    Category.TATTOO: _tattoo,
    Category.JEWELRY: _jewelry,
}
