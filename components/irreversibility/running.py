"""The quick battery, run beside the app: one at a time, bounded, and stopped with a click.

It is a process of its own, so that neither pages nor the line wait for it; it writes its report
whole or not at all, and the page then shows that.
"""

from __future__ import annotations

import atexit
import shlex
import subprocess
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import streamlit as st

from components.app import permission
from components.app.palette import plain, span
from components.app.services import now
from components.irreversibility.report import own_file
from engine.cli import program
from store.accounts.role import PEOPLE

LONGEST = timedelta(minutes=10)
WORDS = ("attack", "--quick", "--workers", "1", "--json")
_WRITES_A_REPORT = (0, 5, 6)
"""Exit statuses of `attack`: pass, fail, invalid."""
_PATIENCE_S = 5.0


@dataclass(slots=True)
class QuickBattery:
    """At most one run for the whole app."""

    problem: str = ""
    """Why the last run gave no report; empty when it did, or was stopped."""
    begun_at: datetime | None = None
    _process: subprocess.Popen[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, file: Path, moment: datetime) -> None:
        """Begin, unless one is running."""
        with self._lock:
            if self._process is not None:
                return
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._process = subprocess.Popen(  # noqa: S603 -- our own program, no shell
                program.command(*WORDS, str(file.absolute())),
                env=program.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self.begun_at, self.problem = moment, ""

    def is_running(self, moment: datetime) -> bool:
        """Whether it still runs; one that runs for too long is ended."""
        with self._lock:
            if self._process is None:
                return False
            status = self._process.poll()
            if status is not None:
                self._process = None
                if status not in _WRITES_A_REPORT:
                    self.problem = (
                        "The battery ended without a report. Run it from the shell to see why."
                    )
                return False
            is_late = self.begun_at is not None and moment - self.begun_at > LONGEST
        if is_late:
            self.stop()
            self.problem = f"The battery was stopped after {span(LONGEST.total_seconds())}."
            return False
        return True

    def stop(self) -> None:
        """End the run, if there is one; there will be no report of it."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@st.cache_resource(show_spinner=False)
def quick_battery() -> QuickBattery:
    """The one of this process."""
    runner = QuickBattery()
    atexit.register(runner.stop)
    return runner


def offer_run() -> None:
    """A button to run it here, and the command to run all of it."""
    runner = quick_battery()
    if runner.is_running(now()):
        _live()
        return
    if runner.problem:
        st.error(plain(runner.problem), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Run the quick battery here",
            icon=":material/play_arrow:",
            key="irreversibility_run",
            on_click=_start,
            help="On made-up drawings, one processor core, about a minute.",
        )
        st.caption("Or all of it from the shell; what is written there is shown here:")
    where = shlex.quote(str(own_file()))
    st.code(f"lethe attack --json {where}", language="sh")


@st.fragment(run_every=1.0)
@permission.fragment(*PEOPLE)
def _live() -> None:
    runner = quick_battery()
    moment = now()
    if not runner.is_running(moment):
        st.rerun()
    passed = (moment - (runner.begun_at or moment)).total_seconds()
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/progress_activity: **The quick battery runs** · for {span(passed)}; it "
            "takes about a minute, more on a busy machine. You may leave this page."
        )
        st.button(
            "Cancel",
            icon=":material/stop_circle:",
            key="irreversibility_cancel",
            on_click=runner.stop,
        )


def _start() -> None:
    quick_battery().start(own_file(), now())
