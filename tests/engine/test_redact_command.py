"""`redact`, in this process with a made-up detector."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from functools import partial
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.category import Category
from engine.cli import redact, running
from engine.detect.ensemble import Ensemble
from engine.detect.weights import own_weights_notice
from engine.policy import named_policy
from engine.runs.inputs import sources
from engine.runs.sources import PathSource
from tests.awkward import NAMES_IN_ANY_SCRIPT
from tests.engine.in_process import InProcess
from tests.engine.run_folders import (
    QUICK,
    RELEASING,
    OutOfOrder,
    assert_whole,
    fates,
    files_of,
    lines,
    names,
    paint,
)


class CutShort:
    """Is given every picture, and ends with the outcome of one."""

    def __init__(self, workers, whole):
        self._executor = whole(workers)

    def run(self, jobs):
        yield next(self._executor.run(jobs))

    def close(self):
        self._executor.close()


QUARANTINE = "quarantine.jsonl"


class TestRedact:
    def test_every_picture_reaches_one_outcome_and_the_counts_add_up(self, lethe, folder, tmp_path):
        status, summary, err = lethe("redact", folder, tmp_path / "out")

        assert status == 0
        assert fates(tmp_path / "out") == [
            ("broken.jpg", "quarantined"),
            ("doubtful.png", "review"),
            ("empty.png", "review"),
            ("passes.png", "released"),
        ]
        assert summary["pictures"] == 4
        assert summary["pictures"] == sum(
            summary[fate] for fate in ("released", "review", "quarantined")
        )
        assert summary["not_looked_for"] == ["tattoo", "jewelry"]
        assert "Left alone, as no pictures, hidden, or linked folders: 1." in err
        assert_whole(tmp_path / "out")

    @pytest.mark.parametrize(("use", "count"), [("research", 1), ("any", 0)])
    def test_a_run_says_once_what_the_models_may_be_used_for(
        self, lethe, folder, tmp_path, monkeypatch, use, count
    ):
        (tmp_path / "manifest.toml").write_text(f'[adornments]\nuse = "{use}"\n')
        monkeypatch.setattr(redact, "own_weights_notice", partial(own_weights_notice, tmp_path))

        status, _, err = lethe("redact", folder, tmp_path / "out")

        assert status == 0
        assert err.count("retrain it on pictures you hold a licence for") == count

    @pytest.mark.parametrize(
        ("where", "found"),
        [("", 4), ("passes.png", 1), ("*.png", 3), ("**/*", 4)],
        ids=["folder", "file", "glob", "recursive glob"],
    )
    def test_input_is_a_folder_a_file_or_a_pattern(self, lethe, folder, tmp_path, where, found):
        status, summary, _ = lethe("redact", folder / where, tmp_path / "out")

        assert (status, summary["pictures"]) == (0, found)

    def test_a_second_run_does_nothing_twice(self, lethe, folder, tmp_path):
        _, first, _ = lethe("redact", folder, tmp_path / "out")
        before = {path: path.read_bytes() for path in files_of(tmp_path / "out")}

        _, second, _ = lethe("redact", folder, tmp_path / "out")

        assert {path: path.read_bytes() for path in files_of(tmp_path / "out")} == before
        assert {**first, "seconds": 0} == {**second, "seconds": 0}

    def test_names_that_read_the_same_lose_nothing(self, lethe, tmp_path, rng):
        where = tmp_path / "in"
        where.mkdir()
        for name, corner in ((b"z\xff.png", 0), (rb"z\xff.png", 255), (b"z\xfe.png", 0)):
            paint(where / "x.png", corner, rng)
            (where / "x.png").rename(where / os.fsdecode(name))

        for _ in range(2):
            _, summary, _ = lethe("redact", where, tmp_path / "out")

        assert (summary["pictures"], summary["released"], summary["review"]) == (3, 2, 1)
        assert fates(tmp_path / "out") == [(r"z\xfe.png", "released"), (r"z\xff.png", "released")]
        assert [line["source"] for line in lines(tmp_path / "out", "review.jsonl")] == [
            r"z\xff.png"
        ]
        assert_whole(tmp_path / "out")

    def test_a_clock_that_went_back_is_said(self, lethe, folder, tmp_path, monkeypatch):
        monkeypatch.setattr(running, "today", lambda: "2027-11-22")
        _, _, ahead = lethe("redact", folder, tmp_path / "out")
        monkeypatch.setattr(running, "today", lambda: "2026-11-22")
        _, _, back = lethe("redact", folder, tmp_path / "out")

        assert "still to come" not in ahead
        assert "What was released here before says 2027-11-22, which is still to come" in back

    def test_a_second_run_takes_what_is_new_or_changed(self, lethe, folder, tmp_path, rng):
        lethe("redact", folder, tmp_path / "out")
        paint(folder / "new.png", 0, rng)
        paint(folder / "empty.png", 0, rng)

        lethe("redact", folder, tmp_path / "out")

        released = [source for source, _ in names(tmp_path / "out")[1:]]
        assert sorted(released) == ["empty.png", "new.png", "passes.png"]
        assert_whole(tmp_path / "out")

    @pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
    def test_a_file_that_cannot_be_read_is_held_back_once(self, lethe, folder, tmp_path):
        (folder / "unreadable.jpg").symlink_to("/proc/self/mem")

        for _ in range(2):
            status, summary, _ = lethe("redact", folder, tmp_path / "out")

            assert (status, summary["quarantined"]) == (0, 2)
        (line,) = (one for one in lines(tmp_path / "out", "quarantine.jsonl") if not one["picture"])
        assert line["reason"] == "The file could not be read (Input/output error)."

    @pytest.mark.parametrize("corner", [0, 255, 99], ids=["released", "doubtful", "empty"])
    def test_two_files_with_the_same_content_both_get_an_outcome(
        self, lethe, folder, tmp_path, rng, corner
    ):
        paint(folder / "one.png", corner, rng)
        shutil.copy(folder / "one.png", folder / "two.png")

        lethe("redact", folder, tmp_path / "out")

        found = dict(fates(tmp_path / "out"))
        assert found["one.png"] == found["two.png"]
        assert len(found) == 6
        assert_whole(tmp_path / "out")

    def test_a_picture_that_was_away_for_a_moment_is_asked_for_again(
        self, lethe, folder, tmp_path, monkeypatch
    ):
        class Away(OutOfOrder):
            def run(self, jobs):
                jobs = list(jobs)  # all were read once, to name them
                (folder / "passes.png").rename(tmp_path / "away.png")
                yield from super().run(jobs)

        with monkeypatch.context() as network:
            network.setattr(running, "started_pool", lambda workers: Away(Ensemble([])))
            lethe("redact", folder, tmp_path / "out")
        (tmp_path / "away.png").rename(folder / "passes.png")
        before = dict(fates(tmp_path / "out"))

        lethe("redact", folder, tmp_path / "out")

        assert before["passes.png"] == "quarantined"
        assert "passes.png" in [source for source, _ in names(tmp_path / "out")[1:]]

    def test_a_picture_that_changed_meanwhile_is_asked_for_again(
        self, lethe, folder, tmp_path, monkeypatch
    ):
        whole = (folder / "passes.png").read_bytes()

        class Changing(OutOfOrder):
            def run(self, jobs):
                jobs = list(jobs)  # all were read once, to name them
                (folder / "passes.png").write_bytes(whole[:-20])
                yield from super().run(jobs)

        with monkeypatch.context() as copying:
            copying.setattr(running, "started_pool", lambda workers: Changing(Ensemble([])))
            lethe("redact", folder, tmp_path / "out")
        (folder / "passes.png").write_bytes(whole)
        reasons = {one["source"]: one["reason"] for one in lines(tmp_path / "out", QUARANTINE)}

        lethe("redact", folder, tmp_path / "out")

        assert reasons["passes.png"].startswith("The file changed while it was being worked on")
        assert "passes.png" in [source for source, _ in names(tmp_path / "out")[1:]]
        assert "passes.png" not in [one["source"] for one in lines(tmp_path / "out", QUARANTINE)]

    def test_a_file_of_any_size_holds_up_no_other(self, lethe, folder, tmp_path, monkeypatch):
        with (folder / "endless.jpg").open("wb") as file:
            file.truncate(8 * 1024**4)  # all of it holes
        read = PathSource.read

        def crowded(self):
            if self.path.name == "empty.png":
                raise MemoryError
            return read(self)

        monkeypatch.setattr(PathSource, "read", crowded)

        status, summary, _ = lethe("redact", folder, tmp_path / "out")

        assert (status, summary["released"], summary["quarantined"]) == (0, 1, 3)
        reasons = {one["source"]: one["reason"] for one in lines(tmp_path / "out", QUARANTINE)}
        assert reasons["endless.jpg"] == "The file is larger than 4,096 MB, so it was not read."
        assert "too little memory" in reasons["empty.png"]

    def test_pictures_in_the_output_folder_to_be_are_not_lost_in_silence(self, lethe, folder):
        (folder / "new").mkdir()
        shutil.copy(folder / "passes.png", folder / "new" / "passes too.png")

        status, _, err = lethe("redact", folder, folder / "new")

        assert status == 2
        assert "pictures of the input lie in it" in err
        assert [path.name for path in (folder / "new").iterdir()] == ["passes too.png"]

    def test_what_cannot_be_opened_is_held_back_with_the_reason_and_the_rest_goes_on(
        self, lethe, folder, tmp_path
    ):
        os.mkfifo(folder / "pipe.jpg")
        (folder / "gone.jpg").symlink_to("nowhere")

        status, summary, _ = lethe("redact", folder, tmp_path / "out")

        assert (status, summary["pictures"], summary["quarantined"]) == (0, 6, 3)
        reasons = {one["source"]: one["reason"] for one in lines(tmp_path / "out", QUARANTINE)}
        assert "no plain file" in reasons["pipe.jpg"]
        assert "leads to no file" in reasons["gone.jpg"]

    def test_the_order_of_releases_is_not_that_of_the_names(
        self, lethe, folder, tmp_path, monkeypatch
    ):
        """A folder lists its files in the order of their making, or backwards."""
        taken = []

        class Noting(InProcess):
            def run(self, jobs):
                jobs = list(jobs)
                taken.extend(job.source.path.name for job in jobs)
                yield from super().run(jobs)

        class Turning:
            shuffle = staticmethod(list.reverse)

        monkeypatch.setattr(redact, "RANDOM", Turning)
        monkeypatch.setattr(running, "started_pool", lambda workers: Noting(Ensemble([])))

        lethe("redact", folder, tmp_path / "out")

        assert taken == sorted(taken, reverse=True)
        assert len(taken) == 4

    def test_large_files_are_worked_on_first(self, folder, monkeypatch):
        monkeypatch.setattr(redact, "LARGE_BYTES", 5000)
        (folder / "zz.jpg").write_bytes(b"\xff" * 5000)
        (folder / "gone.jpg").symlink_to(folder / "nothing")
        pictures, _ = sources(str(folder))

        scheduled = redact._scheduled(pictures)

        is_large = [not redact._is_small(source) for source in scheduled]
        assert is_large == sorted(is_large, reverse=True)
        assert any(is_large)
        assert not all(is_large)
        assert sorted(source.name for source in scheduled) == [one.name for one in pictures]

    def test_four_eyes_are_none_of_the_command_lines(self, lethe, folder, tmp_path):
        (tmp_path / "four.toml").write_text(f"{QUICK}four_eyes = true\n")

        status, _, said = lethe("redact", folder, tmp_path / "out", policy="four.toml")

        assert status == 2
        assert "bring the pictures into the app" in said
        assert not (tmp_path / "out").exists()

    def test_the_same_pictures_are_sampled_in_a_new_folder_and_after_a_run_that_was_cut_short(
        self, lethe, tmp_path, rng, monkeypatch
    ):
        where = tmp_path / "many"
        where.mkdir()
        for number in range(12):
            paint(where / f"{number}.png", 0, rng)
        (tmp_path / "half.toml").write_text(QUICK.replace("audit_share = 0", "audit_share = 0.5"))
        half = {"policy": "half.toml"}
        lethe("redact", where, tmp_path / "one", **half)
        whole = running.started_pool
        for _ in range(3):
            monkeypatch.setattr(running, "started_pool", lambda workers: CutShort(workers, whole))
            lethe("redact", where, tmp_path / "other", **half)
        monkeypatch.setattr(running, "started_pool", whole)
        lethe("redact", where, tmp_path / "other", **half)

        first, other = fates(tmp_path / "one"), fates(tmp_path / "other")

        assert first == other
        assert {fate for _, fate in first} == {"released", "review"}

    def test_an_output_folder_inside_the_input_is_not_taken_as_input(self, lethe, folder):
        for _ in range(2):
            status, summary, _ = lethe("redact", folder, folder / "out")

            assert (status, summary["pictures"]) == (0, 4)

    @pytest.mark.parametrize(
        ("where", "out", "says"),
        [
            ("in", "in", "must not be the input folder"),
            ("in", ".", "nor hold it"),
            ("in/*.png", "in", "nor hold it"),
            ("nothing", "out", "There is no file or folder"),
            ("in/*.xyz", "out", "No file matches"),
            ("bare", "out", "There are no pictures"),
        ],
    )
    def test_what_cannot_be_started_is_a_sentence_and_exit_2(
        self, lethe, folder, tmp_path, where, out, says
    ):
        (tmp_path / "bare").mkdir()

        status, summary, err = lethe("redact", tmp_path / where, tmp_path / out)

        assert (status, summary) == (2, None)
        assert says in err

    def test_what_the_disk_refuses_is_named(self, lethe, folder, tmp_path):
        (tmp_path / "taken").write_text("by a file", encoding="utf-8")

        status, summary, err = lethe("redact", folder, tmp_path / "taken")

        assert (status, summary) == (2, None)
        assert f"refused {tmp_path / 'taken'}" in err
        assert "Traceback" not in err

    def test_want_of_memory_is_a_sentence(self, lethe, folder, tmp_path, monkeypatch):
        def full(*words, **options):
            raise MemoryError

        monkeypatch.setattr(redact, "redact", full)

        status, _, err = lethe("redact", folder, tmp_path / "out")

        assert (status, err.count("\n")) == (2, 1)
        assert "too little memory" in err

    def test_a_refusal_without_a_path_is_a_sentence_too(self, lethe, folder, tmp_path, monkeypatch):
        def full(*words, **options):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(redact, "redact", full)

        status, _, err = lethe("redact", folder, tmp_path / "out")

        assert (status, err) == (2, "The disk or a folder refused: No space left on device.\n")

    def test_another_policy_is_refused_with_a_sentence(self, lethe, folder, tmp_path):
        lethe("redact", folder, tmp_path / "out")
        (tmp_path / "other.toml").write_text(RELEASING, encoding="utf-8")

        status, summary, err = lethe("redact", folder, tmp_path / "out", policy="other.toml")

        assert (status, summary) == (2, None)
        assert "another policy or output format" in err

    def test_a_policy_goes_by_its_name(self, lethe, folder, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "fast").write_text("typo = 1", encoding="utf-8")

        status, summary, _ = lethe(
            "redact", folder, tmp_path / "out", "--policy", "fast", policy=""
        )

        assert (status, summary["pictures"]) == (0, 4)
        used = json.loads((tmp_path / "out/.lethe/run.json").read_text())["policy"]
        assert used == named_policy("fast").only([Category.FACE]).fingerprint

    def test_an_unknown_policy_is_refused_with_the_names_there_are(self, lethe, folder, tmp_path):
        status, _, err = lethe("redact", folder, tmp_path / "out", policy="quick")

        assert status == 2
        assert "no policy and no file" in err
        assert "cautious, balanced, fast" in err

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("typo = 1", "typo is not a key"),
            ("[", "not valid TOML"),
            ("\xff", "read as text"),
            ("[codec]\njpeg_quality = " + "9" * 5000, "not valid TOML"),
        ],
    )
    def test_a_bad_policy_is_refused_with_a_sentence(self, lethe, folder, tmp_path, text, says):
        (tmp_path / "bad.toml").write_bytes(text.encode("latin-1"))

        status, _, err = lethe("redact", folder, tmp_path / "out", policy="bad.toml")

        assert status == 2
        assert says in err
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["--only", "car"], "unknown category 'car'"),
            (["--only", "face,"], "unknown category ''"),
            (["--only", "other"], "unknown category 'other'"),
            (["--workers", "0"], "at least 1"),
            (["--format", "gif"], "invalid choice"),
            (["--frob"], "unrecognized arguments"),
            (["--policy", ""], "one of the arguments is empty"),
        ],
    )
    def test_words_that_make_no_sense_are_exit_2(self, capsys, tmp_path, words, says):
        with pytest.raises(SystemExit) as left:
            main(["redact", str(tmp_path), str(tmp_path / "out"), *words])

        assert left.value.code == 2
        assert says in capsys.readouterr().err

    def test_without_a_licence_there_is_no_release_when_the_policy_says_so(
        self, lethe, folder, tmp_path, rng
    ):
        paint(folder / "unlicensed.png", 0, rng)
        paint(folder / "unnamed.png", 0, rng)
        (tmp_path / "strict.toml").write_text(
            QUICK + "[manifest]\nrequire_licence = true\n", encoding="utf-8"
        )
        manifest = tmp_path / "manifest.csv"
        manifest.write_text("filename,licence\npasses.png,CC0\nunlicensed.png,\n", encoding="utf-8")

        lethe("redact", folder, tmp_path / "out", "--manifest", manifest, policy="strict.toml")

        held = {
            line["source"]: line["reason"] for line in lines(tmp_path / "out", "quarantine.jsonl")
        }
        assert held.keys() == {
            "broken.jpg", "doubtful.png", "empty.png", "unlicensed.png", "unnamed.png",
        }  # fmt: skip
        assert "gives no licence" in held["unlicensed.png"]
        assert "has no line" in held["unnamed.png"]
        assert [source for source, _ in names(tmp_path / "out")[1:]] == ["passes.png"]

    @pytest.mark.skipif(os.name == "nt", reason="no name holds a backslash there")
    def test_a_line_that_may_mean_two_pictures_releases_neither(self, lethe, tmp_path, rng):
        folder = tmp_path / "in"
        (folder / "a").mkdir(parents=True)
        for name in ("a/b.png", "a\\b.png", "c.png"):
            paint(folder / name, 0, rng)
        (tmp_path / "strict.toml").write_text(
            QUICK + "[manifest]\nrequire_licence = true\n", encoding="utf-8"
        )
        manifest = tmp_path / "manifest.csv"
        manifest.write_text("filename,licence\na\\b.png,CC0\nc.png,CC0\n", encoding="utf-8")

        lethe("redact", folder, tmp_path / "out", "--manifest", manifest, policy="strict.toml")

        held = lines(tmp_path / "out", "quarantine.jsonl")
        assert {line["source"] for line in held} == {"a/b.png", "a\\b.png"}
        assert all("holds a backslash" in line["reason"] for line in held)
        assert [source for source, _ in names(tmp_path / "out")[1:]] == ["c.png"]

    def test_a_bad_manifest_is_refused_before_anything_is_done(self, lethe, folder, tmp_path):
        (tmp_path / "bad.csv").write_text("filename\n", encoding="utf-8")

        status, _, err = lethe(
            "redact", folder, tmp_path / "out", "--manifest", tmp_path / "bad.csv"
        )

        assert status == 2
        assert "no column licence" in err
        assert not (tmp_path / "out").exists()

    def test_names_are_private_and_kept_in_any_script(self, lethe, folder, tmp_path, rng):
        for name in NAMES_IN_ANY_SCRIPT:
            paint(folder / name, 0, rng)  # a PNG inside, whatever it is called

        lethe("redact", folder, tmp_path / "out")

        path = tmp_path / "out" / "names.csv"
        assert path.read_text(encoding="utf-8").startswith("# ")
        assert names(tmp_path / "out")[0] == ["source", "release"]
        assert set(NAMES_IN_ANY_SCRIPT) < {source for source, _ in names(tmp_path / "out")}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_nothing_written_holds_a_plain_hash_or_a_name_where_it_should_not(
        self, lethe, folder, tmp_path
    ):
        lethe("redact", folder, tmp_path / "out")

        written = files_of(tmp_path / "out")
        everything = b"\n".join(path.read_bytes() for path in written).lower()
        everything += b"\n".join(os.fsencode(path.name) for path in written).lower()
        for original in folder.iterdir():
            for kind in ("md5", "sha1", "sha256", "sha512", "blake2b"):
                digest = hashlib.new(kind, original.read_bytes())
                assert digest.hexdigest().encode()[:16] not in everything
                assert digest.digest()[:8] not in everything
        for path in (*(tmp_path / "out" / "released").iterdir(), tmp_path / "out/receipts.jsonl"):
            assert b"passes" not in path.read_bytes()
