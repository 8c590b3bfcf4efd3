"""What is done to a reviewer's table is done whole, whenever Streamlit ends a run of the page."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.runtime.state import SafeSessionState
from streamlit.testing.v1 import AppTest

from components.app import session
from components.review import desk, page, receive, reviewer
from components.review.canvas import component
from components.review.desk import Desk, Taken, undisturbed
from tests.app import canvas
from tests.app.conftest import Lethe
from tests.app.reading import WIDE, said

pytestmark = pytest.mark.slow

LOOKS = 60
"""More than any message has looks into the session state."""


class Interruptions:
    """Ends the next run that takes messages at its n-th look into the session state meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 0
        self.has_ended = False
        self._left: int | None = None
        self._is_armed = False
        monkeypatch.setattr(page, "receive", self._receive)
        for name in ("__getitem__", "__setitem__", "__delitem__", "__contains__"):
            look = getattr(SafeSessionState, name)
            monkeypatch.setattr(SafeSessionState, name, self._counted(look))

    def next_at(self, look: int) -> None:
        self.at, self.has_ended, self._is_armed = look, False, True

    def _receive(self) -> None:
        if self._is_armed:
            self._left, self._is_armed = self.at, False
        try:
            receive.receive()
        finally:
            self._left = None

    def _counted(self, look: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object) -> object:
            if self._left == 0:
                self.has_ended, self._left = True, None
                raise StopException
            if self._left is not None:
                self._left -= 1
            return look(*arguments)

        return counted


def each_look(app: AppTest, monkeypatch: pytest.MonkeyPatch, made: Callable[[], dict]) -> int:
    """Send a message whose run is ended at the first look, then again, as the browser does.

    Then one that is ended at the second look, and so on, while a run has one more.

    Returns:
        How many messages were sent.
    """
    interruptions = Interruptions(monkeypatch)
    app.run()
    for look in range(LOOKS):
        one = made()
        interruptions.next_at(look)
        canvas.send(app, one)
        canvas.send(app.run(), one)  # the page is drawn anew, and the message comes again
        assert canvas.given(app)["ack"]["number"] == one["number"]
        assert "meanwhile" not in said(app)
        if not interruptions.has_ended:
            return look + 1
    raise AssertionError(f"a message has more than {LOOKS} looks")


def test_no_choice_is_lost(lethe: Lethe, monkeypatch: pytest.MonkeyPatch):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    wanted = iter(range(LOOKS))
    now: list[str] = [""]

    def made() -> dict:
        if now[0]:
            assert canvas.given(app)["choice"]["batch"] == now[0]
        now[0] = f"batch {next(wanted)}"
        options = {"order": "as uploaded", "batch": now[0], "kind": "", "category": "", "open": ""}
        return canvas.message(app, "choose", options=options)

    each_look(app, monkeypatch, made)

    assert canvas.given(app)["choice"]["batch"] == now[0]


def test_no_edit_is_lost_and_none_is_done_twice(lethe: Lethe, monkeypatch: pytest.MonkeyPatch):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    is_dropped = [False]

    def made() -> dict:
        boxes = canvas.boxes(app)
        assert boxes[0]["dropped"] is is_dropped[0]
        is_dropped[0] = boxes[0]["dropped"] = not boxes[0]["dropped"]
        return canvas.message(app, boxes=boxes)

    each_look(app, monkeypatch, made)

    assert canvas.boxes(app)[0]["dropped"] is is_dropped[0]


@pytest.mark.parametrize("act", ["accept", "reject"])
def test_no_verdict_is_lost_and_none_counts_twice(
    lethe: Lethe, monkeypatch: pytest.MonkeyPatch, act: str
):
    lethe.batch(*[WIDE] * 12)
    app = lethe.page("Review")

    sent = each_look(app, monkeypatch, lambda: canvas.message(app, act, confirmed=True))

    assert lethe.settle().review == 12 - sent


def test_no_skip_is_lost_and_none_is_done_twice(lethe: Lethe, monkeypatch: pytest.MonkeyPatch):
    lethe.batch(*[WIDE] * 3)
    app = lethe.page("Review")
    shown: list[str] = []

    def made() -> dict:
        shown.append(canvas.given(app)["claim"]["picture"])
        return canvas.message(app, "skip")

    each_look(app, monkeypatch, made)

    assert len(set(shown[:3])) == min(len(shown), 3)
    assert shown[3:] == shown[:-3]  # round and round, one at a time


def test_no_two_runs_change_one_table_at_once(monkeypatch: pytest.MonkeyPatch):
    """Streamlit begins the newer run before the older has noticed that it is to end."""
    table = Desk()
    monkeypatch.setattr(session, "kept", lambda name, make: table)
    monkeypatch.setattr(session, "claims", dict)
    monkeypatch.setattr(reviewer, "name", lambda: "ada")
    got: list[bool] = []
    other = threading.Thread(target=lambda: got.append(table.lock.acquire(blocking=False)))

    with undisturbed():
        other.start()
        other.join()

    assert got == [False]


def test_nothing_on_the_table_is_changed_outside_of_its_lock(
    lethe: Lethe, monkeypatch: pytest.MonkeyPatch
):
    inside: dict[str, list[bool]] = {}
    for part in (Desk, Taken):
        monkeypatch.setattr(part, "__setattr__", noting(inside))
    lethe.batch(WIDE)
    app = lethe.page("Review")

    for one in (
        "no message",
        canvas.message(app, "preview"),
        canvas.message(app, "detail", window=[0, 10, 60, 90]),
        canvas.message(app, "choose", options={"open": "1", "batch": "unknown"}),
        canvas.message(app, "accept", confirmed=True),
    ):
        app = canvas.send(app, one)
    lethe.page("Review")

    assert {"said", "preview", "detail", "choice", "review", "number"} <= inside.keys()
    assert [name for name, times in inside.items() if not all(times)] == []


def noting(inside: dict[str, list[bool]]) -> Callable[[object, str, object], None]:
    """Notes of each attribute that changes whether that was in `undisturbed`."""

    def changed(owner: object, name: str, value: object) -> None:
        if hasattr(owner, name):  # not while it is made
            inside.setdefault(name, []).append(desk._held.get() is not None)
        object.__setattr__(owner, name, value)

    return changed


@pytest.mark.parametrize("meanwhile", ["", "Said by a newer run"])
def test_what_is_said_where_nothing_waits_is_said_once(
    lethe: Lethe, monkeypatch: pytest.MonkeyPatch, meanwhile: str
):
    table = Desk()
    table.say("Brought back")
    monkeypatch.setattr(session, "kept", kept_at(table))
    told: list[str] = []

    def toast(words: str, **_: object) -> None:
        told.append(words)
        if meanwhile and len(told) == 1:
            table.say(meanwhile)

    monkeypatch.setattr(page.st, "toast", toast)
    lethe.page("Review").run().run()

    assert told == ["Brought back", *([meanwhile] if meanwhile else [])]


def kept_at(table: Desk) -> Callable[..., object]:
    kept = session.kept
    return lambda name, make: table if name == "review_desk" else kept(name, make)


def test_what_is_chosen_of_the_queue_behind_a_verdict_arrives(lethe: Lethe):
    """It is about no picture, so it does not matter that the one it was made on is gone."""
    lethe.batch(WIDE)
    wanted = lethe.batch(WIDE, WIDE)
    app = lethe.page("Review")
    options = {"order": "as uploaded", "batch": wanted, "kind": "", "category": "", "open": "1"}
    first = canvas.given(app)["claim"]["picture"]

    app = canvas.send(
        app,
        canvas.message(app, "accept", confirmed=True),
        canvas.message(app, "choose", options=options),
    )

    given = canvas.given(app)
    assert given["choice"]["batch"] == wanted
    assert given["queue"] is not None
    assert "no longer shown" not in said(app)
    assert given["claim"]["picture"] != first
    assert len(given["queue"]["entries"]) == 2


def test_a_question_stays_open_while_the_queue_is_looked_at(lethe: Lethe):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    accept = canvas.message(app, "accept")  # 59 % would go
    options = {"order": "as uploaded", "batch": "", "kind": "", "category": "", "open": "1"}

    app = canvas.send(app, accept, canvas.message(app, "choose", options=options))

    assert canvas.given(app)["confirm"]["number"] == accept["number"]


def test_nothing_is_taken_from_a_browser_whose_name_another_took(
    lethe: Lethe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reviewer, "current", lambda: None)
    monkeypatch.setattr(component, "sent", lambda: pytest.fail("looked"))
    lethe.page("Review")

    receive.receive()
