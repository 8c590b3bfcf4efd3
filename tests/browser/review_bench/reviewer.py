"""The scripted reviewer: compares what is shown with the labels, and edits as a person would."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from engine.category import Category
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.geometry import Box, Size
from engine.policy import Policy
from tests.browser.conftest import App
from tests.browser.review_bench.choice import source_of
from tests.browser.review_bench.comparison import Changes, ShownBox, changes
from tests.browser.review_bench.visits import Visit
from tests.browser.reviewing import SHOWN, Desk

LOOK_MS, PACE_MS = 600, 120
"""Pauses before the first key of a picture and between keys; in no figure."""
SMALLEST_PX = 10
"""Shorter than this on the screen, a label is looked at closer before it is drawn."""
GRIP_PX, WHEEL_PX, WHOLE = 9, 400, 1000
"""How near a handle takes the mouse, the wheel's way for a factor of e, and more than any zoom."""
_LINES = """lines => lines.map((line) => ({
  number: parseInt(line.querySelector(".name").textContent) - 1,
  category: line.querySelector(".name").textContent.split(" ")[1],
  box: JSON.parse(line.dataset.box),
  unsure: line.querySelector(".note").textContent.endsWith("asks"),
  dropped: line.classList.contains("is-dropped"),
  selected: line.classList.contains("is-selected"),
}))"""


@dataclass
class _Tally:
    """What was done to the picture on the table."""

    keys: int = 0
    drags: int = 0
    asked_ms: list[float] = field(default_factory=list)


@dataclass
class Reviewer:
    """A person at the keyboard who knows what is in every picture."""

    desk: Desk
    pictures: Mapping[str, LabelledPicture]
    """By file name."""
    policy: Policy
    visits: list[Visit] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    _tally: _Tally = field(default_factory=_Tally)

    @classmethod
    def at(
        cls, app: App, page: Page, pictures: Mapping[str, LabelledPicture], policy: Policy
    ) -> Reviewer:
        """Sit down before the review page."""
        return cls(Desk(app, page), pictures, policy)

    @property
    def page(self) -> Page:
        return self.desk.page

    def work(self) -> None:
        """Open the page, and review until nothing waits."""
        self.desk.open("Scripted reviewer")
        if not self.page.locator(SHOWN).is_visible():
            return
        self.page.evaluate((Path(__file__).parents[1] / "layout.js").read_text())
        self.page.evaluate("timeKeys()")
        while self.review():
            pass

    def review(self) -> bool:
        """Edit and accept the picture on the table; False when it was the last."""
        name = self.desk.name
        picture = self.pictures[name]
        self.page.wait_for_timeout(LOOK_MS)
        self.page.evaluate("took.length = 0")
        self._tally = _Tally()
        shown = self.shown()
        edits = changes(shown, picture.labels, self._size, self.policy)
        self._toggle(shown, edits)
        for label in edits.draw:
            self._draw(label)
        key_ms = self.page.evaluate("[...took]")
        is_more, next_ms = self._accept()
        self.visits.append(
            Visit(
                source=source_of(picture),
                boxes=len(shown),
                unsure=sum(one.is_unsure for one in shown),
                dropped=len(edits.drop),
                drawn=len(edits.draw),
                keys=self._tally.keys,
                drags=self._tally.drags,
                asked=len(self._tally.asked_ms),
                key_ms=tuple(key_ms),
                next_ms=next_ms,
                is_again=name in self.seen,
                asked_ms=tuple(self._tally.asked_ms),
            )
        )
        self.seen.add(name)
        return is_more

    def shown(self) -> list[ShownBox]:
        """The boxes in the order of the list."""
        return [
            ShownBox(
                one["number"],
                Category(one["category"]),
                Box(*one["box"]),
                one["unsure"],
                one["dropped"],
            )
            for one in self._lines()
        ]

    def _lines(self) -> list[dict[str, Any]]:
        return self.page.locator("li.line").evaluate_all(_LINES)

    @property
    def _size(self) -> Size:
        width, height = json.loads(self.desk.canvas.get_attribute("data-size") or "[]")
        return Size(width, height)

    def _press(self, key: str) -> None:
        self._tally.keys += 1
        self.page.keyboard.press(key)
        self.page.wait_for_timeout(PACE_MS)

    def _toggle(self, shown: list[ShownBox], edits: Changes) -> None:
        """Drop what is wrong: all unsure ones at once where that is right, the others in turn."""
        turn = {*edits.drop, *edits.keep}
        unsure = {one.number for one in shown if one.is_unsure and not one.is_dropped}
        if len(unsure) > 1 and unsure <= set(edits.drop):
            self._press("n")
            turn -= unsure
        for one in shown:
            if not turn:
                return
            self._press("j")
            if one.number in turn:
                self._press("d")
                turn.remove(one.number)

    def _draw(self, label: Label) -> None:
        """Choose the category, look closer where it is small, and drag from corner to corner."""
        number = list(Category).index(label.category) + 1
        chosen = self.page.locator(f"[data-category={label.category.value}]")
        if chosen.get_attribute("aria-pressed") != "true":
            self._press(str(number))
        box = label.box.clipped(self._size)
        closer = SMALLEST_PX / (min(box.width, box.height) * self._scale)
        if closer > 1:
            self._zoom(box, closer)
        if self._is_taken(box.x0, box.y0):
            self._press("Escape")
        self._tally.drags += 1
        self.desk.drag((box.x0, box.y0), (box.x1, box.y1))
        self.page.wait_for_timeout(PACE_MS)
        if closer > 1:
            self._zoom(box, 1 / WHOLE)

    def _is_taken(self, x: float, y: float) -> bool:
        """True where dragging would move or resize a selected box."""
        grip = GRIP_PX / self._scale
        boxes = [one["box"] for one in self._lines() if one["selected"]]
        return any(
            x0 - grip <= x <= x1 + grip and y0 - grip <= y <= y1 + grip for x0, y0, x1, y1 in boxes
        )

    def _zoom(self, box: Box, factor: float) -> None:
        """Turn the wheel over a box."""
        self._tally.drags += 1
        self.page.mouse.move(*self.desk.at((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))
        self.page.mouse.wheel(0, -WHEEL_PX * math.log(factor))
        self.page.wait_for_timeout(PACE_MS)

    @property
    def _scale(self) -> float:
        return float(json.loads(self.desk.canvas.get_attribute("data-view") or "[1]")[0])

    def _accept(self) -> tuple[bool, float | None]:
        """Press A, answer what is asked; whether another picture came, and after how long."""
        answer = self._decide("a")
        while answer[0] in ("question", "nothing"):
            is_asked = answer[0] == "question"
            if is_asked:
                self._tally.asked_ms.append(answer[1])
            answer = self._decide("y" if is_asked else "a")
        what, took_ms = answer
        if what == "end":
            return False, None
        expect(self.page.locator(SHOWN)).to_be_visible()
        return True, took_ms

    def _decide(self, key: str) -> tuple[str, float]:
        self._tally.keys += 1
        coming = self.page.evaluate_handle("({answer: untilAnswered()})")
        self.page.keyboard.press(key)
        what, took_ms = coming.evaluate("one => one.answer")
        if what == "nothing":
            sys.stderr.write(f"{key} did nothing: {self.desk.status}\n")
        return what, took_ms
