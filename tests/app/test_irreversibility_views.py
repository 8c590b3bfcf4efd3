"""Panels and figures of the page for those who doubt."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from components.irreversibility.heat import plot_heat_map
from components.irreversibility.views import (
    FULL_DIFFERENCE,
    PANEL_PX,
    TILES,
    difference_rgb,
    likeness_words,
    overview_png,
    panel_png,
    strip,
)
from engine.attacks.demonstration import Demonstration
from engine.attacks.report.heat_map import heat_map
from engine.category import Category
from engine.geometry import Box, PixelRect
from tests.engine.attacks.report.test_reading import row


def decoded(data: bytes):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def found(score=0.7, others=(-0.2, 0.1, 0.3), changed=3) -> Demonstration:
    rgb, grey = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)
    inner = PixelRect(2, 2, 6, 6)
    return Demonstration(rgb, rgb, rgb, grey, inner, False, score, tuple(others), changed)


@pytest.mark.parametrize("shape", [(40, 40), (30, 90), (90, 30), (1, 1)])
def test_a_panel_is_a_square_with_the_whole_window_in_its_middle(shape):
    rgb = np.full((*shape, 3), (200, 100, 50), np.uint8)

    panel = decoded(panel_png(rgb, PixelRect(0, 0, 1, 1)))

    assert panel.shape == (PANEL_PX, PANEL_PX, 4)
    share = (panel[..., 3] == 255).mean()
    assert share == pytest.approx(min(shape) / max(shape), abs=0.02)
    assert panel[PANEL_PX // 2, PANEL_PX // 2, :3].tolist() in ([50, 100, 200], [255, 255, 255])


def test_a_panel_shows_the_masks_outline():
    grey = np.full((48, 48, 3), 128, np.uint8)

    panel = decoded(panel_png(grey, PixelRect(12, 12, 36, 36)))

    scale = PANEL_PX // 48
    edge = panel[12 * scale, 24 * scale, :3]
    assert edge.tolist() == [255, 255, 255]
    assert panel[24 * scale, 24 * scale, :3].tolist() == [128, 128, 128]


def test_equal_windows_give_equal_panels_and_the_slightest_change_another():
    one = np.full((20, 20, 3), 90, np.uint8)
    other = one.copy()
    other[10, 10, 0] += 40

    same, again, changed = (panel_png(rgb, PixelRect(4, 4, 8, 8)) for rgb in (one, one, other))

    assert same == again != changed


def test_a_difference_has_the_same_colours_in_every_picture():
    ramp = np.array([[0, 64, FULL_DIFFERENCE, 255]], np.uint8)

    colours = difference_rgb(ramp)

    brightness = colours.astype(int).sum(axis=2)[0]
    assert brightness[0] < brightness[1] < brightness[2] == brightness[3]
    np.testing.assert_array_equal(difference_rgb(ramp[:, :1]), colours[:, :1])


def test_a_difference_shows_no_detail_of_the_original(rng):
    difference = rng.integers(0, 256, (240, 180), dtype=np.uint8)

    shown = difference_rgb(difference)

    assert shown.shape == (240, 180, 3)
    tiles = shown.reshape(TILES, 240 // TILES, 9, 180 // 9, 3)
    assert (tiles == tiles[:, :1, :, :1]).all()  # every pixel of a tile has one colour


def test_an_overview_is_small_and_has_both_frames():
    rgb = np.full((600, 1200, 3), 128, np.uint8)

    shown = decoded(
        overview_png(rgb, Box(400, 200, 800, 400), PixelRect(300, 100, 900, 500), Category.FACE)
    )

    assert shown.shape[:2] == (210, 420)
    assert (shown == 255).all(axis=2).any()
    assert (shown == (222, 111, 47)).all(axis=2).any()


def test_the_strip_marks_what_was_there_among_the_others():
    figure = strip(found()).figure

    others, true = figure.data
    assert list(others.x) == [-0.2, 0.1, 0.3]
    assert list(true.x) == [0.7]
    assert true.marker.symbol == "diamond"


def test_the_strip_is_said_in_words():
    assert likeness_words(found()) == (
        "Likeness to what was there is 0.70 for the true one, and −0.20 to 0.30 for the 3 other "
        "things."
    )
    assert "one and the same" in likeness_words(found(0.0, (0.0, 0.0), 0))


def test_the_map_shows_each_share_and_marks_what_was_told_from_chance():
    rows = [
        row(),
        row(method="blur-12", kind="control", rank1=0.95, verdict="fail"),
        row(method="blur-12", kind="control", attack="unsharp-2-4", rank1=0.5, verdict="fail"),
        row(category="tattoo", method="pixelate", kind="control"),
    ]

    chart = plot_heat_map(heat_map(rows, "face"))

    (cells,) = chart.figure.data
    assert list(cells.x) == ["pushpull", "blur-12"]
    assert list(cells.y) == ["raw", "unsharp-2-4"]
    assert [list(line) for line in cells.text] == [["2", "95 !"], ["", "50 !"]]
    assert (cells.zmin, cells.zmax) == (0, 100)
    assert "2.5 % chance" in cells.colorbar.ticktext
    assert "better than guessing" in cells.hovertext[0][0].replace("<br>", " ")
    assert "ours: told from chance in 0 of 1 cells".lower() in chart.alt.lower()
    assert "positive controls: told from chance in 2 of 2 cells" in chart.alt


@pytest.mark.parametrize("p", [0.001, 0.5], ids=["by its p", "by a trained classifier's limit"])
def test_a_leak_in_ours_is_marked_in_the_map(p):
    chart = plot_heat_map(heat_map([row(rank1=0.2, p_corrected=p, verdict="fail")], "face"))

    assert chart.figure.data[0].text[0][0] == "20 !"
    assert "told from chance in 1 of 1 cells" in chart.alt
