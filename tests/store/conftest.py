from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.runs.jobs import Executor
from store.database import Database
from store.worker.dispatcher import Dispatcher
from tests.homes import prepare
from tests.store.fakes import NOW


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    prepare(home)
    opened = Database.open(home, NOW)
    yield opened
    opened.close()


@pytest.fixture
def dispatch(database: Database) -> Iterator[Callable[[Executor], Dispatcher]]:
    """Start a dispatcher that ends with the test."""
    running = []

    def start(executor: Executor) -> Dispatcher:
        dispatcher = Dispatcher(database, executor, lambda: NOW)
        dispatcher.start()
        running.append(dispatcher)
        return dispatcher

    yield start
    for dispatcher in running:
        dispatcher.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where labelled pictures lie."""
    return tmp_path / "labelled"
