"""`lethe release`: decisions of a person in, releases of what they accepted out."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.cli import command_line, terminal
from engine.cli.keys import named_or_own
from engine.cli.running import (
    RANDOM,
    Run,
    Step,
    Summary,
    executor_of,
    job_of,
    opened,
    output_of,
    pictures_of,
    reported,
    say,
    say_if_ahead,
)
from engine.cluster.output_folder import Place
from engine.errors import InvalidDecision, InvalidSignature, LetheError
from engine.files.home import home
from engine.files.json_object import json_object
from engine.files.safe_read import printable
from engine.plan import Plan, Region, ReviewDecision
from engine.receipt import SignOff
from engine.runs.jobs import Executor, Job
from engine.runs.output_folder import OutputFolder
from engine.runs.sources import PictureSource
from engine.signing.decisions import is_authenticated, signature_path
from engine.triage import settled

_RELEASE = """\
Release pictures from OUT/review.jsonl that a person has decided. VERDICTS is a file of such lines
with "accept": true added and "regions" set to the final ones, boxes in pixels of the upright
picture. Move what you want removed from "doubts" to "regions" and delete the rest: a box that is
still there counts as undecided and is removed. Other lines are left waiting.

Anybody can write such a file. Where its signature lies beside it, which lethe sign-decisions makes,
and its key is known, certificates say that the decision was authenticated, else that it was not.
"""
COMMAND_LINE = "command line"
"""The reviewer's name in receipts when a decision file gives none."""
LONGEST_NAME = 200


def add_to(verbs: terminal.Commands) -> None:
    """Add it to the command line."""
    verb = terminal.add_command(
        verbs,
        "release",
        _release,
        description=_RELEASE,
        short="release what a person accepted",
        when_stopped=command_line.KEPT,
    )
    verb.add_argument("input", metavar="IN", help="the input of the redact run")
    verb.add_argument("output", metavar="OUT", help="the output folder of that run")
    verb.add_argument("--verdicts", type=Path, required=True, metavar="FILE.jsonl")
    verb.add_argument(
        "--reviewer-key",
        dest="reviewer_keys",
        action="append",
        type=Path,
        metavar="PUB",
        help="public key (PEM) of somebody who decides, for a signature beside the file; may be "
        "given again (default: the keys of this installation)",
    )
    command_line.add_running(verb)
    command_line.add_executor(verb)
    command_line.add_take_over(verb)
    command_line.add_json(verb)


def _release(options: argparse.Namespace) -> int:
    summary = release(
        options.input,
        output_of(options),
        options.verdicts,
        workers=options.workers,
        known=named_or_own(options.reviewer_keys),
        new_executor=command_line.executor_of(options),
    )
    return reported(summary, as_json=options.json)


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
    output_folder = opened(out)
    try:
        output_folder.refuse_taken_in(home())
        for source in pictures_of(where, out)[0]:
            if not source.problem:
                originals.setdefault(source.name, []).append(source.content)
    except BaseException:
        output_folder.close()
        raise
    say_if_ahead(output_folder)
    problems = Counter[str]()

    def steps() -> Iterator[tuple[str, Step]]:
        plans = output_folder.plans()
        accepted: list[tuple[str, Step]] = []
        for number, line in enumerate(lines, start=1):
            try:
                accepted += _accepted_job(
                    line, plans, originals, output_folder, is_vouched_for=is_vouched_for
                )
            except LetheError as error:
                problems[verdicts.name] += 1
                say(f"{verdicts.name}, line {number}: {error}")
        RANDOM.shuffle(accepted)  # as in `redact`
        yield from accepted

    with closing(executor_of(new_executor, workers)) as executor:
        run = Run(output_folder, executor)
        run.work(steps(), total=None)
    seconds = time.perf_counter() - started
    return Summary(run.fates, output_folder.policy.not_looked_for, seconds, problems.total())


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


def _accepted_job(
    line: str,
    plans: dict[tuple[str, str], Plan],
    originals: Mapping[str, Sequence[PictureSource]],
    output_folder: OutputFolder,
    *,
    is_vouched_for: bool,
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
    sign_off = SignOff(decision.reviewer, is_authenticated=is_vouched_for)
    yield source, job_of(decided.image_id, content, output_folder, data, decided, sign_off)


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
        except (OSError, LetheError, MemoryError) as error:
            unread = error  # another of that name may be the one
            continue
        if output_folder.picture_id(data) == picture:
            return content, data
    if unread is not None:
        why = getattr(unread, "strerror", None) or str(unread) or type(unread).__name__
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
