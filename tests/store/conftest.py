from collections.abc import Iterator
from pathlib import Path

import pytest

from store.database import Database
from tests.store.fakes import NOW


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    opened = Database.open(home, NOW)
    yield opened
    opened.close()
