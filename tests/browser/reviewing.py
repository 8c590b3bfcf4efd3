"""The review page as the browser tests use it: its boxes, its keys, and the mouse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import App

_names = count(1)
SHOWN = "canvas.stage[data-shows=before][data-takes-keys=true]"


@dataclass
class Desk:
    """One browser tab with the review page."""

    app: App
    page: Page
    reviewer: str = ""

    @property
    def canvas(self) -> Locator:
        return self.page.locator("canvas.stage")

    @property
    def name(self) -> str:
        return self.page.locator(".source").inner_text().split(" · ")[0]

    @property
    def status(self) -> str:
        return self.page.locator(".status").inner_text()

    @property
    def extent(self) -> str:
        return self.page.locator(".extent").inner_text()

    def open(self, reviewer: str = "") -> Desk:
        """The page, under a name that no other browser of the tests has unless one is given."""
        self.page.goto(f"{self.app.address}/Review")
        asked = self.page.get_by_role("textbox", name="Your name")
        ready = self.page.locator(SHOWN).or_(self.page.get_by_text("Nothing waits for review."))
        expect(asked.or_(ready).first).to_be_visible()
        if asked.is_visible():
            self.reviewer = reviewer or f"Anna {next(_names)}"
            asked.fill(self.reviewer)
            self.page.get_by_role("button", name="Begin").click()
        expect(ready.first).to_be_visible()
        return self

    def saved(self) -> Desk:
        expect(self.page.get_by_text("Saved", exact=True)).to_be_visible()
        return self

    def press(self, *keys: str, apart_ms: int = 0) -> Desk:
        for key in keys:
            self.page.keyboard.press(key)
            if apart_ms:
                self.page.wait_for_timeout(apart_ms)
        return self

    def press_at_once(self, *keys: str) -> Desk:
        """Press keys within one moment, faster than any answer of the server."""
        self.page.evaluate(
            """keys => keys.forEach(key => window.dispatchEvent(
                new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true})))""",
            list(keys),
        )
        return self

    def go_to(self, name: str) -> Desk:
        """Skip until this picture is shown."""
        for _ in range(20):
            if self.name == name:
                return self
            self.leave("s")
        raise AssertionError(f"{name} does not come")

    def leave(self, key: str) -> Desk:
        """Press a key that ends the work on this picture, and wait for the next."""
        before = self.page.locator(".source").inner_text()
        self.press(key)
        expect(self.page.get_by_text(before, exact=True)).to_have_count(0)
        ready = self.page.locator(SHOWN).or_(self.page.get_by_text("Nothing waits for review."))
        expect(ready.first).to_be_visible()
        return self

    # the list

    def lines(self) -> list[str]:
        """`2 face`, dropped ones in tildes, in the order of the list."""
        return self.page.locator("li.line").evaluate_all(
            "lines => lines.map(line => line.classList.contains('is-dropped')"
            " ? `~~${line.querySelector('.name').textContent}~~`"
            " : line.querySelector('.name').textContent)"
        )

    def dropped(self) -> set[int]:
        return {int(line.strip("~").split()[0]) for line in self.lines() if line.startswith("~")}

    def selected(self) -> list[int]:
        names = self.page.locator("li.is-selected .name").all_inner_texts()
        return [int(name.split()[0]) for name in names]

    # the picture

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where on the screen a point of the picture is."""
        scale, left, top = json.loads(self.canvas.get_attribute("data-view") or "[]")
        place = self.canvas.bounding_box()
        assert place is not None
        return place["x"] + (x - left) * scale, place["y"] + (y - top) * scale

    def click(self, x: float, y: float, **how: object) -> Desk:
        self.page.mouse.click(*self.at(x, y), **how)
        return self

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> Desk:
        """With the mouse, in picture pixels."""
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), steps=4)
        self.page.mouse.move(*self.at(*end), steps=4)
        self.page.mouse.up()
        return self
