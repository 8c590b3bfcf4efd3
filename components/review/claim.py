"""A reviewer's way through the queue: which picture is on the table, and what was decided.

`components.review.review` is what happens to one picture; this is what happens between pictures.
"""

from __future__ import annotations

from functools import partial

from components.app.services import database, now, originals_cache
from components.app.session import actor
from components.review import reviewer
from components.review.desk import Desk, desk, undisturbed
from components.review.draft import Draft, first_draft
from components.review.review import Review
from engine.errors import StaleRevision
from engine.plan import ReviewDecision
from store.accounts.act import Act
from store.batches import batches, originals
from store.review import decisions, reviews
from store.review.choice import Choice
from store.review.claims import Claim


def current() -> Review | None:
    """The picture this reviewer has on the table; claims the next one when there is none."""
    with undisturbed() as own:
        _give_up_what_passed_on(own)
        if own.review is None:
            claim = reviews.claim(actor(), database(), reviewer.name(), now(), choice=own.choice)
            if claim is None and not own.choice.is_all:
                claim = reviews.claim(actor(), database(), reviewer.name(), now())
                if claim is not None:
                    own.choice = Choice(own.choice.order)
                    own.say("Nothing else waits in that part of the queue; all of it comes again.")
            if claim is not None:
                _open(own, claim)
        return own.review


def accept(review: Review) -> None:
    """Settle: exactly what is kept will be removed.

    Raises:
        StaleRevision: somebody else decided or has the picture; the draft is kept.
    """
    decisions.settle(actor(), database(), review.claim.picture_id, _decision(review), now())
    _leave(review, "Accepted {}. U takes it back.")


def reject(review: Review) -> None:
    """Hold the picture back for good.

    Raises:
        StaleRevision: somebody else decided or has the picture.
    """
    decisions.reject(actor(), database(), review.claim.picture_id, _decision(review), now())
    _leave(review, "Rejected {}. U takes it back.")


def skip(review: Review) -> None:
    """Leave the picture for later, or for somebody else; its draft stays."""
    reviews.skip(actor(), database(), review.claim.picture_id, reviewer.name(), now())
    _leave(review, "Skipped {}; it comes again after the others.")


def open_waiting(picture_id: str) -> None:
    """Put another waiting picture on the table; the draft of this one stays.

    Raises:
        StaleRevision: somebody else has it, or it waits no longer.
    """
    claim = reviews.claim_picture(actor(), database(), picture_id, reviewer.name(), now())
    own = desk()
    _open(own, claim)
    own.say("")  # what was said before was about the picture that was left


def reopen(picture_id: str) -> None:
    """Take the last decision back, which was on this picture, and put it on the table.

    Raises:
        StaleRevision: the picture is being worked on this very moment, or another was decided.
    """
    own = desk()
    reopened = decisions.reopen_last(
        actor(), database(), reviewer.name(), now(), picture_id=picture_id
    )
    if reopened is None:
        own.say("There is nothing to take back: it was more than an hour ago, or was taken back.")
        return
    _open(own, reopened.claim)
    if reopened.withdrawn:
        own.say("Brought the picture back. Its release was withdrawn; recall any copies.")
    else:
        own.say("Brought the picture back.")


def prefetch_next(review: Review) -> None:
    """Have the picture that comes next decoded while this one is looked at."""
    claim = review.claim
    following = reviews.peek(
        actor(), database(), reviewer.name(), now(), after=claim.picture_id, choice=desk().choice
    )
    if following is not None:
        limit = review.policy.codec.max_megapixels
        read = partial(
            originals.content, actor(), database(), following.picture_id, act=Act.PREPARE_ORIGINAL
        )
        originals_cache().prefetch(following.picture_id, read, limit)


def _leave(review: Review, sentence: str) -> None:
    """Clear the table, and say so of the picture: what was said before is over with it."""
    own = desk()
    own.clear()
    own.say(sentence.format(review.claim.source))


def _give_up_what_passed_on(own: Desk) -> None:
    """Renew the claim on what is on the table; clear that, and say so, where it passed on."""
    if own.review is None:
        return
    try:
        reviews.renew(actor(), database(), own.review.claim.picture_id, reviewer.name(), now())
    except StaleRevision as error:
        own.say(str(error))
        own.clear()


def _open(own: Desk, claim: Claim) -> None:
    """Put a picture on the table, in place of what is there."""
    own.clear()
    policy = batches.policy_of(actor(), database(), claim.batch_id)
    draft = first_draft(claim.plan)
    if claim.draft is not None:
        state = claim.draft.state
        draft = Draft.from_json(state) if "items" in state else draft.redrawn(claim.draft.regions)
    own.openings += 1
    own.review = Review(claim, policy, draft, claim.plan.digest, own.openings)


def _decision(review: Review) -> ReviewDecision:
    return ReviewDecision.on(review.claim.plan, review.draft.kept, reviewer.name())
