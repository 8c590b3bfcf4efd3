"""An installation with something of everything, and the commands as people type them."""

from __future__ import annotations

import secrets
import shutil
import stat
from pathlib import Path

import pytest

from engine.runs.jobs import Released
from store.accounts.actor import shell
from store.backup.making import back_up
from store.batches import pictures
from store.database import Database
from store.files import Files
from store.originals import item
from store.worker import tasks
from tests.store.fakes import ACTOR, NOW, a_batch, receipt

ORIGINAL = b"waits: a very private original " * 100
RELEASE = b"a released picture"


class Installation:
    """A data folder, its app stopped."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.batch = ""
        self.picture = ""

    @property
    def files(self) -> Files:
        return Files(self.home)

    def work(self, content: bytes = ORIGINAL) -> None:
        """A picture that is released, and one that waits."""
        database = Database.open(self.home, NOW)
        a_batch(database, [b"another"])
        picture = tasks.take(ACTOR, database, NOW).picture_id
        release = secrets.token_hex(16)
        outcome = Released(picture, receipt(release, picture), RELEASE)
        tasks.record(ACTOR, database, outcome, NOW)
        self.batch = a_batch(database, [content])
        self.picture = pictures.of_batch(ACTOR, database, self.batch)[0].id
        database.close()

    def original(self, home: Path | None = None) -> bytes:
        """The picture that waits, as a data folder opens it."""
        database = Database.open(home or self.home, NOW)
        try:
            return database.originals.source(item(self.batch, self.picture)).read()
        finally:
            database.close()


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def open_to_others(folder: Path) -> list[Path]:
    """What somebody else than the owner may touch."""
    return [
        path for path in (folder, *folder.rglob("*")) if stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


def made(home: Path, target: Path) -> Path:
    back_up(shell(0), home, target, lambda: NOW, {})
    return target


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Path]:
    """An installation and a backup of it, which tests get copies of."""
    folder = tmp_path_factory.mktemp("template")
    one = Installation(folder / "home")
    one.work()
    (one.home / "policy.toml").write_text("[review]\naudit_share = 0.0\n")
    (one.home / "sign-in.toml").write_text("[auth]\n")
    return one, made(one.home, folder / "backup")


@pytest.fixture
def installation(template: tuple[Installation, Path], home: Path) -> Installation:
    """A copy of the data folder, as it was when it had been backed up."""
    one, _ = template
    shutil.copytree(one.home, home)
    copy = Installation(home)
    copy.batch, copy.picture = one.batch, one.picture
    return copy


@pytest.fixture
def backup(template: tuple[Installation, Path], tmp_path: Path) -> Path:
    shutil.copytree(template[1], tmp_path / "backup")
    return tmp_path / "backup"
