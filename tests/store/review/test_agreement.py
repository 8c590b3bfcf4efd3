"""How far two people agreed, from their second reviews."""

from datetime import timedelta

import pytest

from store.review import agreement, decisions
from tests.store.fakes import ACTOR, DRAWN, FACE, NOW, OVERLOOKED, object_to
from tests.store.review.test_second_review import HULL, TATTOO, WIDER, decide, in_review


def test_agreement_is_told_by_pair_whoever_came_first(database):
    first, second, third, fourth = in_review(database, b"1", b"2", b"3", b"4")
    decide(database, first, "bo", FACE)
    decide(database, first, "ada", WIDER, DRAWN)
    decide(database, second, "ada", FACE, by=decisions.reject)
    decide(database, second, "bo", FACE)
    decide(database, third, "ada", FACE)
    decide(database, third, "cy", FACE)
    decide(database, fourth, "ada", FACE)

    pairs = agreement.by_pair(ACTOR, database, NOW)

    assert [pair.reviewers for pair in pairs] == [("ada", "bo"), ("ada", "cy")]
    one = pairs[0].agreement
    assert (one.same_decision.found, one.same_decision.total) == (1, 2)
    assert (one.same_boxes.found, one.same_boxes.total) == (0, 1)
    assert (one.boxes.matched, one.boxes.only_first, one.boxes.only_second) == (1, 1, 0)
    assert one.boxes.mean_iou == pytest.approx(20 / 24)
    everybody = agreement.total(pairs)
    assert (everybody.same_decision.found, everybody.same_decision.total) == (2, 3)
    assert everybody.boxes.dice == pytest.approx(4 / 5)


def test_pictures_that_were_decided_before_flatter_nobody(database):
    (picture,) = in_review(database, b"v")
    decide(database, picture, "ada", FACE)
    decide(database, picture, "bo", WIDER)
    object_to(database, OVERLOOKED)
    decide(database, picture, "ada", HULL, OVERLOOKED)
    decide(database, picture, "bo", HULL, OVERLOOKED)

    (pair,) = agreement.by_pair(ACTOR, database, NOW)

    assert pair.agreement.same_decision.total == 1


def test_what_was_taken_back_and_what_is_long_ago_does_not_count(database):
    (picture,) = in_review(database, b"v")
    decide(database, picture, "ada", FACE)
    decide(database, picture, "bo", TATTOO)

    assert len(agreement.by_pair(ACTOR, database, NOW)) == 1
    assert agreement.by_pair(ACTOR, database, NOW + timedelta(days=31)) == ()
    decisions.reopen_last(ACTOR, database, "ada", NOW)
    assert agreement.by_pair(ACTOR, database, NOW) == ()
