"""A reviewer works on the part of the queue they chose, in the order they chose."""

from __future__ import annotations

import pytest

from engine.category import Category
from engine.errors import StaleRevision
from engine.plan import Reason, ReasonKind
from store.review import decisions, queue, reviews
from store.review.choice import ALL, Choice, Order
from tests.store.fakes import ACTOR, NOW, plan, verdict_on
from tests.store.review.test_reviews import in_review

BLIND = plan(score=0.2, reasons=(Reason(ReasonKind.NOTHING_FOUND),))


def ids(database, **chosen):
    return [
        entry.picture_id for entry in queue.entries(ACTOR, database, NOW, choice=Choice(**chosen))
    ]


def test_pictures_come_in_the_order_that_was_chosen(database):
    low, high, middle = in_review(database, plan(score=0.2), plan(score=0.8), plan(score=0.5))

    assert ids(database) == [high, middle, low]
    assert ids(database, order=Order.SUREST) == [low, middle, high]
    assert ids(database, order=Order.UPLOADED) == [low, high, middle]
    for order, first in ((Order.RISK, high), (Order.SUREST, low), (Order.UPLOADED, low)):
        assert reviews.peek(ACTOR, database, "ada", NOW, choice=Choice(order)).picture_id == first


def test_a_queue_is_narrowed_by_batch_reason_and_category(database):
    (one,) = in_review(database, plan(score=0.9))
    (blind,) = in_review(database, BLIND)
    batch = reviews.peek(ACTOR, database, "ada", NOW, after=one).batch_id

    assert ids(database, batch_id=batch) == [blind]
    assert ids(database, batch_id="none") == []
    assert ids(database, kind=ReasonKind.NOTHING_FOUND) == [blind]
    assert ids(database, kind=ReasonKind.RESIDUAL) == []
    assert set(ids(database, category=Category.TATTOO)) == {one, blind}
    assert ids(database, category=Category.OTHER) == []
    narrowed = Choice(kind=ReasonKind.NOTHING_FOUND)
    assert reviews.claim(ACTOR, database, "ada", NOW, choice=narrowed).picture_id == blind
    assert reviews.peek(ACTOR, database, "ada", NOW, after=blind, choice=narrowed) is None


def test_ones_own_picture_is_kept_when_the_choice_changes(database):
    high, _ = in_review(database, plan(score=0.8), BLIND)
    reviews.claim(ACTOR, database, "ada", NOW, choice=Choice(Order.UPLOADED))

    case = reviews.claim(ACTOR, database, "ada", NOW, choice=Choice(kind=ReasonKind.RESIDUAL))

    assert case.picture_id == high


def test_the_queue_says_what_it_can_be_narrowed_to(database):
    in_review(database, plan(score=0.8), BLIND)
    in_review(database, plan(score=0.1))

    facets = queue.facets(ACTOR, database)

    assert [count for _, _, count in facets.batches] == [2, 1]
    assert dict(facets.kinds)[ReasonKind.NOTHING_FOUND] == 1
    assert dict(facets.categories)[Category.TATTOO] == 3
    assert ALL.is_all
    assert not Choice(category=Category.FACE).is_all


def test_the_last_verdict_is_named_before_it_is_taken_back(database):
    first, second = in_review(database, plan(), plan())
    assert decisions.last(ACTOR, database, "ada", NOW) is None
    decisions.settle(ACTOR, database, first, verdict_on(database, first, (), "ada", 0), NOW)
    decisions.reject(ACTOR, database, second, verdict_on(database, second, (), "ada", 0), NOW)

    last = decisions.last(ACTOR, database, "ada", NOW)

    assert (last.picture_id, last.is_rejection, last.is_released) == (second, True, False)
    assert decisions.last(ACTOR, database, "bo", NOW) is None
    with pytest.raises(StaleRevision, match="another picture meanwhile"):
        decisions.reopen_last(ACTOR, database, "ada", NOW, picture_id=first)
    reopened = decisions.reopen_last(ACTOR, database, "ada", NOW, picture_id=second)
    assert reopened.claim.picture_id == second
    assert decisions.last(ACTOR, database, "ada", NOW).picture_id == first
