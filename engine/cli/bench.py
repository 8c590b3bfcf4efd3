"""`lethe bench`: throughput by stage, side by side with deface.

Three measurements on the same files: the whole `redact` command with its processes, the line in
this process on one thread (CPU seconds by stage), and, when asked, deface's command. Commands are
timed from start to end, loading of models included, as a user waits for them.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from engine import pipeline
from engine.cli import program
from engine.detect.registry import default_ensemble, default_release_check
from engine.errors import LetheError, UnusableFolder, UnusableWeights
from engine.images import RedactedImage
from engine.pipeline import Stopwatch, Terms
from engine.plan import Detection, ReviewDecision
from engine.policy import Policy
from engine.runs.inputs import sources
from engine.triage import settled

STAGES = ("decode", "detect", "remove", "check", "witness", "encode")
"""`check` is T1, T3 and T4 together, `release_check` T7."""


def measure(
    where: str, policy: Policy, *, limit: int, workers: int, against: str | None
) -> dict[str, Any]:
    """Time the first `limit` pictures of an input.

    Returns:
        `{"pictures", "workers", "not_looked_for", "lethe": {"pictures_per_second",
        "cpu_seconds_per_picture"}, "stages": {stage: CPU seconds a picture}, "unreadable"}`, and
        with `against` also `"deface"` like `"lethe"` and `"ratio"`, Lethe's pictures per second
        over deface's.

    Raises:
        UnusableFolder: there are no pictures; UnusableWeights: deface is not installed.
    """
    files = [source.path for source in sources(where)[0] if not source.problem][:limit]
    if not files:
        raise UnusableFolder(f"There are no pictures in {where}.")
    with tempfile.TemporaryDirectory() as folder:
        originals = Path(folder) / "in"
        originals.mkdir()
        for number, file in enumerate(files):
            shutil.copyfile(file, originals / f"{number:05d}{file.suffix}")
        (Path(folder) / "policy.toml").write_text(policy.to_toml(), encoding="utf-8")
        report: dict[str, Any] = {
            "pictures": len(files),
            "workers": workers,
            "not_looked_for": [category.value for category in policy.not_looked_for],
            "lethe": _timed(_lethe_command(Path(folder), workers), len(files)),
        }
        if against:
            report[against] = _timed(_deface_command(Path(folder)), len(files))
            pace = "pictures_per_second"
            report["ratio"] = round(report["lethe"][pace] / report[against][pace], 3)
    return report | _stages(files, policy)


def as_text(report: dict[str, Any]) -> str:
    """The report as a person reads it."""
    lines = [f"{report['pictures']} pictures, {report['workers']} workers"]
    for name in ("lethe", "deface"):
        if name in report:
            pace, cost = report[name].values()
            lines.append(f"{name:8} {pace:8.2f} pictures/s {cost:8.3f} CPU s/picture")
    if "ratio" in report:
        lines.append(f"ratio    {report['ratio']:8.2f} (Lethe's pictures/s over deface's)")
    lines.append("CPU seconds a picture by stage, one thread:")
    lines += [f"  {stage:8} {seconds:8.4f}" for stage, seconds in report["stages"].items()]
    if report["unreadable"]:
        lines.append(
            f"{report['unreadable']} pictures could not be read and are not in the stages."
        )
    return "\n".join(lines)


def _lethe_command(folder: Path, workers: int) -> list[str]:
    paths = [str(folder / "in"), str(folder / "out"), "--policy", str(folder / "policy.toml")]
    return program.command("redact", *paths, "--json", "--workers", str(workers))


def _deface_command(folder: Path) -> list[str]:
    deface = Path(sys.executable).with_name("deface")
    if not deface.exists():
        raise UnusableWeights(
            "deface is not installed beside this Python; nothing to compare with."
        )
    return [str(deface), *map(str, sorted((folder / "in").iterdir()))]


def _timed(command: Sequence[str], pictures: int) -> dict[str, float]:
    before = _children_cpu()
    started = time.perf_counter()
    process = subprocess.run(  # noqa: S603 -- our own words
        command, env=program.environment(), capture_output=True, check=False
    )
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        tail = process.stderr.decode(errors="replace")[-500:]
        raise LetheError(f"{command[0]} ended with status {process.returncode}: {tail}")
    return {
        "pictures_per_second": round(pictures / seconds, 3),
        "cpu_seconds_per_picture": round((_children_cpu() - before) / pictures, 4),
    }


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _stages(files: Sequence[Path], policy: Policy) -> dict[str, Any]:
    cv2.setNumThreads(1)
    ensemble, release_check = default_ensemble(), _SilentReleaseCheck()
    timings: list[dict[str, float]] = []
    for file in files:
        watch = Stopwatch(clock=time.process_time)
        try:
            ready = pipeline.prepare(
                file.read_bytes(), "bench", ensemble, policy, draw=1.0, watch=watch
            )
            decision = ReviewDecision.on(ready.plan, ready.plan.proposed, "bench")
            terms = Terms(release_id="bench", seed=0)
            plan = settled(ready.plan, decision)
            pipeline.release(
                ready.image, plan, policy, terms, watch=watch, release_check=release_check
            )
        except LetheError:
            continue
        timings.append(watch.seconds)
    means = {
        stage: round(statistics.fmean(seconds[stage] for seconds in timings), 5) if timings else 0.0
        for stage in STAGES
    }
    return {"stages": means, "unreadable": len(files) - len(timings)}


class _SilentReleaseCheck:
    """A release check whose detections are dropped, so that every picture is measured whole."""

    def __init__(self) -> None:
        self._release_check = default_release_check()
        self.name = self._release_check.name
        self.categories = self._release_check.categories
        self.independent = self._release_check.independent

    def detect(self, redacted: RedactedImage, policy: Policy) -> tuple[Detection, ...]:
        """See `ReleaseCheck.detect`."""
        self._release_check.detect(redacted, policy)
        return ()
