"""What stands in for the review canvas where no browser is: it is given data and sends messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

from components.app import session

GIVEN, SENT, NUMBER, BUTTON = "canvas_given", "canvas_sent", "canvas_number", "canvas_send"


def mount(data: Mapping[str, Any], on_message: Callable[[], None]) -> None:
    session.keep(GIVEN, data)
    st.button("canvas", key=BUTTON, on_click=on_message)


def sent() -> object:
    return session.kept(SENT, lambda: None)


def is_open(app: AppTest) -> bool:
    return any(button.key == BUTTON for button in app.button)


def given(app: AppTest) -> dict[str, Any]:
    """What the canvas was given last."""
    assert is_open(app), "there is no canvas on the page"
    return app.session_state[GIVEN]


def boxes(app: AppTest) -> list[dict[str, Any]]:
    """The boxes as the canvas sends them back."""
    return [
        {"box": one["box"], "category": one["category"], "dropped": one["dropped"]}
        for one in given(app)["claim"]["items"]
    ]


def message(app: AppTest, act: str = "save", **changes: Any) -> dict[str, Any]:
    """What the canvas sends for a key or a click, on the picture it shows."""
    number = app.session_state[NUMBER] + 1 if NUMBER in app.session_state else 1
    app.session_state[NUMBER] = number
    claim = given(app)["claim"]
    return {
        "mount": "m", "number": number, "picture": claim["picture"], "plan": claim["plan"],
        "boxes": boxes(app), "act": act, "has": [], **changes,
    }  # fmt: skip


def send(app: AppTest, *messages: object) -> AppTest:
    """Have the browser send messages together, as it does when the server is slow."""
    app.session_state[SENT] = {"messages": list(messages)}
    app.button(key=BUTTON).click().run()
    assert not app.exception
    return app


def edit(app: AppTest, number: int, **changes: Any) -> AppTest:
    """Change one box."""
    changed = boxes(app)
    changed[number] |= changes
    return send(app, message(app, boxes=changed))


def draw(app: AppTest, *corners: float, category: str = "face") -> AppTest:
    drawn = {"box": list(corners), "category": category, "dropped": False}
    return send(app, message(app, boxes=[*boxes(app), drawn]))


def press(app: AppTest, purpose: str) -> AppTest:
    """`toggle_1` drops or keeps a box; everything else is an act, already asked about."""
    if toggled := re.fullmatch(r"toggle_(\d+)", purpose):
        number = int(toggled[1])
        return edit(app, number, dropped=not boxes(app)[number]["dropped"])
    return send(app, message(app, purpose, confirmed=True))


def lines(app: AppTest) -> list[str]:
    texts = [f"{place} {one['category']}" for place, one in enumerate(boxes(app), 1)]
    return [
        f"~~{text}~~" if one["dropped"] else text
        for text, one in zip(texts, boxes(app), strict=True)
    ]


def said(app: AppTest) -> str:
    """Every sentence on the canvas; nothing where there is none."""
    if not is_open(app):
        return ""
    data = given(app)
    extent = f"{sum(not one['dropped'] for one in boxes(app))} will be removed"
    if "extent" in data:
        extent += f", {data['extent']['share']} of the picture"
    texts = [one["text"] for one in data["claim"]["reasons"]]
    texts += [f"{one['certainty']} · asks" for one in data["claim"]["items"] if one["review"]]
    return "\n".join([
        *texts, extent, data["claim"]["source"], data["claim"]["note"], data["said"]["text"],
        data.get("problem", ""), data["counter"],
    ])  # fmt: skip
