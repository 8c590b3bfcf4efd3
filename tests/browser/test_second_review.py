"""Two people decide one picture in two browsers, neither seeing what the other decided."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.category import Category
from engine.policy import Policy
from tests.browser import waiting
from tests.browser.conftest import App
from tests.browser.reviewing import Desk
from tests.browser.test_review import another_browser
from tests.scenes import seen

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 800, 600
SEES = [seen(0.95, (20, 20, 110, 110)), seen(0.30, (600, 400, 700, 500), Category.TATTOO)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    twice = Policy(review={"second_review_share": 1.0})
    waiting.lay(folder, [("one.png", waiting.png(WIDTH, HEIGHT))], {WIDTH: SEES}, policy=twice)
    return folder


@pytest.fixture
def contexts() -> Iterator[list]:
    opened: list = []
    yield opened
    for context in opened:
        context.close()


def test_the_second_person_sees_nothing_of_the_first_and_both_stand_in_the_release(
    app: App, page: Page, browser: Browser, contexts: list
):
    ada = Desk(app, page).open("Ada")
    ada.press("j", "d").saved()
    assert ada.dropped()
    ada.drag((300, 300), (360, 360)).saved()
    ada.press("a")
    expect(
        page.get_by_text("1 picture that you decided waits for a second reviewer")
    ).to_be_visible()
    page.screenshot(path=app.shots / "second-review-waits.png")

    bo = Desk(app, another_browser(app, browser, contexts)).open("Bo")
    expect(bo.page.get_by_text("second review: decide without seeing the first")).to_be_visible()
    assert (len(bo.lines()), bo.dropped()) == (len(SEES), set())
    bo.page.screenshot(path=app.shots / "second-review.png")
    bo.leave("a")
    expect(bo.page.get_by_text("Nothing waits for review.")).to_be_visible()

    page.goto(f"{app.address}/Release")
    expect(page.get_by_text("Two people decided")).to_be_visible(timeout=60_000)
    page.screenshot(path=app.shots / "second-review-release.png")
    page.goto(app.address)
    page.get_by_text("Reviewers", exact=True).click()
    expect(page.get_by_text("Second reviews: two people decided")).to_be_visible()
    page.screenshot(path=app.shots / "second-review-home.png", full_page=True)
