"""The command line, in this process with a made-up detector and as a real process."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from engine import commands
from engine.__main__ import main
from engine.batch import InProcess
from engine.policy import default_policy
from tests.awkward import NAMES_IN_ANY_SCRIPT
from tests.scenes import FakeDetector, picture, seen, shipped_picture

ROOT = Path(__file__).parents[2]
QUICK = "[detection]\nscales = [64]\nturns = [0]\n[review]\naudit_share = 0\n"
RELEASING = QUICK + "nothing_found = false\n"
FACE, DOUBT = seen(0.9), seen(0.3, (60, 40, 70, 50))


class ByBrightness:
    """Black: a sure face; white: a face and a doubt; all else: nothing."""

    name = "fake@00000000"
    categories = frozenset(["face"])

    def detect(self, image, policy):
        brightness = int(image.rgb[-1, -1, 0])
        return {0: (FACE,), 255: (FACE, DOUBT)}.get(brightness, ())


class OutOfOrder(InProcess):
    """Pulls all jobs before it finishes the last one first, as a large pool might."""

    def run(self, jobs):
        yield from super().run(reversed(list(jobs)))


@pytest.fixture
def lethe(tmp_path, monkeypatch, capsys):
    """Runs a command in this process; gives exit status, its one JSON object, and stderr."""
    detectors = [ByBrightness()]
    monkeypatch.setattr(commands, "ProcessPool", lambda workers: OutOfOrder(detectors))
    (tmp_path / "policy.toml").write_text(QUICK, encoding="utf-8")

    def run(*words, policy="policy.toml"):
        options = ["--only", "face", "--policy", tmp_path / policy] * (words[0] == "redact")
        capsys.readouterr()
        status = main([str(word) for word in (*words, *options, "--json")])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else None, err

    return run


@pytest.fixture
def folder(tmp_path, rng):
    """One picture that passes, one with a doubt, one with nothing, one that is none."""
    where = tmp_path / "in"
    where.mkdir()
    for name, corner in (("passes.png", 0), ("doubtful.png", 255), ("empty.png", 99)):
        paint(where / name, corner, rng)
    (where / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (where / "notes.txt").write_text("not a picture", encoding="utf-8")
    return where


def paint(path, corner, rng):
    rgb = picture(rng, 60, 80)
    rgb[-1, -1] = corner
    assert cv2.imwrite(str(path.with_suffix(".tmp.png")), rgb)
    path.with_suffix(".tmp.png").rename(path)


def files_of(out):
    return sorted(path for path in out.rglob("*") if path.is_file())


def lines(out, name):
    path = out / name
    return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []


def names(out):
    with (out / "names.csv").open(encoding="utf-8", newline="") as file:
        assert file.readline().startswith("# ")
        return list(csv.reader(file))


def fates(out):
    """Every (source, fate) on record, review lines that were released since left out."""
    done = [(source, "released") for source, _ in names(out)[1:]]
    held = [(line["source"], "quarantined") for line in lines(out, "quarantine.jsonl")]
    settled = {source for source, _ in done}
    waiting = [
        (line["source"], "review")
        for line in lines(out, "review.jsonl")
        if line["source"] not in settled
    ]
    return sorted(done + held + waiting)


def assert_whole(out):
    """No release without receipt or name, no receipt without release, none doubled."""
    receipts = [line["release"] for line in lines(out, "receipts.jsonl")]
    assert sorted(path.stem for path in (out / "released").iterdir()) == sorted(receipts)
    assert sorted(release for _, release in names(out)[1:]) == sorted(receipts)
    assert len(set(receipts)) == len(receipts)


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
        assert "Left alone, as no pictures or linked folders: 1." in err
        assert_whole(tmp_path / "out")

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

    def test_an_output_folder_inside_the_input_is_not_taken_as_input(self, lethe, folder):
        for _ in range(2):
            status, summary, _ = lethe("redact", folder, folder / "out")

            assert (status, summary["pictures"]) == (0, 4)

    @pytest.mark.parametrize(
        ("where", "out", "says"),
        [
            ("in", "in", "must not be the input folder"),
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

    def test_another_policy_is_refused_with_a_sentence(self, lethe, folder, tmp_path):
        lethe("redact", folder, tmp_path / "out")
        (tmp_path / "other.toml").write_text(RELEASING, encoding="utf-8")

        status, summary, err = lethe("redact", folder, tmp_path / "out", policy="other.toml")

        assert (status, summary) == (2, None)
        assert "another policy or output format" in err

    @pytest.mark.parametrize(
        ("text", "says"),
        [("typo = 1", "typo is not a key"), ("[", "not valid TOML"), ("\xff", "read as text")],
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


@pytest.fixture
def reviewed(lethe, folder, tmp_path):
    """A finished run with two pictures that wait; gives its review lines by source."""
    lethe("redact", folder, tmp_path / "out")
    return {line["source"]: line for line in lines(tmp_path / "out", "review.jsonl")}


class TestRelease:
    def verdicts(self, tmp_path, *values):
        path = tmp_path / "verdicts.jsonl"
        text = "\n".join(
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for value in values
        )
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def release(self, lethe, folder, tmp_path, *values):
        path = self.verdicts(tmp_path, *values)
        return lethe("release", folder, tmp_path / "out", "--verdicts", path)

    def test_exactly_the_regions_of_an_accepted_line_go(self, lethe, folder, tmp_path, reviewed):
        drawn = {"box": [40, 30, 50, 40], "category": "other"}
        line = {
            **reviewed["doubtful.png"], "accept": True, "regions": [drawn], "doubts": [],
            "reviewer": "ada",
        }  # fmt: skip

        status, summary, _ = self.release(lethe, folder, tmp_path, line)

        assert (status, summary["released"], summary["pictures"]) == (0, 1, 1)
        receipt = lines(tmp_path / "out", "receipts.jsonl")[-1]
        assert receipt["reviewer"] == "ada"
        assert [(one["category"], one["box"]) for one in receipt["regions"]] == [
            ("other", [40, 30, 50, 40])
        ]
        rgb = cv2.imread(str(tmp_path / "out" / "released" / f"{receipt['release']}.png"))
        original = cv2.imread(str(folder / "doubtful.png"))
        x0, y0, x1, y1 = receipt["regions"][0]["masked"]
        assert (x0, y0, x1, y1) == (30, 14, 66, 50)
        assert (rgb[y0:y1, x0:x1] != original[y0:y1, x0:x1]).any(axis=2).mean() > 0.9
        rgb[y0:y1, x0:x1] = original[y0:y1, x0:x1] = 0
        assert (rgb == original).all()
        assert_whole(tmp_path / "out")

    def test_doubts_that_are_still_there_are_removed(self, lethe, folder, tmp_path, reviewed):
        self.release(lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True})

        receipt = lines(tmp_path / "out", "receipts.jsonl")[-1]
        assert [one["box"] for one in receipt["regions"]] == [[10, 10, 30, 30], [60, 40, 70, 50]]
        assert receipt["reviewer"] == "command line"

    @pytest.mark.parametrize(
        "extra",
        [{}, {"accept": False}, {"accept": "yes"}, {"accept": 1}, {"accept": None}],
        ids=["missing", "false", "text", "number", "null"],
    )
    def test_without_a_plain_yes_a_picture_stays(self, lethe, folder, tmp_path, reviewed, extra):
        status, summary, _ = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], **extra}
        )

        assert (status, summary["pictures"]) == (0, 0)
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    def test_no_lines_are_no_work(self, lethe, folder, tmp_path, reviewed):
        status, summary, _ = self.release(lethe, folder, tmp_path, "", "  ")

        assert (status, summary["pictures"]) == (0, 0)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"source": "unknown.png"}, "no picture of this name waits"),
            ({"source": "passes.png"}, "no picture of this name waits"),
            ({"source": ["doubtful.png"]}, "no picture of this name waits"),
            ({"source": None}, "no picture of this name waits"),
            ({"revision": 3}, "changed by somebody else"),
            ({"revision": "new"}, "cannot be read"),
            ({"revision": 1e999}, "cannot be read"),
            ({"regions": None}, "cannot be read"),
            ({"regions": ["face"]}, "cannot be read"),
            ({"regions": [[1, 2, 3, 4]]}, "cannot be read"),
            ({"regions": [{"box": [1, 2, 3, 4], "category": "car"}]}, "cannot be read"),
            ({"regions": [{"box": [9, 2, 3, 4], "category": "face"}]}, "cannot be read"),
            ({"regions": [{"box": [90, 2, 99, 4], "category": "face"}]}, "outside the picture"),
            ({"doubts": 5}, "cannot be read"),
        ],
        ids=str,
    )
    def test_a_line_that_cannot_be_done_is_named_and_the_others_are_done(
        self, lethe, folder, tmp_path, reviewed, change, says
    ):
        bad = {**reviewed["doubtful.png"], "accept": True, **change}
        good = {**reviewed["empty.png"], "accept": True}

        status, summary, err = self.release(lethe, folder, tmp_path, "", bad, good)

        assert (status, summary["released"]) == (1, 1)
        assert "verdicts.jsonl, line 2: " in err
        assert says in err
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    @pytest.mark.parametrize(
        "line", ["{", "[1]", "yes", "[" * 100_000], ids=["cut", "list", "word", "deep"]
    )
    def test_a_line_that_is_no_json_object_is_named(self, lethe, folder, tmp_path, reviewed, line):
        status, _, err = self.release(lethe, folder, tmp_path, line)

        assert status == 1
        assert "line 1: this is not" in err

    def test_an_original_that_changed_is_refused(self, lethe, folder, tmp_path, reviewed, rng):
        paint(folder / "doubtful.png", 255, rng)

        status, _, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True}
        )

        assert status == 1
        assert "has changed since" in err

    def test_an_original_that_is_gone_is_refused(self, lethe, folder, tmp_path, reviewed):
        (folder / "doubtful.png").unlink()

        status, _, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True}
        )

        assert status == 1
        assert "not in the input folder" in err

    def test_the_same_verdict_twice_releases_once(self, lethe, folder, tmp_path, reviewed):
        line = {**reviewed["doubtful.png"], "accept": True}

        status, summary, err = self.release(lethe, folder, tmp_path, line, line)
        again, _, _ = self.release(lethe, folder, tmp_path, line)

        assert (status, summary["released"], again) == (1, 1, 1)
        assert "line 2: no picture of this name waits" in err
        assert_whole(tmp_path / "out")

    def test_a_rerun_of_redact_leaves_released_pictures_alone(
        self, lethe, folder, tmp_path, reviewed
    ):
        self.release(lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True})

        _, summary, _ = lethe("redact", folder, tmp_path / "out")

        assert (summary["released"], summary["review"]) == (2, 1)

    @pytest.mark.parametrize("name", ["a\rb.png", "a\nb.png", 'a",b.png'])
    def test_a_name_csv_would_break_is_released_once(self, lethe, folder, tmp_path, rng, name):
        paint(folder / name, 0, rng)
        lethe("redact", folder, tmp_path / "out")

        _, again, _ = lethe("redact", folder, tmp_path / "out")

        assert again["released"] == 2
        assert len(list((tmp_path / "out" / "released").iterdir())) == 2
        assert name in {source for source, _ in names(tmp_path / "out")}

    def test_equal_pictures_keep_their_own_verdicts(self, lethe, folder, tmp_path, rng):
        paint(folder / "one.png", 255, rng)
        shutil.copy(folder / "one.png", folder / "two.png")
        lethe("redact", folder, tmp_path / "out")
        waiting = {line["source"]: line for line in lines(tmp_path / "out", "review.jsonl")}
        drawn = [{"box": [40, 30, 50, 40], "category": "other"}]
        accept = {"accept": True, "doubts": []}

        self.release(
            lethe,
            folder,
            tmp_path,
            {**waiting["one.png"], **accept, "regions": drawn},
            {**waiting["two.png"], **accept, "regions": []},
        )

        source_of = {release: source for source, release in names(tmp_path / "out")}
        regions = {
            source_of[receipt["release"]]: len(receipt["regions"])
            for receipt in lines(tmp_path / "out", "receipts.jsonl")
        }
        assert (regions["one.png"], regions["two.png"]) == (1, 0)

    def test_a_missing_list_of_names_is_no_reason_to_begin_again(self, lethe, folder, tmp_path):
        lethe("redact", folder, tmp_path / "out")
        (tmp_path / "out" / "names.csv").unlink()

        status, _, said = lethe("redact", folder, tmp_path / "out")

        assert status == 2
        assert "names.csv is missing" in said

    def test_an_output_folder_that_is_a_file_is_exit_2(self, lethe, folder, tmp_path):
        (tmp_path / "file").write_text("taken", encoding="utf-8")

        status, _, said = lethe("redact", folder, tmp_path / "file")

        assert status == 2
        assert "Traceback" not in said

    def test_files_of_others_are_not_written_over(self, lethe, folder, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "names.csv").write_text("mine", encoding="utf-8")

        status, _, said = lethe("redact", folder, tmp_path / "out")

        assert status == 2
        assert "names.csv" in said
        assert (tmp_path / "out" / "names.csv").read_text(encoding="utf-8") == "mine"

    @pytest.mark.parametrize("name", ["line\u2028here.png", "next\x85one.png", "sep\x1c.png"])
    def test_a_name_with_a_strange_line_break_is_one_line(self, lethe, folder, tmp_path, rng, name):
        paint(folder / name, 255, rng)
        lethe("redact", folder, tmp_path / "out")
        line = next(one for one in lines(tmp_path / "out", "review.jsonl") if one["source"] == name)

        status, summary, _ = self.release(lethe, folder, tmp_path, {**line, "accept": True})

        assert (status, summary["released"]) == (0, 1)

    @pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "no text"])
    def test_a_verdict_file_that_cannot_be_read_is_exit_2(
        self, lethe, folder, tmp_path, reviewed, content
    ):
        path = tmp_path / "verdicts.jsonl"
        if content is not None:
            path.write_bytes(content)

        status, _, err = lethe("release", folder, tmp_path / "out", "--verdicts", path)

        assert status == 2
        assert "could not be read as text" in err

    def test_a_folder_without_a_run_is_exit_2(self, lethe, folder, tmp_path):
        path = self.verdicts(tmp_path)

        status, _, err = lethe("release", folder, tmp_path, "--verdicts", path)

        assert status == 2
        assert "not the output folder" in err


@pytest.fixture
def many(tmp_path, rng):
    """Small pictures in which nothing is found, under a policy that lets those pass."""
    where = tmp_path / "in"
    where.mkdir()
    for number in range(40):
        paint(where / f"{number:02d}.png", number, rng)
    (tmp_path / "policy.toml").write_text(RELEASING, encoding="utf-8")
    return where


def redact_process(tmp_path, workers=2):
    return subprocess.Popen(
        [sys.executable, "-m", "engine", "redact", tmp_path / "in", tmp_path / "out", "--only",
         "face", "--policy", tmp_path / "policy.toml", "--workers", str(workers), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip


def is_worker_starting(session):
    """Whether a worker of this session runs Python by now, and so would answer Ctrl-C."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended since
            of = (folder / "stat").read_text().rpartition(")")[2].split()[3]
            if of == str(session) and b"LokyProcess" in (folder / "cmdline").read_bytes():
                caught = (folder / "status").read_text().partition("SigCgt:")[2].split()[0]
                return bool(int(caught, 16) & 1 << signal.SIGINT - 1)
    return False


def wait_for_receipts(out, count, process):
    path = out / "receipts.jsonl"
    while process.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.002)


class TestProcess:
    def test_killed_again_and_again_it_still_gives_every_picture_one_outcome(self, tmp_path, many):
        out = tmp_path / "out"
        for count in (1, 9, 22):
            process = redact_process(tmp_path)
            wait_for_receipts(out, count, process)

            process.send_signal(signal.SIGKILL)
            process.communicate()

            released = {path.stem for path in (out / "released").iterdir()}
            text = (out / "receipts.jsonl").read_text()
            whole = text[: text.rfind("\n") + 1].splitlines()
            assert released <= {json.loads(line)["release"] for line in whole}
            assert process.returncode == -signal.SIGKILL

        process = redact_process(tmp_path)
        stdout, _ = process.communicate(timeout=120)

        assert process.returncode == 0
        assert fates(out) == [(f"{number:02d}.png", "released") for number in range(40)]
        assert_whole(out)
        (line,) = stdout.splitlines()
        assert json.loads(line)["released"] == json.loads(line)["pictures"] == 40

    def test_ctrl_c_while_workers_start_leaves_no_traceback(self, tmp_path, many):
        process = redact_process(tmp_path)
        while process.poll() is None and not is_worker_starting(process.pid):
            time.sleep(0.002)

        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)

        assert process.returncode == 130
        assert stdout == ""
        assert "Traceback" not in stderr
        assert_whole(tmp_path / "out")

    def test_ctrl_c_keeps_what_is_done_and_goes_on_later(self, tmp_path, many):
        out = tmp_path / "out"
        process = redact_process(tmp_path)
        wait_for_receipts(out, 2, process)

        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
        stdout, stderr = process.communicate(timeout=60)

        assert process.returncode == 130
        assert stdout == ""
        assert "the same command goes on" in stderr
        assert "Traceback" not in stderr
        done = len(lines(out, "receipts.jsonl"))
        assert 2 <= done < 40
        again = redact_process(tmp_path)
        assert json.loads(again.communicate(timeout=120)[0])["released"] == 40
        assert_whole(out)

    def test_a_real_face_is_found_and_removed(self, tmp_path):
        (tmp_path / "in").mkdir()
        shutil.copy(shipped_picture("skimage.data", "astronaut.png"), tmp_path / "in")
        (tmp_path / "policy.toml").write_text(QUICK.replace("64", "320"), encoding="utf-8")

        process = redact_process(tmp_path, workers=1)
        stdout, _ = process.communicate(timeout=60)

        assert process.returncode == 0
        assert json.loads(stdout)["released"] == 1
        (receipt,) = lines(tmp_path / "out", "receipts.jsonl")
        assert [one["category"] for one in receipt["regions"]] == ["face"]
        assert receipt["weights"] == ["centerface@09189dea"]

    def test_a_pipe_gets_one_sentence_without_json(self, tmp_path, many):
        for path in sorted(many.iterdir())[1:]:
            path.unlink()

        done = subprocess.run(
            [sys.executable, "-m", "engine", "redact", many, tmp_path / "out", "--policy",
             tmp_path / "policy.toml", "--only", "face", "--workers", "1"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip

        assert done.stdout.startswith("1 pictures: 1 released, 0 need review, 0 quarantined")
        assert done.stdout.count("\n") == 1
        assert "Nobody looked for: tattoo, jewelry." in done.stdout


def test_without_a_policy_file_the_shipped_one_counts(tmp_path, monkeypatch, rng):
    (tmp_path / "in").mkdir()
    paint(tmp_path / "in" / "a.png", 0, rng)
    monkeypatch.setattr(commands, "ProcessPool", lambda workers: InProcess([FakeDetector([FACE])]))

    main(["redact", str(tmp_path / "in"), str(tmp_path / "out")])

    run = json.loads((tmp_path / "out" / ".lethe" / "run.json").read_text())
    assert run["policy"] == default_policy().fingerprint
