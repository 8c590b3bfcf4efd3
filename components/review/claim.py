"""A reviewer's way through the queue: which picture is on the table, and what was decided.

`components.review.page` is what happens to one picture; this is what happens between pictures.
"""

from __future__ import annotations

from functools import partial

from components.app import session
from components.app.services import database, now, originals_cache
from components.review.draft import Draft, first_draft
from components.review.page import Review
from engine.errors import StaleRevision
from engine.plan import ReviewDecision
from store.batches import batches, originals
from store.review import decisions, reviews
from store.review.claims import Claim


def current() -> Review | None:
    """The picture this reviewer has on the table; claims the next one when there is none."""
    review: Review | None = session.kept("review", lambda: None)
    if review is not None:
        review.do_what_is_due()
        review = _still_ours(session.kept("review", lambda: None))
    if review is None:
        case = reviews.claim(database(), session.user().name, now())
        review = None if case is None else _opened(case)
        session.keep("review", review)
    return review


def _still_ours(review: Review | None) -> Review | None:
    """The review with its claim renewed; None, and said so, when the picture passed on."""
    if review is None:
        return None
    try:
        reviews.renew(database(), review.case.picture_id, session.user().name, now())
    except StaleRevision as error:
        session.keep("review_said", str(error))
        review.close()
        return None
    return review


def accept(review: Review) -> None:
    """Settle: exactly what is kept will be removed.

    Raises:
        StaleRevision: somebody else decided or has the picture; the draft is kept.
    """
    _refuse_if_edited_elsewhere(review)
    decisions.settle(database(), review.case.picture_id, _verdict(review), now())
    review.close()


def reject(review: Review) -> None:
    """Hold the picture back for good.

    Raises:
        StaleRevision: somebody else decided or has the picture.
    """
    decisions.reject(database(), review.case.picture_id, _verdict(review), now())
    review.close()


def skip(review: Review) -> None:
    """Leave the picture for later, or for somebody else; its draft stays."""
    reviews.skip(database(), review.case.picture_id, session.user().name, now())
    review.close()


def undo(review: Review | None) -> str:
    """Take back the last edit, or else the last verdict; says what happened.

    Raises:
        StaleRevision: the picture is being worked on this very moment.
    """
    if review is not None and review.can_undo:
        review.undo_edit()
        return "Took back the last edit."
    name = session.user().name
    if review is not None:
        reviews.release_claim(database(), review.case.picture_id, name)
    reopened = decisions.reopen_last(database(), name, now())
    if reopened is None:
        return "There is nothing to undo."
    if review is not None:
        review.close()
    session.keep("review", _opened(reopened.case))
    if reopened.withdrawn:
        return "Brought the last picture back. Its release was withdrawn; recall any copies."
    return "Brought the last picture back."


def prefetch_next(review: Review) -> None:
    """Have the picture that comes next decoded while this one is looked at."""
    name, case = session.user().name, review.case
    following = reviews.peek(database(), name, now(), after=case.picture_id)
    if following is not None:
        limit = review.policy.codec.max_megapixels
        read = partial(originals.content, database(), following.picture_id)
        originals_cache().prefetch(following.picture_id, read, limit)


def _refuse_if_edited_elsewhere(review: Review) -> None:
    """The same person may have the picture in two windows; the newer draft must not be lost."""
    held = reviews.claim(database(), session.user().name, now())
    if held is None or held.picture_id != review.case.picture_id or held.draft is None:
        return
    kept = [region.to_json() for region in review.draft.kept]
    if [region.to_json() for region in held.draft.regions] != kept:
        raise StaleRevision(
            "You edited this picture in another window meanwhile; it is shown as it is there. "
            "Look again, then accept."
        )


def _opened(case: Claim) -> Review:
    policy = batches.policy_of(database(), case.batch_id)
    draft = first_draft(case.plan)
    if case.draft is not None:
        state = case.draft.state
        draft = Draft.from_json(state) if "items" in state else draft.redrawn(case.draft.regions)
    return Review(case, policy, draft, _mounted=draft)


def _verdict(review: Review) -> ReviewDecision:
    return ReviewDecision.on(review.case.plan, review.draft.kept, session.user().name)
