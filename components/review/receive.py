"""What the browser sent is done here, in its order and each once, before the page runs.

Each message holds the boxes it was pressed on and the picture they belong to. One for a picture
that is not on the table any more changes nothing, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from components.app import permission, session
from components.app.access import Role
from components.review import claim
from components.review.canvas import component
from components.review.canvas.message import Act, InvalidMessage, Message, parse
from components.review.page import Review
from engine.category import Category
from engine.coverage import percent
from engine.errors import LetheError
from engine.geometry import Box
from engine.plan import ReasonKind
from store.review.choice import Choice, Order

MUCH = 0.5
"""A person who accepts that more than this share of a picture goes is asked once."""


@dataclass(slots=True)
class Taken:
    """How far the browser's messages were taken, and what it waits for."""

    mount: str = ""
    number: int = 0
    has: tuple[str, ...] = ()
    """What it holds already."""
    confirm: tuple[int, str] | None = None
    """The message that has to be confirmed, and the question."""
    preview: int | None = None
    detail: tuple[int, Box] | None = None
    is_queue_open: bool = False


def taken() -> Taken:
    """How far this session's messages were taken."""
    return session.kept("review_taken", Taken)


@permission.callback(Role.REVIEWER)
def receive() -> None:
    """Do what the browser sent and was not done yet."""
    try:
        messages = parse(component.sent())
    except InvalidMessage as error:
        claim.say(str(error))
        return
    for message in messages:
        _take(message)


def _take(message: Message) -> None:
    state = taken()
    if message.mount != state.mount:
        state.mount, state.number = message.mount, 0
    if message.number <= state.number:
        return
    state.number, state.has = message.number, message.has
    state.confirm = None
    review: Review | None = session.kept("review", lambda: None)
    if review is None or (message.picture, message.plan) != (review.case.picture_id, review.plan):
        claim.say("That was meant for a picture that is no longer shown, so nothing was changed.")
        return
    try:
        if review.is_shown:
            review.take(message.boxes)
        _ACTS[message.act](review, message)
    except LetheError as error:
        claim.say(str(error))
        review.close()  # and shown again as it is in the store, or the next one


def _save(review: Review, message: Message) -> None:
    pass


def _accept(review: Review, message: Message) -> None:
    if not review.is_shown:
        claim.say("Not accepted: nobody can see it. Skip the picture, or reject it.")
        return
    share = review.share_removed
    if share > MUCH and not message.is_confirmed:
        question = f"{percent(share)} of this picture would be removed. Is that right?"
        taken().confirm = (message.number, question)
        return
    claim.accept(review)


def _reject(review: Review, message: Message) -> None:
    claim.reject(review)


def _skip(review: Review, message: Message) -> None:
    claim.skip(review)


def _reopen(review: Review, message: Message) -> None:
    claim.reopen(review, message.target)


def _open(review: Review, message: Message) -> None:
    claim.open_waiting(review, message.target)


def _choose(review: Review, message: Message) -> None:
    """Options that are not known are as good as none: a batch may be gone meanwhile."""
    options = message.options
    taken().is_queue_open = options.get("open") == "1"
    orders = {order.value: order for order in Order}
    kinds = {kind.value: kind for kind in ReasonKind}
    categories = {category.value: category for category in Category}
    claim.choose(
        Choice(
            order=orders.get(options.get("order", ""), claim.choice().order),
            batch_id=options.get("batch") or None,
            kind=kinds.get(options.get("kind", "")),
            category=categories.get(options.get("category", "")),
        )
    )


def _preview(review: Review, message: Message) -> None:
    taken().preview = message.number


def _detail(review: Review, message: Message) -> None:
    if message.window is not None:
        taken().detail = (message.number, message.window)


_ACTS: dict[Act, Callable[[Review, Message], None]] = {
    Act.SAVE: _save,
    Act.ACCEPT: _accept,
    Act.REJECT: _reject,
    Act.SKIP: _skip,
    Act.REOPEN: _reopen,
    Act.OPEN: _open,
    Act.CHOOSE: _choose,
    Act.PREVIEW: _preview,
    Act.DETAIL: _detail,
}
