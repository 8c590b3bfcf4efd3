"""The database is missing, older than the files beside it, or damaged."""

from __future__ import annotations

import shutil

import pytest

from engine.errors import UnusableFolder
from tests.reliability.conftest import FINISHED

PUT_BACK = "the whole folder put back from one copy"


@pytest.fixture
def halfway(app):
    """A decided picture waits to be removed; `before` is a copy of the folder from the day before.

    The folder is as a kill leaves it: the newest changes are in the write-ahead log.
    """
    app.close()
    shutil.copytree(app.home, app.folder / "before")
    app.work()
    app.decide()
    shutil.copytree(app.home, app.folder / "killed")
    app.close()
    shutil.rmtree(app.home)
    (app.folder / "killed").rename(app.home)
    shutil.copytree(app.home, app.folder / "copy")
    return app


def missing(app):
    (app.home / "lethe.duckdb").unlink()
    (app.home / "lethe.duckdb.wal").unlink()


def older(app):
    (app.home / "lethe.duckdb.wal").unlink()
    shutil.copy(app.folder / "before" / "lethe.duckdb", app.home / "lethe.duckdb")


def damaged_log(app):
    damage(app.home / "lethe.duckdb.wal", 1000)


def damaged_body(app):
    assert app.database  # what is in the log moves into the body
    app.close()
    damage(app.home / "lethe.duckdb", 20_000)


def damage(file, place):
    content = file.read_bytes()
    inside = bytes(one ^ 0x55 for one in content[place : place + 1000])
    file.write_bytes(content[:place] + inside + content[place + 1000 :])


def without_log(app):
    (app.home / "lethe.duckdb.wal").unlink()


def garbled_generation(app):
    (app.home / "lethe.generation").write_bytes(b"[]")


_DAMAGED = (
    "$LETHE_HOME/lethe.duckdb cannot be opened as a database; no picture was touched. Put back all "
    "of $LETHE_HOME from one copy, not the database alone, or choose another folder with "
    "LETHE_HOME."
)
_OLDER = (
    "$LETHE_HOME/lethe.duckdb is older than the 5 files in originals and releases beside it, so it "
    "does not know all of them; nothing was changed. Put back all of $LETHE_HOME from one copy, "
    "not the database alone. If there is no such copy, remove lethe.generation there: files that "
    "the database does not know are then set aside, none is deleted."
)


@pytest.mark.parametrize(
    ("fault", "breaks", "said"),
    [
        (
            "is missing",
            missing,
            (
                "$LETHE_HOME holds 5 files in originals and releases but no lethe.duckdb that "
                "knows them; nothing was changed. Put back all of the folder from one copy, move "
                "these files elsewhere, or choose another folder with LETHE_HOME."
            ),
        ),
        ("is a copy of the day before", older, _OLDER),
        ("has lost its write-ahead log", without_log, _OLDER),
        ("is damaged in its body", damaged_body, _DAMAGED),
        ("is damaged in its write-ahead log", damaged_log, _DAMAGED),
        (
            "has a mark of its generation that cannot be read",
            garbled_generation,
            (
                "$LETHE_HOME/lethe.generation cannot be read, so nobody can tell whether the "
                "database is as new as the files beside it; nothing was changed. Put it back from"
                " a copy, or remove it: files that the database does not know are then set aside,"
                " none is deleted."
            ),
        ),
    ],
    ids=["missing", "older", "no log", "body", "log", "generation"],
)
def test_it_is_refused_before_anything_is_changed(halfway, broken, fault, breaks, said):
    case = broken("database", fault, halfway)
    files = halfway.kept_files()

    breaks(halfway)
    with pytest.raises(UnusableFolder) as error:
        halfway.work()
    halfway.told = [str(error.value)]

    assert halfway.kept_files() == files
    case.refused(said)
    shutil.rmtree(halfway.home)
    shutil.copytree(halfway.folder / "copy", halfway.home)
    halfway.work()
    case.all_released(PUT_BACK)


def test_a_kill_while_it_is_written_loses_nothing(halfway, broken):
    case = broken("database", "was cut off by a kill, the newest changes in its log", halfway)

    halfway.work()

    case.ends(dict.fromkeys(halfway.brought, "released"))
    case.all_released("opening it")


def test_a_log_whose_end_was_torn_off_asks_again_for_the_last_decision(halfway, broken):
    case = broken("database", "has a write-ahead log whose last bytes were torn off", halfway)
    log = halfway.home / "lethe.duckdb.wal"

    log.write_bytes(log.read_bytes()[:-40])
    halfway.settled.clear()
    halfway.work()

    case.ends(FINISHED)
    case.asked()
