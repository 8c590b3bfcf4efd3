"""A reviewer's way through the queue: which picture is on the table, and what was decided.

`components.review.page` is what happens to one picture; this is what happens between pictures.
"""

from __future__ import annotations

from functools import partial

from components.app import session
from components.app.services import database, now, originals_cache
from components.app.session import actor
from components.review import reviewer
from components.review.draft import Draft, first_draft
from components.review.page import Review
from engine.errors import StaleRevision
from engine.plan import ReviewDecision
from store.accounts.act import Act
from store.batches import batches, originals
from store.review import decisions, reviews
from store.review.choice import Choice
from store.review.claims import Claim


def current() -> Review | None:
    """The picture this reviewer has on the table; claims the next one when there is none."""
    review = _still_ours(session.kept("review", lambda: None))
    if review is None:
        case = reviews.claim(actor(), database(), reviewer.name(), now(), choice=choice())
        if case is None and not choice().is_all:
            case = reviews.claim(actor(), database(), reviewer.name(), now())
            if case is not None:
                choose(Choice(choice().order))
                say("Nothing else waits in that part of the queue; all of it comes again.")
        review = None if case is None else _opened(case)
        session.keep("review", review)
    return review


def choice() -> Choice:
    """Which part of the queue this session works on, in which order."""
    return session.kept("review_choice", Choice)


def choose(chosen: Choice) -> None:
    """Work on this part of the queue from the next picture on."""
    session.keep("review_choice", chosen)


def say(sentence: str) -> None:
    """Have the page say something once."""
    count, _ = session.kept("review_said", lambda: (0, ""))
    session.keep("review_said", (count + 1, sentence))


def accept(review: Review) -> None:
    """Settle: exactly what is kept will be removed.

    Raises:
        StaleRevision: somebody else decided or has the picture; the draft is kept.
    """
    decisions.settle(actor(), database(), review.case.picture_id, _decision(review), now())
    review.close()


def reject(review: Review) -> None:
    """Hold the picture back for good.

    Raises:
        StaleRevision: somebody else decided or has the picture.
    """
    decisions.reject(actor(), database(), review.case.picture_id, _decision(review), now())
    review.close()


def skip(review: Review) -> None:
    """Leave the picture for later, or for somebody else; its draft stays."""
    reviews.skip(actor(), database(), review.case.picture_id, reviewer.name(), now())
    review.close()


def open_waiting(review: Review, picture_id: str) -> None:
    """Put another waiting picture on the table; the draft of this one stays.

    Raises:
        StaleRevision: somebody else has it, or it waits no longer.
    """
    case = reviews.claim_picture(actor(), database(), picture_id, reviewer.name(), now())
    review.close()
    session.keep("review", _opened(case))


def reopen(review: Review | None, picture_id: str) -> None:
    """Take the last decision back, which was on this picture, and put it on the table.

    Raises:
        StaleRevision: the picture is being worked on this very moment, or another was decided.
    """
    reopened = decisions.reopen_last(
        actor(), database(), reviewer.name(), now(), picture_id=picture_id
    )
    if reopened is None:
        say("There is nothing to take back: it was more than an hour ago, or was taken back.")
        return
    if review is not None:
        review.close()
    session.keep("review", _opened(reopened.case))
    if reopened.withdrawn:
        say("Brought the picture back. Its release was withdrawn; recall any copies.")
    else:
        say("Brought the picture back.")


def prefetch_next(review: Review) -> None:
    """Have the picture that comes next decoded while this one is looked at."""
    case = review.case
    following = reviews.peek(
        actor(), database(), reviewer.name(), now(), after=case.picture_id, choice=choice()
    )
    if following is not None:
        limit = review.policy.codec.max_megapixels
        read = partial(
            originals.content, actor(), database(), following.picture_id, act=Act.PREPARE_ORIGINAL
        )
        originals_cache().prefetch(following.picture_id, read, limit)


def _still_ours(review: Review | None) -> Review | None:
    """The review with its claim renewed; None, and said so, when the picture passed on."""
    if review is None:
        return None
    try:
        reviews.renew(actor(), database(), review.case.picture_id, reviewer.name(), now())
    except StaleRevision as error:
        say(str(error))
        review.close()
        return None
    return review


def _opened(case: Claim) -> Review:
    policy = batches.policy_of(actor(), database(), case.batch_id)
    draft = first_draft(case.plan)
    if case.draft is not None:
        state = case.draft.state
        draft = Draft.from_json(state) if "items" in state else draft.redrawn(case.draft.regions)
    opening = session.kept("review_openings", lambda: 0) + 1
    session.keep("review_openings", opening)
    return Review(case, policy, draft, case.plan.digest, opening)


def _decision(review: Review) -> ReviewDecision:
    return ReviewDecision.on(review.case.plan, review.draft.kept, reviewer.name())
