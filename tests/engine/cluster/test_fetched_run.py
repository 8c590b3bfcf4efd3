"""What waits for review in a run at an address comes to the app."""

from __future__ import annotations

import errno
import json
import shutil

import pytest

from engine.__main__ import main
from engine.cluster import fetched_run
from engine.cluster.bucket import Bucket
from engine.cluster.lease import LEASE
from engine.cluster.output_folder import TAKEN_IN
from store.__main__ import main as store
from tests.engine.cluster.test_output_folder import MEMORY, OUT
from tests.engine.run_folders import fates

pytest.importorskip("fsspec", reason="fsspec comes with requirements-cluster.txt")


@pytest.fixture(autouse=True)
def _home_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("LETHE_HOME", str(tmp_path / "home"))
    yield
    import fsspec

    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def run_there(lethe, folder):
    """A run from memory to memory in which two pictures wait."""
    Bucket.at(f"{MEMORY}/in").write({path.name: path.read_bytes() for path in folder.iterdir()})
    lethe("redact", f"{MEMORY}/in", OUT)


@pytest.fixture
def fetched(tmp_path, run_there):
    def fetch():
        words = ["fetch", OUT, str(tmp_path / "fetched"), "--originals", f"{MEMORY}/in"]
        return main(words), tmp_path / "fetched"

    return fetch


@pytest.mark.slow
def test_the_app_takes_in_what_waits(fetched, folder, capsys):
    status, here = fetched()
    out, _ = capsys.readouterr()
    taken_in = store(["ingest", str(here), "--originals", str(here / "originals")])

    assert status == taken_in == 0
    assert "2 pictures for review" in out
    assert "2 added to the review queue" in capsys.readouterr().out
    assert {path.name for path in (here / "originals").iterdir()} == {"doubtful.png", "empty.png"}
    assert (here / "originals" / "empty.png").read_bytes() == (folder / "empty.png").read_bytes()


def test_the_folder_tells_the_same_as_a_run_from_folder_to_folder(lethe, fetched, folder, tmp_path):
    _, here = fetched()
    lethe("redact", folder, tmp_path / "out")

    assert fates(here) == fates(tmp_path / "out")
    assert not list((here / "released").iterdir())
    assert here.stat().st_mode & 0o077 == 0


def test_what_the_app_has_the_shell_no_longer_releases(lethe, fetched, tmp_path):
    _, here = fetched()
    store(["ingest", str(here), "--originals", str(here / "originals")])
    (tmp_path / "decided.jsonl").write_text("", encoding="utf-8")

    status, _, err = lethe("release", f"{MEMORY}/in", OUT, "--verdicts", tmp_path / "decided.jsonl")

    assert status == 2
    assert "taken into the app" in err


def test_from_fetch_on_no_machine_releases_what_waits(lethe, fetched, tmp_path):
    """The app's machine may be another one, whose mark nobody else sees."""
    fetched()
    listed = Bucket.at(OUT).read(".lethe/blocks/00000001.jsonl").splitlines()
    (waiting,) = [
        line for line in (json.loads(text).get("review.jsonl", {}) for text in listed)
        if line.get("source") == "doubtful.png"
    ]  # fmt: skip
    (tmp_path / "decided.jsonl").write_text(json.dumps(waiting | {"accept": True}) + "\n")
    before = Bucket.at(OUT).names()

    status, _, err = lethe("release", f"{MEMORY}/in", OUT, "--verdicts", tmp_path / "decided.jsonl")

    assert status == 2
    assert f"What waits in {OUT}, or in another copy of it, was taken into the app" in err
    assert Bucket.at(OUT).names() == before
    assert LEASE not in before


def test_a_run_is_marked_before_an_original_is_copied(fetched, monkeypatch):
    marks = []

    def interrupted(folder, name, data):
        marks.append(Bucket.at(OUT).read(TAKEN_IN))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fetched_run, "_is_written", interrupted)
        stopped, here = fetched()
    was_made = here.exists()
    again, _ = fetched()

    assert marks == [b""]
    assert stopped != 0
    assert not was_made
    assert again == 0
    assert {path.name for path in (here / "originals").iterdir()} == {"doubtful.png", "empty.png"}


def test_a_run_goes_on_at_an_address_that_was_fetched(lethe, fetched, folder):
    fetched()
    Bucket.at(f"{MEMORY}/in").write({"new.png": (folder / "passes.png").read_bytes()})

    status, summary, _ = lethe("redact", f"{MEMORY}/in", OUT)

    assert status == 0
    assert summary["released"] == 2


def test_a_release_whose_files_never_came_is_none_to_the_app(fetched):
    """It was a person's, perhaps, and would wait in neither place."""
    for name in [*Bucket.at(OUT).names("released"), ".lethe/whole"]:
        Bucket.at(OUT).remove(name)

    _, here = fetched()

    assert {fate for _, fate in fates(here)} == {"review", "quarantined"}


def test_nothing_is_fetched_while_a_run_writes(fetched, tmp_path, capsys):
    Bucket.at(OUT).write({LEASE: b"somebody's"})

    refused, here = fetched()
    was_made = here.exists()
    words = ["fetch", OUT, str(here), "--originals", f"{MEMORY}/in", "--take-over"]

    assert refused == 2
    assert "Another run is writing to memory://runs/out" in capsys.readouterr().err
    assert not was_made
    assert main(words) == 0
    assert LEASE not in Bucket.at(OUT).names()


def test_an_original_that_is_gone_is_named_and_the_rest_comes(fetched, capsys):
    Bucket.at(f"{MEMORY}/in").remove("empty.png")

    status, here = fetched()

    assert status == 1
    assert "The original 'empty.png' is gone" in capsys.readouterr().err
    assert [path.name for path in (here / "originals").iterdir()] == ["doubtful.png"]


def test_an_original_is_written_below_the_folder_or_not_at_all(tmp_path, monkeypatch):
    """Keys of a bucket are anybody's: two may have no room beside each other on a disk."""
    (tmp_path / "home").mkdir()
    here = tmp_path / "home" / "fetched"
    long = "n" * 300
    unnameable = ["a/b.png", "..", f"{long}.png", f"{long}/d.png", "nul\0.png", "half\ud800.png"]
    names = ["../../out.png", "/out.png", "a", *unnameable, "deep/c.png"]
    monkeypatch.setattr(fetched_run, "_waiting", lambda folder: iter(names))
    monkeypatch.setattr(Bucket, "read", lambda self, name: b"x")
    monkeypatch.setattr(fetched_run, "fetch", lambda bucket, copy, keys: copy.mkdir() or True)

    found = fetched_run.fetch_run(OUT, f"{MEMORY}/in", here, None)

    assert found.missing == ("../../out.png", "/out.png", *unnameable)
    written = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {here / "originals" / "a", here / "originals" / "deep" / "c.png"}


def test_a_full_disk_is_no_matter_of_a_name(fetched, monkeypatch, capsys):
    def full(path, data):
        if path.name == "doubtful.png":
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(path, data)

    whole = fetched_run.atomic.write
    monkeypatch.setattr(fetched_run.atomic, "write", full)

    status, here = fetched()

    assert status == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not here.exists()
    assert LEASE not in Bucket.at(OUT).names()


def test_a_folder_that_is_there_and_an_address_without_a_run_are_refused(
    lethe, fetched, tmp_path, capsys
):
    _, here = fetched()
    again, _ = fetched()
    shutil.rmtree(here)
    nothing = main(["fetch", f"{MEMORY}/none", str(here), "--originals", f"{MEMORY}/in"])

    err = capsys.readouterr().err
    assert again == nothing == 2
    assert "name a new folder" in err
    assert "memory://runs/none is not the output of a Lethe run." in err
    assert not here.exists()
