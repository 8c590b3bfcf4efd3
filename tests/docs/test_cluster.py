"""The job in docs/how-to/cluster.md, and its figures."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml

from docs.build.blocks import ROOT
from engine import __main__ as command_line
from engine.cluster import executor, output_folder, ray_data

TEXT = (ROOT / "docs" / "how-to" / "cluster.md").read_text(encoding="utf-8")
PINNED = (ROOT / "requirements-cluster.txt").read_text(encoding="utf-8")


@pytest.fixture
def job():
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    return yaml.safe_load(block)


def containers(job):
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"]["containers"][0] for group in groups]


def test_the_job_is_of_the_pinned_ray_and_asks_for_a_token(job):
    cluster = job["spec"]["rayClusterSpec"]

    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert f"ray[data]=={cluster['rayVersion']} " in PINNED
    assert cluster["authOptions"]["mode"] == "token"


def test_its_command_is_one_of_lethes(job):
    program, *words = shlex.split(job["spec"]["entrypoint"])

    options = command_line._parser("lethe", {}, called="").parse_args(words)

    assert program == "lethe"
    assert (options.executor, options.address) == ("ray", "auto")
    assert not options.take_over


def test_keys_are_at_the_head_where_no_actor_is(job):
    head, *workers = containers(job)

    assert job["spec"]["rayClusterSpec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert {mount["mountPath"] for mount in head["volumeMounts"]} == {"/lethe", "/lethe/cluster"}
    assert not any("volumeMounts" in worker for worker in workers)
    assert all(
        {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in one["env"] for one in containers(job)
    )
    assert len({one["image"] for one in containers(job)}) == 1


def test_workers_have_the_processors_that_actors_ask_for(job):
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    _, worker = containers(job)
    words = shlex.split(job["spec"]["entrypoint"])
    actors = int(words[words.index("--workers") + 1])

    assert actors == group["replicas"] * int(worker["resources"]["requests"]["cpu"])
    assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_figures_are_the_codes():
    for figure in (
        f"a block every {output_folder.OUTCOMES_PER_BLOCK} outcomes",
        f"every {executor.JOBS_PER_ROUND} pictures an actor",
        {5: "that fails\nfive times more"}[ray_data.RETRIES],
    ):
        assert figure in TEXT, figure
