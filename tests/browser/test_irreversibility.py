"""The page of doubt in a real browser: ours holds, blur does not, a broken file is told."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.browser.test_app import open_page, quiet

pytestmark = pytest.mark.browser


def choose(page: Page, control: str, option: str) -> None:
    page.get_by_role("combobox", name=control).first.click()
    page.get_by_role("option", name=option).first.click()
    quiet(page)


def test_a_visitor_sees_ours_hold_and_blur_fail(app: App, page: Page):
    open_page(app, page, "Irreversibility")
    expect(page.get_by_text("Nothing comes back.")).to_be_visible()
    expect(page.get_by_text("whichever of 40 other things was there")).to_be_visible()
    for words in ("The original", "What would go out", "What the attack makes", "Dark blue"):
        picture = page.get_by_role("img", name=words).first
        expect(picture).to_be_visible()
        assert picture.evaluate("one => one.naturalWidth") > 0
    expect(page.get_by_text("Nothing comes back.")).to_be_in_viewport()  # at 1280 by 800

    choose(page, "Removal", "Blur, to see it fail")
    page.screenshot(path=app.shots / "irreversibility-blur.png")

    expect(page.get_by_text("It comes back.")).to_be_visible()
    expect(page.get_by_text("What is not hidden")).to_be_visible()
    assert app.outside == []
    assert app.complaints == []


def test_the_area_is_drawn_on_the_picture(app: App, page: Page):
    open_page(app, page, "Irreversibility")
    page.get_by_role("button", name="Area and category").click()
    canvas = page.locator("canvas.upper-canvas").first
    expect(canvas).to_be_visible()
    left = page.get_by_role("slider", name="Left, px")
    expect(left).to_have_value("180")
    quiet(page)
    place = canvas.bounding_box()
    assert place is not None

    page.mouse.move(place["x"] + 40, place["y"] + 30)
    page.mouse.down()
    page.mouse.move(place["x"] + 140, place["y"] + 120, steps=5)
    page.mouse.up()

    expect(left).not_to_have_value("180")
    quiet(page)
    scale = 512 / place["width"]
    for label, wanted in {"Left": 40, "Top": 30, "Width": 100, "Height": 90}.items():
        slider = page.get_by_role("slider", name=f"{label}, px")
        assert float(slider.input_value()) == pytest.approx(wanted * scale, abs=5)
    assert app.complaints == []


def test_a_picture_of_ones_own_is_tried_and_a_broken_one_told(app: App, page: Page):
    open_page(app, page, "Irreversibility")
    choose(page, "Picture", "One of mine")
    chooser = page.locator("input[type=file]").first
    chooser.set_input_files(
        [{"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}]
    )
    quiet(page)
    expect(page.get_by_text("is no picture format that Lethe reads")).to_be_visible()

    file = io.BytesIO()
    Image.linear_gradient("L").resize((400, 300)).convert("RGB").save(file, "PNG")
    page.locator("input[type=file]").first.set_input_files(
        [{"name": "own.png", "mimeType": "image/png", "buffer": file.getvalue()}]
    )
    quiet(page)

    expect(page.get_by_text("Nothing comes back.")).to_be_visible()
    assert app.outside == []
    assert app.complaints == []
