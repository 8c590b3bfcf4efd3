import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from engine.errors import UnusableFolder
from store import batches, intake, pictures, work
from store.batches import Request
from store.database import Database
from store.intake import Incoming
from store.schema import migrate
from store.times import aware, stored
from tests.store.fakes import NOW, a_batch

OPEN_IT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from engine.errors import LetheError
from store.database import Database
from store.intake import Incoming
try:
    Database.open(Path(sys.argv[1]), datetime.now(UTC))
except LetheError as error:
    print(error)
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

    assert batches.batch(second, batch_id).name == "Ünïcode 图片"
    second.close()


def test_closing_twice_is_harmless_and_a_closed_database_says_so(home):
    database = Database.open(home, NOW)
    database.close()
    database.close()

    with pytest.raises(UnusableFolder, match="closed"), database.transaction():
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
        with database.transaction() as cursor:
            cursor.execute("INSERT INTO migrations VALUES (9000, 'half done')")
            raise KeyError

    with pytest.raises(KeyError):
        half_done()

    with database.transaction() as cursor:
        assert cursor.execute("SELECT count(*) FROM migrations WHERE number = 9000").fetchone() == (
            0,
        )


def test_a_transaction_inside_a_transaction_is_a_broken_contract(database):
    with (
        pytest.raises(ValueError, match="no open transaction"),
        database.transaction(),
        database.transaction(),
    ):
        pass


def test_threads_share_the_connection_without_losing_a_write(database):
    with database.transaction() as cursor:
        cursor.execute("CREATE TABLE tally (n INTEGER)")
        cursor.execute("INSERT INTO tally VALUES (0)")

    def count():
        for _ in range(50):
            with database.transaction() as cursor:
                (n,) = cursor.execute("SELECT n FROM tally").fetchone()
                cursor.execute("UPDATE tally SET n = ?", [n + 1])

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.transaction() as cursor:
        assert cursor.execute("SELECT n FROM tally").fetchone() == (200,)


def test_extensions_are_never_fetched(database):
    with database.transaction() as cursor:
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


def test_a_database_of_a_newer_lethe_is_refused(tmp_path):
    connection = duckdb.connect()
    migrate(connection)
    connection.execute("INSERT INTO migrations VALUES (9000, 'from the future')")

    with pytest.raises(UnusableFolder, match="schema 9000"):
        migrate(connection)


def test_opening_deletes_what_no_row_knows_and_keeps_the_rest(home):
    database = Database.open(home, NOW)
    a_batch(database, [b"pixels"])
    kept = next((home / "originals").iterdir())
    database.close()
    (home / "releases" / ("ab" * 16 + ".png")).write_bytes(b"no receipt")
    (home / "originals" / ("cd" * 16 + ".part")).write_bytes(b"half")

    database = Database.open(home, NOW)

    assert database.recovered.releases_deleted == 1
    assert database.recovered.originals_deleted == 1
    assert list((home / "originals").iterdir()) == [kept]
    database.close()


def test_a_picture_that_stopped_the_program_three_times_is_held_back(home):
    database = Database.open(home, NOW)
    batch_id = a_batch(database, [b"poison"])
    for _ in range(3):
        assert work.take(database, NOW) is not None
        database.close()
        database = Database.open(home, NOW)

    (picture,) = pictures.of_batch(database, batch_id)
    assert work.take(database, NOW) is None
    assert picture.state == "quarantined"
    assert picture.reason.endswith("stopped 3 times while working on it.")
    database.close()


def test_a_crash_puts_pictures_back_to_where_they_came_from(home):
    database = Database.open(home, NOW)
    cancelled, going_on = a_batch(database, [b"r"]), a_batch(database, [b"r"])
    assert work.take(database, NOW) is not None
    assert work.take(database, NOW) is not None
    batches.cancel(database, cancelled, NOW)
    database.close()

    database = Database.open(home, NOW)

    assert database.recovered.put_back == 2
    assert pictures.of_batch(database, cancelled)[0].state == "cancelled"
    assert pictures.of_batch(database, going_on)[0].state == "waiting"
    database.close()


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        stored(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test
    assert aware(stored(NOW)) == NOW


def test_a_batch_that_was_never_started_leaves_nothing(home):
    database = Database.open(home, NOW)
    batch = batches.create(database, Request("half made", ""), NOW)
    intake.add(database, batch.id, [Incoming("a.png", b"pixels")], NOW)
    database.close()

    database = Database.open(home, NOW)

    assert batches.newest(database) == ()
    assert list((home / "originals").iterdir()) == []
    database.close()
