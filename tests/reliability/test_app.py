"""The app is ended in the middle of an upload or a Start, and what Home says of what is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from engine.policy import read_policy
from store.batches import batches
from tests.app.conftest import ROOT, lethe, scanned_once  # noqa: F401 -- fixtures
from tests.app.reading import said
from tests.reliability.disk import full
from tests.reliability.lines import AppLine
from tests.reliability.scenes import NAMES, POLICY, Eyes, pictures
from tests.store.fakes import ACTOR


@pytest.fixture
def detectors():
    return [Eyes()]


class Pages(AppLine):
    """The app as a person meets it."""

    def __init__(self, folder, app):
        super().__init__(folder)
        self.app, self.home = app, app.home

    @property
    def database(self):
        return self.app.database

    def close(self):
        self.app.close()

    def press_start(self):
        page = self.app.page("Upload")
        page.button(key="upload_start").click().run()
        assert not page.exception
        self.app.settle()
        (batch,) = batches.newest(ACTOR, self.database)
        self.batch = batch.id


@pytest.fixture
def pages(lethe, tmp_path):  # noqa: F811
    policy = read_policy(POLICY).only(["face"]).to_toml()
    (lethe.home / "policy.toml").write_text(policy, encoding="utf-8")
    return Pages(tmp_path, lethe)


def killed(pages, moment):
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.killed", str(pages.home), moment],
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 9


def test_an_upload_that_is_cut_short_keeps_what_had_arrived(pages, broken):
    case = broken("app", "is killed in the middle of an upload", pages)

    killed(pages, "upload")
    listed = [one.name for one in pages.app.staging.files()]
    told = pages.app.page("Upload").button(key="upload_start").label

    assert listed == list(NAMES[:2])
    assert told == "Start with 2 pictures"
    pages.app.staging.take_file(NAMES[2], pictures()[NAMES[2]])
    pages.press_start()
    case.happened, case.said = "2 of 3 listed, none half", told
    case.finished("bringing in the third again")


def test_a_start_that_is_cut_short_can_be_pressed_again(pages, broken):
    case = broken("app", "is killed in the middle of a Start", pages)

    killed(pages, "start")
    listed = [one.name for one in pages.app.staging.files()]
    told = pages.app.page("Upload").button(key="upload_start").label

    assert listed == list(NAMES)
    assert told == "Start with 3 pictures"
    pages.press_start()
    case.happened, case.said = "3 of 3 listed, nothing begun", told
    case.finished("pressing Start again")


def test_home_says_that_the_line_is_interrupted_and_goes_on_by_itself(pages, broken):
    case = broken("app", "has no room for releases", pages)
    for name, content in pictures().items():
        pages.app.staging.take_file(name, content)
    sentence = "Work is interrupted (OSError, No space left on device) and will be tried again."
    page = pages.app.page("Upload")

    with full(pages.home / "releases"):
        page.button(key="upload_start").click().run()
        pages.app.until(lambda: "Work is interrupted" in said(pages.app.page()))
        told = said(pages.app.page())
    pages.app.settle()

    assert f"Nothing is released for now. {sentence}" in told
    (batch,) = batches.newest(ACTOR, pages.database)
    pages.batch = batch.id
    case.happened, case.said = "nothing is released", f"Nothing is released for now. {sentence}"
    case.finished("itself, once there is room")


def test_home_says_that_the_database_is_gone_and_works_once_it_is_back(pages, broken):
    case = broken("app", "finds no database beside its pictures", pages)
    for name, content in pictures().items():
        pages.app.staging.take_file(name, content)
    pages.press_start()
    pages.close()
    shutil.move(pages.home / "lethe.duckdb", pages.folder / "away")

    pages.told = [error.value.replace("\\", "") for error in pages.app.page().error]
    shutil.move(pages.folder / "away", pages.home / "lethe.duckdb")

    case.refused(
        "$LETHE_HOME holds 5 files in originals and releases but no lethe.duckdb that knows them; "
        "nothing was changed. Put back all of the folder from one copy, move these files "
        "elsewhere, or choose another folder with LETHE_HOME."
    )
    case.finished("the database put back")
