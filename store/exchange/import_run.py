"""Taking a command-line run's open questions into the app's review queue.

A run leaves `review.jsonl` in its folder: pictures a person must look at. They become a batch here,
one for the run, with their originals sealed in. Its id, and each picture's name with its content,
are the key, so doing it twice adds nothing. A line that cannot be taken in is named and the rest
goes on.
"""

from __future__ import annotations

import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.errors import (
    InvalidDecision,
    InvalidPolicy,
    UnreadableFile,
    UnreadableImage,
    UnusableFolder,
)
from engine.files import safe_read
from engine.files.json_object import json_object
from engine.files.real_path import real
from engine.images import FormatChoice
from engine.plan import Plan
from engine.policy import Policy, RetentionPolicy, read_policy
from engine.runs.handover import mark_taken_in
from engine.runs.inputs import sources
from engine.runs.journal import (
    KEYS,
    UNREADABLE_PLAN,
    picture_digest,
    plan_of,
    read_key,
    read_policy_text,
    read_run,
)
from engine.runs.name_map import read_names
from engine.runs.sources import LARGEST_ORIGINAL
from store.absence import absent
from store.accounts.act import Act
from store.accounts.actor import MACHINE, Actor
from store.batches import batches, originals, pictures
from store.batches.batches import Batch, Request
from store.batches.pictures import NewPicture
from store.database import Database
from store.exchange.validation import Installation, check_numbers, validated
from store.originals import item
from store.policies.versions import in_force
from store.retention.deadlines import deadlines
from store.retention.names import NO_NAME
from store.vault.private_text import name_lookup
from store.worker import tasks

LARGEST_LIST = 2**30
"""Bytes. A million pictures' lines fit into the first; files with holes can be endless."""
_CHUNK, _CHUNK_BYTES = 1_000, 64 * 2**20
"""Pictures that are taken in together, and the bytes of originals, one of which may be longer."""
_PARTS = (
    ".lethe/run.json", ".lethe/policy.toml", ".lethe/key",
    "review.jsonl", "receipts.jsonl", "names.csv",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a run's review lines."""

    batch_id: str | None
    """None when there was nothing to take in."""
    added: int
    known: int
    """Taken in before."""
    problems: tuple[str, ...]
    """A sentence each, with file and line."""


@dataclass(frozen=True, slots=True)
class _Run:
    id: str
    format: FormatChoice
    policy_toml: str
    policy: Policy
    fingerprint: str
    """Of the policy."""
    key: bytes


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    source: str
    picture: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class _Arrival:
    line: _Line
    original: bytes
    digest: str
    """`store.batches.originals.digest` of it."""


@dataclass(slots=True)
class _New:
    """What of a run was not taken in before."""

    inputs: Path
    run: _Run
    imported: set[tuple[str | None, str | None]]
    database: Database
    report: Callable[[str], None]
    known: int = 0

    def arrivals(self, lines: Iterable[_Line]) -> Iterator[_Arrival]:
        """New pictures with their originals, read one at a time; counts what is `known`."""
        names = {name for name, _ in self.imported}
        for line in lines:
            name = name_lookup(self.database.vault, line.source)
            try:
                original = _original(self.inputs, line, self.run)
            except UnreadableImage as error:
                if name in names:
                    self.known += 1
                else:
                    self.report(_problem(line.number, str(error)))
                continue
            digest = originals.digest(self.database.signer.keys, original)
            if {(name, digest), (name, None), (None, digest)} & self.imported:
                self.known += 1
                continue
            yield _Arrival(line, original, digest)


def ingest(actor: Actor, database: Database, out: Path, inputs: Path, now: datetime) -> Ingested:
    """Take a run's pictures for review into the queue.

    Args:
        actor: on whose behalf.
        database: the open database.
        out: the run's output folder.
        inputs: the run's input folder.
        now: for the record.

    Raises:
        BatchClosed: the run's batch was cancelled here.
        InvalidPolicy: the run's policy cannot be used.
        UnusableFolder: `out` is not the folder of a run, is being written by one or cannot be
            marked as taken in, or `inputs` is no folder.
    """
    database.admit(actor, Act.IMPORT_RUN)
    _refuse_devices(out)
    run = _run(out)
    if not inputs.is_dir():
        raise UnusableFolder(f"{inputs} is no folder; name the one the run read from.")
    batch = batches.of_run(actor, database, run.id)
    _refuse_unfit(actor, database, batch, out, run)
    imported = _imported(actor, database, batch)
    home, keys = database.files.home, database.signer.keys
    if imported:
        mark_taken_in(out, run.id, home, keys)  # by a Lethe that did not mark it yet
    problems: list[str] = []
    installation = Installation(database.signer, _policy(actor, database))
    lines = _open_lines(out, run, installation, problems.append)
    new = _New(real(inputs), run, imported, database, problems.append)
    added = 0
    for arrivals in _chunks(new.arrivals(lines)):
        mark_taken_in(out, run.id, home, keys)
        batch = batch or batches.create(
            actor, database, Request(out.name, run.policy_toml, run.format, run.id), now
        )
        _take_in(actor, database, batch, arrivals, now, run.policy.retention)
        if not added:  # what was never started is forgotten, and reviewers see these from now on
            batches.start(actor, database, batch.id, now)
        added += len(arrivals)
    return Ingested(batch.id if batch else None, added, new.known, tuple(problems))


def _refuse_devices(out: Path) -> None:
    """Refuse what would be waited for without end: a pipe, a device, also behind a link."""
    for part in _PARTS:
        try:
            mode = (out / part).stat().st_mode
        except OSError:  # whoever needs the file says so
            continue
        if not stat.S_ISREG(mode):
            raise UnusableFolder(f"{out / part} is no plain file; nothing was taken in.")


def _run(out: Path) -> _Run:
    private = out / ".lethe"
    try:
        run_id, image_format = read_run(private / "run.json")
        policy_toml = read_policy_text(private / "policy.toml")
        key = read_key(private / "key")
    except (OSError, UnusableFolder) as error:
        raise UnusableFolder(
            f"{out} is not the output folder of a Lethe run: its .lethe folder cannot be read."
        ) from error
    policy = read_policy(policy_toml, name="The run's policy")
    return _Run(run_id, image_format, policy_toml, policy, policy.fingerprint, key)


def _open_lines(
    out: Path, run: _Run, installation: Installation, report: Callable[[str], None]
) -> tuple[_Line, ...]:
    """What still waits for a person; the last line of a picture counts."""
    released = _released(out, report)
    newest: dict[tuple[str, str], _Line] = {}
    for number, value in _json_lines(out / "review.jsonl", report):
        try:
            line = _line(number, value)
        except UNREADABLE_PLAN:
            report(_problem(number, "It does not describe a plan."))
            continue
        if line.plan.policy != run.fingerprint:
            report(_problem(number, "It was planned under another policy than the run's."))
            continue
        try:
            plan = validated(line.plan, value.get("seal"), run.policy, installation)
        except InvalidDecision as error:
            report(_problem(number, str(error)))
            continue
        newest[line.source, line.picture] = replace(line, plan=plan)
    return tuple(line for line in newest.values() if (line.source, line.picture) not in released)


def _line(number: int, value: Mapping[str, Any]) -> _Line:
    plan = plan_of(value)
    check_numbers(plan)
    source, picture = value["source"], value["picture"]
    if not isinstance(source, str) or not isinstance(picture, str):
        raise TypeError(f"expected names, got {type(source)} and {type(picture)}")
    return _Line(number, source, picture, plan)


def _released(out: Path, report: Callable[[str], None]) -> set[tuple[str, str]]:
    """Source and picture id of what the run has released since it asked for review."""
    picture_of = {
        value["release"]: value["picture"]
        for _, value in _json_lines(out / "receipts.jsonl", report)
        if all(isinstance(value.get(key), str) for key in KEYS["receipts.jsonl"])
    }
    names = out / "names.csv"
    rows = read_names(names) if names.exists() else []
    return {(source, picture_of[release]) for source, release in rows if release in picture_of}


def _json_lines(path: Path, report: Callable[[str], None]) -> Iterator[tuple[int, dict[str, Any]]]:
    if not path.is_file():
        return
    try:
        data = safe_read.content(real(path), LARGEST_LIST)
    except UnreadableFile as error:
        raise UnusableFolder(f"{path} {error}.") from error
    lines = data.decode("utf-8", "replace").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json_object(line)
        except ValueError as error:
            is_torn = number == len(lines)
            cause = "It was cut off before its end." if is_torn else f"It is {_first(error)}."
            report(_problem(number, cause, path.name))
            continue
        yield number, value


def _first(error: ValueError) -> str:
    """What a line is, without where the parser stopped, which speaks of characters."""
    return str(error).partition(" (")[0]


def _problem(number: int, cause: str, name: str = "review.jsonl") -> str:
    return f"{name}, line {number} was left out. {cause}"


def _original(inputs: Path, line: _Line, run: _Run) -> bytes:
    """The bytes the plan was made for.

    Raises:
        UnreadableImage: there is no such file in the folder, or it has changed since the run.
    """
    changed = False
    for path in _candidates(inputs, line.source):
        try:
            content = safe_read.content(path, LARGEST_ORIGINAL)
        except UnreadableFile:
            continue
        if picture_digest(run.key, content) == line.picture:  # no plan is applied to other pixels
            return content
        changed = True
    if changed:
        raise UnreadableImage(f"The original {line.source!r} has changed since the run.")
    raise UnreadableImage(f"The original {line.source!r} cannot be read in that folder.")


def _candidates(root: Path, source: str) -> Iterator[Path]:
    """Files within the folder that the run called so: its name may stand for undecodable bytes."""
    with suppress(OSError, ValueError):
        path = real(root / source)
        if path.is_relative_to(root):
            yield path
    if "\\" in source:
        with suppress(UnusableFolder):
            inputs, _ = sources(str(root))
            yield from (
                file.path
                for file in inputs
                if file.name == source and not file.problem and real(file.path).is_relative_to(root)
            )


def _refuse_unfit(
    actor: Actor, database: Database, batch: Batch | None, out: Path, run: _Run
) -> None:
    if batch is None:
        return
    batches.refuse_cancelled(batch)
    if batches.policy_of(actor, database, batch.id).fingerprint != run.fingerprint:
        raise UnusableFolder(
            f"{out} has another policy than when pictures of it were taken in; nothing was "
            "changed. Put its .lethe folder back from a copy."
        )


def _imported(
    actor: Actor, database: Database, batch: Batch | None
) -> set[tuple[str | None, str | None]]:
    """Look-up of name and original's digest of what was taken in.

    Without a look-up where the name was destroyed, without a digest where none was kept then.
    """
    if batch is None:
        return set()
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        rows = cursor.execute(
            """
            SELECT source_lookup, nullif(source, ?), original
            FROM pictures
            WHERE batch_id = ?
            """,
            [NO_NAME, batch.id],
        ).fetchall()
    return {
        (lookup if plain is None else name_lookup(database.vault, plain), original)
        for lookup, plain, original in rows
    }


def _chunks(arrivals: Iterable[_Arrival]) -> Iterator[list[_Arrival]]:
    """Pictures that are taken in together; their originals are in memory meanwhile."""
    chunk: list[_Arrival] = []
    held = 0
    for arrival in arrivals:
        chunk.append(arrival)
        held += len(arrival.original)
        if len(chunk) == _CHUNK or held >= _CHUNK_BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _take_in(
    actor: Actor,
    database: Database,
    batch: Batch,
    arrivals: Sequence[_Arrival],
    now: datetime,
    retention: RetentionPolicy,
) -> None:
    """Take in pictures together: their files are synced in one go, their rows are one event."""
    vault = database.vault
    vault.add_batch(batch.id)
    by_id = {secrets.token_hex(16): arrival for arrival in arrivals}
    keys = vault.new_keys(batch.id, by_id)
    ends = deadlines(retention, None, now)
    rows, plans = [], {}
    for picture_id, one in by_id.items():
        new = NewPicture(picture_id, one.line.source, original=one.digest, deadlines=ends)
        rows.append(pictures.sealed_with(keys, vault, batch.id, new))
        plans[picture_id] = replace(one.line.plan, image_id=picture_id, revision=0)
    database.originals.keep_all(keys, {id_: one.original for id_, one in by_id.items()})
    try:
        with database.transaction(actor, Act.IMPORT_RUN, batch.id) as cursor:
            pictures.insert(cursor, batch.id, rows, now)
            tasks.all_to_review(cursor, plans, now)
            database.event.details["pictures"] = len(rows)
    except BaseException:
        for picture_id in absent(MACHINE, database, "pictures", by_id):
            database.originals.discard(item(batch.id, picture_id))
        raise


def _policy(actor: Actor, database: Database) -> Policy:
    """The policy in force here.

    Raises:
        InvalidPolicy: it was not accepted, or asks for what a run from the shell cannot have.
    """
    policy = in_force(actor, database)
    if policy.review.four_eyes:
        raise InvalidPolicy(
            "The policy in force asks for four eyes, and in a run from the shell nobody signed in; "
            "add the pictures on Upload instead. Nothing was taken in."
        )
    return policy
