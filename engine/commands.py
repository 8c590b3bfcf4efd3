"""What the command line does, once its words are understood. See `python -m engine --help`."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from tqdm import tqdm

from engine.batch import ProcessPool
from engine.category import Category
from engine.detect.shipped import verify
from engine.errors import InvalidVerdict, LetheError, UnusableFolder
from engine.home import home
from engine.manifest import Manifest
from engine.notary import notary
from engine.outbox import Fate, Outbox
from engine.outcome import FormatChoice, Job, Quarantined
from engine.plan import Plan, Region, Verdict
from engine.policy import Policy
from engine.sources import Source, sources
from engine.triage import settled

COMMAND_LINE = "command line"
"""The reviewer's name in receipts when a verdict file gives none."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended."""

    fates: Counter[Fate]
    not_looked_for: tuple[Category, ...]
    seconds: float
    problems: int = 0
    """Verdict lines that could not be carried out."""

    def to_json(self) -> dict[str, Any]:
        """One plain object; the three outcomes add up to `pictures`."""
        return {
            "pictures": self.fates.total(),
            "released": self.fates["released"],
            "review": self.fates["review"],
            "quarantined": self.fates["quarantined"],
            "not_looked_for": [category.value for category in self.not_looked_for],
            "seconds": round(self.seconds, 2),
        }

    def __str__(self) -> str:
        line = (
            f"{self.fates.total()} pictures: {self.fates['released']} released, "
            f"{self.fates['review']} need review, {self.fates['quarantined']} quarantined "
            f"({self.seconds:.1f} s)."
        )
        if self.not_looked_for:
            line += f" Nobody looked for: {', '.join(self.not_looked_for)}."
        return line


Step: TypeAlias = "Job | Quarantined | Fate"
"""What a source still needs: work, nothing but its refusal written down, or nothing at all."""


@dataclass(slots=True)
class _Run:
    """Work on an output folder: which job stands for which source, and what became of each."""

    outbox: Outbox
    workers: int
    fates: Counter[Fate] = field(default_factory=Counter)
    _sources: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name and picture id by job id; two files may have the same content, never the same job."""

    def work(self, steps: Iterable[tuple[str, Step]], total: int | None) -> None:
        """Carry out steps, recording each outcome the moment it is there."""
        executor = ProcessPool(self.workers)
        try:
            with tqdm(total=total, unit=" pictures", file=sys.stderr, smoothing=0.1) as bar:
                for outcome in executor.run(self._jobs(steps, bar)):
                    source, picture = self._sources.pop(outcome.job_id)
                    self._count(self.outbox.record(source, picture, outcome), bar)
        finally:
            executor.close()
            self.outbox.close()

    def _jobs(self, steps: Iterable[tuple[str, Step]], bar: tqdm[Any]) -> Iterator[Job]:
        for source, step in steps:
            if isinstance(step, Job):
                self._sources[step.id] = source, step.image_id or step.id
                yield step
            elif isinstance(step, Quarantined):
                self._count(self.outbox.record(source, step.job_id, step), bar)
            else:
                self._count(step, bar)

    def _count(self, fate: Fate, bar: tqdm[Any]) -> None:
        self.fates[fate] += 1
        bar.update()


def redact(
    where: str,
    out: Path,
    policy: Policy,
    *,
    file_format: FormatChoice,
    manifest: Manifest,
    workers: int,
) -> Summary:
    """Take every picture of an input down the line, skipping those an earlier run finished."""
    started = time.perf_counter()
    verify(policy)  # say what is missing before starting processes
    if out.resolve() == Path(where).resolve():
        raise UnusableFolder("The output folder must not be the input folder.")
    pictures, left_alone = sources(where, leave_out=out)
    if not pictures:
        raise UnusableFolder(f"There are no pictures in {where}.")
    if left_alone:
        _say(f"Left alone, as no pictures or linked folders: {left_alone}.")
    outbox = Outbox.create(out, policy, file_format, notary(home()), _today)
    run = _Run(outbox, workers)
    run.work(((one.name, _step(one, outbox, manifest)) for one in pictures), len(pictures))
    return Summary(run.fates, policy.not_looked_for, time.perf_counter() - started)


def release(where: str, out: Path, verdicts: Path, *, workers: int) -> Summary:
    """Release what a person accepted in a verdict file; name each line that cannot be done."""
    started = time.perf_counter()
    try:
        # str.splitlines would also split at characters that names in other scripts may hold
        lines = verdicts.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidVerdict(f"{verdicts} could not be read as text: {error}.") from error
    originals = {source.name: source for source in sources(where, leave_out=out)[0]}
    outbox = Outbox(out, notary(home()), _today)
    run = _Run(outbox, workers)
    problems = Counter[str]()

    def steps() -> Iterator[tuple[str, Step]]:
        plans = outbox.plans()
        for number, line in enumerate(lines, start=1):
            try:
                yield from _accepted(line, plans, originals, outbox)
            except LetheError as error:
                problems[verdicts.name] += 1
                _say(f"{verdicts.name}, line {number}: {error}")

    run.work(steps(), total=None)
    seconds = time.perf_counter() - started
    return Summary(run.fates, outbox.policy.not_looked_for, seconds, problems.total())


def _step(source: Source, outbox: Outbox, manifest: Manifest) -> Step:
    """What a source needs, given what earlier runs finished and what the manifest allows."""
    if source.path.is_dir():
        return _unread(
            source, outbox, "This folder could not be opened; what is in it was not seen."
        )
    try:
        data = source.path.read_bytes()
    except OSError as error:
        return _unread(source, outbox, f"The file could not be read ({error.strerror}).")
    picture = outbox.picture_id(data)
    fate = outbox.fate(source.name, picture)
    if fate is not None:
        return fate
    require = outbox.policy.manifest.require_licence
    refusal = manifest.refusal(source.name, require_licence=require)
    if refusal:
        return Quarantined(picture, refusal)
    return _job(picture, source.path, outbox, data)


def _unread(source: Source, outbox: Outbox, reason: str) -> Step:
    return outbox.fate(source.name, "") or Quarantined("", reason)


def _accepted(
    line: str, plans: dict[str, Plan], originals: dict[str, Source], outbox: Outbox
) -> Iterator[tuple[str, Job]]:
    """The job that one verdict line asks for; none when the line accepts nothing.

    Raises:
        InvalidVerdict, StaleRevision: the line asks for something that cannot be done.
    """
    value = _verdict_line(line)
    if value.get("accept") is not True:
        return
    source = value.get("source")
    if not isinstance(source, str) or source not in plans:
        raise InvalidVerdict("no picture of this name waits for review; was it released already?")
    if source not in originals:
        raise InvalidVerdict("its original is not in the input folder.")
    path = originals[source].path
    data = _original(path)
    if outbox.picture_id(data) != plans[source].image_id:
        raise InvalidVerdict("its original has changed since it was looked at; run redact again.")
    verdict = _verdict(value)
    plan = settled(plans.pop(source), verdict)
    yield source, _job(plan.image_id, path, outbox, data, plan, verdict.reviewer)


def _original(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidVerdict(f"its original could not be read ({error.strerror}).") from error


def _verdict_line(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line) if line.strip() else {}
    except (ValueError, RecursionError) as error:
        raise InvalidVerdict(f"this is not JSON ({error}).") from error
    if not isinstance(value, dict):
        raise InvalidVerdict("this is not a JSON object.")
    return value


def _verdict(value: dict[str, Any]) -> Verdict:
    try:
        regions = [Region.from_json(region) for region in value["regions"]]
        # What nobody decided is removed: a doubt still in the line goes with the regions.
        regions += [Region.from_json(doubt) for doubt in value.get("doubts") or ()]
        reviewer = str(value.get("reviewer") or COMMAND_LINE)
        return Verdict(tuple(dict.fromkeys(regions)), reviewer, int(value.get("revision", 0)))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidVerdict(f"its regions cannot be read ({error!r}).") from error


def _job(
    picture: str,
    path: Path,
    outbox: Outbox,
    data: bytes,
    settled: Plan | None = None,
    reviewer: str | None = None,
) -> Job:
    release_id = secrets.token_hex(16)
    return Job(
        id=release_id,
        image_id=picture,
        digest=hashlib.sha256(data).digest(),
        path=path.absolute(),
        policy=outbox.policy,
        format=outbox.format,
        release_id=release_id,
        seed=secrets.randbits(64),
        draw=secrets.randbelow(2**53) / 2**53,
        settled=settled,
        reviewer=reviewer,
    )


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)
