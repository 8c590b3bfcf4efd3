"""Who sees an original: whoever brought it, whoever has claimed it, and admins; nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.accounts.role import Role
from store.batches import batches, intake, originals
from store.batches.intake import Incoming
from store.database import Database
from store.errors import NotAllowed, SessionExpired
from store.review import reviews
from tests.store.fakes import ACTOR, ANY, NOW

ANA = Actor("ana-id", "ana", frozenset({Role.ANALYST}), is_signed_in=True)
EVE = Actor("eve-id", "eve", frozenset({Role.ANALYST}), is_signed_in=True)
BO = Actor("bo-id", "bo", frozenset({Role.REVIEWER}), is_signed_in=True)
CY = Actor("cy-id", "cy", frozenset({Role.REVIEWER}), is_signed_in=True)
DI = Actor("di-id", "di", frozenset({Role.ADMIN}), is_signed_in=True)


@pytest.fixture
def moments():
    return [NOW]


@pytest.fixture
def database(tmp_path, moments):
    opened = Database.open(tmp_path / "home", NOW, clock=lambda: moments[-1])
    yield opened
    opened.close()


@pytest.fixture
def picture_id(database):
    """Ana's, in review and claimed by Bo."""
    batch = batches.create(ANA, database, batches.Request("a batch", ""), NOW)
    intake.add(ANA, database, batch.id, [Incoming("a.png", b"pixels")], NOW)
    with database.transaction(ACTOR, ANY) as cursor:
        ((one,),) = cursor.execute("SELECT id FROM pictures").fetchall()
        cursor.execute(
            """
            UPDATE pictures
            SET state = 'review', claimed_by = 'bo', claimed_at = ?, claimed_until = ?
            """,
            [NOW.replace(tzinfo=None), (NOW + timedelta(hours=1)).replace(tzinfo=None)],
        )
    return str(one)


def last_event(database):
    with database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute(
            "SELECT actor, act, subject, details FROM events ORDER BY number DESC LIMIT 1"
        ).fetchone()


@pytest.mark.parametrize("actor", [ANA, BO, DI], ids=lambda one: one.name)
def test_the_owner_the_claimant_and_an_admin_see_it_and_that_is_recorded(
    database, picture_id, actor
):
    assert originals.is_open_to(actor, database, picture_id)
    assert originals.content(actor, database, picture_id) == b"pixels"
    assert last_event(database) == (actor.id, "view_original", picture_id, "{}")


@pytest.mark.parametrize("actor", [EVE, CY], ids=lambda one: one.name)
def test_nobody_else_does_whatever_their_role_and_that_is_recorded(database, picture_id, actor):
    assert not originals.is_open_to(actor, database, picture_id)
    with pytest.raises(NotAllowed, match="whoever brought them"):
        originals.content(actor, database, picture_id)
    assert last_event(database) == (
        actor.id,
        "view_original",
        picture_id,
        '{"refused":"NotAllowed"}',
    )


def test_a_claim_that_ran_out_shows_nothing_more(database, picture_id, moments):
    moments.append(NOW + timedelta(hours=2))

    with pytest.raises(NotAllowed):
        originals.content(BO, database, picture_id)
    assert originals.content(ANA, database, picture_id) == b"pixels"


def test_nobody_claims_in_anothers_name_and_that_is_recorded(database, picture_id):
    for act in (
        lambda: reviews.claim(CY, database, "bo", NOW),
        lambda: reviews.claim_picture(CY, database, picture_id, "bo", NOW),
        lambda: reviews.renew(CY, database, picture_id, "bo", NOW),
        lambda: reviews.skip(CY, database, picture_id, "bo", NOW),
    ):
        with pytest.raises(NotAllowed, match="signed in as cy"):
            act()
        assert last_event(database)[3] == '{"refused":"NotAllowed"}'


def test_a_refusal_inside_a_transaction_undoes_it_and_is_recorded(database, picture_id):
    def act():
        with database.transaction(BO, Act.SKIP, "x") as cursor:
            cursor.execute("DELETE FROM pictures")
            raise SessionExpired("over")

    with pytest.raises(SessionExpired):
        act()

    assert last_event(database) == (BO.id, "skip", "x", '{"refused":"SessionExpired"}')
    with database.transaction(ACTOR, ANY) as cursor:
        assert cursor.execute("SELECT count(*) FROM pictures").fetchone() == (1,)
