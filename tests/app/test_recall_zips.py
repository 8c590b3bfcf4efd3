"""Data sets that come as a zip, and deleting what came of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from components.app import server_folders
from components.app.server_folders import ClosedFolder
from store.evaluations import evaluations
from tests.app.conftest import Lethe
from tests.app.labelled import evaluated, finished, labelled_set
from tests.app.reading import UPRIGHT, said
from tests.store.fakes import ACTOR

pytestmark = pytest.mark.slow


def zipped(folder: Path, extra: dict[str, bytes] | None = None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"set/{file.relative_to(folder)}")
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return content.getvalue()


def upload(app, content: bytes):
    uploader = app.file_uploader(key="recall_zip_0")
    return uploader.upload("set.zip", content, "application/zip").run()


def datasets(lethe: Lethe) -> list[Path]:
    folder = lethe.home / "datasets"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_a_zip_becomes_an_evaluation_and_goes_with_it(lethe, tmp_path):
    app = upload(lethe.page("Recall"), zipped(labelled_set(tmp_path / "set")))
    assert not app.exception
    assert app.text_input(key="recall_name").value == "set"

    app.button(key="recall_start").click().run()
    run = finished(lethe, evaluations.listed(ACTOR, lethe.database)[0].id)
    app.run()
    assert run.report.pictures == 3
    assert len(datasets(lethe)) == 1
    app.button(key=f"recall_delete_{run.id}").click().run()

    assert not app.exception
    assert evaluations.listed(ACTOR, lethe.database) == ()
    assert datasets(lethe) == []
    assert "Bring a labelled set" in said(app)


def test_a_zip_needs_no_open_folder_and_opens_none(lethe, tmp_path, monkeypatch):
    def closed(paths):
        if list(paths):
            raise ClosedFolder("Closed.")

    monkeypatch.setattr(server_folders, "refuse_closed", closed)
    app = upload(lethe.page("Recall"), zipped(labelled_set(tmp_path / "set", missed=1)))

    app.button(key="recall_start").click().run()
    (run,) = evaluations.listed(ACTOR, lethe.database)
    finished(lethe, run.id)
    app = lethe.page("Recall")

    assert "Closed." not in said(app)
    assert "data:image/jpeg" in app.image[0].proto.imgs[0].url
    link = next(datasets(lethe)[0].rglob("picture 0.png"))
    link.unlink()
    link.symlink_to(tmp_path / "set" / "picture 0.png")
    assert "Closed." in said(lethe.page("Recall"))


def test_a_zip_of_two_data_sets_says_which_and_what_to_do(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set")
    (labels,) = folder.glob("*.json")

    app = upload(lethe.page("Recall"), zipped(folder, {"set/more.json": labels.read_bytes()}))

    told = said(app)
    assert not app.exception
    assert f"set.zip holds more than one data set: {labels.name}, more.json." in told
    assert "name the one that is meant under" in told
    assert datasets(lethe) == []


def test_a_zip_stays_while_another_evaluation_was_made_from_it(lethe, tmp_path):
    app = upload(lethe.page("Recall"), zipped(labelled_set(tmp_path / "set")))
    app.button(key="recall_start").click().run()
    first = finished(lethe, evaluations.listed(ACTOR, lethe.database)[0].id)
    second = evaluated(lethe, Path(first.source))
    app = lethe.page("Recall")

    app.button(key=f"recall_delete_{second.id}").click().run()

    assert [one.id for one in evaluations.listed(ACTOR, lethe.database)] == [first.id]
    assert len(datasets(lethe)) == 1


def test_a_zip_stays_while_the_key_of_its_evaluation_is_away(lethe, tmp_path):
    app = upload(lethe.page("Recall"), zipped(labelled_set(tmp_path / "set")))
    app.button(key="recall_start").click().run()
    run = finished(lethe, evaluations.listed(ACTOR, lethe.database)[0].id)
    key = lethe.home / "keyring" / run.id / f"{run.id}.key"
    key.rename(tmp_path / "away")
    lethe.restart()

    lethe.page("Recall")

    assert len(datasets(lethe)) == 1
    lethe.restart()
    (tmp_path / "away").rename(key)
    assert evaluations.listed(ACTOR, lethe.database)[0].source == run.source


def test_a_zip_that_climbs_out_is_refused_and_leaves_nothing(lethe, tmp_path):
    content = zipped(labelled_set(tmp_path / "set"), {"../out.txt": b"out"})

    app = upload(lethe.page("Recall"), content)

    assert not app.exception
    assert "would lie outside of its folder" in said(app)
    assert datasets(lethe) == []
    assert not (lethe.home / "out.txt").exists()


def test_a_zip_without_labels_is_refused_and_leaves_nothing(lethe):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.png", UPRIGHT)

    app = upload(lethe.page("Recall"), content.getvalue())

    assert not app.exception
    (error,) = app.error
    assert ".zip" in error.value
    assert str(lethe.home) not in error.value
    assert datasets(lethe) == []


def test_choosing_another_set_deletes_the_zip(lethe, tmp_path):
    app = upload(lethe.page("Recall"), zipped(labelled_set(tmp_path / "set")))
    assert len(datasets(lethe)) == 1

    app.button(key="recall_forget").click().run()

    assert not app.exception
    assert datasets(lethe) == []


def test_deleting_leaves_a_folder_of_the_persons_own_alone(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set")
    run = evaluated(lethe, folder)
    app = lethe.page("Recall")

    app.button(key=f"recall_delete_{run.id}").click().run()

    assert evaluations.listed(ACTOR, lethe.database) == ()
    assert (folder / "picture 0.png").exists()
