"""The end of a picture: what goes, what stays, and what a kill at any step leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from components.release.bundle import public_line
from engine.errors import StaleRevision, UnreadableImage
from engine.runs.jobs import NeedsReview
from engine.runs.licences import Entry
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.accounts.role import Role
from store.audit.records import timeline
from store.audit.state import verify_now
from store.batches import batches, originals, pictures
from store.database import Database
from store.errors import NotAllowed, UnknownRecord
from store.releases import certificates, receipts
from store.retention.holding import EVERYTHING, Cause, Holding
from store.retention.names import NO_NAME
from store.retention.shredding import shred
from store.review import decisions, queue, reviews
from store.vault.shredding import is_shredded
from store.vault.source import SealedSource
from store.worker import retry, tasks
from tests.store.fakes import ACTOR, ANY, NOW, plan, released, verdict_on
from tests.store.retention.conftest import Settled, make

pytestmark = pytest.mark.slow

UNDONE = ["waiting", "working", "review", "settled"]
DAY = timedelta(days=1)
KILL = """
import os, sys
from importlib import import_module
from pathlib import Path

from store.database import Database
from store.retention.shredding import shred
from tests.store.fakes import ACTOR, NOW

home, picture_id, module, name, when = sys.argv[1:]
database = Database.open(Path(home), NOW)
owner = import_module(module)
real = getattr(owner, name)

def killed(*arguments, **named):
    if when == "after":
        real(*arguments, **named)
    os._exit(9)

setattr(owner, name, killed)
shred(ACTOR, database, picture_id, NOW)
"""
STEPS = [
    ("store.retention.steps", "destroy_keys", "before"),
    ("store.vault.keyring", "shred", "after"),
    ("store.retention.steps", "_end_file", "before"),
    ("store.retention.steps", "_end_file", "after"),
    ("store.retention.steps", "end", "before"),
    ("store.retention.names", "end_name", "after"),
]


def after(database, picture):
    return pictures.picture(ACTOR, database, picture.id)


def keys(database, picture):
    return list(database.files.home.glob(f"keyring/*/{picture.id}.key*"))


def files_of(database, picture):
    """Every file below the home that the picture's original or release has."""
    paths = list(database.files.home.rglob(f"*{picture.id}*"))
    return paths + list(database.files.releases.iterdir())


def told(database, picture):
    steps = timeline(ACTOR, database, picture.id).steps
    return [(one.act, dict(one.details)) for one in steps if "shred" in one.act]


def rows(database, table, picture):
    with database.transaction(ACTOR, ANY) as cursor:
        return cursor.table(table).filter(f"picture_id = '{picture.id}'").fetchall()


def test_a_picture_ends_with_key_files_name_release_and_review_records(database, in_state):
    picture = in_state("released")
    assert keys(database, picture)

    assert shred(ACTOR, database, picture.id, NOW)

    assert files_of(database, picture) == []
    ended = after(database, picture)
    assert (ended.source, ended.licence, ended.release_id) == (NO_NAME, None, None)
    assert ended.original_ended_at == ended.release_ended_at == NOW
    assert batches.batch(ACTOR, database, picture.batch_id).name == NO_NAME
    for table in ("verdicts", "plans", "drafts", "skips", "second_reviews"):
        assert rows(database, table, picture) == []
    assert receipts.receipt(ACTOR, database, picture.release_id).receipt == {}


def test_the_trail_says_that_it_will_and_that_it_did_and_stays_whole(database, in_state):
    picture = in_state("released")

    shred(ACTOR, database, picture.id, NOW, cause=Cause.DEADLINE)

    what = {"what": "name original preview release review", "cause": "deadline"}
    assert told(database, picture) == [("will_shred", what), ("shredded", what | {"verdicts": "1"})]
    assert verify_now(ACTOR, database).problems == ()


def test_a_decision_that_was_destroyed_and_is_put_back_is_found(database, in_state):
    picture = in_state("released")
    ((*row,),) = rows(database, "verdicts", picture)
    shred(ACTOR, database, picture.id, NOW)

    with database.transaction(ACTOR, ANY) as cursor:
        cursor.table("verdicts").insert(row)

    assert "put back" in " ".join(verify_now(ACTOR, database).problems)


def test_another_end_of_the_same_is_harmless_and_no_event(database, in_state):
    picture = in_state("released")
    shred(ACTOR, database, picture.id, NOW)

    assert not shred(ACTOR, database, picture.id, NOW + DAY)

    assert len(told(database, picture)) == 2
    assert after(database, picture).original_ended_at == NOW


def test_more_may_end_later(database, in_state):
    picture = in_state("released")
    shred(ACTOR, database, picture.id, NOW, holdings={Holding.ORIGINAL})

    assert shred(ACTOR, database, picture.id, NOW + DAY)

    assert told(database, picture)[2][1]["what"] == "release review"
    assert after(database, picture).release_ended_at == NOW + DAY


def test_a_release_stays_usable_when_its_original_ends(database, in_state):
    picture = in_state("released")
    receipt = receipts.receipt(ACTOR, database, picture.release_id)
    content, signed = receipt.path.read_bytes(), certificate(database, picture)

    shred(ACTOR, database, picture.id, NOW, holdings={Holding.ORIGINAL})

    ended = after(database, picture)
    assert (ended.state, ended.release_id) == ("released", picture.release_id)
    assert ended.original_ended_at == NOW
    assert ended.release_ended_at is None
    assert receipt.path.read_bytes() == content
    assert certificate(database, picture) == signed
    assert rows(database, "verdicts", picture)


def certificate(database, picture):
    return certificates.of_release(ACTOR, database, picture.release_id)


@pytest.mark.parametrize("state", UNDONE)
@pytest.mark.parametrize(
    ("cause", "reason"),
    [(Cause.DEADLINE, "Its time was over."), (Cause.REQUEST, "It was deleted on request.")],
)
def test_a_picture_without_an_outcome_is_held_back(database, in_state, state, cause, reason):
    picture = in_state(state)

    shred(ACTOR, database, picture.id, NOW, holdings={Holding.ORIGINAL}, cause=cause)

    ended = after(database, picture)
    assert (ended.state, ended.reason) == ("quarantined", reason)
    assert tasks.take(ACTOR, database, NOW) is None
    assert queue.entries(ACTOR, database, NOW) == ()
    assert reviews.claim(ACTOR, database, "ada", NOW) is None
    assert retry.held_back(ACTOR, database, picture.batch_id) == 0


def test_what_the_machine_was_at_comes_too_late_and_leaves_no_file(database, in_state):
    picture = in_state("working")
    shred(ACTOR, database, picture.id, NOW)

    is_kept = tasks.record(ACTOR, database, released(Settled(picture.id)), NOW)

    assert not is_kept
    assert files_of(database, picture) == []


def test_what_only_a_preview_was_needed_for_ends_with_it(database, in_state):
    working, review = in_state("working"), in_state("review")

    for one in (working, review):
        shred(ACTOR, database, one.id, NOW, holdings={Holding.PREVIEW})

    assert after(database, working).state == "working"
    assert after(database, review).state == "quarantined"
    assert originals.content(ACTOR, database, working.id, act=Act.WORK) == b"an original"
    with pytest.raises(UnreadableImage, match="nobody sees this original"):
        originals.content(ACTOR, database, working.id)


def test_a_doubt_of_what_nobody_may_see_any_more_holds_the_picture_back(database, in_state):
    picture = in_state("working")
    shred(ACTOR, database, picture.id, NOW, holdings={Holding.PREVIEW}, cause=Cause.DEADLINE)

    tasks.record(ACTOR, database, NeedsReview(picture.id, plan(picture.id)), NOW)

    assert after(database, picture).reason == "Its time was over."


@pytest.mark.parametrize("act", [Act.VIEW_ORIGINAL, Act.PREPARE_ORIGINAL, Act.WORK])
def test_nobody_gets_the_original_from_the_moment_that_it_is_to_end(
    database, in_state, monkeypatch, act
):
    picture = in_state("review")
    seen = []

    def look(*_):
        with pytest.raises(UnreadableImage, match="destroyed on 2026-11-22"):
            originals.content(ACTOR, database, picture.id, act=act)
        seen.append(act)

    monkeypatch.setattr("store.retention.steps.destroy_keys", look)
    shred(ACTOR, database, picture.id, NOW)
    look()

    assert seen == [act, act]


def test_an_original_that_ends_while_it_is_read_is_not_given(database, in_state, monkeypatch):
    picture, real = in_state("review"), SealedSource.read

    def read(source):
        content = real(source)
        shred(ACTOR, database, picture.id, NOW)
        return content

    monkeypatch.setattr(SealedSource, "read", read)

    with pytest.raises(UnreadableImage, match="destroyed on"):
        originals.content(ACTOR, database, picture.id)


def test_caches_are_told_once_no_key_opens_it_and_one_that_fails_keeps_none_from_it(
    database, in_state
):
    picture, told_of = in_state("review"), []

    def broken(_):
        raise RuntimeError

    database.forgetting.add(broken)
    database.forgetting.add(lambda one: told_of.append((one, keys(database, picture))))

    shred(ACTOR, database, picture.id, NOW)

    assert told_of == [(picture.id, [])]


@pytest.mark.parametrize("state", ["released", "quarantined"])
@pytest.mark.parametrize("holding", [Holding.ORIGINAL, Holding.PREVIEW])
def test_what_was_decided_by_an_original_that_ended_cannot_be_undone(
    database, in_state, state, holding
):
    picture = in_state(state)
    shred(ACTOR, database, picture.id, NOW, holdings={holding})

    with pytest.raises(StaleRevision, match="was destroyed"):
        decisions.reopen_last(ACTOR, database, "ada", NOW)

    assert after(database, picture).state == state


def test_a_decision_on_what_ended_is_refused_and_not_kept(database, in_state):
    picture = in_state("review")
    decision = verdict_on(database, picture.id, (), "ada", 0)
    shred(ACTOR, database, picture.id, NOW)

    with pytest.raises(StaleRevision, match="time of this picture was over"):
        decisions.settle(ACTOR, database, picture.id, decision, NOW)

    assert rows(database, "verdicts", picture) == []


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS, ids=[f"{when} {name}" for _, name, when in STEPS])
def test_a_kill_at_any_step_is_made_good_by_the_next_start(home, step):
    database = Database.open(home, NOW)
    picture, other = make(database, "released"), make(database, "review", b"another")
    database.close()

    words = [sys.executable, "-c", KILL, str(home), picture.id, *step]
    assert subprocess.run(words, check=False).returncode == 9

    database = Database.open(home, NOW + DAY)
    ended = after(database, picture)
    assert (ended.source, ended.release_id) == (NO_NAME, None)
    assert [path for path in files_of(database, picture) if path.parent.name == "releases"] == []
    assert keys(database, picture) == []
    assert not database.files.original(picture.id).exists()
    assert [act for act, _ in told(database, picture)] == ["will_shred", "shredded"]
    assert not shred(ACTOR, database, picture.id, NOW)
    assert originals.content(ACTOR, database, other.id) == b"another"
    assert verify_now(ACTOR, database).problems == ()
    database.close()


def test_what_the_disk_does_not_take_at_the_start_waits_for_the_next(home, monkeypatch):
    database = Database.open(home, NOW)
    picture = make(database, "review")
    with monkeypatch.context() as full:
        full.setattr("store.retention.steps.remove_files", refuse)
        with pytest.raises(OSError, match="full"):
            shred(ACTOR, database, picture.id, NOW)
        database.close()
        database = Database.open(home, NOW)
        assert [act for act, _ in told(database, picture)] == ["will_shred"]
        database.close()

    database = Database.open(home, NOW)

    assert files_of(database, picture) == []
    assert [act for act, _ in told(database, picture)] == ["will_shred", "shredded"]
    database.close()


def refuse(*_):
    raise OSError(28, "full")


def test_a_file_of_what_ended_that_is_put_back_goes_at_the_next_start(home):
    database = Database.open(home, NOW)
    picture = make(database, "released")
    shred(ACTOR, database, picture.id, NOW)
    database.files.original(picture.id).write_bytes(b"from a copy")
    database.close()

    database = Database.open(home, NOW)

    assert files_of(database, picture) == []
    database.close()


def test_a_plain_original_is_overwritten_before_it_goes(database, in_state, monkeypatch):
    picture = in_state("review")
    path = database.files.original(picture.id)
    path.write_bytes(b"from before there was a vault")
    linked = path.with_name("f" * 32)
    linked.hardlink_to(path)

    shred(ACTOR, database, picture.id, NOW)

    assert is_shredded(linked.read_bytes())


def test_every_key_of_the_picture_ends(database, in_state):
    """One that was killed between its start and the end of what waited has two."""
    picture = in_state("review")
    waiting = "a" * 32
    database.vault.add_batch(waiting)
    database.vault.share(picture.id, picture.batch_id, waiting)

    shred(ACTOR, database, picture.id, NOW)

    assert database.vault.holders(picture.id) == frozenset()


def test_an_unknown_picture_is_said(database):
    with pytest.raises(UnknownRecord, match="no picture"):
        shred(ACTOR, database, "0" * 32, NOW)


def test_reviewers_may_not(database, in_state):
    picture = in_state("review")

    with pytest.raises(NotAllowed):
        shred(Actor("r", "r", frozenset({Role.REVIEWER})), database, picture.id, NOW)

    assert keys(database, picture)


def test_everything_is_everything():
    assert frozenset(Holding) == EVERYTHING


ASKING = Entry("by Ann", "CC-BY-4.0", attribution_needed=True, consent="signed", retain_days=3)


@pytest.mark.parametrize("entry", [ASKING, replace(ASKING, attribution_needed=False)])
def test_whom_a_release_is_by_stays_as_long_as_it_stands_where_that_is_asked(
    database, in_state, entry
):
    picture = in_state("released")
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE pictures SET licence = ?", [json.dumps(asdict(entry))])

    shred(ACTOR, database, picture.id, NOW, holdings={Holding.NAME})

    kept = Entry("by Ann", "CC-BY-4.0", attribution_needed=True)
    assert after(database, picture).licence == (kept if entry is ASKING else None)
    shred(ACTOR, database, picture.id, NOW, holdings={Holding.RELEASE})
    assert after(database, picture).licence is None


def test_who_rejected_a_picture_ends_with_the_decision(database, in_state):
    picture = in_state("quarantined")
    assert picture.reason == "Rejected in review by ada."

    shred(ACTOR, database, picture.id, NOW, holdings={Holding.REVIEW})

    assert after(database, picture).reason == "Rejected in review."


def test_whom_a_release_would_be_by_ends_with_the_original_where_none_came(database, in_state):
    picture = in_state("review")
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE pictures SET licence = ?", [json.dumps(asdict(ASKING))])
    shred(ACTOR, database, picture.id, NOW, holdings={Holding.NAME})
    assert after(database, picture).licence is not None
    decisions.reject(
        ACTOR, database, picture.id, verdict_on(database, picture.id, (), "ada", 0), NOW
    )

    shred(ACTOR, database, picture.id, NOW, holdings={Holding.ORIGINAL})

    assert after(database, picture).licence is None


def test_of_the_receipt_what_goes_out_stays_as_long_as_the_release_does(database, in_state):
    picture = in_state("released")
    before = receipts.receipt(ACTOR, database, picture.release_id).receipt
    assert before["reviewer"] == "ada"

    shred(ACTOR, database, picture.id, NOW, holdings={Holding.REVIEW})

    left = receipts.receipt(ACTOR, database, picture.release_id).receipt
    assert public_line(left) == public_line(before)
    assert left["reviewer"] is None
    assert all(region.keys() == {"category", "origin", "masked"} for region in left["regions"])
    shred(ACTOR, database, picture.id, NOW, holdings={Holding.RELEASE})
    assert receipts.receipt(ACTOR, database, picture.release_id).receipt == {}
