"""Runs whose output lies at an address, in memory and without Ray."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil

import fsspec
import pytest

from engine.cli import running
from engine.cluster import output_folder as remote
from engine.cluster.bucket import Bucket
from engine.cluster.lease import LEASE
from engine.errors import UnusableFolder
from engine.files import atomic
from engine.files.home import home
from engine.policy import Policy
from engine.runs.jobs import Released
from engine.runs.output_folder import OutputFolder
from engine.signing.schema import ENDING
from engine.signing.signer import signer
from tests.engine.run_folders import lines, paint
from tests.store import fakes

pytestmark = pytest.mark.slow

MEMORY = "memory://runs"
OUT = f"{MEMORY}/out"


@pytest.fixture(autouse=True)
def _memory():
    pytest.importorskip("fsspec", reason="fsspec comes with requirements-cluster.txt")
    yield
    shutil.rmtree(home() / "cluster", ignore_errors=True)
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def bucket():
    return Bucket.at(OUT)


@pytest.fixture
def uploaded(folder):
    """The folder of pictures, in memory."""
    originals = Bucket.at(f"{MEMORY}/in")
    originals.write({path.name: path.read_bytes() for path in folder.iterdir()})
    return f"{MEMORY}/in"


def released(bucket):
    return {name for name in bucket.names("released") if not name.endswith(".json")}


def killed(folder):
    """What is left of a run that ends while its last files are on their way."""
    folder._push()
    os.close(folder._lock)


def block_lines(bucket):
    names = bucket.names(".lethe/blocks")
    return [json.loads(line) for name in names for line in bucket.read(name).splitlines()]


def test_pictures_of_an_address_go_to_an_address(lethe, uploaded, bucket):
    status, summary, err = lethe("redact", uploaded, OUT)

    assert status == 0
    assert summary["pictures"] == 4
    assert (summary["released"], summary["review"], summary["quarantined"]) == (1, 2, 1)
    assert "Left alone, as no pictures, hidden, or linked folders: 1." in err
    assert len(released(bucket)) == 1
    assert {f"{name.rpartition('.')[0]}{ENDING}" for name in released(bucket)} <= set(
        bucket.names()
    )
    assert "released/manifest.json" in bucket.names()
    assert not (home() / "cluster").exists() or not any((home() / "cluster").iterdir())


def test_the_same_command_does_nothing_twice_whichever_machine_it_runs_on(lethe, uploaded, bucket):
    lethe("redact", uploaded, OUT)
    before = {name: bucket.read(name) for name in bucket.names()}

    status, summary, _ = lethe("redact", uploaded, OUT)

    assert status == 0
    assert summary["released"] == 1
    assert {name: bucket.read(name) for name in bucket.names()} == before


def test_no_key_and_no_original_is_in_the_bucket(lethe, uploaded, folder, bucket):
    lethe("redact", uploaded, OUT)
    private = [path.read_bytes() for path in (home() / "keys").iterdir() if path.is_file()]
    originals = [path.read_bytes() for path in folder.iterdir()]

    everything = [bucket.read(name) for name in bucket.names()]

    assert ".lethe/key" not in bucket.names()
    assert not any(secret and secret in data for secret in private for data in everything)
    assert not any(original in everything for original in originals)


def test_a_release_whose_files_never_came_is_taken_back_and_made_again(
    lethe, uploaded, bucket, monkeypatch
):
    """A kill between the last block and its files."""
    with monkeypatch.context() as patch:
        patch.setattr(remote.RemoteOutputFolder, "close", killed)
        whole = Bucket.write
        patch.setattr(
            Bucket,
            "write",
            lambda self, files: (
                None
                if any(name.endswith((".png", "/whole")) for name in files)  # nor what comes after
                else whole(self, files)
            ),
        )
        lethe("redact", uploaded, OUT)
    assert not released(bucket)
    assert [line for line in block_lines(bucket) if "receipts.jsonl" in line]

    refused, _, err = lethe("redact", uploaded, OUT)
    _, summary, _ = lethe("redact", uploaded, OUT, "--take-over")

    assert refused == 2
    assert "Another run is writing to memory://runs/out, or was killed over it." in err
    assert summary["released"] == 1
    (receipt,) = [
        line["receipts.jsonl"] for line in block_lines(bucket) if "receipts.jsonl" in line
    ]
    start = f"released/{receipt['release']}"
    assert set(bucket.names("released")) == {
        f"{start}.png", start + ENDING, "released/manifest.json"
    }  # fmt: skip


@pytest.mark.parametrize("ending", [".png", ENDING])
@pytest.mark.parametrize("per_block", [1, 64])
def test_a_release_whose_files_the_network_lost_is_made_again_once(
    lethe, uploaded, bucket, monkeypatch, per_block, ending
):
    monkeypatch.setattr(remote, "OUTCOMES_PER_BLOCK", per_block)
    with monkeypatch.context() as patch:
        whole = Bucket.write

        def broken(self, files):
            if any(name.endswith(ending) for name in files):
                raise UnusableFolder("memory://runs/out could not be reached.")
            whole(self, files)

        patch.setattr(Bucket, "write", broken)
        status, _, err = lethe("redact", uploaded, OUT)

    assert status == 2
    assert "could not be reached" in err
    assert not released(bucket)
    assert not {LEASE, "released/manifest.json"} & set(bucket.names())

    _, summary, _ = lethe("redact", uploaded, OUT)
    _, again, _ = lethe("redact", uploaded, OUT)

    assert summary["released"] == again["released"] == 1
    assert len([line for line in block_lines(bucket) if "receipts.jsonl" in line]) == 1
    assert len(released(bucket)) == 1
    assert "released/manifest.json" in bucket.names()


def test_a_block_that_did_not_come_the_first_time_is_written_in_the_end(
    lethe, uploaded, bucket, monkeypatch
):
    whole = Bucket.create
    faults = iter([UnusableFolder("memory://runs/out could not be reached.")])

    def broken(self, name, data):
        if name != LEASE and (fault := next(faults, None)):
            raise fault
        whole(self, name, data)

    with monkeypatch.context() as patch:
        patch.setattr(remote, "OUTCOMES_PER_BLOCK", 4)
        patch.setattr(Bucket, "create", broken)
        status, _, _ = lethe("redact", uploaded, OUT)

    assert status == 2
    assert len(block_lines(bucket)) == 5
    assert len(released(bucket)) == 1
    assert LEASE not in bucket.names()


def test_a_store_that_ignores_conditional_writes_is_refused_unless_nobody_else_writes(
    lethe, uploaded, bucket, monkeypatch
):
    monkeypatch.setattr(Bucket, "create", lambda self, name, data: self.write({name: data}))

    status, _, err = lethe("redact", uploaded, OUT)

    assert status == 2
    assert "two runs could write" in err
    assert not bucket.names()

    _, summary, _ = lethe("redact", uploaded, OUT, "--take-over")

    assert summary["released"] == len(released(bucket)) == 1


def test_what_somebody_removed_after_the_run_does_not_come_back(lethe, uploaded, bucket):
    lethe("redact", uploaded, OUT)
    (gone,) = released(bucket)
    bucket.remove(gone)

    lethe("redact", uploaded, OUT)

    assert not released(bucket)


@pytest.mark.parametrize("per_block", [1, 2, 64])
def test_what_somebody_moved_out_of_a_killed_run_does_not_come_back(
    lethe, uploaded, bucket, monkeypatch, per_block
):
    """Files had come, the manifest had not; and a run is killed again before its first block."""
    monkeypatch.setattr(remote, "OUTCOMES_PER_BLOCK", per_block)
    monkeypatch.setattr(remote.RemoteOutputFolder, "close", killed)
    lethe("redact", uploaded, OUT)
    assert len(released(bucket)) == 1
    for name in bucket.names("released"):
        bucket.remove(name)

    for _ in range(2):
        _, summary, _ = lethe("redact", uploaded, OUT, "--take-over")

    assert summary["released"] == 1
    assert not released(bucket)
    assert len([line for line in block_lines(bucket) if "receipts.jsonl" in line]) == 1


def test_what_is_left_of_a_settled_block_may_be_moved_out(
    lethe, uploaded, folder, bucket, monkeypatch
):
    """Of two releases in the last block one came; the next run is killed before its first block."""
    Bucket.at(uploaded).write({"second.png": (folder / "passes.png").read_bytes()})
    monkeypatch.setattr(remote.RemoteOutputFolder, "close", killed)
    lethe("redact", uploaded, OUT)
    lost, came = sorted(released(bucket))
    for name in (lost, ".lethe/whole"):
        bucket.remove(name)
    with monkeypatch.context() as patch:
        patch.setattr(
            running.Run, "work", lambda run, steps, total: os.close(run.output_folder._lock)
        )
        lethe("redact", uploaded, OUT, "--take-over")
    assert released(bucket) == {came}
    for name in bucket.names("released"):
        bucket.remove(name)

    lethe("redact", uploaded, OUT, "--take-over")

    (again,) = released(bucket)
    assert again not in (lost, came)


def test_of_two_runs_at_one_address_the_second_lets_nothing_out(
    lethe, uploaded, bucket, monkeypatch
):
    whole = remote.RemoteOutputFolder._push

    def overtaken(self):
        if self._blocks is not None and not bucket.names(".lethe/blocks"):
            bucket.create(".lethe/blocks/00000001.jsonl", b"")
        whole(self)

    monkeypatch.setattr(remote.RemoteOutputFolder, "_push", overtaken)

    status, _, err = lethe("redact", uploaded, OUT)

    assert status == 2
    assert "Another run is writing to memory://runs/out" in err
    assert not released(bucket)


def test_no_run_begins_beside_another(lethe, uploaded, bucket, tmp_path):
    bucket.write({LEASE: b"somebody's"})

    status, _, err = lethe("redact", uploaded, OUT)
    local = lethe("redact", uploaded, tmp_path / "out", "--take-over")

    assert status == local[0] == 2
    assert "add --take-over" in err
    assert bucket.names() == [LEASE]
    assert "--take-over is for an output at an address" in local[2]


def test_blocks_end_where_they_are_full(lethe, uploaded, bucket, monkeypatch):
    monkeypatch.setattr(remote, "OUTCOMES_PER_BLOCK", 1)

    lethe("redact", uploaded, OUT)

    assert len(bucket.names(".lethe/blocks")) == 4


def test_a_missing_block_is_refused(lethe, uploaded, bucket, monkeypatch):
    monkeypatch.setattr(remote, "OUTCOMES_PER_BLOCK", 1)
    lethe("redact", uploaded, OUT)
    bucket.remove(".lethe/blocks/00000002.jsonl")

    status, _, err = lethe("redact", uploaded, OUT)

    assert status == 2
    assert "A block is missing" in err
    assert LEASE not in bucket.names()


def test_another_policy_and_another_folder_are_refused(lethe, uploaded, bucket, tmp_path):
    lethe("redact", uploaded, OUT)
    (tmp_path / "other.toml").write_text("[review]\naudit_share = 0.5\n", encoding="utf-8")
    bucket.write({"mine.txt": b"notes"})
    Bucket.at(f"{MEMORY}/notes").write({"mine.txt": b"notes"})

    other = lethe("redact", uploaded, OUT, policy="other.toml")
    foreign = lethe("redact", uploaded, f"{MEMORY}/notes")
    within = lethe("redact", uploaded, MEMORY)

    assert other[0] == foreign[0] == within[0] == 2
    assert "another policy" in other[2]
    assert "mine.txt already, which is not of a Lethe run" in foreign[2]
    assert "must not be the input folder" in within[2]


@pytest.mark.parametrize(
    ("where", "out"),
    [
        ("memory:///runs/in", "memory://runs/in/out"),
        ("memory://runs/in/", "memory:///runs/in/out/"),
        ("memory://runs/in", "memory://runs/in/out"),
    ],
)
def test_an_output_in_the_input_is_left_out_however_either_is_spelled(lethe, uploaded, where, out):
    lethe("redact", where, out)

    status, summary, _ = lethe("redact", where, out)
    same = lethe("redact", out, where)

    assert status == 0
    assert (summary["pictures"], summary["released"]) == (4, 1)
    assert same[0] == 2
    assert "must not be the input folder, nor hold it" in same[2]


def test_an_output_in_the_input_is_left_out_on_this_machine_too(lethe, folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    paths = (folder, f"file://{folder}", f"local://{tmp_path}/link")

    for number, (where, out) in enumerate(itertools.permutations(paths, 2)):
        for _ in range(2):
            status, summary, err = lethe("redact", where, f"{out}/out{number}")
            assert status == 0, err
            assert summary["pictures"] == 4
        refused, _, err = lethe("redact", f"{where}/out{number}", out)
        assert refused == 2
        assert "must not be the input folder, nor hold it" in err
        shutil.rmtree(folder / f"out{number}")


def test_an_output_in_the_input_is_left_out_on_s3_too(lethe, folder, s3):
    objects = {path.name: path.read_bytes() for path in folder.iterdir()}
    Bucket.at(f"{s3}/all").write(objects)
    also = s3.replace("s3://", "s3a://")

    lethe("redact", f"{s3}/all", f"{s3}/all/out")
    _, summary, _ = lethe("redact", f"{also}/all", f"{s3}/all/out")
    status, _, err = lethe("redact", f"{s3}/all/out", f"{also}/all")

    assert (summary["pictures"], summary["released"]) == (4, 1)
    assert status == 2
    assert "must not be the input folder" in err


def test_a_picture_that_changes_or_goes_is_held_back_alone(lethe, uploaded, bucket, monkeypatch):
    whole = running.RANDOM.shuffle

    def removed(pictures):
        Bucket.at(uploaded).remove("passes.png")
        whole(pictures)

    monkeypatch.setattr(running.RANDOM, "shuffle", removed)

    _, summary, _ = lethe("redact", uploaded, OUT)

    assert (summary["released"], summary["review"], summary["quarantined"]) == (0, 2, 2)
    held = [line["quarantine.jsonl"] for line in block_lines(bucket) if "quarantine.jsonl" in line]
    assert {line["source"]: line["reason"] for line in held}["passes.png"] == (
        "The file is no longer there."
    )


def test_what_cannot_be_reached_waits(lethe, folder, tmp_path, rng, bucket):
    paint(tmp_path / "a.png", 0, rng)
    status, _, err = lethe("redact", "memory://nothing/here", tmp_path / "out")
    unknown = lethe("redact", folder, "nonsense://there/out")

    assert status == 2
    assert "There is nothing at memory://nothing/here." in err
    assert "no address that can be opened" in unknown[2]
    assert not lines(tmp_path / "out", "receipts.jsonl")


def test_without_a_package_a_sentence_says_what_to_install(lethe, folder, monkeypatch):
    def missing(url):
        raise ImportError("Please install gcsfs to access Google Storage", name="gcsfs")

    monkeypatch.setattr("engine.cluster.bucket.file_system", missing)

    status, _, err = lethe("redact", folder, "gs://bucket/out")

    assert status == 2
    assert "gcsfs is not installed" in err


def test_decisions_are_carried_out_at_an_address(lethe, uploaded, bucket, tmp_path):
    lethe("redact", uploaded, OUT)
    (waiting,) = [
        line["review.jsonl"] for line in block_lines(bucket)
        if line.get("review.jsonl", {}).get("source") == "doubtful.png"
    ]  # fmt: skip
    (tmp_path / "decided.jsonl").write_text(json.dumps(waiting | {"accept": True}) + "\n")

    status, summary, err = lethe("release", uploaded, OUT, "--verdicts", tmp_path / "decided.jsonl")

    assert status == 0, err
    assert summary["released"] == 1
    assert len(released(bucket)) == 2


@pytest.mark.parametrize("at", range(1, 7))
def test_an_interrupt_in_a_release_leaves_a_run_that_goes_on(tmp_path, monkeypatch, bucket, at):
    """At each moment in which a folder is synced: the release is on record whole or not at all."""
    place = remote.Place(OUT, tmp_path / "copy")
    signed = signer(tmp_path / "home")
    today = "2026-11-22"
    folder = remote.RemoteOutputFolder.create_at(place, Policy(), "png", signed, lambda: today)
    sync, synced = atomic.sync_folder, []

    def interrupted(path):
        sync(path)
        synced.append(path)
        if len(synced) == at:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "sync_folder", interrupted)
        with pytest.raises(KeyboardInterrupt):
            folder.record("a.png", "00", Released("ab" * 16, fakes.receipt("ab" * 16), b"pixels"))
    with contextlib.suppress(FileNotFoundError):  # its files are not where they are taken from
        folder.close()

    again = remote.RemoteOutputFolder.create_at(place, Policy(), "png", signed, lambda: today)
    fate = again.fate("a.png", "00")
    if fate is None:
        again.record("a.png", "00", Released("cd" * 16, fakes.receipt("cd" * 16), b"pixels"))
    again.close()
    (release,) = {name.partition(".")[0] for name in released(bucket)}
    assert release == f"released/{('ab' if fate else 'cd') * 16}"


def test_a_receipt_that_the_disk_does_not_take_leaves_a_run_that_goes_on(
    tmp_path, monkeypatch, bucket
):
    place = remote.Place(OUT, tmp_path / "copy")
    signed = signer(tmp_path / "home")

    def opened():
        return remote.RemoteOutputFolder.create_at(
            place, Policy(), "png", signed, lambda: "2026-11-22"
        )

    folder = opened()
    append = OutputFolder._append

    def full(self, name, line):
        if name == "receipts.jsonl":
            raise OSError(28, "No space left on device")
        append(self, name, line)

    with monkeypatch.context() as patch:
        patch.setattr(OutputFolder, "_append", full)
        with pytest.raises(OSError, match="No space"):
            folder.record("a.png", "00", Released("ab" * 16, fakes.receipt("ab" * 16), b"pixels"))
    folder.close()

    for number in range(3):
        folder = opened()
        release = f"{number:02}" * 16
        folder.record(f"{number}.png", "00", Released(release, fakes.receipt(release), b"pixels"))
        folder.close()
    assert len(released(bucket)) == 3


def test_a_run_does_not_begin_where_files_may_be_there_by_half(
    lethe, uploaded, bucket, monkeypatch
):
    monkeypatch.setattr("engine.cluster.bucket.IN_PLACE", frozenset({"memory"}))

    status, _, err = lethe("redact", uploaded, OUT)

    assert status == 2
    assert f"{OUT} cannot be written to" in err
    assert not bucket.names()
