"""Releases that nobody should use any more: how they get on the list, and that they stay there."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import duckdb
import pytest

from engine.cli.exits import Exit
from engine.errors import InvalidSignature
from engine.signing.revocations import read_signed_revocations
from engine.signing.signer import signer
from lethe.__main__ import main as lethe
from store.accounts.role import Role
from store.database import Database
from store.errors import NotAllowed, UnknownRecord
from store.releases import receipts, revocations
from store.releases.revocations import REASONS, Reason
from store.schema import MIGRATIONS, migrate
from store.worker.dispatcher import Dispatcher
from tests.store.fakes import ACTOR, ANY, NOW, FakeExecutor, a_batch
from tests.store.runs import until

pytestmark = pytest.mark.slow


@pytest.fixture
def released(database):
    """Ids of three releases, sorted."""
    a_batch(database, [b"r1", b"r2", b"r3"])
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(lambda: len(receipts.newest(ACTOR, database)) == 3)
    dispatcher.stop()
    return sorted(one.release_id for one in receipts.newest(ACTOR, database))


def entries(database, now=NOW):
    signed = read_signed_revocations(revocations.signed_list(ACTOR, database, now))
    assert signed.document.public_key in database.signer.keys.public_keys
    return [(one.number, one.release, one.day) for one in signed.list.releases]


def test_while_nothing_was_revoked_there_is_no_list(database, released):
    assert revocations.signed_list(ACTOR, database, NOW) is None


def test_a_revoked_release_is_on_the_list_for_good_in_the_order_they_were_revoked(
    database, released
):
    first, second, third = released
    later = NOW + timedelta(days=2)

    assert revocations.revoke(ACTOR, database, [third], Reason.SHOWS, NOW) == 1
    assert revocations.revoke(ACTOR, database, [first, third], Reason.CONSENT, later) == 1

    assert entries(database, later) == [
        (1, third, f"{NOW:%Y-%m-%d}"),
        (2, first, f"{later:%Y-%m-%d}"),
    ]
    when = {one.release_id: one.revoked_at for one in receipts.newest(ACTOR, database)}
    assert when == {first: later, second: None, third: NOW}


def test_the_reason_is_on_record_and_in_no_list(database, released):
    revocations.revoke(ACTOR, database, released[:1], Reason.CONSENT, NOW)
    revocations.revoke(ACTOR, database, released[:1], Reason.SHOWS, NOW)

    with database.transaction(ACTOR, ANY) as cursor:
        told = cursor.execute(
            "SELECT actor, subject, details FROM events WHERE act = 'revoke'"
        ).fetchall()
    assert told == [(ACTOR.id, released[0], '{"number":1,"reason":"consent"}')]
    assert b"consent" not in revocations.signed_list(ACTOR, database, NOW)


def test_a_release_that_was_withdrawn_can_be_revoked_for_others_may_have_it(database, released):
    with database.transaction(ACTOR, ANY) as cursor:
        (picture_id,) = cursor.execute(
            "SELECT picture_id FROM receipts WHERE release_id = ?", released[:1]
        ).fetchone()
        receipts.withdraw(cursor, database.files, picture_id, NOW)

    revocations.revoke(ACTOR, database, released[:1], Reason.MISTAKE, NOW)

    assert entries(database)[0][1] == released[0]


def test_of_an_unknown_release_none_is_revoked(database, released):
    with pytest.raises(UnknownRecord, match="nothing was revoked"):
        revocations.revoke(ACTOR, database, [released[0], "ab" * 16], Reason.SHOWS, NOW)

    assert revocations.signed_list(ACTOR, database, NOW) is None


def test_an_analyst_revokes_nothing(database, released):
    analyst = replace(ACTOR, roles=frozenset({Role.ANALYST, Role.REVIEWER, Role.AUDITOR}))

    with pytest.raises(NotAllowed, match="admin or manager"):
        revocations.revoke(analyst, database, released[:1], Reason.SHOWS, NOW)

    assert revocations.signed_list(ACTOR, database, NOW) is None


def test_after_a_restore_a_published_list_is_taken_over_and_goes_on(database, released):
    for number, one in enumerate(released):
        later = NOW + timedelta(days=number)
        revocations.revoke(ACTOR, database, [one], Reason.SHOWS, later)
    published = read_signed_revocations(revocations.signed_list(ACTOR, database, NOW))
    with database.transaction(ACTOR, ANY) as cursor:  # as a backup from after the first has it
        cursor.execute("DELETE FROM revocations WHERE number > 1")
        cursor.execute("DELETE FROM receipts WHERE release_id = ?", [released[-1]])

    assert revocations.restored(ACTOR, database, published) == len(released) - 1
    assert revocations.restored(ACTOR, database, published) == 0

    now = read_signed_revocations(revocations.signed_list(ACTOR, database, NOW))
    assert now.list.releases == published.list.releases
    assert {one.release_id for one in receipts.newest(ACTOR, database) if one.revoked_at is None} \
        == set()  # fmt: skip


def test_a_list_that_does_not_go_on_what_was_revoked_here_is_not_taken_over(database, released):
    revocations.revoke(ACTOR, database, released[:1], Reason.SHOWS, NOW)
    published = read_signed_revocations(revocations.signed_list(ACTOR, database, NOW))
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("DELETE FROM revocations")
    revocations.revoke(ACTOR, database, released[1:2], Reason.SHOWS, NOW)

    with pytest.raises(InvalidSignature, match="contradict"):
        revocations.restored(ACTOR, database, published)

    assert len(entries(database)) == 1


def test_a_list_of_another_installation_is_not_taken_over(database, tmp_path):
    other = signer(tmp_path / "other").revocations(
        [("ab" * 16, "2026-11-22")], "2026-11-22T12:00:00Z"
    )

    with pytest.raises(InvalidSignature, match="No key that is trusted here"):
        revocations.restored(ACTOR, database, read_signed_revocations(other))

    assert revocations.signed_list(ACTOR, database, NOW) is None


def test_a_database_of_before_has_nothing_revoked(tmp_path):
    older = tmp_path / "older"
    older.mkdir()
    for file in MIGRATIONS.glob("*.sql"):
        if file.name < "0019":
            shutil.copy(file, older)
    with duckdb.connect(str(tmp_path / "one.duckdb")) as connection:
        migrate(connection, older)
        connection.execute(
            """
            INSERT INTO receipts
            VALUES ('r', 'p', 'p', 'b', 'png', 1, 's', '{}', TIMESTAMP '2026-01-01', NULL)
            """
        )

        assert "0019_revocations_approvals" in migrate(connection)

        assert connection.execute("SELECT count(*) FROM revocations").fetchone() == (0,)


class TestCommand:
    @pytest.fixture
    def home(self, database, released, monkeypatch):
        monkeypatch.setenv("LETHE_HOME", str(database.files.home))
        database.close()
        return database.files.home

    def test_it_revokes_and_writes_the_list(self, home, released, tmp_path, capsys):
        out = tmp_path / "revocations.json"

        assert lethe(["revoke", *released[:2], "--reason", "rights", "--out", str(out)]) == 0

        assert "2 releases revoked." in capsys.readouterr().out
        signed = read_signed_revocations(out.read_bytes())
        assert [one.release for one in signed.list.releases] == released[:2]
        assert lethe(["revoke", *released[1:], "--reason", "shows"]) == Exit.DONE
        assert "1 release revoked, 1 revoked before." in capsys.readouterr().out

    def test_it_writes_the_list_alone(self, home, released, tmp_path, capsys):
        assert lethe(["revoke", "--out", str(tmp_path / "a.json")]) == Exit.USAGE
        assert "Nothing was revoked yet" in capsys.readouterr().err
        assert not (tmp_path / "a.json").exists()

    def test_it_takes_a_published_list_over(self, home, released, tmp_path, capsys):
        out = tmp_path / "revocations.json"
        lethe(["revoke", released[0], "--reason", "rights", "--out", str(out)])

        assert lethe(["revoke", "--published", str(out)]) == Exit.DONE

        assert "0 revocations taken over." in capsys.readouterr().out
        assert lethe(["revoke", "--published", str(tmp_path / "none.json")]) == Exit.USAGE
        assert "nothing was changed" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ([], "Name releases"),
            (["{release}"], "go together"),
            (["--reason", "shows"], "go together"),
            (["ab" * 16, "--reason", "shows"], "There is no release"),
        ],
    )
    def test_what_is_unclear_revokes_nothing(self, home, released, capsys, words, says):
        given = [word.format(release=released[0]) for word in words]

        assert lethe(["revoke", *given]) == Exit.USAGE

        assert says in capsys.readouterr().err
        opened = Database.open(home, NOW)
        assert revocations.signed_list(ACTOR, opened, NOW) is None
        opened.close()

    def test_its_help_names_every_reason(self, capsys):
        with pytest.raises(SystemExit):
            lethe(["revoke", "--help"])

        shown = capsys.readouterr().out
        assert all(reason.value in shown and words.lower() in shown
                   for reason, words in REASONS.items())  # fmt: skip
