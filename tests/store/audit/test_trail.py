import json
import re
import shutil
from dataclasses import replace
from datetime import timedelta

import duckdb
import pytest

from engine.runs.jobs import NeedsReview
from engine.signing.keys import distrust, open_key_ring, own_keys, own_secret, rotate
from store.accounts.act import Act
from store.audit import __main__ as command
from store.audit import heads, records, trail
from store.audit.verify import verify
from store.batches import batches, pictures
from store.database import Database, open_read_only
from store.files import Files
from store.review import decisions, reviews
from store.worker import tasks
from tests.store.fakes import ACTOR, ANY, DRAWN, NOW, a_batch, plan, verdict_on

pytestmark = pytest.mark.slow


def events(database):
    with database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute(
            "SELECT number, act, subject, details FROM events ORDER BY number"
        ).fetchall()


def work(home, count=3):
    """A database with some events, closed."""
    database = Database.open(home, NOW)
    for number in range(count):
        batches.create(ACTOR, database, batches.Request(f"private {number}", ""), NOW)
    database.close()


def verified(connection, home):
    sealed = heads.read(Files(home).heads)
    return verify(connection, sealed, own_keys(home), secret=own_secret(home))


def problems(home):
    with open_read_only(home) as connection:
        found = verified(connection, home)
    return " ".join(found.problems)


def tamper(home, *statements):
    with duckdb.connect(str(Files(home).database)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_trail_that_nobody_touched_is_whole_and_sealed_to_its_end(home):
    work(home)
    work(home)

    with open_read_only(home) as connection:
        found = verified(connection, home)
    assert (found.problems, found.unsealed) == ((), 0)
    assert found.events == 8  # two openings, six batches


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("happened_at", "happened_at + INTERVAL 1 SECOND"),
        ("actor", "'somebody'"),
        ("act", "'read_batches'"),
        ("subject", "'00'"),
        ("details", """'{"pictures":1}'"""),
        ("details", "'{'"),
        ("details", "'{ }'"),
        ("hash", "'00'"),
        ("previous", "'00'"),
    ],
)
def test_a_changed_event_is_found(home, column, value):
    work(home)
    tamper(home, f"UPDATE events SET {column} = {value} WHERE number = 2")  # noqa: S608

    assert re.search("[Ee]vent [23] ", problems(home))


def test_a_removed_event_is_found(home):
    work(home)
    tamper(home, "DELETE FROM events WHERE number IN (2, 3)")

    assert "Events 2 to 3 are missing." in problems(home)


def test_events_in_another_order_are_found(home):
    work(home)
    tamper(
        home,
        "CREATE TEMP TABLE moved AS SELECT * FROM events WHERE number IN (2, 3)",
        "DELETE FROM events WHERE number IN (2, 3)",
        "INSERT INTO events SELECT * REPLACE (5 - number AS number) FROM moved",
    )

    assert "Event 2 was changed" in problems(home)


def test_a_trail_cut_off_at_its_end_is_found(home):
    work(home)
    tamper(home, "DELETE FROM events WHERE number >= 3")

    assert "ends with event 2, but event 4 was sealed: 2 events were cut off" in problems(home)


def test_a_trail_that_is_gone_is_found(home):
    work(home)
    tamper(home, "DROP TABLE events")

    assert "ends with event 0, but event 4 was sealed" in problems(home)


def test_an_older_database_put_back_is_found(home):
    work(home)
    shutil.copy(Files(home).database, home / "yesterday")
    work(home)
    shutil.move(home / "yesterday", Files(home).database)

    assert "or an older database was put back" in problems(home)


def test_a_trail_written_anew_is_found_by_its_heads_alone(home, tmp_path):
    work(home)
    work(tmp_path / "other", count=4)
    shutil.copy(Files(tmp_path / "other").database, Files(home).database)

    assert "Event 4 is not the one that was sealed" in problems(home)


def test_heads_that_were_removed_changed_or_signed_by_somebody_else_are_found(home, tmp_path):
    work(home)
    path = Files(home).heads
    line = path.read_text()

    path.unlink()
    assert "file of heads was removed" in problems(home)
    path.write_text(line.replace('"number":4', '"number":3'))
    assert "Line 1 of the sealed heads was changed" in problems(home)
    work(tmp_path / "other")
    path.write_bytes(Files(tmp_path / "other").heads.read_bytes())
    assert "no trusted key of this installation" in problems(home)
    path.write_text(line)
    assert problems(home) == ""


def test_a_head_signed_before_the_keys_were_rotated_counts(home):
    work(home)
    rotate(home)

    assert problems(home) == ""


def test_heads_by_a_distrusted_key_vouch_for_nothing_and_are_no_problem(home, capsys):
    work(home)
    distrust(home, open_key_ring(home).id)

    assert command.main(["verify", "--home", str(home)]) == 0
    assert "Not sealed yet: 4 events. Left out: 1 head by a distrusted key." in (
        capsys.readouterr().out
    )
    work(home, count=0)  # a new key signs the end
    assert command.main(["verify", "--home", str(home)]) == 0
    assert "Not sealed" not in capsys.readouterr().out
    tamper(home, "UPDATE events SET actor = 'somebody' WHERE number = 2")
    assert command.main(["verify", "--home", str(home)]) == 1


def test_events_after_the_last_head_are_counted_and_not_called_wrong(home, monkeypatch):
    monkeypatch.setattr(trail.Trail, "seal", lambda *_: None)
    work(home)
    monkeypatch.undo()
    assert "No head was ever sealed" in problems(home)

    work(home, count=0)
    monkeypatch.setattr(trail.Trail, "seal", lambda *_: None)
    work(home)

    with open_read_only(home) as connection:
        found = verified(connection, home)
    assert (found.problems, found.unsealed) == ((), 4)


def test_a_head_is_sealed_every_so_many_events(home, monkeypatch):
    monkeypatch.setattr(trail, "SEAL_EVERY", 2)
    database = Database.open(home, NOW)
    for _ in range(4):
        batches.create(ACTOR, database, batches.Request("x", ""), NOW)

    assert [one.head.number for one in heads.read(Files(home).heads)] == [2, 4]
    database.close()
    assert [one.head.number for one in heads.read(Files(home).heads)] == [2, 4, 5]


def test_a_disk_that_takes_no_head_stops_nobody_and_it_is_sealed_later(home, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trail, "SEAL_EVERY", 1)
    monkeypatch.setattr(heads, "append", full)
    database = Database.open(home, NOW)
    batches.create(ACTOR, database, batches.Request("x", ""), NOW)
    monkeypatch.undo()
    database.close()

    assert problems(home) == ""
    assert len(heads.read(Files(home).heads)) == 1


def test_what_is_undone_is_no_event_and_leaves_no_gap(database):
    before = events(database)

    def fail():
        with database.transaction(ACTOR, Act.SKIP):
            database.person("ada")
            raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        fail()
    batches.create(ACTOR, database, batches.Request("x", ""), NOW)

    (event,) = events(database)[len(before) :]
    assert event[0] == len(before) + 1


def test_a_picture_is_followed_from_claim_to_undo_by_ids_and_pseudonyms_alone(database):
    a_batch(database, [b"v"])
    picture_id = tasks.take(ACTOR, database, NOW).picture_id
    tasks.record(ACTOR, database, NeedsReview(picture_id, plan(picture_id)), NOW)
    reviews.claim(ACTOR, database, "Ada Lovelace", NOW)
    reviews.claim(ACTOR, database, "Ada Lovelace", NOW + timedelta(minutes=1))
    decision = verdict_on(database, picture_id, (DRAWN,), "Ada Lovelace", 0)
    decisions.settle(ACTOR, database, picture_id, decision, NOW)
    decisions.reopen_last(ACTOR, database, "Ada Lovelace", NOW)

    told = [(act, json.loads(details)) for _, act, id_, details in events(database)
            if id_ == picture_id]  # fmt: skip
    pseudonym = database.signer.keys.pseudonym("reviewer", "Ada Lovelace")
    assert [act for act, _ in told] == ["record_outcome", "claim", "decide", "undo"]
    assert {details.get("reviewer", pseudonym) for _, details in told} == {pseudonym}
    assert "Ada" not in str(events(database))
    with database.transaction(ACTOR, ANY) as cursor:
        names = cursor.execute("SELECT id, name FROM audit_names").fetchall()
    assert (pseudonym, "Ada Lovelace") in names


def test_asking_an_empty_queue_again_and_again_is_no_event(database):
    before = events(database)

    for _ in range(3):
        assert reviews.claim(ACTOR, database, "ada", NOW) is None

    assert events(database) == before


def test_an_actors_name_lies_beside_the_chain(database):
    ana = replace(ACTOR, id="local", name="Ana")

    batches.create(ana, database, batches.Request("x", ""), NOW)

    with database.transaction(ACTOR, ANY) as cursor:
        assert ("local", "Ana") in cursor.execute("SELECT id, name FROM audit_names").fetchall()


class TestTheCommand:
    def test_it_says_that_all_is_as_recorded(self, home, capsys):
        work(home)

        assert command.main(["verify", "--home", str(home)]) == 0
        assert capsys.readouterr().out.startswith("4 events, all as recorded. Last hash ")

    def test_it_names_what_is_wrong_and_ends_with_one(self, home, capsys):
        work(home)
        tamper(home, "DELETE FROM events WHERE number = 2")

        assert command.main(["verify", "--home", str(home)]) == 1
        assert capsys.readouterr().out.startswith("Event 2 is missing.\n")

    def test_it_speaks_json(self, home, capsys):
        work(home)

        assert command.main(["verify", "--json", "--home", str(home)]) == 0
        assert json.loads(capsys.readouterr().out)["events"] == 4

    def test_a_folder_without_data_is_refused_with_a_sentence(self, tmp_path, capsys):
        assert command.main(["verify", "--home", str(tmp_path)]) == 2
        assert "holds no data of Lethe" in capsys.readouterr().err


def test_a_pictures_own_steps_are_told_however_many_its_batch_had(database, monkeypatch):
    batch_id = a_batch(database, [b"x"])
    (picture,) = pictures.of_batch(ACTOR, database, batch_id)
    for _ in range(4):
        with database.transaction(ACTOR, Act.ADD_PICTURES, batch_id):
            pass
    with database.transaction(ACTOR, Act.RECORD_OUTCOME, picture.id):
        pass
    monkeypatch.setattr(records, "MOST_STEPS", 3)

    steps = records.timeline(ACTOR, database, picture.id).steps

    assert steps[-1].subject == picture.id
    assert [one.number for one in steps] == sorted(one.number for one in steps)
    assert len(steps) == 3
