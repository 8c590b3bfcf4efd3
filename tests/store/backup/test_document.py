"""docs/how-to/backup.md: what it says to type, typed in its order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from store.database import Database, open_read_only
from store.vault.vault import Vault
from tests.store.backup.conftest import RELEASE, content_of
from tests.store.fakes import NOW

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "how-to" / "backup.md"


def blocks(folder):
    """The document's commands, in folders of the test's own."""
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    return [block.replace("/mnt", f"{folder}/mnt").replace("/srv", f"{folder}/srv") for block in
            found]  # fmt: skip


@pytest.fixture
def run(tmp_path, installation):
    """A shell in which `lethe` is a command."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "lethe"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m lethe "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}:{os.environ['PATH']}"
    environment = {"PYTHONPATH": str(ROOT), "LETHE_HOME": str(installation.home), "PATH": path}

    def run(script):
        done = subprocess.run(
            ["bash", "-e", "-u", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_every_command_of_it_works_in_its_order_and_does_what_it_says(run, installation, tmp_path):
    home, backups, safe = installation.home, tmp_path / "mnt/backups", tmp_path / "mnt/safe"
    for folder in (backups, safe, tmp_path / "srv"):
        folder.mkdir(parents=True)
    shutil.copy(home / "keys" / "master", safe)
    make, check, trial, after_loss, expiry, old_data, without = blocks(tmp_path)

    run(make)
    run(check)
    said = run(trial)
    assert "as recorded" in said
    assert "pictures      2" in said
    assert list((tmp_path / "srv").iterdir()) == []

    said = run(after_loss)
    assert "as recorded" in said
    assert installation.original().startswith(b"waits")
    Database.open(home, NOW).close()
    with open_read_only(home) as cursor:
        assert cursor.execute("SELECT count(*) FROM events WHERE act = 'restore'").fetchone()[0]

    old = backups / "old" / "keyring"
    shutil.copytree(backups / "monday" / "keyring", old)
    os.utime(old, (0, 0))
    run(expiry)
    assert not old.exists()
    assert (backups / "monday" / "keyring").is_dir()

    assert "stays deleted" in run(old_data)

    (safe / "master").unlink()
    assert "cannot be opened" in run(without)
    Database.open(home, NOW).close()
    assert RELEASE in content_of(home).values()
    assert Vault.open(home, {}).status().pictures == 0
