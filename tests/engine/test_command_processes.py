"""The command line as a real process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.cli import running
from engine.detect.ensemble import Ensemble
from engine.policy import default_policy
from tests.engine.in_process import InProcess
from tests.engine.run_folders import (
    FACE,
    QUICK,
    RELEASING,
    assert_whole,
    certified_ids,
    fates,
    lines,
    paint,
    released_ids,
)
from tests.scenes import FakeDetector, shipped_picture

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


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
        preexec_fn=hears_ctrl_c,
    )  # fmt: skip


def hears_ctrl_c():
    """As in a terminal; what a shell starts in the background ignores the signal, children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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

            released = set(released_ids(out))
            assert released <= set(certified_ids(out))
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
        again = redact_process(tmp_path)
        assert json.loads(again.communicate(timeout=120)[0])["released"] == 40
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
        names = [one.partition("@")[0] for one in receipt["weights"]]
        assert names == ["centerface", "adornments", "fusion", "crops", "scene", "witness"]

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


@pytest.mark.parametrize(("command", "loads"), [("redact", False), ("evaluate", True)])
def test_statistics_are_loaded_by_the_commands_that_need_them(command, loads):
    """SciPy takes longer to load than a picture takes to be redacted."""
    script = (
        "import contextlib, sys\n"
        "from engine.__main__ import main\n"
        f"with contextlib.suppress(SystemExit): main([{command!r}, '--help'])\n"
        "sys.exit('scipy' in sys.modules)"
    )

    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True)

    assert bool(ended.returncode) is loads
    assert f"{command} [-h]".encode() in ended.stdout


def test_without_a_policy_file_the_shipped_one_counts(tmp_path, monkeypatch, rng):
    (tmp_path / "in").mkdir()
    paint(tmp_path / "in" / "a.png", 0, rng)
    monkeypatch.setattr(
        running, "started_pool", lambda workers: InProcess(Ensemble([FakeDetector([FACE])]))
    )

    main(["redact", str(tmp_path / "in"), str(tmp_path / "out")])

    run = json.loads((tmp_path / "out" / ".lethe" / "run.json").read_text())
    assert run["policy"] == default_policy().fingerprint
