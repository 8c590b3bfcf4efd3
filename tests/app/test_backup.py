"""A backup of what the app leaves behind."""

from __future__ import annotations

import shutil

from components.app.access import LOCAL
from components.upload.staging import Staging
from store.accounts.actor import shell
from store.backup.making import back_up
from store.backup.parts import contents
from store.backup.restoring import Source, restore
from store.database import Database
from tests.app.conftest import Lethe, png
from tests.store.fakes import NOW


def test_everything_that_the_app_keeps_belongs_to_a_part_and_what_waits_comes_back(
    lethe: Lethe, tmp_path
):
    lethe.page()
    lethe.batch(png(), png(200, 100))
    lethe.staging.take_file("waits.png", png(seed=2))
    lethe.staging.keep_manifest(b"filename,source,licence,attribution_needed\n")
    lethe.close()
    assert contents(lethe.home).left_out == ()

    back_up(shell(0), lethe.home, tmp_path / "backup", lambda: NOW, {})
    home = tmp_path / "restored"
    restore(shell(0), Source(tmp_path / "backup"), home, NOW)
    shutil.copy(lethe.home / "keys" / "master", home / "keys" / "master")

    database = Database.open(home, NOW)
    waiting = Staging(home / "staging", LOCAL.name, database.vault)
    (file,) = waiting.files()
    assert file.name == "waits.png"
    sealed = waiting.content(file)
    assert database.vault.source(sealed.item, sealed.path).read() == png(seed=2)
    assert waiting.manifest() is not None
    database.close()
