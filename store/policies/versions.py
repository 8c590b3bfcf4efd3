"""Versions of the policy: who proposed what, why, and when it was in force.

`policy.toml` in the home folder alone says what holds for new batches (the built-in policy where
there is none); whoever edits it by hand need not ask anybody. The versions here are its history.
`activate` writes the file before its record holds, and `noticed` records what the file says where
the history does not: an edit from outside, or a crash between the two.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from engine.errors import InvalidPolicy
from engine.policy import Policy, default_policy, read_policy
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.accounts.four_eyes import refuse_alone
from store.database import Database
from store.errors import UnknownRecord
from store.policies import file
from store.text import storable
from store.times import aware, aware_or_none, stored

CHANGED_OUTSIDE = "policy.toml, changed outside Lethe"
REMOVED_OUTSIDE = "policy.toml was removed outside Lethe: the built-in policy"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A policy as it was proposed, and when it was last put in force."""

    number: int
    """1 for the first one; never used again."""
    policy: str
    """Fingerprint under the Lethe that recorded it."""
    toml: str
    note: str
    """Why, in somebody's words."""
    evaluation_id: str | None
    """Its evidence; that evaluation may have been deleted since."""
    made_by: str
    made_at: datetime
    activated_by: str | None
    """Who put it in force last; None while it is a draft."""
    activated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Activation:
    """One time a version came into force."""

    version: int
    activated_by: str
    activated_at: datetime


@dataclass(frozen=True, slots=True)
class _Draft:
    policy: Policy
    toml: str
    note: str
    evaluation_id: str | None
    made_by: str


def draft(
    actor: Actor,
    database: Database,
    toml: str,
    note: str,
    made_by: str,
    now: datetime,
    evaluation_id: str | None = None,
) -> PolicyVersion:
    """Store a draft; nothing changes for new batches until `activate`.

    Raises:
        InvalidPolicy: the text was not accepted.
    """
    proposal = _Draft(read_policy(toml), toml, note, evaluation_id, made_by)
    with database.transaction(actor, Act.DRAFT_POLICY, name=made_by) as cursor:
        version = _version_in(cursor, _insert_version(cursor, proposal, now))
        database.event.details |= {
            "by": database.person(made_by),
            "policy": version.policy,
            "version": version.number,
        }
        return version


def versions(actor: Actor, database: Database) -> tuple[PolicyVersion, ...]:
    """Every version, the newest first."""
    with database.transaction(actor, Act.READ_POLICIES) as cursor:
        rows = cursor.execute(f"{_COLUMNS} ORDER BY v.number DESC").fetchall()
    return tuple(_version(row) for row in rows)


def activations(actor: Actor, database: Database) -> tuple[Activation, ...]:
    """Every time a version came into force, the latest first."""
    with database.transaction(actor, Act.READ_POLICIES) as cursor:
        rows = cursor.execute(
            """
            SELECT version, activated_by, activated_at
            FROM policy_activations
            ORDER BY number DESC
            """
        ).fetchall()
    return tuple(Activation(version, by, aware(at)) for version, by, at in rows)


def activate(
    actor: Actor, database: Database, number: int, by: str, now: datetime
) -> PolicyVersion:
    """Put a version in force: new batches run under it, those made before keep theirs.

    Raises:
        InvalidPolicy: it was accepted by an older Lethe and is not by this one, or asks for four
            eyes of one person.
        UnknownRecord: there is no such version.
        UnusableFolder: the file cannot be written; nothing was changed.
    """
    with database.transaction(actor, Act.ACTIVATE_POLICY, name=by) as cursor:
        version = _version_in(cursor, number)
        database.event.details |= {
            "by": database.person(by),
            "policy": version.policy,
            "version": number,
        }
        refuse_alone(actor, read_policy(version.toml, name=f"Version {number}"))
        _insert_activation(cursor, number, by, now)
        # A small file, written seldom; inside, so that nobody activates another one in between.
        file.write(database.files.policy, file.heading(version, by, now) + version.toml)
        return _version_in(cursor, number)


def noticed(actor: Actor, database: Database, now: datetime) -> PolicyVersion | None:
    """The version in force, recorded first when `policy.toml` says what the history does not.

    Returns:
        None while no version was ever in force and there is no file.

    Raises:
        InvalidPolicy: `policy.toml` was not accepted; the message says why.
    """
    path = database.files.policy
    with database.transaction(actor, Act.NOTICE_POLICY) as cursor:
        last = _last_activated(cursor)
        toml = file.text(path)
        if toml is None and last is None:
            database.event.is_idle = True
            return None
        policy = _in_force(toml, last, path)
        if last is not None and _is_policy(last, policy):
            database.event.is_idle = True
            return last
        # a version with that fingerprint is what `activate` wrote and did not record
        ((number,),) = cursor.execute(
            "SELECT max(number) FROM policy_versions WHERE policy = ?", [policy.fingerprint]
        ).fetchall()
        if number is None:
            text, note = file.without_heading(toml), CHANGED_OUTSIDE
            if text is None:
                text, note = policy.to_toml(), REMOVED_OUTSIDE
            number = _insert_version(cursor, _Draft(policy, text, note, None, UNKNOWN), now)
        _insert_activation(cursor, number, UNKNOWN, now)
        database.event.details |= {"policy": policy.fingerprint, "version": number}
        return _version_in(cursor, number)


def in_force(actor: Actor, database: Database) -> Policy:
    """The policy for new batches: what `policy.toml` says, else the built-in one.

    Raises:
        InvalidPolicy: the file was not accepted, or is gone while it should be there; the message
            says why.
    """
    path = database.files.policy
    with database.transaction(actor, Act.READ_POLICIES) as cursor:
        last = _last_activated(cursor)
    return _in_force(file.text(path), last, path)


def _in_force(toml: str | None, last: PolicyVersion | None, path: Path) -> Policy:
    if toml is not None:
        return read_policy(toml, name=str(path))
    policy = default_policy()
    if last is not None and last.note != REMOVED_OUTSIDE and not _is_policy(last, policy):
        raise InvalidPolicy(
            f"{path} is gone, while version {last.number} of the policy is in force; the built-in "
            "policy is not taken in its place. Put the file back, or activate a version on the "
            "page Recall. For the built-in policy, copy engine/policies/balanced.toml there."
        )
    return policy


_COLUMNS = """
    SELECT v.number, v.policy, v.toml, v.note, v.evaluation_id, v.made_by, v.made_at,
        a.activated_by, a.activated_at
    FROM policy_versions AS v
    LEFT JOIN (
        SELECT version, max(number) AS number
        FROM policy_activations
        GROUP BY version
    ) AS last ON last.version = v.number
    LEFT JOIN policy_activations AS a ON a.number = last.number
"""


def _is_policy(version: PolicyVersion, policy: Policy) -> bool:
    """True when the version is that policy, as this Lethe reads it.

    A new kind of value changes every fingerprint, so the recorded one alone cannot tell.
    """
    try:
        return read_policy(version.toml) == policy
    except InvalidPolicy:
        return False


def _insert_version(cursor: duckdb.DuckDBPyConnection, proposal: _Draft, now: datetime) -> int:
    ((number,),) = cursor.execute(
        """
        INSERT INTO policy_versions (policy, toml, note, evaluation_id, made_by, made_at)
        VALUES (?, ?, ?, ?, ?, ?)
        RETURNING number
        """,
        [
            proposal.policy.fingerprint,
            storable(proposal.toml),
            storable(proposal.note),
            proposal.evaluation_id,
            storable(proposal.made_by),
            stored(now),
        ],
    ).fetchall()
    return int(number)


def _insert_activation(
    cursor: duckdb.DuckDBPyConnection, number: int, by: str, now: datetime
) -> None:
    cursor.execute(
        """
        INSERT INTO policy_activations (version, activated_by, activated_at)
        VALUES (?, ?, ?)
        """,
        [number, storable(by), stored(now)],
    )


def _last_activated(cursor: duckdb.DuckDBPyConnection) -> PolicyVersion | None:
    row = cursor.execute(f"{_COLUMNS} ORDER BY a.number DESC NULLS LAST LIMIT 1").fetchone()
    return None if row is None or row[-1] is None else _version(row)


def _version_in(cursor: duckdb.DuckDBPyConnection, number: int) -> PolicyVersion:
    row = cursor.execute(f"{_COLUMNS} WHERE v.number = ?", [number]).fetchone()
    if row is None:
        raise UnknownRecord(f"There is no version {number} of the policy.")
    return _version(row)


def _version(row: tuple[Any, ...]) -> PolicyVersion:
    columns = dict(zip((field.name for field in fields(PolicyVersion)), row, strict=True))
    columns["made_at"] = aware(columns["made_at"])
    columns["activated_at"] = aware_or_none(columns["activated_at"])
    return PolicyVersion(**columns)
