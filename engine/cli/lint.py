"""`lethe lint`: metadata and hidden bytes of pictures, for people and for CI."""

from __future__ import annotations

import argparse
import json
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.cli import command_line, terminal
from engine.cli.exits import Exit
from engine.errors import UnusableFolder
from engine.files.real_path import real
from engine.metadata.finding import Finding, Kind
from engine.metadata.inspect import LARGEST_FILE, TOO_LARGE, findings, unreadable
from engine.runs.inputs import sources
from engine.wording import counted

SCHEMA: Final = 1
"""Version of what `--json` prints."""

_DESCRIPTION = """\
Report what pictures carry besides their pixels: EXIF, GPS, XMP, IPTC, ICC, comments, thumbnails,
trailing bytes, pixels hidden under alpha, further pictures, depth and gain maps, text, unknown
chunks. One line a finding: PATH: KIND: where it is, and what it can give away; its content is
never printed. A file that cannot be read to its end is a finding too. Nothing is changed.
docs/how-to/lint.md lists the kinds and shows how to use this in CI.
"""


class FileReport(NamedTuple):
    """A picture with what it carries besides its pixels."""

    path: Path
    findings: tuple[Finding, ...]


def add_to(verbs: terminal.Commands) -> None:
    """Add `lint` to the commands."""
    verb = terminal.add_command(
        verbs,
        "lint",
        _lint,
        description=_DESCRIPTION,
        short="report metadata and hidden bytes",
        when_stopped="Stopped; what was not said was not looked at.",
    )
    verb.add_argument(
        "paths",
        metavar="PATHS",
        nargs="+",
        help="pictures, folders (recursive, hidden files too, .git apart) or globs",
    )
    verb.add_argument(
        "--allow",
        type=_kinds,
        default=frozenset(),
        metavar="KIND,…",
        help="kinds that are no findings here, e.g. icc,adobe-mark; unreadable cannot be allowed",
    )
    command_line.add_json(verb)


def pictures_of(paths: Sequence[str]) -> tuple[tuple[Path, ...], int]:
    """Every picture of files, folders and globs, once, sorted by the name that is printed.

    Returns:
        The pictures, and the number of other files and linked folders left alone.

    Raises:
        UnusableFolder: one of `paths` is not there.
    """
    pictures: dict[Path, Path] = {}  # by path: two names can be printed alike
    left_alone = 0
    for where in paths:
        inputs, skipped = sources(where, hidden=True)
        left_alone += skipped
        for source in inputs:
            pictures.setdefault(real(source.path), source.path)
    return tuple(sorted(pictures.values(), key=lambda path: (_printed(path), path))), left_alone


def lint(pictures: Iterable[Path], allow: frozenset[Kind]) -> Iterator[FileReport]:
    """Look into pictures, leaving out the kinds of `allow`."""
    for path in pictures:
        yield FileReport(
            path, tuple(finding for finding in _findings(path) if finding.kind not in allow)
        )


def _lint(options: argparse.Namespace) -> int:
    pictures, left_alone = pictures_of(options.paths)
    if not pictures:
        raise UnusableFolder("There is no picture there; nothing was looked at.")
    rows: list[dict[str, Any]] = []
    clean = count = 0
    for path, carried in lint(pictures, options.allow):
        clean += not carried
        count += len(carried)
        name = _printed(path)
        for finding in carried:
            if options.json:
                rows.append({"path": name, **finding.to_json()})
            else:
                terminal.say(f"{name}: {finding.kind}: {finding.detail}")
    if options.json:
        summary = {"pictures": len(pictures), "clean": clean, "left_alone": left_alone}
        terminal.say(json.dumps({"schema": SCHEMA, **summary, "findings": rows}))
    terminal.complain(_summary(len(pictures), clean, count, left_alone))
    return Exit.DONE if clean == len(pictures) else Exit.FOUND


def _findings(path: Path) -> tuple[Finding, ...]:
    try:
        if path.is_dir():
            return (unreadable("This folder cannot be opened."),)
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            return (unreadable("It is no plain file."),)
        if about.st_size > LARGEST_FILE:
            return (unreadable(TOO_LARGE),)
        return findings(path.read_bytes())
    except OSError as error:
        return (unreadable(f"It cannot be read ({error.strerror})."),)


def _summary(pictures: int, clean: int, count: int, left_alone: int) -> str:
    line = f"{counted(pictures, 'picture')} looked at, {clean} clean, {counted(count, 'finding')}."
    if left_alone:
        line += f" Left alone, as no pictures, hidden, or linked folders: {left_alone}."
    return line


def _printed(path: Path) -> str:
    """A path on one line, escaped so that CI logs do not run it as a command."""
    raw = path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    line = "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in raw)
    return f"./{line}" if line.startswith(":") else line


def _kinds(text: str) -> frozenset[Kind]:
    names = {name.strip() for name in text.split(",") if name.strip()}
    allowable = sorted(set(Kind) - {Kind.UNREADABLE})
    unknown = sorted(names - set(allowable))
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown kind {unknown[0]!r}; choose from {', '.join(allowable)}"
        )
    return frozenset(map(Kind, names))
