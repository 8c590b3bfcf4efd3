"""The folder a command-line run writes to, safe to interrupt at any moment.

Layout::

    released/<random id>.<ext>     what may go out
    receipts.jsonl                 one line per release
    review.jsonl                   plans a person must settle, with reasons
    quarantine.jsonl               what was held back, and why
    names.csv                      source name -> release id; private
    .lethe/                        key, settings, lock, unfinished files; private

A release becomes real with its line in `receipts.jsonl`. Its file is written under `.lethe/partial`
before that and moved into `released/` after it; what a kill leaves in between is completed or taken
back the next time the folder is opened. So `released/` never holds a file without a receipt.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import hmac
import io
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

from engine.errors import UnusableFolder
from engine.outcome import FormatChoice, NeedsReview, Outcome, Quarantined, Released
from engine.plan import Plan
from engine.policy import Policy, read_policy
from engine.receipt import region_lines

Fate: TypeAlias = Literal["released", "review", "quarantined"]

NAMES_NOTE = "# Private: these are the names of the original files. Do not hand this file out.\n"
NAMES_HEADER = ["source", "release"]
_OURS = ("released", "names.csv", "receipts.jsonl", "review.jsonl", "quarantine.jsonl")


class Outbox:
    """An opened output folder; one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Open a folder that `create` made.

        Raises:
            UnusableFolder: not such a folder, or another run has it open.
        """
        self.folder = folder
        self._private = folder / ".lethe"
        if not (self._private / "run.json").is_file():
            raise UnusableFolder(f"{folder} is not the output folder of a Lethe run.")
        self._lock = _locked(self._private / "lock")
        run = json.loads((self._private / "run.json").read_text(encoding="utf-8"))
        self.format: FormatChoice = run["format"]
        self.policy = read_policy(
            (self._private / "policy.toml").read_text(encoding="utf-8"), name="The run's policy"
        )
        self._key = (self._private / "key").read_bytes()
        self._recover()
        self._fates = dict(self._recorded())

    @classmethod
    def create(cls, folder: Path, policy: Policy, file_format: FormatChoice) -> Outbox:
        """Open `folder`, making it first if needed.

        Raises:
            UnusableFolder: it belongs to a run with another policy or format, or is in use.
        """
        private = folder / ".lethe"
        if not (private / "run.json").exists():
            foreign = [name for name in _OURS if (folder / name).exists()]
            if foreign and not private.exists():
                raise UnusableFolder(
                    f"{folder} has {foreign[0]} already, which is not of a Lethe run; "
                    "choose another output folder."
                )
            _lay_out(folder, policy, file_format)
        outbox = cls(folder)
        if (outbox.policy.fingerprint, outbox.format) != (policy.fingerprint, file_format):
            outbox.close()
            raise UnusableFolder(
                f"{folder} was made with another policy or output format; "
                "choose a new output folder, or run with the same settings to go on."
            )
        return outbox

    def close(self) -> None:
        """Let other runs have the folder."""
        os.close(self._lock)

    def picture_id(self, data: bytes) -> str:
        """A name for this content that means nothing without the folder's private key."""
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()[:32]

    def fate(self, source: str, picture: str) -> Fate | None:
        """What became of this content under this name; None when nothing has yet."""
        return self._fates.get((source, picture))

    def record(self, source: str, picture: str, outcome: Outcome) -> Fate:
        """Write an outcome down for good."""
        if isinstance(outcome, Released):
            self._release(source, outcome)
            fate: Fate = "released"
        elif isinstance(outcome, NeedsReview):
            self._append("review.jsonl", _review_line(source, outcome))
            fate = "review"
        elif isinstance(outcome, Quarantined):
            self._append("quarantine.jsonl", _quarantine_line(source, picture, outcome))
            fate = "quarantined"
        else:
            raise ValueError(f"expected a picture's outcome, got {type(outcome).__name__}")
        self._fates[source, picture] = fate
        return fate

    def plans(self) -> dict[str, Plan]:
        """The newest plan by source, of pictures that still wait for a person."""
        return {
            line["source"]: Plan.from_json({**line, "image_id": line["picture"]})
            for line in self._lines("review.jsonl")
            if self.fate(line["source"], line["picture"]) == "review"
        }

    def _release(self, source: str, outcome: Released) -> None:
        receipt = outcome.receipt
        name = f"{receipt.release}.{extension(receipt.format)}"
        partial = self._private / "partial" / name
        _write_private(partial, outcome.data)
        partial.chmod(0o644)  # a release is made to be handed out
        _append_private(self.folder / "names.csv", _name_row(source, receipt.release))
        self._append("receipts.jsonl", receipt.to_json())
        partial.rename(self.folder / "released" / name)

    def _append(self, name: str, line: dict[str, Any]) -> None:
        _append_private(self.folder / name, json.dumps(line) + "\n")

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        path = self.folder / name
        if path.exists():
            yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())

    def _names(self) -> Iterator[tuple[str, str]]:
        path = self.folder / "names.csv"
        if not path.exists():
            raise UnusableFolder(
                f"{path} is missing; without it nobody can tell what was released already. "
                "Put it back, or choose a new output folder."
            )
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[2:]
        yield from ((row[0], row[1]) for row in rows if len(row) == len(NAMES_HEADER))

    def _recorded(self) -> Iterator[tuple[tuple[str, str], Fate]]:
        """Every fate on record; what a later step settled comes last and wins."""
        for line in self._lines("review.jsonl"):
            yield (line["source"], line["picture"]), "review"
        for line in self._lines("quarantine.jsonl"):
            yield (line["source"], line["picture"]), "quarantined"
        pictures = {line["release"]: line["picture"] for line in self._lines("receipts.jsonl")}
        for source, release in self._names():
            yield (source, pictures[release]), "released"

    def _recover(self) -> None:
        """Finish or take back what a killed run left half done."""
        for name in ("receipts.jsonl", "review.jsonl", "quarantine.jsonl"):
            _cut_torn_line(self.folder / name)
        receipts = {line["release"] for line in self._lines("receipts.jsonl")}
        for partial in (self._private / "partial").iterdir():
            if partial.stem in receipts:
                partial.rename(self.folder / "released" / partial.name)
            else:
                partial.unlink()
        kept = [row for row in self._names() if row[1] in receipts]
        _write_names(self.folder / "names.csv", kept)


def extension(file_format: str) -> str:
    """The ending of a released file's name."""
    return {"jpeg": "jpg"}.get(file_format, file_format)


def _review_line(source: str, outcome: NeedsReview) -> dict[str, Any]:
    plan = outcome.plan
    line = plan.to_json()
    lines = region_lines(plan.proposed, outcome.masked, scores=True)
    line["regions"], line["doubts"] = lines[: len(plan.regions)], lines[len(plan.regions) :]
    return {"source": source, "picture": line.pop("image_id"), **line}


def _quarantine_line(source: str, picture: str, outcome: Quarantined) -> dict[str, Any]:
    return {"source": source, "picture": picture, "reason": outcome.reason}


def _lay_out(folder: Path, policy: Policy, file_format: FormatChoice) -> None:
    private = folder / ".lethe"
    private.mkdir(mode=0o700, parents=True, exist_ok=True)  # first: what follows is ours
    (folder / "released").mkdir(exist_ok=True)
    (private / "partial").mkdir(exist_ok=True)
    _write_private(private / "key", secrets.token_bytes(32))
    _write_private(private / "policy.toml", policy.to_toml().encode())
    _write_names(folder / "names.csv", [])
    run = {"run": secrets.token_hex(16), "policy": policy.fingerprint, "format": file_format}
    _write_private(private / "run.json", json.dumps(run).encode())  # last: it marks a whole folder


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise UnusableFolder(
            f"Another Lethe run is writing to {path.parents[1]}; wait for it or choose another."
        ) from error
    return descriptor


def _append_private(path: Path, text: str) -> None:
    """Add to a file that only its owner can read, and see it on the disk."""

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    with open(path, "a", encoding="utf-8", newline="", opener=private) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _write_private(path: Path, data: bytes) -> None:
    """Write a whole file, readable by its owner alone, or leave what was there."""
    unfinished = path.with_name(path.name + ".tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _write_names(path: Path, rows: list[tuple[str, str]]) -> None:
    text = ",".join(NAMES_HEADER) + "\n" + "".join(_name_row(*row) for row in rows)
    _write_private(path, (NAMES_NOTE + text).encode())


def _name_row(source: str, release: str) -> str:
    """A line of CSV; the writer leaves a lone carriage return bare, where readers split."""
    text = io.StringIO()
    if "\r" in source:
        csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow([source, release])
    else:
        csv.writer(text, lineterminator="\n").writerow([source, release])
    return text.getvalue()


def _cut_torn_line(path: Path) -> None:
    """Drop what follows the last newline: a line that a kill cut short was never finished."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
