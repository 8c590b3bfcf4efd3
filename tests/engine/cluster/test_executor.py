from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import cv2
import psutil
import pytest

from engine.cluster import executor as cluster
from engine.cluster import ray_data
from engine.cluster.executor import RayExecutor
from engine.cluster.ray_data import connected
from engine.errors import MissingPackage, UnreachableCluster
from engine.geometry import Size
from engine.plan import Plan
from engine.receipt import SignOff
from engine.runs.jobs import Job, Postponed, Quarantined, Released
from engine.runs.pool import ProcessPool
from engine.runs.sources import PathSource
from tests.engine.cluster.jobs import Deadly, DeadlyOnce
from tests.engine.runs.test_pool import QUICK
from tests.scenes import picture, region, shipped_picture

RECTANGLE = (10, 10, 40, 40)


def a_job(path, kind=Job, **others):
    """A job of a person's decision, whose fill has grain and so depends on the seed."""
    number = int(path.stem.rpartition("-")[2])
    name = f"{number:032x}"
    plan = Plan(name, Size(80, 60), (region(RECTANGLE),), (), (), QUICK.fingerprint)
    return kind(
        id=name,
        source=PathSource(path),
        policy=QUICK,
        format="same",
        release_id=name,
        seed=number,
        draw=1.0,
        **{"settled": plan, "sign_off": SignOff("command line"), **others},
    )


@pytest.fixture
def paths(tmp_path, rng):
    """Twenty pictures, the third of them none."""
    found = [tmp_path / f"secretive-{number}.png" for number in range(20)]
    for path in found:
        assert cv2.imwrite(str(path), picture(rng, 60, 80))
    found[2].write_bytes(b"not a picture")
    return found


def results(executor, jobs):
    with closing(executor):
        return list(executor.run(jobs))


def logs_with(ray, word):
    """Those of this Ray that hold a word."""
    folder = Path(ray._private.worker._global_node.get_logs_dir_path())
    logs = [path for path in folder.rglob("*") if path.is_file()]
    assert logs
    return [path for path in logs if word in path.read_bytes()]


def files(outcomes):
    return {one.job_id: one.data for one in outcomes if isinstance(one, Released)}


@pytest.mark.slow
@pytest.mark.usefixtures("ray_of_two")
class TestTwoActors:
    def test_releases_are_those_of_local_processes_though_an_actor_dies(
        self, paths, tmp_path, ray_of_two
    ):
        found = shutil.copy(shipped_picture("skimage", "data/astronaut.png"), tmp_path / "99.png")
        jobs = [a_job(path) for path in paths]
        jobs[9] = a_job(paths[9], DeadlyOnce, marker=tmp_path / "dead")
        jobs.append(a_job(found, settled=None, sign_off=SignOff()))

        by_ray = results(RayExecutor(2), jobs)
        local = results(ProcessPool(1), jobs)

        assert (tmp_path / "dead").exists()
        assert Counter(one.job_id for one in by_ray) == Counter(job.id for job in jobs)
        assert len(files(local)) == 20
        assert len(set(files(local).values())) == 20
        assert files(by_ray) == files(local)
        held = [one for one in by_ray if not isinstance(one, Released)]
        assert held == [one for one in local if not isinstance(one, Released)]
        (broken,) = held
        assert isinstance(broken, Quarantined)
        assert broken.job_id == jobs[2].id
        assert not logs_with(ray_of_two, b"secretive")

    def test_what_takes_its_machine_down_each_time_waits_and_the_rest_goes_on(
        self, paths, monkeypatch
    ):
        monkeypatch.setattr(ray_data, "RETRIES", 2)  # an actor that comes back may cost one
        monkeypatch.setattr(cluster, "JOBS_PER_BLOCK", 4)
        deadly, *others = (a_job(paths[1], Deadly), *(a_job(path) for path in paths[3:8]))

        outcomes = {one.job_id: one for one in results(RayExecutor(2), [deadly, *others])}

        assert isinstance(outcomes[deadly.id], Postponed)
        assert all(isinstance(outcomes[job.id], Released) for job in others)
        assert len(outcomes) == 1 + len(others)

    def test_it_speaks_within_this_machine_and_to_nobody_without_its_token(self, ray_of_two):
        here = {address.address for some in psutil.net_if_addrs().values() for address in some}
        processes = psutil.Process().children(recursive=True)
        connections = [one for process in processes for one in process.net_connections("inet")]
        address = ray_of_two.get_runtime_context().gcs_address

        stranger = subprocess.run(
            [sys.executable, "-c", f"import ray; ray.init(address={address!r})"],
            env=os.environ | {"RAY_AUTH_MODE": "disabled"},
            capture_output=True,
            text=True,
        )

        assert connections
        assert {one.raddr.ip.removeprefix("::ffff:") for one in connections if one.raddr} <= here
        assert stranger.returncode
        assert "Failed to connect to Ray cluster" in stranger.stderr


def test_nothing_is_started_for_no_jobs():
    pytest.importorskip("ray", reason="Ray comes with requirements-cluster.txt")

    assert results(RayExecutor(2, address="nowhere:1"), []) == []


def test_without_ray_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(MissingPackage, match=r"requirements-cluster\.txt"):
        ray_data.ray_data()


@pytest.mark.parametrize(
    "error", [ConnectionError("refused"), ValueError("no such scheme"), RuntimeError("versions")]
)
def test_an_address_without_a_cluster_is_a_sentence(monkeypatch, error):
    ray = pytest.importorskip("ray", reason="Ray comes with requirements-cluster.txt")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", Mock(side_effect=error))

    with (
        pytest.raises(UnreachableCluster, match="no Ray cluster at head:6379"),
        connected("head:6379", 1),
    ):
        pass
