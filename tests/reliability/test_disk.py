"""The disk is full, cannot be written, or is away."""

from __future__ import annotations

import pytest

from engine.errors import UnusableFolder
from store.worker.retry import try_postponed
from tests.reliability.disk import away, full, no_file_grows_beyond, read_only
from tests.reliability.scenes import DOUBTFUL, NAMES, ONE, TWO, Eyes, Parts
from tests.store.fakes import ACTOR

WAITING = dict.fromkeys(NAMES, "waiting")
AFTER_THE_FIRST = WAITING | {DOUBTFUL: "review"}
"""The shell takes pictures by name, and the first of them goes to a person."""
AGAIN = "Work is interrupted (OSError, {}) and will be tried again."


def test_a_full_disk_stops_the_app_until_there_is_room(app, broken):
    case = broken("disk", "is full when a release is written", app)

    with full(app.home / "releases"):
        app.work(stops=True)

    case.ends(WAITING, AGAIN.format("No space left on device"))
    case.goes_on(app.restarted)


@pytest.mark.parametrize(
    ("what", "where"),
    [
        ("a release", ".lethe/partial"),
        ("its receipt", "receipts.jsonl"),
        ("the list of names", "names.csv"),
    ],
    ids=["release", "receipt", "names"],
)
def test_a_full_disk_ends_the_command_with_a_sentence(shell, broken, what, where):
    case = broken("disk", f"is full when {what} is written", shell)

    with full(shell.out / where):
        shell.work(stops=True)

    case.ends(AFTER_THE_FIRST, "The disk or a folder refused: No space left on device.")
    case.goes_on(shell.restarted)


def test_a_database_without_room_stops_the_app_until_there_is_some(app, broken):
    case = broken("disk", "is full when the database is written", app)

    with no_file_grows_beyond((app.home / "lethe.duckdb.wal").stat().st_size):
        app.work(stops=True)

    case.ends(
        WAITING,
        "Work is interrupted because the database could not be written (has its disk room?) and "
        "will be tried again.",
    )
    case.goes_on(app.restarted)


def test_releases_that_cannot_be_written_stop_the_app(app, broken):
    case = broken("disk", "becomes read-only", app)

    with read_only(app.home / "releases"):
        app.work(stops=True)

    case.ends(WAITING, AGAIN.format("Read-only file system"))
    case.goes_on(app.restarted)


def test_an_output_folder_that_cannot_be_written_ends_the_command(shell, broken):
    case = broken("disk", "becomes read-only", shell)

    with read_only(shell.out):
        shell.work(stops=True)

    case.ends(WAITING, "The disk or a folder refused OUT: Read-only file system.")
    case.goes_on(shell.restarted)


def test_a_home_that_cannot_be_written_is_refused(app, broken):
    case = broken("disk", "is read-only when the app starts", app)
    app.close()

    with read_only(app.home), pytest.raises(UnusableFolder) as error:
        app.work()
    app.told = [str(error.value)]

    case.ends(
        WAITING,
        "Lethe cannot keep its data in $LETHE_HOME: Read-only file system. Choose another folder "
        "with LETHE_HOME.",
    )
    case.goes_on(app.restarted)


def test_originals_on_a_drive_that_is_away_wait(app, broken):
    case = broken("disk", "with the originals is away", app)

    with away(app.home / "originals"):
        app.work()

    case.ends(
        WAITING,
        "A file could not be reached (No such file or directory); is its disk there, and has it "
        "room?",
    )
    try_postponed(ACTOR, app.database)
    app.work()
    case.finished("*Try again*")


def test_pictures_on_a_drive_that_goes_away_are_tried_again(shell, broken):
    case = broken("disk", "with the pictures goes away", shell)
    leaving = Leaving(shell.input)

    shell.work(Parts(leaving))
    leaving.comes_back()

    case.ends(
        {DOUBTFUL: "review", ONE: "waiting", TWO: "waiting"},
        "A file could not be reached (No such file or directory); is its disk there, and has it "
        "room?",
    )
    case.goes_on(shell.restarted)


class Leaving(Eyes):
    """Takes the drive away at the first look."""

    def __init__(self, folder):
        self.away = away(folder)
        self.is_away = False

    def detect(self, image, policy):
        if not self.is_away:
            self.away.__enter__()
            self.is_away = True
        return super().detect(image, policy)

    def comes_back(self):
        self.away.__exit__(None, None, None)
