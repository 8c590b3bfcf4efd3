from __future__ import annotations

import base64
from pathlib import Path

import pytest

from store.vault import passphrase, sealing
from store.vault.context import Item, Purpose
from store.vault.vault import Vault

BATCH, OTHER_BATCH = "ba" * 16, "bb" * 16
PICTURE, OTHER_PICTURE = "ca" * 16, "cb" * 16
ORIGINAL = Item(BATCH, PICTURE, Purpose.ORIGINAL)
NAME = Item(BATCH, PICTURE, Purpose.NAME)
SECRET = b"a face nobody may see"


def as_text(secret: bytes) -> str:
    """A master key as the environment holds it."""
    return base64.b64encode(secret).decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def vault(home: Path) -> Vault:
    """With two batches that have two pictures each."""
    vault = Vault.open(home, {})
    for batch in (BATCH, OTHER_BATCH):
        vault.add_batch(batch)
    vault.add_picture(BATCH, PICTURE)
    vault.add_picture(BATCH, OTHER_PICTURE)
    return vault


@pytest.fixture
def path(home: Path) -> Path:
    """Where a sealed original goes."""
    folder = home / "originals"
    folder.mkdir(parents=True)
    return folder / PICTURE


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Chunks of 64 bytes, for contents of many."""
    monkeypatch.setattr(sealing, "CHUNK_BYTES", 64)
    return 64


@pytest.fixture
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "COST", 2**10)
