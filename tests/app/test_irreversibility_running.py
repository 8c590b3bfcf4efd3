"""The quick battery beside the app: one at a time, bounded, cancellable."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from components.irreversibility import report
from components.irreversibility.report import own_file
from components.irreversibility.running import LONGEST, QuickBattery, quick_battery
from engine.cli import program
from tests.app.reading import said

START = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE_S = 30.0
WRITES = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('done')"
LINGERS = (
    "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text('begun'); time.sleep(600)"
)


@pytest.fixture
def does(monkeypatch, tmp_path):
    """Let the command do something else."""

    def script(source: str) -> None:
        file = tmp_path / "does.py"
        file.write_text(source)
        monkeypatch.setattr(
            program, "command", lambda *words: [sys.executable, str(file), words[-1]]
        )

    return script


@pytest.fixture
def runner():
    made = QuickBattery()
    yield made
    made.stop()


@pytest.fixture
def page_runner():
    quick_battery.clear()
    yield
    quick_battery().stop()
    quick_battery.clear()


def until(holds) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_a_run_ends_with_its_report(runner, does, tmp_path):
    does(WRITES)
    file = tmp_path / "home" / "battery.json"

    runner.start(file, START)
    until(lambda: not runner.is_running(START))

    assert file.read_text() == "done"
    assert runner.problem == ""


def test_a_second_start_begins_nothing(runner, does, tmp_path):
    does(LINGERS)
    one, two = tmp_path / "one", tmp_path / "two"
    runner.start(one, START)
    until(one.exists)
    first = runner._process

    runner.start(two, START)

    assert runner._process is first
    assert runner.is_running(START)
    runner.stop()
    assert not two.exists()


def test_a_run_that_is_cancelled_is_gone_and_is_no_problem(runner, does, tmp_path):
    does(LINGERS)
    runner.start(tmp_path / "begun", START)
    process = runner._process
    until((tmp_path / "begun").exists)

    runner.stop()

    assert process.poll() is not None
    assert not runner.is_running(START)
    assert runner.problem == ""


def test_a_run_that_takes_too_long_is_ended_and_said(runner, does, tmp_path):
    does(LINGERS)
    runner.start(tmp_path / "begun", START)
    process = runner._process

    assert runner.is_running(START + LONGEST)
    assert not runner.is_running(START + LONGEST + timedelta(seconds=1))

    assert process.poll() is not None
    assert "stopped after 10 min" in runner.problem


@pytest.mark.parametrize(("status", "is_problem"), [(0, False), (5, False), (6, False), (2, True)])
def test_only_a_run_without_a_report_is_a_problem(runner, does, tmp_path, status, is_problem):
    does(f"raise SystemExit({status})")

    runner.start(tmp_path / "x", START)
    until(lambda: not runner.is_running(START))

    assert bool(runner.problem) is is_problem


@pytest.mark.slow
def test_the_page_starts_one_says_so_and_stops_it(lethe, does, monkeypatch, page_runner):
    does(LINGERS)
    monkeypatch.setattr(report, "shipped_report", lambda: None)
    app = lethe.page("Irreversibility")

    app.button(key="irreversibility_run").click().run()
    until(own_file().exists)

    assert "The quick battery runs" in said(app)
    assert "irreversibility_run" not in [button.key for button in app.button]
    app.button(key="irreversibility_cancel").click().run()
    assert not quick_battery().is_running(START)
    assert app.button(key="irreversibility_run")


@pytest.mark.slow
def test_the_page_says_when_it_gave_no_report(lethe, does, monkeypatch, page_runner):
    does("raise SystemExit(2)")
    monkeypatch.setattr(report, "shipped_report", lambda: None)
    app = lethe.page("Irreversibility")

    app.button(key="irreversibility_run").click().run()
    until(lambda: not quick_battery().is_running(START))
    app.run()

    assert "ended without a report" in app.error[0].value
