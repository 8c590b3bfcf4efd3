"""Four eyes: what waits for a second person, and who that can be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.release.bundle import bundle
from engine.errors import InvalidPolicy
from engine.plan import ReviewDecision
from engine.policy import Policy, default_policy, read_policy
from store.accounts.actor import Actor, shell
from store.accounts.role import PEOPLE, Role
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.errors import NotAllowed
from store.policies import versions
from store.releases import approvals, receipts, revocations
from store.releases.revocations import Reason
from store.review import decisions, reviews
from store.worker.dispatcher import Dispatcher
from tests.store.fakes import ACTOR, ANY, NOW, FakeExecutor
from tests.store.runs import until

pytestmark = pytest.mark.slow

FOUR_EYES = "[review]\nfour_eyes = true\n"


def signed_in(name: str, *roles: Role) -> Actor:
    return Actor(name, f"{name}@example.org", frozenset(roles) or PEOPLE, "one", is_signed_in=True)


ANA, BO, CY = signed_in("ana"), signed_in("bo"), signed_in("cy")


def a_batch(database, *contents, policy=FOUR_EYES):
    batch = batches.create(ANA, database, Request("a batch", policy), NOW)
    incoming = [Incoming(f"{number}.jpg", one) for number, one in enumerate(contents)]
    intake.add(ANA, database, batch.id, incoming, NOW)
    batches.start(ANA, database, batch.id, NOW)
    worked(database)
    return batches.batch(ANA, database, batch.id)


def worked(database):
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(lambda: not left(database))
    dispatcher.stop()


def left(database):
    with database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute(
            "SELECT id FROM pictures WHERE state IN ('waiting', 'working', 'settled')"
        ).fetchall()


def decided_by(database, actor):
    """The one picture in review, decided."""
    case = reviews.claim(actor, database, actor.name, NOW)
    verdict = ReviewDecision.on(case.plan, case.plan.proposed, actor.name)
    decisions.settle(actor, database, case.picture_id, verdict, NOW)
    worked(database)


def handed_out(database, batch, actor=ANA):
    with bundle(actor, database, batch, NOW) as file:
        return file.read(2) == b"PK"


def waits(actor, database, batch):
    waiting = approvals.waiting(actor, database, batch.id)
    return waiting.releases, waiting.is_for_others


def yes(actor, database, batch):
    """To all that waits."""
    seen = approvals.waiting(ANA, database, batch.id).release_ids
    return approvals.approve(actor, database, batch.id, seen, NOW)


def test_nothing_is_handed_out_before_a_second_person_approved(database):
    batch = a_batch(database, b"r1", b"r2")
    assert waits(ANA, database, batch) == (2, True)
    assert waits(BO, database, batch) == (2, False)
    for actor in (ANA, BO):
        with pytest.raises(NotAllowed, match="before a second person approved"):
            handed_out(database, batch, actor)
    with pytest.raises(NotAllowed):
        receipts.handed_out(ANA, database, batch.id, ["00"] * 2, "00")

    assert yes(BO, database, batch) == 2

    assert approvals.waiting(ANA, database, batch.id).releases == 0
    assert handed_out(database, batch)
    assert recorded(database, "approve") == [("bo", batch.id, '{"releases":2}')]


def recorded(database, act):
    with database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute(
            "SELECT actor, subject, details FROM events WHERE act = ? ORDER BY number", [act]
        ).fetchall()


def test_whoever_started_the_batch_cannot_approve_it_and_that_is_recorded(database):
    batch = a_batch(database, b"r1")

    with pytest.raises(NotAllowed, match="another person's"):
        yes(replace(ANA, session="two"), database, batch)

    assert recorded(database, "approve") == [("ana", batch.id, '{"refused":"NotAllowed"}')]
    assert approvals.waiting(ANA, database, batch.id).releases == 1


def test_whoever_decided_a_picture_of_it_cannot_approve_it_either(database):
    batch = a_batch(database, b"v1")
    decided_by(database, BO)

    with pytest.raises(NotAllowed):
        yes(BO, database, batch)

    assert yes(CY, database, batch) == 1


def test_what_is_released_after_the_approval_waits_for_one_of_its_own(database):
    batch = a_batch(database, b"r1", b"v1")
    yes(CY, database, batch)
    assert handed_out(database, batch)

    decided_by(database, BO)

    with pytest.raises(NotAllowed):
        handed_out(database, batch)
    assert yes(CY, database, batch) == 1
    assert handed_out(database, batch)


def test_what_came_while_somebody_looked_was_not_looked_at(database):
    batch = a_batch(database, b"r1", b"v1")
    seen = approvals.waiting(CY, database, batch.id).release_ids
    decided_by(database, BO)

    assert approvals.approve(CY, database, batch.id, seen, NOW) == 1

    (left,) = approvals.waiting(CY, database, batch.id).release_ids
    assert left not in seen
    with pytest.raises(NotAllowed):
        handed_out(database, batch)


def test_what_was_revoked_waits_for_nobody(database):
    batch = a_batch(database, b"r1")
    (kept,) = receipts.newest(ANA, database, batch.id)

    revocations.revoke(BO, database, [kept.release_id], Reason.SHOWS, NOW)

    assert approvals.waiting(ANA, database, batch.id).releases == 0


def test_a_role_that_sees_no_releases_approves_none(database):
    batch = a_batch(database, b"r1")

    for role in (Role.REVIEWER, Role.AUDITOR):
        with pytest.raises(NotAllowed):
            yes(signed_in("dee", role), database, batch)


def test_without_four_eyes_nothing_waits(database):
    batch = a_batch(database, b"r1", policy="")

    assert waits(ANA, database, batch) == (0, False)
    assert handed_out(database, batch)


@pytest.mark.parametrize("actor", [ACTOR, shell(1000)], ids=["the local person", "the shell"])
def test_where_nobody_signs_in_it_can_neither_be_met_nor_switched_on(database, actor):
    with pytest.raises(InvalidPolicy, match="here nobody signs in"):
        batches.create(actor, database, Request("a batch", FOUR_EYES), NOW)
    version = versions.draft(
        ACTOR, database, Policy(review={"four_eyes": True}).to_toml(), "why", "ada", NOW
    )
    with pytest.raises(InvalidPolicy, match="Nothing was changed"):
        versions.activate(actor, database, version.number, "ada", NOW)

    assert batches.newest(ACTOR, database) == ()
    assert not database.files.policy.exists()

    batch = a_batch(database, b"r1")
    with pytest.raises(NotAllowed):
        yes(actor, database, batch)


def test_a_policy_without_it_is_as_before():
    assert read_policy("[review]\nfour_eyes = false").fingerprint == default_policy_fingerprint()
    assert read_policy(FOUR_EYES).fingerprint != default_policy_fingerprint()
    assert not default_policy().review.four_eyes


def default_policy_fingerprint():
    return read_policy("").fingerprint
