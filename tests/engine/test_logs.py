"""No log says what an error says: it may hold a name, a path or content."""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from components.server import __main__ as server
from components.server import serving
from engine import logs
from engine.__main__ import main
from engine.runs import pool
from store.__main__ import main as store_main

PRIVATE, CAUSE = "grandmother.jpg", os.strerror(errno.ENOENT)


@pytest.fixture
def text():
    """What is logged from now on."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logs.keep_names_out()
    yield stream
    logging.getLogger().removeHandler(handler)


def fail():
    try:
        raise FileNotFoundError(errno.ENOENT, CAUSE, PRIVATE)
    except FileNotFoundError as error:
        raise ValueError(f"{PRIVATE} is no picture") from error


def caught():
    try:
        fail()
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    "say",
    [
        lambda log, error: log.error("failed", exc_info=error),
        lambda log, error: log.error("failed: %s", error),
        lambda log, error: log.error("failed: %(why)s", {"why": error}),
        lambda log, error: log.error("failed: %r, %d times", error, 3),
        lambda log, error: log.error("failed: " + str(error), exc_info=error),  # noqa: G003
        lambda log, error: log.error("failed: <Task " + repr(error), exc_info=error),  # noqa: G003
        lambda log, error: log.error("failed %d", error, exc_info=error),
    ],
    ids=["traceback", "argument", "named", "repr", "text", "task", "bad call"],
)
def test_what_an_error_says_is_left_out_and_its_kind_stays(text, say):
    say(logging.getLogger("somebody.elses"), caught())

    assert PRIVATE not in text.getvalue()
    assert CAUSE not in text.getvalue()
    assert "somebody.elses failed" in text.getvalue()
    assert "ValueError" in text.getvalue() or "failed %d" in text.getvalue()


def test_a_traceback_says_where_and_what_led_to_it(text):
    logging.getLogger("ours").error("failed", exc_info=caught())

    assert "in fail" in text.getvalue()
    assert text.getvalue().index("FileNotFoundError") < text.getvalue().index("ValueError")


def test_words_without_an_error_stay_as_they_are(text):
    logging.getLogger("ours").warning("%d pictures, %s", 3, "all well")

    assert text.getvalue() == "ours 3 pictures, all well\n"


def test_a_thread_that_dies_is_logged_without_what_it_said(text, capsys):
    thread = threading.Thread(target=fail, name="helper")
    thread.start()
    thread.join()

    assert "helper died" in text.getvalue()
    assert PRIVATE not in text.getvalue() + capsys.readouterr().err


def test_a_task_that_nobody_waits_for_is_logged_without_what_it_said(text):
    async def outer():
        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(0.01)

    asyncio.run(outer())

    assert "ValueError" in text.getvalue()
    assert PRIVATE not in text.getvalue()


@pytest.mark.slow
def test_an_error_that_streamlit_did_not_expect_is_logged_without_what_it_said():
    program = (
        "from engine.logs import keep_names_out; keep_names_out()\n"
        "from streamlit import config; config.set_option('logger.enableRich', False)\n"
        "from streamlit.error_util import handle_uncaught_app_exception as handle\n"
        f"try: open('/nowhere/{PRIVATE}')\n"
        "except OSError as error: handle(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )

    assert "FileNotFoundError" in done.stderr
    assert PRIVATE not in (done.stdout + done.stderr).replace(program, "")


class TestEveryProgramDoesSo:
    def test_the_app(self, monkeypatch):
        monkeypatch.setattr(serving, "serve", lambda *_: None)

        assert server.main([], {}) == 0

        assert logging.getLogRecordFactory() is logs._record
        assert serving.settings(serving.Serving("::1", 1, server.read_origins(None), ""))[
            "logger.enableRich"
        ] is False  # rich prints to standard output, past all logging  # fmt: skip

    def test_the_shell(self, tmp_path):
        main(["redact", str(tmp_path / "nowhere"), str(tmp_path / "out")])

        assert logging.getLogRecordFactory() is logs._record

    def test_the_stores_shell(self, tmp_path):
        store_main(["status", "--home", str(tmp_path / "nowhere")])

        assert logging.getLogRecordFactory() is logs._record

    def test_the_workers(self, monkeypatch):
        idle = SimpleNamespace(start=lambda: None)
        monkeypatch.setattr(pool, "threading", SimpleNamespace(Thread=lambda **_: idle))
        monkeypatch.setattr(pool.os, "nice", lambda _: None)
        monkeypatch.setattr(pool, "_load", lambda: None)

        pool._start_worker(0)

        assert logging.getLogRecordFactory() is logs._record
