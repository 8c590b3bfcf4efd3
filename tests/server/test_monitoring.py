"""The port of figures: only when asked for, of this machine alone, and without a name."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from components.server import __main__ as launcher
from engine.runs.jobs import NeedsReview
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.accounts.role import Role
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.errors import NotAllowed
from store.review import reviews
from store.worker import tasks
from tests.ports import free_port
from tests.server.conftest import PATIENCE_S, command
from tests.store.fakes import ACTOR, plan

PERSON, PICTURE, BATCH = "Ingrid Example", "Ingrid at the beach.jpg", "hospital ward 7"


def lay(home: Path) -> list[str]:
    """A picture that waits for a person, claimed, and a refusal; gives the ids that were drawn."""
    now = datetime.now(UTC)
    with closing(Database.open(home, now)) as database:
        batch = batches.create(ACTOR, database, Request(BATCH, ""), now)
        ids = intake.add(ACTOR, database, batch.id, [Incoming(PICTURE, b"x")], now)
        batches.start(ACTOR, database, batch.id, now)
        task = tasks.take(ACTOR, database, now)
        tasks.record(ACTOR, database, NeedsReview(task.picture_id, plan(task.picture_id)), now)
        reviews.claim(ACTOR, database, PERSON, now)
        with pytest.raises(NotAllowed):
            database.admit(Actor("ingrid", PERSON, frozenset({Role.ANALYST})), Act.DECIDE)
        return [batch.id, *ids]


def ask(port: int, path: str = "/metrics", method: str = "GET", **headers: str):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    answer.text = answer.read().decode()
    connection.close()
    return answer


def answers(port: int, address: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def serving(home: Path) -> Iterator[tuple[int, Path]]:
    """The app over a home folder; gives the port of its figures, and what it says."""
    port, metrics = free_port(), free_port()
    with (home / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            **command("--port", str(port), "--metrics-port", str(metrics), LETHE_HOME=str(home)),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not (answers(metrics) and answers(port)):
                assert process.poll() is None, (home / "log.txt").read_text()
                assert time.monotonic() < deadline, "waited too long for the figures"
                time.sleep(0.1)
            yield metrics, home / "log.txt"
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("home")
    ids = lay(home)
    with serving(home) as (metrics, log):
        yield metrics, ids, log


@pytest.mark.slow
def test_a_running_app_tells_its_figures_without_a_name_or_an_id(running):
    port, ids, _ = running

    answer = ask(port)
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert samples["lethe_up",] == 1
    assert samples["lethe_pictures", "review"] == 1
    assert samples["lethe_oldest_seconds", "review"] >= 0
    assert samples["lethe_held_back_pictures", "check"] == 0
    assert samples["lethe_redaction_failures",] == 0
    assert samples["lethe_refused_accesses_total", "NotAllowed"] == 1
    assert samples["lethe_sample_pictures", "missed"] == 0
    for private in (*PERSON.split(), PICTURE, "beach", BATCH, "ward", "ingrid", *ids):
        assert private not in answer.text


@pytest.mark.slow
def test_the_figures_are_on_this_machine_alone_and_only_when_asked_for(running, server):
    port, _, log = running

    assert not answers(port, "127.0.0.2")  # every address of the machine would answer there
    assert ask(port, Host="evil.example").status == 403
    assert ask(port, Origin="http://evil.example").status == 403
    assert ask(port, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert ask(port, "/").status == 404
    assert ask(port, method="POST").status == 405
    assert "Traceback" not in log.read_text()
    assert server.ask("/metrics", {"Cookie": server.cookie}).text.startswith("<!")  # a page


@pytest.mark.slow
def test_the_end_of_an_app_that_told_figures_says_nothing(tmp_path):
    lay(tmp_path)

    with serving(tmp_path) as (port, log):
        assert ask(port).status == 200

    said, _, rest = log.read_text().partition("Ctrl-C ends the program.\n")
    assert said
    assert not rest.strip()  # DuckDB would list what a thread still holds


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (["--port", "9000", "--metrics-port", "9000"], {}, "is the app's"),
        (["--port", "9000"], {"LETHE_METRICS_PORT": "9000"}, "is the app's"),
        ([], {"LETHE_METRICS_PORT": "any"}, "LETHE_METRICS_PORT must be a port"),
    ],
)
def test_a_port_that_cannot_be_is_refused(words, environment, says, capsys):
    assert launcher.main(words, environment) == 2
    assert says in capsys.readouterr().err


@pytest.mark.slow
def test_a_port_that_is_taken_is_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        done = subprocess.run(
            **command("--port", str(free_port()), LETHE_METRICS_PORT=str(taken),
                      LETHE_HOME=str(tmp_path)),
            capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip

    assert done.returncode == 2
    assert f"port {taken}" in done.stderr
    assert "Traceback" not in done.stderr
