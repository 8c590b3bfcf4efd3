import errno
import shutil
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from engine.errors import UnusableFolder
from store.__main__ import main
from store.audit.state import verify_now
from store.batches import batches, intake, pictures
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.files import Files
from store.schema import MIGRATIONS, migrate
from store.times import aware, stored
from store.worker import tasks
from store.worker.orphans import set_aside
from store.worker.recovery import Recovered
from tests.store.fakes import ACTOR, ANY, NOW, a_batch
from tests.store.sealed import opened

pytestmark = pytest.mark.slow

OPEN_IT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from engine.errors import LetheError
from store.database import Database
from store.batches.intake import Incoming
try:
    Database.open(Path(sys.argv[1]), datetime.now(UTC))
except LetheError as error:
    print(error)
"""


KILLED = """
import os
import sys
from pathlib import Path
from store.database import Database
from tests.store.fakes import NOW, a_batch
database = Database.open(Path(sys.argv[1]), NOW)
a_batch(database, [b"just now"])
os._exit(9)
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_everything_kept_is_closed_to_others(database, home):
    a_batch(database, [b"pixels"])

    original = next((home / "originals").iterdir())
    assert [mode(home), mode(home / "originals"), mode(home / "releases")] == [0o700] * 3
    assert [mode(home / "lethe.duckdb"), mode(original)] == [0o600] * 2


def test_a_second_process_is_refused_with_a_sentence(database, home):
    said = subprocess.run(
        [sys.executable, "-c", OPEN_IT, str(home)], capture_output=True, text=True, check=True
    ).stdout

    assert said.startswith("Another Lethe has the data in ")
    assert "Stop it first" in said


def test_a_second_database_in_the_same_process_is_refused(database, home):
    with pytest.raises(UnusableFolder, match="Another Lethe"):
        Database.open(home, NOW)


def test_a_closed_database_opens_again_with_what_it_held(home):
    first = Database.open(home, NOW)
    batch_id = a_batch(first, [b"pixels"], name="Ünïcode 图片")
    first.close()

    second = Database.open(home, NOW)

    assert batches.batch(ACTOR, second, batch_id).name == "Ünïcode 图片"
    second.close()


def test_closing_twice_is_harmless_and_a_closed_database_says_so(home):
    database = Database.open(home, NOW)
    database.close()
    database.close()

    with pytest.raises(UnusableFolder, match="closed"), database.transaction(ACTOR, ANY):
        pass


def test_a_file_that_is_no_database_is_refused_and_left_alone(home):
    home.mkdir()
    (home / "lethe.duckdb").write_bytes(b"no database at all" * 1000)

    with pytest.raises(UnusableFolder, match="cannot be opened"):
        Database.open(home, NOW)

    assert (home / "lethe.duckdb").read_bytes().startswith(b"no database")


def test_a_home_that_cannot_be_made_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(UnusableFolder, match="LETHE_HOME"):
        Database.open(tmp_path / "file" / "home", NOW)


def test_a_transaction_that_raises_leaves_nothing(database):
    def half_done():
        with database.transaction(ACTOR, ANY) as cursor:
            cursor.execute("INSERT INTO migrations VALUES (9000, 'half done')")
            raise KeyError

    with pytest.raises(KeyError):
        half_done()

    with database.transaction(ACTOR, ANY) as cursor:
        assert cursor.execute("SELECT count(*) FROM migrations WHERE number = 9000").fetchone() == (
            0,
        )


def test_a_transaction_inside_a_transaction_is_a_broken_contract(database):
    with (
        pytest.raises(ValueError, match="no open transaction"),
        database.transaction(ACTOR, ANY),
        database.transaction(ACTOR, ANY),
    ):
        pass


def test_threads_share_the_connection_without_losing_a_write(database):
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("CREATE TABLE tally (n INTEGER)")
        cursor.execute("INSERT INTO tally VALUES (0)")

    def count():
        for _ in range(50):
            with database.transaction(ACTOR, ANY) as cursor:
                (n,) = cursor.execute("SELECT n FROM tally").fetchone()
                cursor.execute("UPDATE tally SET n = ?", [n + 1])

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.transaction(ACTOR, ANY) as cursor:
        assert cursor.execute("SELECT n FROM tally").fetchone() == (200,)


def test_extensions_are_never_fetched(database):
    with database.transaction(ACTOR, ANY) as cursor:
        settings = cursor.execute(
            """
            SELECT current_setting('autoinstall_known_extensions'),
                current_setting('autoload_known_extensions')
            """
        ).fetchone()

    assert settings == (False, False)


def test_migrations_run_once_in_order_and_a_failing_one_leaves_no_trace(tmp_path):
    connection = duckdb.connect()
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE a (n INTEGER);")
    (tmp_path / "0002_second.sql").write_text("ALTER TABLE a ADD COLUMN m INTEGER;")

    assert migrate(connection, tmp_path) == ("0001_first", "0002_second")
    assert migrate(connection, tmp_path) == ()

    (tmp_path / "0003_third.sql").write_text("CREATE TABLE b (n INTEGER); SELECT * FROM missing;")
    with pytest.raises(duckdb.CatalogException):
        migrate(connection, tmp_path)
    assert connection.execute("SELECT max(number) FROM migrations").fetchone() == (2,)
    assert not connection.execute("SELECT * FROM duckdb_tables() WHERE table_name = 'b'").fetchall()


def test_the_rows_of_an_older_database_are_kept_under_the_new_names(tmp_path):
    connection = duckdb.connect()
    for file in sorted(MIGRATIONS.glob("000*.sql")):
        shutil.copy(file, tmp_path)
    migrate(connection, tmp_path)
    connection.execute(
        """
        INSERT INTO examinations (id, evaluation_id, labelled, state, findings, changed_at)
        VALUES ('a', 'e', '{}', 'examined', '[]', now());
        INSERT INTO verdicts
            (picture_id, revision, reviewer, decision, regions, decided_at, undone_at, contested_at)
        VALUES ('settled', 0, 'ada', 'settled', '[]', now(), NULL, NULL),
            ('rejected', 0, 'ada', 'rejected', '[]', now(), NULL, NULL),
            ('late', 0, 'ada', 'refused', '[]', now(), NULL, NULL),
            ('undone', 0, 'ada', 'settled', '[]', now(), now(), NULL),
            ('contested', 0, 'ada', 'settled', '[]', now(), NULL, now());
        INSERT INTO batches
            (id, name, policy_toml, policy, format, require_licence, created_at)
        VALUES ('b', 'old', '', '', 'same', FALSE, now())
        """
    )

    migrate(connection)

    connection.execute(
        "INSERT INTO predictions (id, evaluation_id, labelled, state, changed_at) "
        "VALUES ('b', 'e', '{}', 'waiting', now())"
    )
    assert connection.execute(
        "SELECT id, number, findings FROM predictions ORDER BY number"
    ).fetchall() == [("a", 1, "[]"), ("b", 2, None)]
    assert connection.execute(
        "SELECT picture_id, number FROM standing_decisions ORDER BY number"
    ).fetchall() == [("settled", 1), ("rejected", 2)]
    assert connection.execute("SELECT second_review_share FROM batches").fetchall() == [(0.0,)]


def test_a_database_of_a_newer_lethe_is_refused(tmp_path):
    connection = duckdb.connect()
    migrate(connection)
    connection.execute("INSERT INTO migrations VALUES (9000, 'from the future')")

    with pytest.raises(UnusableFolder, match="schema 9000"):
        migrate(connection)


def test_opening_sets_aside_what_no_row_knows_and_deletes_only_what_is_half_written(home):
    database = Database.open(home, NOW)
    a_batch(database, [b"pixels"])
    kept = next((home / "originals").iterdir())
    database.close()
    (home / "releases" / ("ab" * 16 + ".png")).write_bytes(b"no receipt")
    (home / "originals" / ("cd" * 16 + ".part")).write_bytes(b"half")
    (home / "originals" / "IMG 1.part").write_bytes(b"somebody's")
    (home / "originals" / "lost+found").mkdir()

    database = Database.open(home, NOW)
    database.close()

    aside = home / "set-aside" / "2026-11-22T120000Z"
    assert database.recovered == Recovered(deleted=1, set_aside=2)
    assert (aside / "releases" / ("ab" * 16 + ".png")).read_bytes() == b"no receipt"
    assert (aside / "originals" / "IMG 1.part").read_bytes() == b"somebody's"
    assert set((home / "originals").iterdir()) == {kept, home / "originals" / "lost+found"}
    assert set_aside(Files(home)) == 2
    assert mode(aside) == mode(aside / "originals") == 0o700


def test_what_is_set_aside_never_takes_the_place_of_what_was_set_aside_before(home):
    Database.open(home, NOW).close()
    for content in (b"one", b"two"):
        (home / "originals" / ("ab" * 16)).write_bytes(content)
        Database.open(home, NOW).close()

    kept = {path.read_bytes() for path in (home / "set-aside").rglob("*") if path.is_file()}
    assert kept == {b"one", b"two"}


def test_what_cannot_be_set_aside_stays_where_it_is(home):
    Database.open(home, NOW).close()
    stranger = home / "originals" / ("ab" * 16)
    stranger.write_bytes(b"pixels")
    (home / "set-aside").write_bytes(b"a file in the way")

    database = Database.open(home, NOW)
    database.close()

    assert database.recovered == Recovered(unknown=1)
    assert stranger.read_bytes() == b"pixels"


def contents(folder: Path) -> dict[str, tuple[bytes | None, int, int]]:
    """Everything that could be changed about a folder."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() else None,
            path.stat().st_mode,
            path.stat().st_mtime_ns,
        )
        for path in [folder, *folder.rglob("*")]
    }


def pictures_in(home: Path) -> set[bytes]:
    return {opened(home, path) for path in (home / "originals").iterdir()}


def two_days(home: Path) -> Path:
    """A home with pictures of two days; gives a copy of the first day's database."""
    database = Database.open(home, NOW)
    a_batch(database, [b"yesterday"])
    database.close()
    copy = home.with_name("yesterday.duckdb")
    shutil.copy(home / "lethe.duckdb", copy)
    database = Database.open(home, NOW)
    a_batch(database, [b"today", b"today too"])
    database.close()
    return copy


EVERYTHING = {b"yesterday", b"today", b"today too"}


def test_yesterdays_copy_of_the_database_is_refused_and_nothing_is_lost(home):
    shutil.copy(two_days(home), home / "lethe.duckdb")
    before = contents(home / "originals")

    with pytest.raises(UnusableFolder, match=r"older than the 3 files .* not the database alone"):
        Database.open(home, NOW)

    assert contents(home / "originals") == before


def test_whoever_has_only_an_older_database_may_go_on_and_loses_no_file(home):
    shutil.copy(two_days(home), home / "lethe.duckdb")
    (home / "lethe.generation").unlink()

    database = Database.open(home, NOW)
    database.close()

    aside = [opened(home, path) for path in (home / "set-aside").rglob("*") if path.is_file()]
    assert database.recovered.set_aside == 2
    assert pictures_in(home) | set(aside) == EVERYTHING


@pytest.mark.parametrize("rest", [None, b""], ids=["missing", "empty"])
def test_pictures_without_a_database_are_refused_before_anything_is_made(home, rest):
    two_days(home)
    for name in ("lethe.duckdb", "lethe.generation", "lethe.lock"):
        (home / name).unlink()
    if rest is not None:
        (home / "lethe.duckdb").write_bytes(rest)
    before = contents(home)

    with pytest.raises(UnusableFolder, match="holds 3 files in originals and releases but no"):
        Database.open(home, NOW)

    assert contents(home) == before


@pytest.mark.parametrize(
    "table",
    ["wine (a INTEGER)", "pictures (id VARCHAR)", "migrations (id VARCHAR, app VARCHAR)"],
)
def test_somebody_elses_database_is_left_alone_with_what_lies_beside_it(home, table, capsys):
    (home / "originals").mkdir(parents=True)
    (home / "originals" / "holiday.jpg").write_bytes(b"pixels")
    with duckdb.connect(str(home / "lethe.duckdb")) as connection:
        connection.execute(f"CREATE TABLE {table}")
    before = (home / "lethe.duckdb").read_bytes()

    with pytest.raises(UnusableFolder, match="none of Lethe's"):
        Database.open(home, NOW)

    assert main(["status", "--home", str(home)]) == 2
    assert "none of Lethe's" in capsys.readouterr().err
    assert (home / "lethe.duckdb").read_bytes() == before
    assert pictures_in(home) == {b"pixels"}


def test_a_database_that_lost_its_log_is_refused(home):
    two_days(home)
    subprocess.run([sys.executable, "-c", KILLED, str(home)], check=False)
    (home / "lethe.duckdb.wal").unlink()

    with pytest.raises(UnusableFolder, match="older than the 4 files"):
        Database.open(home, NOW)

    assert pictures_in(home) == EVERYTHING | {b"just now"}


def test_a_kill_leaves_a_database_that_opens_with_its_pictures(home):
    subprocess.run([sys.executable, "-c", KILLED, str(home)], check=False)

    database = Database.open(home, NOW)
    database.close()

    assert database.recovered == Recovered()
    assert pictures_in(home) == {b"just now"}


def test_a_copy_from_before_a_batch_of_the_same_opening_is_older(home):
    database = Database.open(home, NOW)
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("CHECKPOINT")
    shutil.copy(home / "lethe.duckdb", home.with_name("noon.duckdb"))
    a_batch(database, [b"afternoon"])
    database.close()
    shutil.copy(home.with_name("noon.duckdb"), home / "lethe.duckdb")

    with pytest.raises(UnusableFolder, match="older than the 1 files"):
        Database.open(home, NOW)


def test_the_database_of_another_installation_is_refused(home, tmp_path):
    two_days(home)
    other = tmp_path / "other"
    for _ in range(9):
        Database.open(other, NOW).close()
    shutil.copy(other / "lethe.duckdb", home / "lethe.duckdb")

    with pytest.raises(UnusableFolder, match="older than the 3 files"):
        Database.open(home, NOW)


def test_all_of_a_folder_put_back_from_one_copy_opens(home, tmp_path):
    two_days(home)
    shutil.copytree(home, tmp_path / "copy")
    database = Database.open(home, NOW)
    a_batch(database, [b"later"])
    database.close()

    database = Database.open(tmp_path / "copy", NOW)
    database.close()

    assert database.recovered == Recovered()
    assert pictures_in(tmp_path / "copy") == EVERYTHING


def test_whoever_begins_anew_without_a_picture_is_let_in(home):
    Database.open(home, NOW).close()
    (home / "lethe.duckdb").unlink()

    Database.open(home, NOW).close()
    Database.open(home, NOW).close()


@pytest.mark.parametrize("rubbish", [b"", b"[" * 900, b"[]", b'{"number": 1}', b"\xff"])
def test_a_generation_that_cannot_be_read_is_refused_with_a_sentence(home, rubbish):
    two_days(home)
    (home / "lethe.generation").write_bytes(rubbish)

    with pytest.raises(UnusableFolder, match="cannot be read, so nobody can tell"):
        Database.open(home, NOW)

    assert pictures_in(home) == EVERYTHING


def test_a_generation_that_the_disk_does_not_take_stops_nobody(database, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("store.generation.atomic.write", full)

    database.advance()

    with database.transaction(ACTOR, ANY) as cursor:
        assert cursor.execute("SELECT number FROM generation").fetchone() == (2,)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:5000],
        lambda data: data[:12288] + bytes(len(data) - 12288),
        lambda data: data[:20000] + bytes(one ^ 0x55 for one in data[20000:21000]) + data[21000:],
        lambda data: bytes(one ^ 1 if at % 997 == 0 else one for at, one in enumerate(data)),
    ],
    ids=["half", "head", "zeros", "a damaged block", "flipped bits"],
)
def test_a_damaged_database_is_a_sentence_and_touches_no_picture(home, damage):
    two_days(home)
    file = home / "lethe.duckdb"
    file.write_bytes(damage(file.read_bytes()))

    with pytest.raises(UnusableFolder, match=r"no picture was touched\. Put back all of"):
        Database.open(home, NOW)

    assert pictures_in(home) == EVERYTHING
    with pytest.raises(UnusableFolder):  # and nothing holds the folder
        Database.open(home, NOW)


class TestStatus:
    def test_it_changes_not_a_byte(self, home, capsys):
        two_days(home)
        (home / "originals" / ("ab" * 16)).write_bytes(b"unknown")
        (home / "lethe.lock").unlink()
        before = contents(home)

        assert main(["status", "--home", str(home)]) == 0

        assert contents(home) == before
        assert capsys.readouterr().out.endswith(f"{'total':<12}{3:>8}\n")

    def test_it_reads_a_database_of_an_older_schema_without_migrating_it(
        self, home, tmp_path, capsys
    ):
        home.mkdir()
        older = tmp_path / "older"
        older.mkdir()
        shutil.copy(MIGRATIONS / "0001_pictures_reviews_receipts.sql", older)
        with duckdb.connect(str(home / "lethe.duckdb")) as connection:
            migrate(connection, older)
        before = contents(home)

        assert main(["status", "--home", str(home)]) == 0

        assert contents(home) == before

    @pytest.mark.parametrize("folder", ["study", "nowhere"])
    def test_a_strangers_folder_is_left_alone_with_a_sentence(self, tmp_path, folder, capsys):
        (tmp_path / "study" / "originals").mkdir(parents=True)
        (tmp_path / "study" / "originals" / "IMG 1.jpg").write_bytes(b"mine")
        before = contents(tmp_path)

        assert main(["status", "--home", str(tmp_path / folder)]) == 2

        assert contents(tmp_path) == before
        assert "holds no data of Lethe" in capsys.readouterr().err

    def test_a_damaged_database_is_a_sentence(self, home, capsys):
        home.mkdir()
        (home / "lethe.duckdb").write_bytes(b"no database at all" * 1000)

        assert main(["status", "--home", str(home)]) == 2
        assert "no picture was touched" in capsys.readouterr().err

    def test_while_the_app_runs_it_says_so(self, database, home):
        said = subprocess.run(
            [sys.executable, "-m", "store", "status", "--home", str(home)],
            capture_output=True,
            text=True,
            check=False,
        )

        assert (said.returncode, said.stderr[:13]) == (2, "Another Lethe")


def test_a_picture_that_stopped_the_program_three_times_is_held_back(home):
    database = Database.open(home, NOW)
    batch_id = a_batch(database, [b"poison"])
    for _ in range(3):
        assert tasks.take(ACTOR, database, NOW) is not None
        database.close()
        database = Database.open(home, NOW)

    (picture,) = pictures.of_batch(ACTOR, database, batch_id)
    assert tasks.take(ACTOR, database, NOW) is None
    assert picture.state == "quarantined"
    assert picture.reason.endswith("work on it was cut short 3 times.")
    database.close()


def test_a_crash_puts_pictures_back_to_where_they_came_from(home):
    database = Database.open(home, NOW)
    cancelled, going_on = a_batch(database, [b"r"]), a_batch(database, [b"r"])
    assert tasks.take(ACTOR, database, NOW) is not None
    assert tasks.take(ACTOR, database, NOW) is not None
    batches.cancel(ACTOR, database, cancelled, NOW)
    database.close()

    database = Database.open(home, NOW)

    assert database.recovered.put_back == 2
    assert pictures.of_batch(ACTOR, database, cancelled)[0].state == "cancelled"
    assert pictures.of_batch(ACTOR, database, going_on)[0].state == "waiting"
    database.close()


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        stored(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test
    assert aware(stored(NOW)) == NOW


def test_a_batch_that_was_never_started_leaves_nothing(home):
    database = Database.open(home, NOW)
    batch = batches.create(ACTOR, database, Request("half made", ""), NOW)
    intake.add(ACTOR, database, batch.id, [Incoming("a.png", b"pixels")], NOW)
    database.close()

    database = Database.open(home, NOW)

    assert batches.newest(ACTOR, database) == ()
    assert list((home / "originals").iterdir()) == []
    database.close()


@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT"])
@pytest.mark.parametrize("is_over", [False, True], ids=["before", "after"])
def test_an_interrupt_at_either_end_of_a_transaction_leaves_a_database_that_goes_on(
    database, monkeypatch, statement, is_over
):
    connection = database._connection

    class Interrupted:
        def execute(self, text, *more):
            if text != statement:
                return connection.execute(text, *more)
            if is_over:
                connection.execute(text, *more)
            raise KeyboardInterrupt

        def __getattr__(self, name):
            return getattr(connection, name)

    with monkeypatch.context() as patch:
        patch.setattr(database, "_connection", Interrupted())
        with pytest.raises(KeyboardInterrupt):
            batches.create(ACTOR, database, Request("first", ""), NOW)

    batches.create(ACTOR, database, Request("second", ""), NOW)
    names = {batch.name for batch in batches.newest(ACTOR, database)}
    is_in = (statement, is_over) == ("COMMIT", True)
    assert names == ({"first", "second"} if is_in else {"second"})
    assert verify_now(ACTOR, database).problems == ()
