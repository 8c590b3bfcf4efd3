"""The scripted reviewer before the real page, on made-up pictures with made-up labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.geometry import Box
from engine.policy import Policy
from tests.browser import waiting
from tests.browser.conftest import entered, serving
from tests.browser.review_bench.outcome import outcome
from tests.browser.review_bench.reviewer import Reviewer
from tests.scenes import seen

pytestmark = pytest.mark.browser

RIGHT = (100, 100, 200, 200)
WHOLE = (20, 20, 700, 590)
WRONG = (500, 300, 560, 360)
UNSURE = [
    seen(0.30, (600, 450, 660, 510), Category.TATTOO),
    seen(0.28, (20, 450, 80, 510), Category.TATTOO),
]
MISSED = (300, 100, 360, 170)
TINY = (700, 20, 706, 27)
"""Too small to be drawn without looking closer."""
LABELS = [
    Label(Box(*RIGHT), Category.FACE),
    Label(Box(*MISSED), Category.FACE),
    Label(Box(*TINY), Category.JEWELRY),
]


def picture(name: str, *labels: Label) -> LabelledPicture:
    return LabelledPicture(name, Path(name), labels, frozenset(DETECTABLE))


def test_it_leaves_the_boxes_that_the_labels_ask_for(browser: Browser, tmp_path: Path):
    home = tmp_path / "home"
    sees = {
        800: [seen(0.9, RIGHT), seen(0.85, WRONG), *UNSURE],
        810: [seen(0.9, WHOLE), UNSURE[0]],
    }
    files = [("some.png", waiting.png(800, 600)), ("most.png", waiting.png(810, 600, 2))]
    waiting.lay(home, files, sees)
    pictures = {
        "some.png": picture("some.png", *LABELS),
        "most.png": picture("most.png", Label(Box(*WHOLE), Category.FACE)),
    }

    with serving(home, tmp_path / "server.txt", tmp_path) as app:
        page = entered(app, browser)
        reviewer = Reviewer.at(app, page, pictures, Policy())
        reviewer.work()
        page.goto(f"{app.address}/Release")
        expect(page.locator(".stMarkdownBadge").first).to_contain_text("2 released")
        page.context.close()

    whole, some = sorted(reviewer.visits, key=lambda one: one.boxes)
    assert (some.boxes, some.unsure, some.dropped, some.drawn) == (4, 2, 3, 2)
    assert some.drags == 4  # two boxes, and the wheel to and fro for the tiny one
    assert (whole.asked, whole.drawn) == (1, 0)
    assert len(some.key_ms) >= some.keys - 1  # that which accepts may be painted after the end
    assert app.complaints == []
    left = outcome(home, pictures, reviewer.visits, reviewer.seen)
    assert (left.released, left.labels) == (2, 4)
    assert (left.uncovered_reviewed, left.uncovered_unasked) == (0, 0)
