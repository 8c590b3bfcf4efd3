"""`lethe redact` and `lethe release`: pictures in, an output folder with outcomes out."""

from __future__ import annotations

import hashlib
import logging
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from tqdm import tqdm

from engine.category import Category
from engine.cli.command_line import today
from engine.cluster.bucket import Bucket, is_url
from engine.cluster.output_folder import Place, RemoteOutputFolder
from engine.cluster.pictures import UrlPicture, read_ahead, url_pictures
from engine.detect.registry import verify
from engine.errors import (
    InvalidDecision,
    InvalidPolicy,
    InvalidSignature,
    LetheError,
    UnusableFolder,
)
from engine.files.home import home
from engine.files.json_object import json_object
from engine.files.real_path import real
from engine.files.safe_read import printable
from engine.images import FormatChoice
from engine.metadata.header import megapixels_of
from engine.plan import Plan, Region, ReviewDecision
from engine.policy import Policy
from engine.runs.inputs import Source, sources
from engine.runs.jobs import Executor, Job, Outcome, Postponed, Quarantined
from engine.runs.licences import Manifest
from engine.runs.output_folder import Fate, OutputFolder
from engine.runs.pool import started_pool
from engine.runs.refusal import failed, refusal
from engine.runs.sources import PictureSource
from engine.signing.decisions import is_authenticated, signature_path
from engine.signing.signer import signer
from engine.triage import settled

_RANDOM = secrets.SystemRandom()
LARGE_BYTES = 4_000_000
"""Files from here on are worked on first."""
log = logging.getLogger(__name__)

COMMAND_LINE = "command line"
"""The reviewer's name in receipts when a decision file gives none."""
LONGEST_NAME = 200
_POSTPONED = (
    "Held back because of this machine and not of the picture: {}. OUT/quarantine.jsonl says why; "
    "once that is mended, the same command tries again."
)


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
class _Run:
    """One run over an output folder: the job of each source, and the outcomes."""

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
            _say(_POSTPONED.format(self._postponed))

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


def redact(
    where: str,
    out: Path | Place,
    policy: Policy,
    *,
    file_format: FormatChoice,
    manifest: Manifest,
    workers: int,
    new_executor: Callable[[int], Executor] | None = None,
) -> Summary:
    """Redact every picture of an input, skipping those an earlier run finished.

    Args:
        where: the input, a place of this machine or an address.
        out: the output folder, or its address.
        policy: what is looked for, and how.
        file_format: of the releases.
        manifest: licences.
        workers: how many.
        new_executor: makes an executor of so many workers; None for processes of this machine.
    """
    started = time.perf_counter()
    verify(policy)  # say what is missing before starting processes
    if policy.review.four_eyes:
        raise InvalidPolicy(
            "four_eyes under [review] asks for a second person before a download, which the "
            "command line cannot do: bring the pictures into the app, or switch it off."
        )
    _refuse_same(where, out)
    pictures, left_alone = _pictures(where, out)
    if left_alone:
        _say(f"Left alone, as no pictures, hidden, or linked folders: {left_alone}.")
    if not pictures:
        raise UnusableFolder(f"There are no pictures in {where}.")
    if unmatched := manifest.unmatched(source.name for source in pictures):
        _say(
            f"Lines of the manifest that name no picture here: {unmatched}. They must name files "
            "as they lie below the input folder."
        )
    manifest = manifest.among(source.name for source in pictures)
    pictures = _scheduled(pictures)
    with closing((new_executor or started_pool)(workers)) as executor:
        output_folder = _created(out, policy, file_format)
        _say_if_ahead(output_folder)
        run = _Run(output_folder, executor)
        run.work(_steps(pictures, output_folder, manifest, where), len(pictures))
    return Summary(run.fates, policy.not_looked_for, time.perf_counter() - started)


def _scheduled(pictures: Sequence[Picture]) -> list[Picture]:
    """Large files first, so that no worker is left alone with one; otherwise in random order.

    Releases lie on the disk in the order of their making, which names would tell. How large an
    object at an address is, is not asked.
    """
    scheduled = list(pictures)
    _RANDOM.shuffle(scheduled)
    return sorted(scheduled, key=_is_small)


def _is_small(picture: Picture) -> bool:
    if not isinstance(picture, Source) or picture.problem:
        return True
    try:
        return picture.path.stat().st_size < LARGE_BYTES
    except OSError:
        return True


def release(
    where: str,
    out: Path | Place,
    verdicts: Path,
    *,
    workers: int,
    known: frozenset[bytes] = frozenset(),
    new_executor: Callable[[int], Executor] | None = None,
) -> Summary:
    """Release what a person accepted in a decision file; name each line that cannot be done.

    Args:
        where: the input of the run, or its address.
        out: its output folder, or its address.
        verdicts: the decision file.
        workers: how many processes.
        known: raw public keys of people who decide.
        new_executor: as for `redact`.
    """
    started = time.perf_counter()
    lines, is_vouched_for = _decisions(verdicts, known)
    originals: dict[str, list[PictureSource]] = {}
    output_folder = _opened(out)
    try:
        output_folder.refuse_taken_in(home())
        for source in _pictures(where, out)[0]:
            if not source.problem:
                originals.setdefault(source.name, []).append(source.content)
    except BaseException:
        output_folder.close()
        raise
    _say_if_ahead(output_folder)
    problems = Counter[str]()

    def steps() -> Iterator[tuple[str, Step]]:
        plans = output_folder.plans()
        accepted: list[tuple[str, Step]] = []
        for number, line in enumerate(lines, start=1):
            try:
                accepted += [
                    (name, replace(job, reviewer_authenticated=is_vouched_for))
                    for name, job in _accepted_job(line, plans, originals, output_folder)
                ]
            except LetheError as error:
                problems[verdicts.name] += 1
                _say(f"{verdicts.name}, line {number}: {error}")
        _RANDOM.shuffle(accepted)  # as in `redact`
        yield from accepted

    with closing((new_executor or started_pool)(workers)) as executor:
        run = _Run(output_folder, executor)
        run.work(steps(), total=None)
    seconds = time.perf_counter() - started
    return Summary(run.fates, output_folder.policy.not_looked_for, seconds, problems.total())


def _refuse_same(where: str, out: Path | Place) -> None:
    """Refuse an output that is the input or holds it.

    Raises:
        UnusableFolder: it is.
    """
    if is_url(where) or isinstance(out, Place):
        is_same = _bucket(out).holds(_bucket(where))
    else:
        is_same = real(out) in (real(where), *real(where).parents)
    if is_same:
        raise UnusableFolder(
            "The output folder must not be the input folder, nor hold it: choose another."
        )


def _pictures(where: str, out: Path | Place) -> tuple[list[Picture], int]:
    """The pictures of an input without its output, and the number of what was left alone.

    Raises:
        UnusableFolder: there is nothing.
    """
    if is_url(where):
        found, left_alone = url_pictures(where, leave_out=_bucket(out))
        return [*found], left_alone
    leave_out = _bucket(out).folder if isinstance(out, Place) else out
    files, left_alone = sources(where, leave_out=leave_out)
    return [*files], left_alone


def _bucket(place: str | Path | Place) -> Bucket:
    if isinstance(place, Place):
        return Bucket.at(place.url)
    if isinstance(place, str) and is_url(place):
        return Bucket.at(place)
    return Bucket.of_folder(Path(place))


def place_at(url: str, *, takes_over: bool = False) -> Place:
    """Where a run at an address is written from this machine."""
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    return Place(url, home() / "cluster" / name, takes_over)


def _created(out: Path | Place, policy: Policy, file_format: FormatChoice) -> OutputFolder:
    if isinstance(out, Place):
        return RemoteOutputFolder.create_at(out, policy, file_format, signer(home()), today)
    return OutputFolder.create(out, policy, file_format, signer(home()), today)


def _opened(out: Path | Place) -> OutputFolder:
    if isinstance(out, Place):
        return RemoteOutputFolder.open_at(out, signer(home()), today)
    return OutputFolder(out, signer(home()), today)


def _decisions(verdicts: Path, known: frozenset[bytes]) -> tuple[list[str], bool]:
    """The lines of a decision file, and whether somebody whose key is known signed it.

    Raises:
        InvalidDecision: it cannot be read, or its signature does not hold.
    """
    try:
        data = verdicts.read_bytes()
        # str.splitlines would also split at characters that names in other scripts may hold
        lines = data.decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDecision(f"{verdicts} could not be read as text: {error}.") from error
    try:
        return lines, is_authenticated(verdicts, data, known)
    except InvalidSignature as error:
        raise InvalidDecision(
            f"The signature {signature_path(verdicts).name} does not hold: {error}. Nothing was "
            "released; without that file the decisions count as nobody's in particular."
        ) from error


def _steps(
    pictures: Sequence[Picture], output_folder: OutputFolder, manifest: Manifest, where: str
) -> Iterator[tuple[str, Step]]:
    """What each picture needs, by its name."""
    sound = (picture.content for picture in pictures if not picture.problem)
    contents = read_ahead(sound) if is_url(where) else map(_read, sound)
    for picture in pictures:
        if picture.problem:
            fate = output_folder.fate(picture.name, "")
            yield picture.name, fate or Quarantined("", picture.problem)
        else:
            yield picture.name, _step(picture, next(contents), output_folder, manifest)


def _read(content: PictureSource) -> bytes | Exception:
    try:
        return content.read()
    except (LetheError, OSError, MemoryError) as error:
        return error


def _step(
    source: Picture, data: bytes | Exception, output_folder: OutputFolder, manifest: Manifest
) -> Step:
    """What a picture needs, given what earlier runs finished and what the manifest allows.

    Args:
        source: the picture.
        data: its bytes, or what kept them from being read.
        output_folder: of the run.
        manifest: its licences.
    """
    if isinstance(data, Exception):
        return output_folder.fate(source.name, "") or refusal("", source.content.path, data)
    picture = output_folder.picture_id(data)
    fate = output_folder.fate(source.name, picture)
    if fate is not None:
        return fate
    require = output_folder.policy.manifest.require_licence
    forbidden = manifest.refusal(source.name, require_licence=require)
    if forbidden:
        return Quarantined(picture, forbidden)
    return _job(picture, source.content, output_folder, data)


def _accepted_job(
    line: str,
    plans: dict[tuple[str, str], Plan],
    originals: Mapping[str, Sequence[PictureSource]],
    output_folder: OutputFolder,
) -> Iterator[tuple[str, Job]]:
    """The job that one line of decisions asks for; none when the line accepts nothing.

    The plan is found by name and content, and must be the very plan the line was copied from.

    Raises:
        InvalidDecision, StaleRevision: the line asks for something that cannot be done.
    """
    value = _read_line(line)
    accept = value.get("accept")
    if accept is not None and not isinstance(accept, bool):
        raise InvalidDecision(f'"accept" is {accept!r:.40}; write true or false, without quotes.')
    if not accept:
        return
    source = value.get("source")
    if not isinstance(source, str) or not any(source == name for name, _ in plans):
        raise InvalidDecision("no picture of this name waits for review; was it released already?")
    decision = _read_decision(value)
    plan = plans.get((source, decision.picture))
    if plan is None:
        raise InvalidDecision(
            "it was given on another picture than the one that waits under this name; look at "
            "that one in review.jsonl."
        )
    decided = settled(plan, decision)
    content, data = _original(originals.get(source, ()), decision.picture, output_folder)
    if output_folder.needs_second_review(data):
        raise InvalidDecision(
            "its policy has two people decide this picture, which only the app does; hand the "
            "folder to it with lethe store ingest, without these verdicts."
        )
    del plans[source, decision.picture]
    yield source, _job(decided.image_id, content, output_folder, data, decided, decision.reviewer)


def _original(
    contents: Sequence[PictureSource], picture: str, output_folder: OutputFolder
) -> tuple[PictureSource, bytes]:
    """Of the files with one name the one that was looked at, with its bytes.

    Raises:
        InvalidDecision: none of them is.
    """
    if not contents:
        raise InvalidDecision("its original is not in the input folder.")
    unread = None
    for content in contents:
        try:
            data = content.read()
        except (OSError, LetheError) as error:
            unread = error  # another of that name may be the one
            continue
        if output_folder.picture_id(data) == picture:
            return content, data
    if unread is not None:
        why = getattr(unread, "strerror", None) or unread
        raise InvalidDecision(f"its original could not be read ({why}).") from unread
    raise InvalidDecision("its original has changed since it was looked at; run redact again.")


def _read_line(line: str) -> dict[str, Any]:
    try:
        return json_object(line) if line.strip() else {}
    except ValueError as error:
        raise InvalidDecision(f"this is {error}.") from error


def _read_decision(value: dict[str, Any]) -> ReviewDecision:
    picture, plan = value.get("picture"), value.get("plan")
    if not (isinstance(picture, str) and isinstance(plan, str)):
        raise InvalidDecision(
            'it does not say which picture and which plan it was given on; copy "picture" and '
            '"plan" from the line in review.jsonl.'
        )
    try:
        regions = [Region.from_json(region) for region in value["regions"]]
        # What nobody decided is removed: a box still to review goes with the regions.
        regions += [Region.from_json(review_region) for review_region in value.get("doubts") or ()]
        return ReviewDecision(tuple(dict.fromkeys(regions)), _reviewer(value), picture, plan)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidDecision(f"its regions cannot be read ({error!r}).") from error


def _reviewer(value: Mapping[str, Any]) -> str:
    reviewer = value.get("reviewer") or COMMAND_LINE
    is_name = isinstance(reviewer, str) and len(reviewer) <= LONGEST_NAME
    if not is_name or printable(reviewer) != reviewer:
        raise InvalidDecision(
            f'"reviewer" is no name: write one of up to {LONGEST_NAME} characters, or leave it out.'
        )
    return str(reviewer)


def _job(
    picture: str,
    content: PictureSource,
    output_folder: OutputFolder,
    data: bytes,
    settled: Plan | None = None,
    reviewer: str | None = None,
) -> Job:
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
        reviewer=reviewer,
    )


def _say_if_ahead(output_folder: OutputFolder) -> None:
    if output_folder.ahead is not None:
        _say(
            f"What was released here before says {output_folder.ahead}, which is still to come: "
            "this machine's clock was ahead then, or is behind now. See that it is right; "
            "certificates say the day it tells."
        )


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)
