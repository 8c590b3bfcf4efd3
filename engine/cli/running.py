"""What `lethe redact` and `lethe release` share: an output folder, its jobs, and their outcomes."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tqdm import tqdm

from engine.category import Category
from engine.cli import terminal
from engine.cli.command_line import today
from engine.cli.exits import Exit
from engine.cluster.bucket import Bucket, is_url
from engine.cluster.output_folder import Place, RemoteOutputFolder
from engine.cluster.pictures import UrlPicture, url_pictures
from engine.errors import LetheError
from engine.files.home import home
from engine.images import FormatChoice
from engine.metadata.header import megapixels_of
from engine.plan import Plan
from engine.policy import Policy
from engine.receipt import UNATTENDED, SignOff
from engine.runs.inputs import Source, sources
from engine.runs.jobs import Executor, Job, Outcome, Postponed, Quarantined
from engine.runs.output_folder import Fate, OutputFolder
from engine.runs.pool import started_pool
from engine.runs.refusal import failed
from engine.runs.sources import PictureSource
from engine.signing.signer import signer

RANDOM = secrets.SystemRandom()
_POSTPONED = (
    "Held back because of this machine and not of the picture: {}. OUT/quarantine.jsonl says why; "
    "once that is mended, the same command tries again."
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended."""

    fates: Counter[Fate]
    not_looked_for: tuple[Category, ...]
    seconds: float
    problems: int = 0
    """Lines that could not be carried out."""

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


Picture: TypeAlias = "Source | UrlPicture"
Step: TypeAlias = "Job | Quarantined | Fate"
"""What a source still needs: work, nothing but its refusal written down, or nothing at all."""


@dataclass(slots=True)
class Run:
    """Work over an output folder: the job of each source, and the outcomes."""

    output_folder: OutputFolder
    executor: Executor
    fates: Counter[Fate] = field(default_factory=Counter)
    _sources: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name and picture id by job id; two files may have the same content, never the same job."""
    _postponed: int = 0

    def work(self, steps: Iterable[tuple[str, Step]], total: int | None) -> None:
        """Carry out steps, recording each outcome the moment it is there."""
        try:
            with tqdm(total=total, unit=" pictures", file=sys.stderr, smoothing=0.1) as bar:
                for outcome in self.executor.run(self._jobs(steps, bar)):
                    source, picture = self._sources.pop(outcome.job_id)
                    self._count(self._record(source, picture, outcome), bar)
                    self._postponed += isinstance(outcome, Postponed)
        finally:
            self.output_folder.close()
        if self._postponed:
            say(_POSTPONED.format(self._postponed))

    def _record(self, source: str, picture: str, outcome: Outcome) -> Fate:
        """Write an outcome down; one that cannot be holds its picture back, and no other."""
        try:
            return self.output_folder.record(source, picture, outcome)
        except (LetheError, OSError):
            raise  # keys or the disk: the next picture would fare no better
        except Exception as error:  # noqa: BLE001 -- whatever it is, the others go on
            log.error("job %s was not recorded (%s)", outcome.job_id, type(error).__name__)  # noqa: TRY400
            return self.output_folder.record(source, picture, failed(outcome.job_id, error))

    def _jobs(self, steps: Iterable[tuple[str, Step]], bar: tqdm[Any]) -> Iterator[Job]:
        for source, step in steps:
            if isinstance(step, Job):
                self._sources[step.id] = source, step.image_id or step.id
                yield step
            elif isinstance(step, Quarantined):
                self._count(self.output_folder.record(source, step.job_id, step), bar)
                self._postponed += isinstance(step, Postponed)
            else:
                self._count(step, bar)

    def _count(self, fate: Fate, bar: tqdm[Any]) -> None:
        self.fates[fate] += 1
        bar.update()


def pictures_of(where: str, out: Path | Place) -> tuple[list[Picture], int]:
    """The pictures of an input without its output, and the number of what was left alone.

    Raises:
        UnusableFolder: there is nothing.
    """
    if is_url(where):
        found, left_alone = url_pictures(where, leave_out=bucket_of(out))
        return [*found], left_alone
    leave_out = bucket_of(out).folder if isinstance(out, Place) else out
    files, left_alone = sources(where, leave_out=leave_out, but_outputs=True)
    return [*files], left_alone


def output_of(options: argparse.Namespace) -> Path | Place:
    """The output that a command names.

    Raises:
        LetheError: it shall be taken over, and is no address.
    """
    if is_url(options.output):
        return place_at(options.output, takes_over=options.take_over)
    if options.take_over:
        raise LetheError("--take-over is for an output at an address; leave it out.")
    return Path(options.output)


def reported(summary: Summary, *, as_json: bool) -> int:
    """Say how a run ended; the exit status."""
    terminal.say(json.dumps(summary.to_json()) if as_json else str(summary))
    return Exit.FOUND if summary.problems else Exit.DONE


def bucket_of(place: str | Path | Place) -> Bucket:
    """A folder or an address as the latter."""
    if isinstance(place, Place):
        return Bucket.at(place.url)
    if isinstance(place, str) and is_url(place):
        return Bucket.at(place)
    return Bucket.of_folder(Path(place))


def place_at(url: str, *, takes_over: bool = False) -> Place:
    """Where a run at an address is written from this machine."""
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    return Place(url, home() / "cluster" / name, takes_over)


def created(out: Path | Place, policy: Policy, file_format: FormatChoice) -> OutputFolder:
    """The output folder of a run that begins or goes on; raises as `OutputFolder.create`."""
    if isinstance(out, Place):
        return RemoteOutputFolder.create_at(out, policy, file_format, signer(home()), today)
    return OutputFolder.create(out, policy, file_format, signer(home()), today)


def opened(out: Path | Place) -> OutputFolder:
    """The output folder of a run that was begun; raises as `OutputFolder`."""
    if isinstance(out, Place):
        return RemoteOutputFolder.open_at(out, signer(home()), today)
    return OutputFolder(out, signer(home()), today)


def executor_of(new_executor: Callable[[int], Executor] | None, workers: int) -> Executor:
    """The executor that was asked for, else processes of this machine."""
    return (new_executor or started_pool)(workers)


def job_of(
    picture: str,
    content: PictureSource,
    output_folder: OutputFolder,
    data: bytes,
    settled: Plan | None = None,
    sign_off: SignOff = UNATTENDED,
) -> Job:
    """The job of a picture, with a release id and a seed that nobody can know.

    Args:
        picture: its id in the output folder.
        content: where its bytes are read from.
        output_folder: of the run.
        data: those bytes as they were read to name it; the worker reads its own.
        settled: the plan that a person decided, if one did.
        sign_off: who that was.
    """
    release_id, digest = secrets.token_hex(16), hashlib.sha256(data).digest()
    return Job(
        id=release_id,
        image_id=picture,
        digest=digest,
        megapixels=megapixels_of(data),
        source=content,
        policy=output_folder.policy,
        format=output_folder.format,
        release_id=release_id,
        seed=secrets.randbits(64),
        draw=output_folder.sample_draw(digest),
        settled=settled,
        sign_off=sign_off,
    )


def say_if_ahead(output_folder: OutputFolder) -> None:
    """Say so where earlier releases are dated later than today."""
    if output_folder.ahead is not None:
        say(
            f"What was released here before says {output_folder.ahead}, which is still to come: "
            "this machine's clock was ahead then, or is behind now. See that it is right; "
            "certificates say the day it tells."
        )


def say(line: str) -> None:
    """A line for the person who typed the command, above the progress bar."""
    tqdm.write(line, file=sys.stderr)
