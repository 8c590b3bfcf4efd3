"""Read the journal of an output folder; damage is refused before anything is changed.

A kill leaves one of three things: a last line without its newline, a last row of `names.csv` that
is cut short, or one whose receipt was never written. The first is no record and is passed over, the
other two are left out. Whatever else does not fit was done by somebody, and going on would release
pictures a second time: such a folder is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from engine.errors import UnusableFolder
from engine.files.json_object import json_object
from engine.geometry import PixelRect
from engine.images import FormatChoice
from engine.plan import Plan
from engine.runs.name_map import read_names
from engine.signing.keys import KeyRing

WHAT_TO_DO = "Put it back from a copy, or choose a new output folder. Nothing was changed."
UNREADABLE_PLAN = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""What `Plan.from_json` raises over values that are no plan."""
KEY_BYTES, MOST_RUN_ID = 32, 64
KEYS = {
    "receipts.jsonl": ("release", "picture"),
    "review.jsonl": ("source", "picture"),
    "quarantine.jsonl": ("source", "picture"),
}
"""The text that every line of a list must have."""


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read one of the three lists line by line; none when there is no such file.

    Raises:
        UnusableFolder: a line is not as Lethe writes it.
    """
    data = path.read_bytes() if path.exists() else b""
    whole = data.split(b"\n")[:-1]  # what follows the last newline was torn by a kill
    for number, line in enumerate(whole, start=1):
        value = _object(line)
        if not all(isinstance(value.get(key), str) for key in KEYS[path.name]):
            raise unusable_line(path, number)
        yield value


def plan_of(line: Mapping[str, Any]) -> Plan:
    """The plan in a line of `review.jsonl`, with its masked rectangles where the line has them.

    Raises:
        UNREADABLE_PLAN: it is none.
    """
    plan = Plan.from_json({**line, "image_id": line["picture"]})
    masked = [region.get("masked") for region in (*line["regions"], *line["doubts"])]
    rects = [PixelRect(*(int(edge) for edge in rect)) for rect in masked if rect is not None]
    return plan.with_rects(rects)


def read_plan(line: Mapping[str, Any]) -> Plan | None:
    """Read the plan in a line of `review.jsonl`; None when the line is not as Lethe wrote it."""
    try:
        plan = plan_of(line)
    except UNREADABLE_PLAN:
        return None
    return plan if line.get("plan") == plan.digest else None


def unusable_line(path: Path, number: int) -> UnusableFolder:
    """The refusal of a list for one of its lines, the first being 1."""
    return UnusableFolder(f"{path}, line {number} is not as Lethe wrote it. {WHAT_TO_DO}")


def read_run(path: Path) -> tuple[str, FormatChoice]:
    """Read the id and the output format of the run that a folder belongs to.

    Raises:
        UnusableFolder: the file is not as Lethe writes it.
    """
    value = _object(path.read_bytes())
    run: Any = value.get("run")
    file_format: Any = value.get("format")
    is_id = isinstance(run, str) and len(run) <= MOST_RUN_ID and run.isascii() and run.isalnum()
    if not is_id or file_format not in get_args(FormatChoice):
        raise UnusableFolder(f"{path} is not as Lethe wrote it. {WHAT_TO_DO}")
    return run, file_format


def refuse_other_keys(path: Path, keys: KeyRing) -> None:
    """Refuse a run that was begun under other keys: its releases would have two signers.

    Raises:
        UnusableFolder: it was; the file says so since keys are noted there.
    """
    value = _object(path.read_bytes())
    seal = value.get("keys")
    if seal is not None and seal != run_seal(str(value.get("run")), keys):
        raise UnusableFolder(
            f"{path.parents[1]} was not written by this installation, or its keys are others now; "
            "nothing was changed. Put the keys back from a copy, choose a new output folder, or "
            "review what waits in the app: lethe store ingest."
        )


def refuse_other_key(path: Path, key: bytes, keys: KeyRing) -> None:
    """Refuse a run whose key of picture ids is another one: nothing would be known as released.

    Raises:
        UnusableFolder: it is; the file says so since the key is noted there.
    """
    seal = _object(path.read_bytes()).get("key")
    if seal is not None and seal != key_seal(key, keys):
        raise _not_the_key(path.with_name("key"))


def key_seal(key: bytes, keys: KeyRing) -> str:
    """Authenticate the key of a run's picture ids."""
    return keys.pseudonym("key of a run", key.hex())


def receipt_seal(line: Mapping[str, Any], keys: KeyRing) -> str:
    """Authenticate which picture a receipt is of, and which certificate it has."""
    told = [line.get(name) for name in ("release", "picture", "certificate")]
    return keys.pseudonym("receipt", json.dumps(told))


def run_seal(run: str, keys: KeyRing) -> str:
    """Authenticate a run's id as begun under these keys."""
    return keys.pseudonym("run", run)


def read_policy_text(path: Path) -> str:
    """Read the run's policy as TOML.

    Raises:
        UnusableFolder: the file is missing or no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise UnusableFolder(f"{path} is missing or is no text. {WHAT_TO_DO}") from error


def released_names(folder: Path, receipts: Collection[str]) -> list[tuple[str, str]]:
    """Read source and release id of everything released, without a last row that a kill left over.

    Raises:
        UnusableFolder: names and receipts do not tell the same releases.
    """
    rows = read_names(folder / "names.csv")
    if rows and rows[-1][1] not in receipts and not _is_out(folder, rows[-1][1]):
        del rows[-1]
    without_receipt = sum(release not in receipts for _, release in rows)
    without_name = len(set(receipts) - {release for _, release in rows})
    if without_receipt:
        raise UnusableFolder(
            f"{folder / 'receipts.jsonl'} has no line for {without_receipt} of the releases in "
            f"names.csv; it was shortened or removed. {WHAT_TO_DO}"
        )
    if without_name:
        raise UnusableFolder(
            f"{folder / 'names.csv'} has no row for {without_name} of the releases in "
            f"receipts.jsonl; it was shortened or changed. {WHAT_TO_DO}"
        )
    return rows


def read_key(path: Path) -> bytes:
    """Read the folder's key, from which picture ids are made.

    Raises:
        UnusableFolder: it is missing, or is no such key.
    """
    key = path.read_bytes() if path.is_file() else b""
    if len(key) != KEY_BYTES:
        raise _not_the_key(path)
    return key


def _not_the_key(path: Path) -> UnusableFolder:
    return UnusableFolder(
        f"{path} is missing or is not the key that the folder was made with; without it nobody can "
        f"tell what was released already. {WHAT_TO_DO}"
    )


def picture_digest(key: bytes, content: bytes) -> str:
    """A picture's name in a folder: keyed digest of its bytes (HMAC-SHA-256), 32 hex digits."""
    return hmac.new(key, content, hashlib.sha256).hexdigest()[:32]


def refuse_leftovers(folder: Path) -> None:
    """Make sure that nothing is on record in a folder that is to be laid out.

    Raises:
        UnusableFolder: something is; the folder has lost its `run.json`.
    """
    leftovers = [name for name in KEYS if (folder / name).exists()]
    names, released = folder / "names.csv", folder / "released"
    if names.exists() and read_names(names):
        leftovers.append(names.name)
    if released.is_dir() and any(released.iterdir()):
        leftovers.append(released.name)
    if leftovers:
        raise UnusableFolder(
            f"{folder / '.lethe' / 'run.json'} is missing, but the folder holds an earlier run's "
            f"{leftovers[0]}. {WHAT_TO_DO}"
        )


def _is_out(folder: Path, release: str) -> bool:
    """Whether a file of this release may have been handed out."""
    return any(path.name.partition(".")[0] == release for path in (folder / "released").iterdir())


def _object(data: bytes) -> dict[str, Any]:
    """A JSON object; empty when it is none."""
    try:
        return json_object(data)
    except ValueError:
        return {}
