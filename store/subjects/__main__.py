"""The command `lethe subject`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from engine.cli import terminal
from engine.cli.exits import Exit
from engine.errors import UnreadableFile, UnusableFolder
from engine.files import atomic
from engine.files.safe_read import measured, printable
from engine.wording import counted
from store.accounts.actor import Actor, shell
from store.command_line import day, opened
from store.database import Database
from store.errors import UnknownRecord
from store.subjects import correction, deletion, deliveries, export, finding, holdings, requests
from store.subjects.correction import Ground
from store.subjects.finding import Found, Means, Result
from store.subjects.requests import Kind, Outcome, SubjectRequest

_DESCRIPTION = """\
What people may ask about a picture that shows them: find it, export what is held about it, have it
decided anew, delete it, and keep the requests with their deadlines. Everything is put on record in
the audit trail. Stop the app first: only one program may have the data open. The page Audit does
the same while it runs. docs/how-to/subject-requests.md is the guide.
"""
_FIND = """\
Find the picture that somebody asks about, exactly: by the id of a release or of the picture, by a
file (a release, or the original, byte for byte), or by the name that it came with. A file that was
saved again, cut or changed is not known by its bytes; where it still bears the name of a release,
it is told as altered.
"""
_EXPORT = """\
Write all that is held about a picture into the new file OUT, a zip of JSON for its owner alone:
plans, decisions, receipts, certificates, events, deliveries, and the release that stands.
"""
_CORRECT = """\
Withdraw the release of a picture and put the picture into the review queue again. Copies that were
handed out stay where they are: `lethe subject deliveries` names who took one.
"""
_DELETE = """\
Destroy what is held of a picture, for good: the key of its original, its name, decisions and boxes,
and its release, which is withdrawn. What proves it stays: ids, events, certificates. Copies that
were handed out stay where they are: `lethe subject deliveries` names who took one. Stopped in the
middle, it goes on at the next start; the same command then closes the request.
"""
_Do: TypeAlias = Callable[[argparse.Namespace, Actor, Database], int]
_GROUNDS = {one.name.lower().replace("_", "-"): one for one in Ground}
_OUTCOMES = {one.name.lower().replace("_", "-"): one for one in Outcome if one is not Outcome.DONE}
_WORDS = {
    Means.ID: "by its id",
    Means.RELEASE: "the file is a release of it, byte for byte",
    Means.ORIGINAL: "the file is its original, byte for byte",
    Means.NAME: "by the name that it came with",
}


def main(arguments: list[str] | None = None, *, program: str = "python -m store.subjects") -> int:
    """Run one command and return its exit status; `program` is how it is called."""
    return terminal.run(_parser(program), arguments)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = terminal.parser_of("subject", program, _DESCRIPTION)
    commands = terminal.commands_of(parser)
    found = _add(commands, "find", _find, "find a picture by id, file or name", _FIND)
    what = found.add_mutually_exclusive_group(required=True)
    what.add_argument("id", metavar="ID", nargs="?", help="of a release or a picture")
    what.add_argument("--file", type=Path, metavar="FILE", help="a release, or an original")
    what.add_argument("--name", metavar="NAME", help="the whole name, with folders, as it came")

    exported = _add(commands, "export", _export, "write all that is held about a picture", _EXPORT)
    _add_id(exported)
    exported.add_argument("out", metavar="OUT", type=Path, help="a new zip file; private")
    exported.add_argument("--original", action="store_true", help="take the original along")

    corrected = _add(commands, "correct", _correct, "have a release decided anew", _CORRECT)
    _add_id(corrected)
    corrected.add_argument(
        "--ground", choices=tuple(_GROUNDS), required=True, help="what is objected to"
    )

    gone = _add(commands, "delete", _delete, "destroy what is held of a picture", _DELETE)
    _add_id(gone)
    gone.add_argument(
        "--keep-release",
        action="store_true",
        help="let its release stand, with what was decided; original and name go",
    )

    _add_id(_add(commands, "deliveries", _deliveries, "which downloads hold a picture"))

    opened = _add(commands, "open", _open, "note a request, which is due 30 days after it came in")
    opened.add_argument("kind", choices=[one.value for one in Kind], help="what is asked for")
    opened.add_argument("id", metavar="ID", nargs="?", help="of a release or picture, if one is")
    opened.add_argument("--received", type=day, metavar="DAY", help="as 2026-11-22; default: now")

    closed = _add(commands, "close", _close, "close a request that is not carried out")
    closed.add_argument("request", metavar="REQUEST", help="its id")
    closed.add_argument("outcome", choices=tuple(_OUTCOMES), help="what came of it")

    listed = _add(commands, "requests", _list, "list requests with their deadlines")
    listed.add_argument("--json", action="store_true", help="print JSON instead of lines")
    return parser


def _add(
    commands: terminal.Commands,
    name: str,
    do: _Do,
    short: str,
    description: str | None = None,
) -> argparse.ArgumentParser:
    parser = terminal.add_command(
        commands,
        f"subject {name}",
        lambda options: _done(options, do),
        short=short,
        description=description,
    )
    terminal.add_home(parser)
    return parser


def _add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="of a release or a picture")


def _done(options: argparse.Namespace, do: _Do) -> int:
    with opened(options.home) as database:
        return do(options, shell(os.getuid()), database)


def _find(options: argparse.Namespace, actor: Actor, database: Database) -> int:
    found = _found(options, actor, database)
    for picture_id in found.picture_ids:
        _describe(actor, database, picture_id)
    terminal.say(_sentence(found))
    return Exit.DONE if found.result is Result.FOUND else Exit.FOUND


def _found(options: argparse.Namespace, actor: Actor, database: Database) -> Found:
    if options.file is not None:
        return finding.by_file(actor, database, options.file.name, _digest(options.file))
    if options.name is not None:
        return finding.by_name(actor, database, options.name)
    return finding.by_id(actor, database, options.id)


def _digest(path: Path) -> bytes:
    try:
        digest, _ = measured(path, [path.stat().st_size])
    except (UnreadableFile, OSError) as error:
        why = error if isinstance(error, UnreadableFile) else f"cannot be read ({error.strerror})"
        raise UnusableFolder(f"{printable(str(path))} {why}.") from error
    return bytes.fromhex(digest)


def _sentence(found: Found) -> str:
    if found.means is None:
        return (
            "Nothing of ours: no picture, no release and no original is the same byte for byte, or "
            "bears this id or name. A copy that was saved again or cut is not known by its bytes."
        )
    if found.result is Result.ALTERED:
        return (
            "Altered: the file bears the name of a release of this picture, and its bytes are "
            "others than those that were released."
        )
    return f"{counted(len(found.picture_ids), 'picture')} found: {_WORDS[found.means]}."


def _describe(actor: Actor, database: Database, picture_id: str) -> None:
    held = holdings.of_picture(actor, database, picture_id)
    sent = deliveries.of_picture(actor, database, picture_id)
    rows = {
        "picture": picture_id,
        "name": printable(held.picture.source),
        "state": held.picture.state.value,
        "original": "held" if held.has_original else "gone",
        "releases": ", ".join(held.release_ids) or "none",
        "held": ", ".join(
            [
                counted(held.count("plans"), "plan"),
                counted(held.count("verdicts"), "decision"),
                counted(held.count("certificates"), "certificate"),
                counted(len(held.events), "event"),
            ]
        ),
        "downloads": str(len(sent)),
    }
    for name, text in rows.items():
        terminal.say(f"{name:<10} {text}")
    terminal.say("")


def _picture(id_: str, actor: Actor, database: Database) -> str:
    """The picture of an id.

    Raises:
        UnknownRecord: there is none.
    """
    found = finding.by_id(actor, database, id_)
    if not found.picture_ids:
        raise UnknownRecord(f"No picture and no release here has the id {printable(id_)}.")
    return found.picture_ids[0]


def _export(options: argparse.Namespace, actor: Actor, database: Database) -> int:
    if options.out.exists() or options.out.is_symlink():
        raise UnusableFolder(f"{options.out} exists already; name a new file.")
    picture_id = _picture(options.id, actor, database)
    made = export.exported(
        actor, database, picture_id, datetime.now(UTC), with_original=options.original
    )
    atomic.write(options.out, made)
    terminal.say(f"All that is held about picture {picture_id} is in {options.out}.")
    return Exit.DONE


def _correct(options: argparse.Namespace, actor: Actor, database: Database) -> int:
    picture_id = _picture(options.id, actor, database)
    ground = _GROUNDS[options.ground]
    done = correction.corrected(actor, database, picture_id, ground, datetime.now(UTC))
    terminal.say(
        f"Release {done.release_id} is withdrawn, and picture {picture_id} waits for review. "
        f"Request {done.request_id} is closed."
    )
    _warn_of_copies(actor, database, picture_id)
    return Exit.DONE


def _warn_of_copies(actor: Actor, database: Database, picture_id: str) -> None:
    count = len(deliveries.of_picture(actor, database, picture_id))
    if count:
        verb = "holds" if count == 1 else "hold"
        terminal.say(
            f"{counted(count, 'download')} {verb} a release of it, which cannot be called back: "
            "lethe subject deliveries names who took it."
        )


def _delete(options: argparse.Namespace, actor: Actor, database: Database) -> int:
    picture_id = _picture(options.id, actor, database)
    done = deletion.deleted(
        actor, database, picture_id, datetime.now(UTC), keeps_release=options.keep_release
    )
    release = "" if done.withdrawn is None else f" Release {done.withdrawn} is withdrawn."
    terminal.say(
        f"Picture {picture_id} is destroyed.{release} Request {done.request_id} is closed."
    )
    _warn_of_copies(actor, database, picture_id)
    return Exit.DONE


def _deliveries(options: argparse.Namespace, actor: Actor, database: Database) -> int:
    picture_id = _picture(options.id, actor, database)
    sent = deliveries.of_picture(actor, database, picture_id)
    for one in sent:
        who = printable(f"{one.name} ({one.actor})" if one.name else one.actor)
        terminal.say(
            f"event {one.number}  {one.at:%Y-%m-%d %H:%M:%S} UTC  {who}  "
            f"manifest {one.manifest}  release {', '.join(one.release_ids)}"
        )
    terminal.say(
        f"{counted(len(sent), 'download')} on record with a release of picture {picture_id}."
    )
    return Exit.DONE


def _open(options: argparse.Namespace, actor: Actor, database: Database) -> int:
    picture_id = None if options.id is None else _picture(options.id, actor, database)
    request = requests.opened(
        actor,
        database,
        Kind(options.kind),
        picture_id,
        datetime.now(UTC),
        received_at=options.received,
    )
    terminal.say(f"Request {request.id} is open and due by {request.due_at:%Y-%m-%d}.")
    return Exit.DONE


def _close(options: argparse.Namespace, actor: Actor, database: Database) -> int:
    outcome = _OUTCOMES[options.outcome]
    requests.closed(actor, database, options.request, outcome, datetime.now(UTC))
    terminal.say(f"Request {options.request} is closed: {outcome}.")
    return Exit.DONE


def _list(options: argparse.Namespace, actor: Actor, database: Database) -> int:
    now = datetime.now(UTC)
    found = requests.listed(actor, database)
    late = sum(one.is_overdue(now) for one in found)
    if options.json:
        rows = [asdict(one) | {"overdue": one.is_overdue(now)} for one in found]
        terminal.say(json.dumps(rows, default=datetime.isoformat))
    else:
        for one in found:
            terminal.say(_line(one, now))
        terminal.say(f"{counted(len(found), 'request')}, {late} overdue.")
    return Exit.FOUND if late else Exit.DONE


def _line(request: SubjectRequest, now: datetime) -> str:
    if request.outcome is not None:
        state = f"{request.outcome} on {request.closed_at:%Y-%m-%d}"
    elif request.is_overdue(now):
        state = "OVERDUE"
    else:
        state = "open"
    picture = request.picture_id or "no picture"
    return (
        f"{request.id}  {request.kind:<10}  {picture:<32}  due {request.due_at:%Y-%m-%d}  {state}"
    )


if __name__ == "__main__":
    sys.exit(main())
