"""What the browser sent is done here, in its order and each once, before the page runs.

Each message holds the boxes it was pressed on and the picture they belong to. One for a picture
that is not on the table any more changes nothing, and that is said; only what it chooses of the
queue is chosen, which is about no picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from components.app import permission
from components.app.access import Role
from components.review import claim, reviewer
from components.review.canvas import component
from components.review.canvas.message import Act, InvalidMessage, Message, parse
from components.review.desk import Desk, undisturbed
from components.review.review import Review
from engine.category import Category
from engine.errors import LetheError
from engine.plan import ReasonKind
from store.review.choice import Choice, Order

_LOOKS = {Act.CHOOSE, Act.PREVIEW, Act.DETAIL}
"""These leave a question open that was not answered yet."""


@permission.callback(Role.REVIEWER)
def receive() -> None:
    """Do what the browser sent and was not done yet."""
    if reviewer.current() is None:  # the page asks; what was sent waits in the browser
        return
    try:
        messages = parse(component.sent())
    except InvalidMessage as error:
        with undisturbed() as own:
            own.say(str(error))
        return
    with undisturbed() as own:
        for message in messages:
            _take(own, message)


def _take(own: Desk, message: Message) -> None:
    state = own.taken
    if message.mount != state.mount:
        state.mount, state.number = message.mount, 0
    if message.number <= state.number:
        return
    state.number, state.has = message.number, message.has
    if message.act not in _LOOKS:
        state.confirm = None
    if message.act is Act.CHOOSE:
        _choose(own, message.options)
    review = _shown(own, message)
    if review is not None:
        _act(own, review, message)
    elif message.act is not Act.CHOOSE:
        own.say("That was meant for a picture that is no longer shown, so nothing was changed.")


def _shown(own: Desk, message: Message) -> Review | None:
    """The picture on the table if the message is about that."""
    review = own.review
    if review is None or (message.picture, message.plan) != (review.claim.picture_id, review.plan):
        return None
    return review


def _act(own: Desk, review: Review, message: Message) -> None:
    try:
        if review.is_shown:
            review.take(message.boxes)
        _ACTS[message.act](own, review, message)
    except LetheError as error:
        own.say(str(error))
        own.clear()  # and shown again as it is in the store, or the next one


def _choose(own: Desk, options: Mapping[str, str]) -> None:
    """Options that are not known are as good as none: a batch may be gone meanwhile."""
    own.taken.is_queue_open = options.get("open") == "1"
    orders = {order.value: order for order in Order}
    kinds = {kind.value: kind for kind in ReasonKind}
    categories = {category.value: category for category in Category}
    own.choice = Choice(
        order=orders.get(options.get("order", ""), own.choice.order),
        batch_id=options.get("batch") or None,
        kind=kinds.get(options.get("kind", "")),
        category=categories.get(options.get("category", "")),
    )


def _save(own: Desk, review: Review, message: Message) -> None:
    """Its boxes are saved already, as those of every message are."""


def _accept(own: Desk, review: Review, message: Message) -> None:
    if not review.is_shown:
        own.say("Not accepted: nobody can see it. Skip the picture, or reject it.")
        return
    if not message.is_confirmed and (asked := review.extent.question):
        own.taken.confirm = (message.number, asked)
        return
    claim.accept(review)


def _reject(own: Desk, review: Review, message: Message) -> None:
    claim.reject(review)


def _skip(own: Desk, review: Review, message: Message) -> None:
    claim.skip(review)


def _reopen(own: Desk, review: Review, message: Message) -> None:
    claim.reopen(message.target)


def _open(own: Desk, review: Review, message: Message) -> None:
    claim.open_waiting(message.target)


def _preview(own: Desk, review: Review, message: Message) -> None:
    own.taken.preview = message.number


def _detail(own: Desk, review: Review, message: Message) -> None:
    if message.window is not None:
        own.taken.detail = (message.number, message.window)


_ACTS: dict[Act, Callable[[Desk, Review, Message], None]] = {
    Act.SAVE: _save,
    Act.ACCEPT: _accept,
    Act.REJECT: _reject,
    Act.SKIP: _skip,
    Act.REOPEN: _reopen,
    Act.OPEN: _open,
    Act.CHOOSE: _save,
    Act.PREVIEW: _preview,
    Act.DETAIL: _detail,
}
