"""`lethe redact`: pictures in, an output folder with what became of each out."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from engine.category import DETECTABLE_WORDS
from engine.cli import command_line, terminal
from engine.cli.running import (
    RANDOM,
    Picture,
    Run,
    Step,
    Summary,
    bucket_of,
    created,
    executor_of,
    job_of,
    output_of,
    pictures_of,
    reported,
    say,
    say_if_ahead,
)
from engine.cluster.bucket import is_url
from engine.cluster.output_folder import Place
from engine.cluster.pictures import read_ahead
from engine.detect.registry import verify
from engine.detect.weights import own_weights_notice
from engine.errors import InvalidLicenceList, InvalidPolicy, LetheError, UnusableFolder
from engine.files.real_path import real
from engine.images import FormatChoice
from engine.policy import Policy
from engine.runs.inputs import Source
from engine.runs.jobs import Executor, Quarantined
from engine.runs.licences import LicenceList, read_licence_list
from engine.runs.output_folder import OutputFolder
from engine.runs.refusal import refusal
from engine.runs.sources import PictureSource

_REDACT = f"""\
Find {DETECTABLE_WORDS} in pictures, remove them for good, and write what may be shared to
OUT/released. Pictures that a person must look at are listed in OUT/review.jsonl with the reasons,
pictures that are held back in OUT/quarantine.jsonl. OUT/names.csv says which release came from
which file and is private. Stop at any time; the same command goes on where it stopped.
"""
LARGE_BYTES = 4_000_000
"""Files from here on are worked on first."""


def add_to(verbs: terminal.Commands) -> None:
    """Add it to the command line."""
    verb = terminal.add_command(
        verbs,
        "redact",
        _redact,
        description=_REDACT,
        short="find and remove, folder to folder",
        when_stopped=command_line.KEPT,
    )
    verb.add_argument(
        "input",
        metavar="IN",
        help="a picture, a folder (recursive) or a glob; or an address such as s3://bucket/in",
    )
    verb.add_argument(
        "output",
        metavar="OUT",
        help="a folder of this run's own, or such an address",
    )
    verb.add_argument(
        "--format",
        choices=("same", "png", "jpeg"),
        default="same",
        help="of the releases; same: JPEG stays JPEG, all else becomes PNG",
    )
    verb.add_argument(
        "--manifest",
        type=Path,
        metavar="CSV",
        help="licences: filename, source, licence, attribution_needed, …",
    )
    command_line.add_policy(verb)
    command_line.add_running(verb)
    command_line.add_executor(verb)
    command_line.add_take_over(verb)
    command_line.add_json(verb)


def _redact(options: argparse.Namespace) -> int:
    policy = command_line.policy_of(options)
    summary = redact(
        options.input,
        output_of(options),
        policy,
        file_format=options.format,
        licences=_licences(options.manifest),
        workers=options.workers,
        new_executor=command_line.executor_of(options),
    )
    notice = own_weights_notice()
    if notice is not None:
        terminal.complain(notice)
    return reported(summary, as_json=options.json)


def _licences(path: Path | None) -> LicenceList:
    if path is None:
        return LicenceList()
    try:
        return read_licence_list(path.read_bytes())
    except OSError as error:
        raise InvalidLicenceList(f"{path} could not be read: {error.strerror}.") from error


def redact(
    where: str,
    out: Path | Place,
    policy: Policy,
    *,
    file_format: FormatChoice,
    licences: LicenceList,
    workers: int,
    new_executor: Callable[[int], Executor] | None = None,
) -> Summary:
    """Redact every picture of an input, skipping those an earlier run finished.

    Args:
        where: the input, a place of this machine or an address.
        out: the output folder, or its address.
        policy: what is looked for, and how.
        file_format: of the releases.
        licences: of the pictures.
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
    pictures, left_alone = pictures_of(where, out)
    if left_alone:
        say(f"Left alone, as no pictures, hidden, or linked folders: {left_alone}.")
    if not pictures:
        raise UnusableFolder(f"There are no pictures in {where}.")
    if unmatched := licences.unmatched(source.name for source in pictures):
        say(
            f"Lines of the manifest that name no picture here: {unmatched}. They must name files "
            "as they lie below the input folder."
        )
    licences = licences.among(source.name for source in pictures)
    pictures = _scheduled(pictures)
    with closing(executor_of(new_executor, workers)) as executor:
        output_folder = created(out, policy, file_format)
        say_if_ahead(output_folder)
        run = Run(output_folder, executor)
        run.work(_steps(pictures, output_folder, licences, where), len(pictures))
    return Summary(run.fates, policy.not_looked_for, time.perf_counter() - started)


def _scheduled(pictures: Sequence[Picture]) -> list[Picture]:
    """Large files first, so that no worker is left alone with one; otherwise in random order.

    Releases lie on the disk in the order of their making, which names would tell. How large an
    object at an address is, is not asked.
    """
    scheduled = list(pictures)
    RANDOM.shuffle(scheduled)
    return sorted(scheduled, key=_is_small)


def _is_small(picture: Picture) -> bool:
    if not isinstance(picture, Source) or picture.problem:
        return True
    try:
        return picture.path.stat().st_size < LARGE_BYTES
    except OSError:
        return True


def _refuse_same(where: str, out: Path | Place) -> None:
    """Refuse an output that is the input or holds it.

    Raises:
        UnusableFolder: it is.
    """
    if is_url(where) or isinstance(out, Place):
        is_same = bucket_of(out).holds(bucket_of(where))
    else:
        is_same = real(out) in (real(where), *real(where).parents)
    if is_same:
        raise UnusableFolder(
            "The output folder must not be the input folder, nor hold it: choose another."
        )


def _steps(
    pictures: Sequence[Picture], output_folder: OutputFolder, licences: LicenceList, where: str
) -> Iterator[tuple[str, Step]]:
    """What each picture needs, by its name."""
    sound = (picture.content for picture in pictures if not picture.problem)
    contents = read_ahead(sound) if is_url(where) else map(_read, sound)
    for picture in pictures:
        if picture.problem:
            fate = output_folder.fate(picture.name, "")
            yield picture.name, fate or Quarantined("", picture.problem)
        else:
            yield picture.name, _step(picture, next(contents), output_folder, licences)


def _read(content: PictureSource) -> bytes | Exception:
    try:
        return content.read()
    except (LetheError, OSError, MemoryError) as error:
        return error


def _step(
    source: Picture, data: bytes | Exception, output_folder: OutputFolder, licences: LicenceList
) -> Step:
    """What a picture needs, given what earlier runs finished and what its licence allows.

    Args:
        source: the picture.
        data: its bytes, or what kept them from being read.
        output_folder: of the run.
        licences: of the pictures.
    """
    if isinstance(data, Exception):
        return output_folder.fate(source.name, "") or refusal("", source.content.path, data)
    picture = output_folder.picture_id(data)
    fate = output_folder.fate(source.name, picture)
    if fate is not None:
        return fate
    require = output_folder.policy.manifest.require_licence
    forbidden = licences.refusal(source.name, require_licence=require)
    if forbidden:
        return Quarantined(picture, forbidden)
    return job_of(picture, source.content, output_folder, data)
