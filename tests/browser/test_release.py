"""Release and Upload in a real browser: what is clicked is seen, and what is next is in sight."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import waiting
from tests.browser.conftest import App, entered
from tests.browser.test_app import open_page, quiet
from tests.scenes import seen

pytestmark = pytest.mark.browser

WIDTH, ROW_PX, HEAD_PX = 600, 56, 38
COUNT = 4
LAPTOP, SMALL = {"width": 1440, "height": 900}, {"width": 1100, "height": 700}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    sure = [seen(0.95, (60, 60, 160, 180))]
    files = [(f"{number}.png", waiting.png(WIDTH, 400, number)) for number in range(COUNT)]
    waiting.lay(home, files, {WIDTH: sure})
    return home


def is_in_sight(page: Page, one: Locator) -> bool:
    box, size = one.bounding_box(), page.viewport_size
    return box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


def click_row(page: Page, number: int) -> None:
    """On the name, not on the box at the row's beginning."""
    table = page.get_by_test_id("stDataFrame").locator("canvas").first.bounding_box()
    page.mouse.click(table["x"] + 150, table["y"] + HEAD_PX + (number + 0.5) * ROW_PX)
    quiet(page)


@pytest.mark.parametrize("size", [LAPTOP, SMALL], ids=["laptop", "small"])
def test_a_click_on_a_name_shows_the_picture_without_scrolling(
    app: App, browser: Browser, size: dict[str, int]
):
    page = entered(app, browser, viewport=size)
    open_page(app, page, "Release")
    expect(page.get_by_role("img", name="Released picture")).to_be_visible()

    click_row(page, 2)

    shown = page.get_by_role("paragraph").filter(has_text="2.png")
    expect(shown).to_be_visible()
    for name in ("Original picture", "Released picture"):
        image = page.get_by_role("img", name=name)
        expect(image).to_be_visible()
        assert is_in_sight(page, image)
    page.context.close()


def test_start_is_in_sight_once_files_are_there(app: App, browser: Browser):
    page = entered(app, browser, viewport=LAPTOP)
    open_page(app, page, "Upload")

    pictures = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": waiting.png(60, 40, number)}
        for number in range(12)
    ]
    note = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"a note"}
    page.locator("input[type=file]").first.set_input_files([*pictures, note])

    start = page.get_by_role("button", name="Start with 12 pictures")
    expect(start).to_be_visible()
    quiet(page)
    assert is_in_sight(page, start)
    page.context.close()
