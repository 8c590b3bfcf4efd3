from __future__ import annotations

import dataclasses
import errno
import gc
import hashlib
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.detect.ensemble import Ensemble
from engine.detect.registry import default_ensemble, default_release_check
from engine.errors import UnusableWeights
from engine.geometry import Size
from engine.plan import Plan
from engine.policy import read_policy
from engine.receipt import SignOff
from engine.runs import pool as batch
from engine.runs.jobs import Job, NeedsReview, Outcome, Postponed, Quarantined, Released
from engine.runs.pool import ProcessPool, run_job, started_pool
from engine.runs.sources import PathSource
from tests.engine.in_process import InProcess, only_finding
from tests.scenes import FakeDetector, picture, region, seen, shipped_picture

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
QUICK = read_policy(
    "[categories.face]\nauto_redact_at = 0.5\nreview_at = 0.2\n"
    "[detection]\nscales = [160]\nturns = [0]\n[review]\naudit_share = 0\nmost_removed = 1"
).only(["face"])


def a_job(path, number=0, **others):
    job = Job(
        id=f"picture {number}",
        source=PathSource(path),
        policy=QUICK,
        format="same",
        release_id=f"{number:032x}",
        seed=number,
        draw=1.0,
    )
    return dataclasses.replace(job, **others)


@pytest.fixture
def a_picture(tmp_path, rng):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), picture(rng, 60, 80))
    return path


class Deadly:
    """Travels in place of a path and takes the process down in which it arrives."""

    def __reduce__(self):
        return os._exit, (3,)


class Killed:
    """Has the process in which it arrives ended as the system does when memory runs out."""

    def __reduce__(self):
        return _kill, ()


def _kill():
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlyOnce:
    """Takes down the first process in which it arrives, and is a path in the second."""

    def __init__(self, marker: Path, path: Path) -> None:
        self.marker, self.path = marker, path

    def __reduce__(self):
        return _die_once, (self.marker, self.path)


def _die_once(marker: Path, path: Path) -> Path:
    if not marker.exists():
        marker.touch()
        os._exit(3)
    return path


class Stuck:
    """Cannot leave this process."""

    def __reduce__(self):
        raise RuntimeError("stuck")


class Raising:
    """A detector with a defect, or on a machine that gives out."""

    name = "raising@00000000"
    categories = frozenset(["face"])

    def __init__(self, error):
        self.error = error

    def detect(self, image, policy):
        raise self.error


class TestRunJob:
    def test_a_picture_with_a_sure_face_is_released(self, a_picture):
        outcome = run_job(
            a_job(a_picture), only_finding(Ensemble([FakeDetector([seen(0.9)], ["face"])]))
        )

        assert isinstance(outcome, Released)
        assert outcome.job_id == outcome.receipt.image_id == "picture 0"
        assert outcome.receipt.release == f"{0:032x}"

    def test_a_picture_with_a_doubt_goes_to_a_person_with_the_mask_of_each_proposal(
        self, a_picture
    ):
        detections = [seen(0.9), seen(0.3, (60, 40, 70, 50))]

        outcome = run_job(
            a_job(a_picture), only_finding(Ensemble([FakeDetector(detections, ["face"])]))
        )

        assert isinstance(outcome, NeedsReview)
        assert [one.has_rect for one in outcome.plan.proposed] == [True, True]

    def test_a_settled_plan_is_carried_out_without_looking_again(self, a_picture):
        plan = Plan("picture 0", Size(80, 60), (region((5, 5, 20, 20)),), (), (), QUICK.fingerprint)
        detector = FakeDetector([seen(0.9)], ["face"])

        outcome = run_job(
            a_job(a_picture, settled=plan, sign_off=SignOff("ada")),
            only_finding(Ensemble([detector])),
        )

        assert isinstance(outcome, Released)
        assert outcome.receipt.regions == plan.regions
        assert outcome.receipt.sign_off.reviewer == "ada"
        assert detector.looks == 0

    @pytest.mark.parametrize(
        ("plan", "says"),
        [
            pytest.param(
                Plan("another", Size(80, 60), (), (), (), QUICK.fingerprint), "ValueError", id="id"
            ),
            pytest.param(
                Plan("picture 0", Size(8, 6), (), (), (), QUICK.fingerprint),
                "ValueError",
                id="size",
            ),
            pytest.param(
                Plan("picture 0", Size(80, 60), (), (), (), "another"), "ValueError", id="policy"
            ),
            pytest.param(
                Plan("picture 0", Size(80, 60), (), (region((5, 5, 9, 9)),), (), QUICK.fingerprint),
                "1 regions",
                id="doubts left",
            ),
        ],
    )
    def test_a_plan_that_does_not_fit_holds_the_picture_back(self, a_picture, plan, says):
        outcome = run_job(a_job(a_picture, settled=plan), only_finding(Ensemble([])))

        assert isinstance(outcome, Quarantined)
        assert says in outcome.reason

    def test_a_file_that_changed_since_it_was_decided_about_is_held_back(self, a_picture):
        decided = hashlib.sha256(a_picture.read_bytes()).digest()
        plan = Plan("picture 0", Size(80, 60), (), (), (), QUICK.fingerprint)
        cv2.imwrite(str(a_picture), np.zeros((60, 80, 3), np.uint8))

        outcome = run_job(
            a_job(a_picture, settled=plan, digest=decided), only_finding(Ensemble([]))
        )

        assert isinstance(outcome, Quarantined)
        assert "changed" in outcome.reason

    @pytest.mark.parametrize(
        ("error", "says"),
        [
            (RuntimeError("a path: /secret"), "Lethe failed on this picture (RuntimeError)"),
            (ZeroDivisionError(), "(ZeroDivisionError)"),
            (OSError(5, "Input/output error"), "could not be read (Input/output error)"),
        ],
        ids=["defect", "arithmetic", "disk"],
    )
    def test_whatever_goes_wrong_holds_the_picture_back_with_a_sentence(
        self, a_picture, error, says
    ):
        outcome = run_job(a_job(a_picture), only_finding(Ensemble([Raising(error)])))

        assert isinstance(outcome, Quarantined)
        assert says in outcome.reason
        assert outcome.reason.endswith(".")
        assert "secret" not in outcome.reason

    @pytest.mark.parametrize(
        ("error", "says"),
        [
            (MemoryError(), "too little memory"),
            (RuntimeError("Failed to allocate memory for requested buffer"), "too little memory"),
            (OSError(errno.ENOSPC, "No space left on device"), "(No space left on device)"),
            (OSError(errno.EMFILE, "Too many open files"), "(Too many open files)"),
            (UnusableWeights("The model is missing."), "The model is missing."),
            (OSError(errno.ENETUNREACH, "Network is unreachable"), "(Network is unreachable)"),
            (FileNotFoundError(errno.ENOENT, "Gone", "/lethe/models/a.onnx"), "(Gone)"),
            (PermissionError(errno.EACCES, "Closed", b"/lethe/models/a.onnx"), "(Closed)"),
            (ImportError("librawpy.so: cannot open shared object file"), "install it again"),
            (RuntimeError("can't start new thread"), "too little memory"),
        ],
        ids=[
            "memory",
            "tensor",
            "full disk",
            "open files",
            "model",
            "network",
            "lost model",
            "closed model",
            "library",
            "threads",
        ],
    )
    def test_what_this_machine_lacks_postpones_the_picture(self, a_picture, error, says):
        outcome = run_job(a_job(a_picture), only_finding(Ensemble([Raising(error)])))

        assert isinstance(outcome, Postponed)
        assert says in outcome.reason

    def test_a_decoder_without_memory_does_not_call_the_picture_damaged(
        self, a_picture, monkeypatch
    ):
        def no_memory(*_, **__):
            raise MemoryError

        monkeypatch.setattr("PIL.Image.Image.load", no_memory)
        monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", no_memory, raising=False)
        monkeypatch.setattr("PIL.ImageFile.ImageFile.load", no_memory)

        outcome = run_job(a_job(a_picture), only_finding(Ensemble([])))

        assert isinstance(outcome, Postponed)
        assert "too little memory" in outcome.reason

    def test_a_drive_that_is_away_postpones_the_picture(self, tmp_path):
        outcome = run_job(a_job(tmp_path / "drive" / "a.jpg"), only_finding(Ensemble([])))

        assert isinstance(outcome, Postponed)

    def test_a_worker_without_models_postpones_and_works_once_they_are_there(
        self, a_picture, monkeypatch
    ):
        def missing():
            raise UnusableWeights("The model is missing.")

        with monkeypatch.context() as machine:
            machine.setattr(batch, "default_ensemble", missing)
            batch._load()
            outcome = batch._work(a_job(a_picture))
        monkeypatch.setattr(batch, "default_ensemble", lambda: Ensemble([]))
        monkeypatch.setattr(batch, "default_release_check", lambda: None)

        assert outcome == Postponed("picture 0", "The model is missing.")
        assert not isinstance(batch._work(a_job(a_picture)), Postponed)

    def test_a_file_that_is_gone_is_held_back_without_its_name(self, tmp_path):
        outcome = run_job(a_job(tmp_path / "secret name.jpg"), only_finding(Ensemble([])))

        assert outcome.reason == "The file could not be read (No such file or directory)."

    def test_stopping_is_not_swallowed(self, a_picture):
        with pytest.raises(KeyboardInterrupt):
            run_job(a_job(a_picture), only_finding(Ensemble([Raising(KeyboardInterrupt())])))


class TestProcessPool:
    def test_no_jobs_give_no_outcomes(self):
        pool = ProcessPool(1)

        assert list(pool.run([])) == []
        pool.close()

    def test_a_pool_without_workers_is_refused(self):
        with pytest.raises(ValueError, match="at least 1, got 0"):
            ProcessPool(0)

    def test_it_comes_to_the_same_outcomes_as_one_process(self, tmp_path, a_picture):
        broken = tmp_path / "broken.jpg"
        broken.write_bytes(b"\xff\xd8\xff")
        paths = [shipped_picture("skimage.data", "astronaut.png"), a_picture, broken]
        jobs = [a_job(path, number) for number, path in enumerate(paths * 2)]
        pool = ProcessPool(2)

        outcomes = {outcome.job_id: outcome for outcome in pool.run(iter(jobs))}

        pool.close()
        expected = {
            one.job_id: one
            for one in InProcess(default_ensemble(), default_release_check()).run(jobs)
        }
        assert outcomes.keys() == expected.keys()
        for name, outcome in outcomes.items():
            assert type(outcome) is type(expected[name])
            if isinstance(outcome, Released):
                assert outcome.data == expected[name].data
                assert outcome.receipt.regions == expected[name].receipt.regions
            else:
                assert outcome == expected[name]
        kinds = [type(outcome) for outcome in expected.values()]
        assert kinds.count(Released) == kinds.count(NeedsReview) == kinds.count(Quarantined) == 2

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_job_that_kills_its_worker_twice_is_held_back_and_the_others_finish(
        self, a_picture, workers
    ):
        jobs = [a_job(Deadly() if number in (1, 4) else a_picture, number) for number in range(7)]
        pool = ProcessPool(workers)

        outcomes = sorted(pool.run(iter(jobs)), key=lambda one: one.job_id)

        pool.close()
        assert [one.job_id for one in outcomes] == [job.id for job in jobs]
        held_back = [one for one in outcomes if isinstance(one, Quarantined)]
        assert [one.job_id for one in held_back] == ["picture 1", "picture 4"]
        assert {one.reason for one in held_back} == {
            "This picture stopped the program twice; held back."
        }

    def test_a_job_whose_worker_the_system_ends_twice_is_postponed(self, a_picture):
        pool = ProcessPool(1)

        outcomes = list(pool.run([a_job(Killed()), a_job(a_picture, 1)]))

        pool.close()
        (postponed,) = (one for one in outcomes if one.job_id == "picture 0")
        assert isinstance(postponed, Postponed)
        assert "memory" in postponed.reason

    def test_a_job_that_kills_its_worker_once_is_tried_again(self, tmp_path, a_picture):
        pool = ProcessPool(1)

        outcomes = list(pool.run([a_job(DeadlyOnce(tmp_path / "died", a_picture))]))

        pool.close()
        assert [type(one) for one in outcomes] == [NeedsReview]
        assert (tmp_path / "died").exists()

    def test_a_job_that_cannot_travel_is_held_back_and_the_others_finish(self, a_picture):
        pool = ProcessPool(1)

        outcomes = {one.job_id: one for one in pool.run([a_job(Stuck()), a_job(a_picture, 1)])}

        pool.close()
        assert isinstance(outcomes["picture 0"], Quarantined)
        assert isinstance(outcomes["picture 1"], NeedsReview)

    def test_jobs_are_pulled_only_a_few_ahead(self, a_picture):
        pulled = []
        pool = ProcessPool(1)

        def endless():
            number = 0
            while True:
                pulled.append(number)
                yield a_job(a_picture, number)
                number += 1

        next(pool.run(endless()))

        pool.close()
        assert len(pulled) <= 2

    def test_what_was_handed_over_is_not_kept(self, a_picture):
        pool = ProcessPool(1)
        held = []

        for _ in pool.run(a_job(a_picture, number) for number in range(8)):
            held.append(sum(isinstance(one, Outcome) for one in gc.get_objects()))

        pool.close()
        assert len(held) == 8
        assert held[-1] <= held[0] + 2


class TestPatience:
    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch):
        """With the odd ones only, so that nothing depends on how fast this machine is."""
        monkeypatch.setattr(
            batch, "patience_s", lambda job: 600.0 if job.id == "picture 0" else 0.5
        )

    def test_a_picture_without_end_is_tried_alone_and_held_back_and_the_rest_goes_on(
        self, tmp_path, a_picture
    ):
        os.mkfifo(tmp_path / "endless")
        pool = ProcessPool(1)

        outcomes = list(pool.run([a_job(tmp_path / "endless", 1), a_job(a_picture, 0)]))

        pool.close()
        by_id = {one.job_id: one for one in outcomes}
        assert len(outcomes) == 2
        assert type(by_id["picture 1"]) is Quarantined
        assert "had not ended after" in by_id["picture 1"].reason
        assert not isinstance(by_id["picture 0"], Quarantined)

    def test_a_worker_that_was_stopped_is_replaced(self, a_picture, monkeypatch):
        allowed = iter([0.5, 600.0])
        monkeypatch.setattr(batch, "patience_s", lambda job: next(allowed))
        pool = ProcessPool(1)
        os.kill(pool._pool.submit(os.getpid).result(), signal.SIGSTOP)

        (outcome,) = pool.run([a_job(a_picture)])

        pool.close()
        assert not isinstance(outcome, Quarantined)


@pytest.mark.parametrize(
    ("megapixels", "minutes"), [(0.0, 5), (12.0, 7), (120.0, 25), (99_999.0, 25), (None, 25)]
)
def test_patience_grows_with_the_picture_and_ends_with_the_policys_limit(
    a_picture, megapixels, minutes
):
    assert batch.patience_s(a_job(a_picture, megapixels=megapixels)) == minutes * 60


PARENT = """
import sys
with open({marker!r}, "a") as file:
    file.write(__name__ + "\\n")

if __name__ == "__main__":
    sys.path.insert(0, {root!r})
    import time
    from engine.runs.pool import ProcessPool

    pool = ProcessPool(2)
    modules = pool._pool.submit(eval, "sorted(__import__('sys').modules)").result()
    import psutil

    print(*[child.pid for child in psutil.Process().children(recursive=True)], flush=True)
    print(*modules, flush=True)
    {then}
"""


def start_parent(tmp_path, then):
    script = tmp_path / "Home.py"
    marker = tmp_path / "ran"
    source = PARENT.format(marker=str(marker), root=str(ROOT), then=then)
    script.write_text(source, encoding="utf-8")
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    children = [int(word) for word in process.stdout.readline().split()]
    modules = process.stdout.readline().split()
    return process, children, modules, marker


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def all_gone(pids, seconds=30.0):
    until = time.monotonic() + seconds
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(alive(pid) for pid in pids)


class TestWorkers:
    def test_they_load_their_models_before_there_is_a_job_where_that_is_asked_for(self):
        with closing(ProcessPool(2)) as idle, closing(started_pool(2)) as started:
            assert (len(idle._pool._processes), len(started._pool._processes)) == (0, 2)

            masked = started._pool.submit(eval, "__import__('signal').pthread_sigmask(0, [])")
            loaded = started._pool.submit(
                eval, "__import__('engine.runs.pool').runs.pool._Worker.models is not None"
            )

            assert signal.SIGINT in masked.result()
            assert loaded.result()

    def test_those_that_were_started_in_vain_are_ended_while_they_load(self):
        pool = started_pool(2)
        workers = [*pool._pool._processes.values()]

        pool.close()

        assert [worker.exitcode for worker in workers] == [-signal.SIGKILL] * 2

    def test_ctrl_c_does_not_reach_them_from_their_first_moment(self, a_picture):
        pool = ProcessPool(2)
        list(pool.run([a_job(a_picture)]))

        held = pool._pool.submit(eval, "__import__('signal').pthread_sigmask(0, [])").result()

        pool.close()
        assert signal.SIGINT in held
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    def test_starting_one_runs_neither_the_callers_script_nor_the_app(self, tmp_path):
        process, _, modules, marker = start_parent(tmp_path, "pool.close()")

        process.communicate(timeout=60)

        assert marker.read_text() == "__main__\n"
        assert "engine.runs.pool" in modules
        assert not {"streamlit", "duckdb", "plotly", "torch", "ultralytics", "Home"} & set(modules)

    def test_they_leave_when_their_parent_is_killed(self, tmp_path):
        process, children, _, _ = start_parent(tmp_path, "time.sleep(600)")
        assert len(children) >= 2
        assert all(alive(pid) for pid in children)

        process.send_signal(signal.SIGKILL)
        process.wait()

        assert all_gone(children)
        process.stdout.close()

    def test_closing_the_pool_ends_them(self, tmp_path):
        process, children, _, _ = start_parent(
            tmp_path, "pool.close(); print('closed', flush=True); time.sleep(600)"
        )
        assert process.stdout.readline() == "closed\n"
        workers = [pid for pid in children if "resource_tracker" not in command_of(pid)]

        assert all_gone(workers)
        process.kill()
        process.communicate()


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
