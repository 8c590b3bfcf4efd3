"""What the canvas sends: one ordered state of one picture, and what is to be done with it.

It comes from a browser, so nothing in it is believed before it is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from numbers import Real
from typing import Any

from components.review.draft import EditedBox
from engine.category import Category
from engine.errors import LetheError
from engine.geometry import Box
from engine.plan import FARTHEST_PX

MOST_BOXES = 2000
MOST_WAITING = 100
_LONGEST = 200


class InvalidMessage(LetheError):
    """Something that the review canvas does not send."""


class Act(StrEnum):
    """What is to be done with a state."""

    SAVE = "save"
    ACCEPT = "accept"
    REJECT = "reject"
    SKIP = "skip"
    REOPEN = "reopen"
    """Take back the last decision, on the picture named in `target`."""
    OPEN = "open"
    """Show the waiting picture named in `target` instead."""
    CHOOSE = "choose"
    """Work on a part of the queue, in an order; see `options`."""
    PREVIEW = "preview"
    DETAIL = "detail"
    """Send a part of the picture at full size; see `window`."""


@dataclass(frozen=True, slots=True)
class Message:
    """One state of one picture."""

    mount: str
    """Of the canvas in the browser; a reload makes another."""
    number: int
    """Counts up within a mount."""
    picture: str
    plan: str
    """Digest of the plan the boxes were made on."""
    boxes: tuple[EditedBox, ...]
    act: Act
    target: str
    is_confirmed: bool
    window: Box | None
    options: Mapping[str, str]
    has: tuple[str, ...]
    """Names of what the browser holds already and need not be sent again."""


def parse(value: object) -> tuple[Message, ...]:
    """Read what a browser sent: all messages that it does not know to be taken, in order.

    Raises:
        InvalidMessage: something in it is not as the canvas sends it; says what.
    """
    try:
        if not isinstance(value, Mapping) or not isinstance(value["messages"], list):
            raise TypeError("messages")
        if len(value["messages"]) > MOST_WAITING:
            raise ValueError("more messages than the page keeps")
        return tuple(map(_parse, value["messages"]))
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidMessage(
            f"The page sent something that could not be read ({error}), so nothing was changed. "
            "Load the page again."
        ) from error


def _parse(value: object) -> Message:
    if not isinstance(value, Mapping):
        raise TypeError("no message")
    boxes = value["boxes"]
    if not isinstance(boxes, list) or len(boxes) > MOST_BOXES:
        raise ValueError(f"boxes: expected a list of at most {MOST_BOXES}")
    number = value["number"]
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise TypeError("number")
    window = value.get("window")
    options = value.get("options") or {}
    has = value.get("has") or []
    if not isinstance(options, Mapping) or not isinstance(has, list) or len(has) > _LONGEST:
        raise TypeError("options")
    return Message(
        mount=_text(value["mount"], "mount"),
        number=number,
        picture=_text(value["picture"], "picture"),
        plan=_text(value["plan"], "plan"),
        boxes=tuple(map(_edited, boxes)),
        act=Act(value["act"]),
        target=_text(value.get("target", ""), "target"),
        is_confirmed=value.get("confirmed") is True,
        window=None if window is None else _box(window),
        options={_text(key, "option"): _text(option, "option") for key, option in options.items()},
        has=tuple(_text(name, "has") for name in has),
    )


def _edited(value: Any) -> EditedBox:  # noqa: ANN401 -- from JSON
    if not isinstance(value, Mapping) or not isinstance(value["dropped"], bool):
        raise TypeError("box")
    return EditedBox(_box(value["box"]), Category(value["category"]), value["dropped"])


def _box(value: Any) -> Box:  # noqa: ANN401 -- from JSON
    if not isinstance(value, list) or len(value) != 4:
        raise TypeError("box: expected four corners")
    x0, y0, x1, y1 = map(_corner, value)
    return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _corner(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError("box: expected numbers")
    number = float(value)
    if not abs(number) <= FARTHEST_PX:
        raise ValueError("box: a corner lies beyond every picture")
    return number


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise TypeError(name)
    return value
