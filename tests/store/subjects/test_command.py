"""`lethe subject` from the shell: statuses, sentences, and the zip that it writes."""

import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from lethe.__main__ import main
from store.subjects import requests
from tests.store.fakes import ACTOR

pytestmark = pytest.mark.slow


@pytest.fixture
def shell(worked, capsys):
    """Runs one command on the data, which nobody else has open then; gives status and output."""
    home, release = worked.database.files.home, worked.release
    worked.database.close()

    def run(*words):
        status = main(["subject", *words, "--home", str(home)])
        said = capsys.readouterr()
        return status, said.out, said.err

    run.release = release
    return run


def test_find_tells_what_is_held(shell):
    status, said, _ = shell("find", shell.release.release_id)

    assert status == 0
    assert shell.release.picture_id in said
    assert "1 picture found: by its id." in said
    assert "original   held" in said


def test_find_ends_with_1_where_nothing_is_ours_or_it_was_altered(shell, tmp_path):
    stranger, altered = tmp_path / "a.png", tmp_path / f"{shell.release.release_id}.png"
    for file in (stranger, altered):
        file.write_bytes(b"others")

    assert shell("find", "--file", str(stranger))[:2] == (1, shell("find", "ab" * 16)[1])
    status, said, _ = shell("find", "--file", str(altered))
    assert status == 1
    assert "Altered: the file bears the name of a release" in said


def test_a_file_that_cannot_be_read_is_a_sentence(shell, tmp_path):
    status, _, said = shell("find", "--file", str(tmp_path / "none.png"))

    assert status == 2
    assert said.endswith("cannot be read (No such file or directory).\n")


def test_an_export_is_for_its_owner_alone_and_goes_over_no_other_file(shell, tmp_path):
    out = tmp_path / "held.zip"

    assert shell("export", shell.release.release_id, str(out), "--original")[0] == 0

    assert out.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(out) as archive:
        assert archive.read("original.jpg") == b"one"
    before = out.read_bytes()
    status, _, said = shell("export", shell.release.release_id, str(out))
    assert (status, "exists already" in said) == (2, True)
    assert out.read_bytes() == before


def test_requests_end_with_1_while_one_is_overdue(shell):
    came = datetime.now(UTC) - timedelta(days=40)
    received = ["--received", f"{came:%Y-%m-%d}"]
    _, said, _ = shell("open", "deletion", shell.release.release_id, *received)
    assert f"due by {came + timedelta(days=30):%Y-%m-%d}" in said

    status, said, _ = shell("requests")
    assert status == 1
    assert "OVERDUE" in said
    assert said.endswith("1 request, 1 overdue.\n")
    (row,) = json.loads(shell("requests", "--json")[1])
    assert row["overdue"] is True
    shell("delete", shell.release.picture_id)
    assert shell("requests")[0] == 0


@pytest.mark.parametrize("words", [["delete", "ab" * 16], ["correct", "ab" * 16, "--ground=other"]])
def test_an_unknown_id_is_a_sentence(shell, words):
    status, _, said = shell(*words)

    assert status == 2
    assert said.startswith("No picture and no release here has the id abab")


def test_a_folder_without_data_stays_empty(tmp_path, capsys):
    assert main(["subject", "requests", "--home", str(tmp_path)]) == 2

    assert "holds no data of Lethe" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_the_shell_does_is_listed_in_the_app_too(worked, capsys):
    home, release = worked.database.files.home, worked.release
    worked.database.close()
    main(["subject", "delete", release.release_id, "--home", str(home)])

    reopened = type(worked.database).open(home, worked.now[-1])
    (request,) = requests.listed(ACTOR, reopened)
    assert request.opened_by.startswith("shell:")
    assert request.picture_id == release.picture_id
    reopened.close()
