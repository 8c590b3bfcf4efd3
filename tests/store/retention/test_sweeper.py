"""What is over goes by itself, unless the clock cannot be right."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from store.accounts.act import Act
from store.accounts.actor import MACHINE
from store.audit.records import Filter, page
from store.batches import batches, intake, pictures
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.retention import steps
from store.retention.holding import Holding
from store.retention.report import CalendarEntry, calendar, report
from store.retention.sweeper import Swept, sweep
from store.retention.uptime import Uptime
from store.worker import tasks
from tests.store.fakes import ACTOR, ANY, NOW, FakeExecutor
from tests.store.runs import until

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
ON = Uptime("a start", 1_000.0)
POLICY = "[retention]\noriginals_days = 10\nreleases_days = 20\n"


def on_for(days: float) -> Uptime:
    return Uptime(ON.boot, ON.seconds + days * DAY.total_seconds())


@pytest.fixture
def batch(database):
    """Two pictures that wait, ten days to live."""
    made = batches.create(ACTOR, database, Request("a batch", POLICY), NOW)
    incoming = [Incoming(f"{number}.jpg", b"r") for number in range(2)]
    intake.add(ACTOR, database, made.id, incoming, NOW)
    batches.start(ACTOR, database, made.id, NOW)
    sweep(MACHINE, database, NOW, uptime=ON)
    return made


def states(database, batch):
    rows = pictures.of_batch(ACTOR, database, batch.id)
    return {(row.state.value, row.reason) for row in rows}


OVER = {("quarantined", "Its time was over.")}
WAITING = {("waiting", None)}


def sweeps(database):
    return [one.details for one in page(ACTOR, database, Filter(acts=(Act.SWEEP,))).records]


def test_what_is_over_is_destroyed_and_what_is_not_stays(database, batch):
    early = sweep(MACHINE, database, NOW + 10 * DAY - DAY / 24, uptime=on_for(10 - 1 / 24))
    assert (early, states(database, batch)) == (Swept(), WAITING)

    assert sweep(MACHINE, database, NOW + 10 * DAY, uptime=on_for(10)) == Swept(ended=2)

    assert states(database, batch) == OVER
    assert not any(database.files.originals.iterdir())
    assert sweep(MACHINE, database, NOW + 11 * DAY, uptime=on_for(11)) == Swept()
    assert sweeps(database) == [{"due": 2}]


def test_a_release_outlives_its_original_until_its_own_time_is_over(database, dispatch):
    made = batches.create(ACTOR, database, Request("a batch", POLICY), NOW)
    intake.add(ACTOR, database, made.id, [Incoming("a.jpg", b"r")], NOW)
    batches.start(ACTOR, database, made.id, NOW)
    running = dispatch(FakeExecutor())
    until(lambda: pictures.of_batch(ACTOR, database, made.id)[0].state == "released")
    running.stop()
    (file,) = database.files.releases.iterdir()

    sweep(MACHINE, database, NOW + 10 * DAY, uptime=ON, confirm_clock=True)
    assert file.exists()
    assert not any(database.files.originals.iterdir())

    sweep(MACHINE, database, NOW + 20 * DAY, uptime=on_for(10))
    assert not file.exists()


def test_no_more_than_the_limit_go_at_once_and_the_rest_next(database, batch):
    now, uptime = NOW + 10 * DAY, on_for(10)

    assert sweep(MACHINE, database, now, uptime=uptime, limit=1) == Swept(ended=1, left=1)
    assert sweep(MACHINE, database, now, uptime=uptime, limit=1) == Swept(ended=1)


def test_what_the_disk_holds_on_to_keeps_no_other_and_goes_with_the_next(
    database, batch, monkeypatch
):
    first = pictures.of_batch(ACTOR, database, batch.id)[0].id
    real = steps.remove_files

    def remove(files, shredding):
        if shredding.picture_id == first:
            raise OSError(30, "read-only")
        real(files, shredding)

    with monkeypatch.context() as broken:
        broken.setattr(steps, "remove_files", remove)
        assert sweep(MACHINE, database, NOW + 10 * DAY, uptime=on_for(10)) == Swept(1, 1)
    assert report(ACTOR, database, NOW).unfinished == 1

    assert sweep(MACHINE, database, NOW + 10 * DAY, uptime=on_for(10)) == Swept(1)
    assert not any(database.files.originals.iterdir())


NEW = Uptime("another start", 5.0)
JUMPS = {
    "forward while it was on": (NOW + 12 * DAY, on_for(1)),
    "forward by years": (datetime(2126, 1, 1, tzinfo=NOW.tzinfo), on_for(0)),
    "back while it was on": (NOW - 2 * DAY, on_for(1)),
    "back, though later than the last": (NOW + DAY, on_for(10)),
    "back over a restart": (NOW - 2 * DAY, NEW),
    "forward over a restart": (NOW + 40 * DAY, NEW),
    "where no start can be told": (NOW + 40 * DAY, Uptime("", 0.0)),
}


@pytest.mark.parametrize(("now", "uptime"), JUMPS.values(), ids=list(JUMPS))
def test_a_clock_that_cannot_be_right_destroys_nothing_until_somebody_confirms_it(
    database, batch, now, uptime
):
    refused = sweep(MACHINE, database, now, uptime=uptime)

    assert (refused.ended, states(database, batch)) == (0, WAITING)
    assert "lethe retention sweep --confirm-clock" in refused.refusal
    assert report(ACTOR, database, now).refused == refused.refusal
    assert sweep(MACHINE, database, now, uptime=uptime) == refused
    assert sweeps(database) == [{"clock": "not believed"}]

    confirmed = sweep(ACTOR, database, now, uptime=uptime, confirm_clock=True)

    assert confirmed.refusal is None
    assert sweeps(database)[0]["clock"] == "confirmed"
    assert states(database, batch) == (OVER if now > NOW + 10 * DAY else WAITING)
    assert sweep(MACHINE, database, now, uptime=uptime).refusal is None
    assert report(ACTOR, database, now).refused is None


RIGHT = {
    "ten days on": (NOW + 10 * DAY, on_for(10)),
    "corrected by hours": (NOW + 10 * DAY, on_for(10.5)),
    "a restart, a month off": (NOW + 30 * DAY, NEW),
}


@pytest.mark.parametrize(("now", "uptime"), RIGHT.values(), ids=list(RIGHT))
def test_a_clock_that_may_be_right_is_believed(database, batch, now, uptime):
    assert sweep(MACHINE, database, now, uptime=uptime).refusal is None
    assert states(database, batch) == OVER


def test_a_clock_that_is_set_right_again_needs_nobody(database, batch):
    sweep(MACHINE, database, NOW + 1000 * DAY, uptime=on_for(1))

    assert sweep(MACHINE, database, NOW + 2 * DAY, uptime=on_for(2)) == Swept()
    assert report(ACTOR, database, NOW).refused is None


@pytest.mark.parametrize("days", [-2, 32])
def test_the_first_sweep_goes_by_what_is_on_record(database, days):
    made = batches.create(ACTOR, database, Request("a batch", POLICY), NOW)
    intake.add(ACTOR, database, made.id, [Incoming("a.jpg", b"r")], NOW)

    assert sweep(MACHINE, database, NOW + days * DAY, uptime=ON).refusal

    assert states(database, made) == WAITING
    assert sweep(MACHINE, database, NOW + DAY, uptime=ON).refusal is None


def test_an_empty_database_has_nothing_to_doubt(database):
    assert sweep(MACHINE, database, NOW, uptime=ON) == Swept()


def test_the_machine_s_own_clock_counts_without_a_word(database):
    assert sweep(MACHINE, database, NOW) == Swept()
    assert Uptime.now().since(Uptime.now()) == pytest.approx(0, abs=60)


def test_the_dispatcher_sweeps_by_itself(database, batch, dispatch):
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE pictures SET original_until = ?", [NOW.replace(tzinfo=None)])
        cursor.execute("DELETE FROM sweeps")

    dispatch(FakeExecutor())

    until(lambda: states(database, batch) == OVER)


def test_a_sweep_that_fails_keeps_nobody_from_work(database, batch, dispatch, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr("store.retention.sweeper.sweep", fail)

    dispatch(FakeExecutor())

    until(lambda: {state for state, _ in states(database, batch)} == {"released"})
    assert tasks.take(ACTOR, database, NOW) is None


def test_the_report_counts_what_is_held_until_when_and_what_is_overdue(database, batch):
    found = report(ACTOR, database, NOW + 4 * DAY).holdings[Holding.ORIGINAL]
    assert (found.total, found.overdue, found.unlimited) == (2, 0, 0)
    assert found.within == {7: 2, 30: 2, 90: 2}
    assert found.next_until == NOW + 10 * DAY

    late = report(ACTOR, database, NOW + 10 * DAY)
    assert late.holdings[Holding.NAME].overdue == 2
    assert late.holdings[Holding.RELEASE].total == 0
    assert late.pictures_overdue == 2

    sweep(MACHINE, database, NOW + 10 * DAY, uptime=on_for(10))
    after = report(ACTOR, database, NOW + 10 * DAY)
    assert (after.pictures_overdue, after.holdings[Holding.ORIGINAL].destroyed) == (0, 2)
    assert after.swept_at == NOW + 10 * DAY
    assert after.holdings[Holding.REVIEW].unlimited == 2


def test_the_calendar_tells_what_of_which_batch_ends_on_which_day(database, batch):
    key = (Holding.ORIGINAL, Holding.PREVIEW, Holding.NAME)
    day = (NOW + 10 * DAY).replace(hour=0)

    assert calendar(ACTOR, database, NOW + 2 * DAY, days=7) == ()
    assert calendar(ACTOR, database, NOW + 4 * DAY, days=7) == (
        CalendarEntry(day, batch.id, key, 2, is_overdue=False),
    )
    assert calendar(ACTOR, database, NOW + 11 * DAY, days=7)[0].is_overdue
