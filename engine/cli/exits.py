"""Exit statuses: one table, which `--help` and docs/how-to/command-line.md show."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple


class Exit(IntEnum):
    """What a command ends with; a number has one meaning for all commands."""

    DONE = 0
    FOUND = 1
    USAGE = 2
    UNKNOWN_SIGNER = 3
    MISSED = 4
    BROKEN = 5
    INCONCLUSIVE = 6
    REVOKED = 7
    INTERRUPTED = 130


class _Row(NamedTuple):
    status: Exit
    meaning: str
    commands: tuple[str, ...] = ()
    """Those that can end with it; empty for all."""


TABLE: Final = (
    _Row(Exit.DONE, "done, and nothing is wrong; of redact: every picture reached an outcome"),
    _Row(Exit.FOUND, "some lines of decisions could not be carried out", ("release",)),
    _Row(Exit.FOUND, "something is wrong, and its file is named", ("verify",)),
    _Row(Exit.FOUND, "something was found, or a file cannot be read to its end", ("lint",)),
    _Row(Exit.FOUND, "some lines could not be taken", ("store ingest",)),
    _Row(Exit.FOUND, "some originals are missing, and each is named", ("fetch",)),
    _Row(Exit.FOUND, "the trail is not whole, and each fault is named", ("audit verify",)),
    _Row(Exit.FOUND, "something is overdue", ("retention report",)),
    _Row(
        Exit.FOUND,
        "nothing was destroyed, as the clock cannot be right, or not all was",
        ("retention sweep",),
    ),
    _Row(Exit.FOUND, "no picture was found, or the file was altered", ("subject find",)),
    _Row(Exit.FOUND, "a request is overdue", ("subject requests",)),
    _Row(
        Exit.USAGE,
        "the command could not be understood, started or carried out, or there was nothing to do "
        "it on",
    ),
    _Row(Exit.UNKNOWN_SIGNER, "every signature fits, but a signer is unknown", ("verify",)),
    _Row(Exit.MISSED, "recall lies below --fail-under", ("evaluate",)),
    _Row(Exit.BROKEN, "fail: something hidden came back", ("attack",)),
    _Row(Exit.INCONCLUSIVE, "invalid: the attacks were too weak to say anything", ("attack",)),
    _Row(Exit.REVOKED, "all is as released, and a picture was revoked since", ("verify",)),
    _Row(Exit.INTERRUPTED, "stopped with Ctrl-C"),
)


def exits_of(command: str) -> str:
    """What the statuses of a command mean, for the end of its `--help`.

    Args:
        command: as typed, such as `verify`; the start of several, such as `store`; or empty for
            the list of commands.
    """
    rows = [row for row in TABLE if not row.commands or _concerns(row, command)]
    parts = [f"{row.status} {_who(row, command)}{row.meaning}" for row in rows]
    return "exit status:\n" + "\n".join(f"  {part}" for part in parts) + "\n"


def as_markdown() -> str:
    """The whole table, as the document shows it."""
    rows = [
        f"| {row.status} | {', '.join(f'`{command}`' for command in row.commands) or 'all'} | "
        f"{row.meaning.replace('--fail-under', '`--fail-under`')} |"
        for row in TABLE
    ]
    return "\n".join(["| status | commands | means |", "|---|---|---|", *rows]) + "\n"


def _concerns(row: _Row, command: str) -> bool:
    return not command or any(f"{name} ".startswith(f"{command} ") for name in row.commands)


def _who(row: _Row, command: str) -> str:
    return "" if not row.commands or row.commands == (command,) else f"{', '.join(row.commands)}: "
