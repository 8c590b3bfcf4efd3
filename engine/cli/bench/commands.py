"""Timed commands: Lethe's and deface's on the same files, as a user would start them."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cli import program
from engine.errors import LetheError, UnusableWeights

OUTCOMES = ("released", "review", "quarantined")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took from its start to its end, loading of models included."""

    seconds: float
    cpu_seconds: float

    def to_json(self, pictures: int, start_up: Cost | None = None) -> dict[str, float]:
        """By picture; with `start_up` also what is left without it."""
        report = {
            "pictures_per_second": round(pictures / self.seconds, 3),
            "cpu_seconds_per_picture": round(self.cpu_seconds / pictures, 4),
        }
        if start_up is not None:
            work = max(self.seconds - start_up.seconds, 1e-3)
            report["pictures_per_second_once_started"] = round(pictures / work, 3)
        return report


def mean(costs: Sequence[Cost]) -> Cost:
    """The mean of the same command's costs."""
    return Cost(
        statistics.fmean(cost.seconds for cost in costs),
        statistics.fmean(cost.cpu_seconds for cost in costs),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """What Lethe took for a folder, and what became of its pictures."""

    cost: Cost
    outcomes: dict[str, int]
    """Pictures `released`, for `review` and `quarantined`: one for review is not removed from."""


def redact(folder: Path, out: Path, policy: Path, workers: int) -> Run:
    """Lethe on a folder of pictures.

    Raises:
        LetheError: it failed, or all of them were quarantined, which tells nothing of speed.
    """
    words = [str(folder), str(out), "--policy", str(policy), "--json", "--workers", str(workers)]
    cost, output = _timed(program.command("redact", *words))
    summary = json.loads(output)
    outcomes = {name: int(summary[name]) for name in OUTCOMES}
    if not outcomes["released"] + outcomes["review"]:
        raise LetheError("Every picture was quarantined, so there is nothing to measure.")
    return Run(cost, outcomes)


def deface(folder: Path) -> Cost:
    """Deface on a folder of pictures; what it writes among them is removed.

    Raises:
        UnusableWeights: it is not installed; LetheError: it failed.
    """
    command = Path(sys.executable).with_name("deface")
    if not command.exists():
        raise UnusableWeights(
            "deface is not installed beside this Python; nothing to compare with."
        )
    pictures = sorted(folder.iterdir())
    cost, _ = _timed([str(command), *map(str, pictures)])
    for written in set(folder.iterdir()) - set(pictures):
        written.unlink()
    return cost


def _timed(command: Sequence[str]) -> tuple[Cost, bytes]:
    """What a command took, and what it printed."""
    before = _children_cpu()
    started = time.perf_counter()
    process = subprocess.run(  # noqa: S603 -- our own words
        command, env=program.environment(), capture_output=True, check=False
    )
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        tail = process.stderr.decode(errors="replace")[-500:]
        raise LetheError(f"{command[0]} ended with status {process.returncode}: {tail}")
    return Cost(seconds, _children_cpu() - before), process.stdout


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
