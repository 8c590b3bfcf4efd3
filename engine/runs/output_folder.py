"""The output folder of a command-line run, safe to interrupt at any moment.

Layout::

    released/<random id>.<ext>               what may go out
    released/<random id>.certificate.json    what was done and checked, signed
    released/manifest.json                   which releases there are, signed; while no run is on
    receipts.jsonl                           one line per release
    review.jsonl                             plans a person must settle, with reasons
    quarantine.jsonl                         what was held back, and why
    names.csv                                source name -> release id; private
    .lethe/                                  key, settings, lock, unfinished files; private

A release becomes real with its line in `receipts.jsonl`. Its picture and its certificate are
written under `.lethe/partial` before that and moved into `released/` after it, the certificate
first; what a kill leaves in between is completed or taken back the next time the folder is opened.
So `released/` never holds a file without a receipt, nor a picture without its certificate.

The manifest goes before the first release of a run and comes back, signed, when the folder is
closed or opened: where there is one, it tells the whole set. It lists what was released according
to `receipts.jsonl`, not what lies in `released/`: a file that somebody removed, changed or added
there does not become right by running again.

The files in `released/`, and that folder, are dated by the day on which they were signed, without
the time of day.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from engine.errors import InvalidSignature, UnusableFolder
from engine.files import atomic
from engine.files.append import append, cut_torn_line
from engine.files.lock import lock
from engine.images import FormatChoice
from engine.plan import Plan
from engine.policy import Policy, read_policy
from engine.receipt import region_lines
from engine.runs.handover import refuse_taken_in
from engine.runs.jobs import NeedsReview, Outcome, Postponed, Quarantined, Released, Unread
from engine.runs.journal import (
    KEY_BYTES,
    KEYS,
    key_seal,
    picture_digest,
    read_key,
    read_lines,
    read_plan,
    read_policy_text,
    read_run,
    receipt_seal,
    refuse_leftovers,
    refuse_other_key,
    refuse_other_keys,
    released_names,
    run_seal,
    unusable_line,
)
from engine.runs.name_map import name_row, write_names
from engine.signing.envelope import read_document, sha256
from engine.signing.keys import KeyRing
from engine.signing.schema import ENDING, MANIFEST, SUFFIXES, Manifest, read_signed_manifest
from engine.signing.signer import Signer

Fate: TypeAlias = Literal["released", "review", "quarantined"]

_OURS = ("released", "names.csv", "receipts.jsonl", "review.jsonl", "quarantine.jsonl")


class OutputFolder:
    """An opened output folder; one process at a time."""

    def __init__(self, folder: Path, signer: Signer, today: Callable[[], str]) -> None:
        """Open a folder that `create` made.

        Args:
            folder: where.
            signer: signs certificates and manifests.
            today: the day in UTC, as 2026-11-23, asked for whenever something is signed.

        Raises:
            UnusableFolder: not such a folder, another run has it open, or what it has on record was
                damaged; then nothing was changed.
        """
        self.folder = folder
        self.ahead: str | None = None
        """The day of the manifest that was found, where it is still to come."""
        self._signer, self._today = signer, today
        self._private = folder / ".lethe"
        if not (self._private / "run.json").is_file():
            raise UnusableFolder(f"{folder} is not the output folder of a Lethe run.")
        self._lock = lock(self._private / "lock")
        try:
            self._open()
        except BaseException:
            os.close(self._lock)
            raise

    def _open(self) -> None:
        self._run, self.format = read_run(self._private / "run.json")
        refuse_other_keys(self._private / "run.json", self._signer.keys)
        self.policy = read_policy(
            read_policy_text(self._private / "policy.toml"), name="The run's policy"
        )
        self._key = read_key(self._private / "key")
        refuse_other_key(self._private / "run.json", self._key, self._signer.keys)
        receipts = {line["release"]: line for line in self._receipts()}
        names = released_names(self.folder, receipts)
        # The SHA-256 of each one's certificate; None for a release made before certificates.
        self._released = {release: line.get("certificate") for release, line in receipts.items()}
        pictures = ((source, receipts[release]["picture"]) for source, release in names)
        self._fates = dict(self._recorded(pictures))
        self._tidy_up(names)
        manifest = self._read_manifest()
        if manifest is not None and manifest.day > self._today():
            self.ahead = manifest.day
        self._sign_manifest()

    @classmethod
    def create(
        cls,
        folder: Path,
        policy: Policy,
        file_format: FormatChoice,
        signer: Signer,
        today: Callable[[], str],
    ) -> Self:
        """Open `folder`, making it first if needed; the last two as for `OutputFolder`.

        Raises:
            UnusableFolder: it belongs to a run with another policy or format, is in use, or what it
                has on record was damaged.
        """
        inner = folder / ".lethe"
        if not (inner / "run.json").exists():
            foreign = [name for name in _OURS if (folder / name).exists()]
            if foreign and not inner.exists():
                raise UnusableFolder(
                    f"{folder} has {foreign[0]} already, which is not of a Lethe run; "
                    "choose another output folder."
                )
            refuse_leftovers(folder)
            _lay_out(folder, policy, file_format, signer.keys, cls._new_key)
        output_folder = cls(folder, signer, today)
        if (output_folder.policy.fingerprint, output_folder.format) != (
            policy.fingerprint,
            file_format,
        ):
            output_folder.close()
            raise UnusableFolder(
                f"{folder} was made with another policy or output format; "
                "choose a new output folder, or run with the same settings to go on."
            )
        return output_folder

    @staticmethod
    def _new_key(run: str, keys: KeyRing) -> bytes:
        """The key of a run's picture ids."""
        return secrets.token_bytes(KEY_BYTES)

    def close(self) -> None:
        """Sign the manifest and let other runs have the folder."""
        try:
            self._sign_manifest()
            self._drop_superseded()
        finally:
            os.close(self._lock)

    def refuse_taken_in(self, home: Path) -> None:
        """See `engine.runs.handover.refuse_taken_in`."""
        refuse_taken_in(self.folder, self._run, home, self._signer.keys)

    def picture_id(self, data: bytes) -> str:
        """A name for this content that means nothing without the folder's private key."""
        return picture_digest(self._key, data)

    def sample_draw(self, digest: bytes) -> float:
        """Where a file falls in 0..1, by its SHA-256; the same in every folder."""
        return self._signer.keys.sample_draw(digest)

    def needs_second_review(self, data: bytes) -> bool:
        """Whether the policy has two people decide this content; the same in every folder."""
        keys = self._signer.keys
        original = keys.original_digest(hashlib.sha256(data).digest())
        return keys.second_review_draw(original) < self.policy.review.second_review_share

    def fate(self, source: str, picture: str) -> Fate | None:
        """What became of this content under this name; None when nothing has yet."""
        return self._fates.get((source, picture))

    def record(self, source: str, picture: str, outcome: Outcome) -> Fate:
        """Write an outcome down, for good but for what could not be read: the next run asks again.

        Args:
            source: the file's name.
            picture: its content's id.
            outcome: one that is `Unread` is of no content; its line goes, when the folder is
                closed, where the file has a fate since or could not be read again.
        """
        picture = "" if isinstance(outcome, Unread) else picture
        if isinstance(outcome, Released):
            self._release(source, outcome)
            fate: Fate = "released"
        elif isinstance(outcome, NeedsReview):
            seal = self._signer.seal(outcome.plan)
            self._append("review.jsonl", {**_review_line(source, outcome), "seal": seal})
            fate = "review"
        elif isinstance(outcome, Quarantined):
            self._append("quarantine.jsonl", _quarantine_line(source, picture, outcome))
            fate = "quarantined"
        else:
            raise ValueError(f"expected a picture's outcome, got {type(outcome).__name__}")
        self._fates[source, picture] = fate
        if picture:
            self._fates.pop((source, ""), None)
        return fate

    def plans(self) -> dict[tuple[str, str], Plan]:
        """The newest plan by source and picture id, of pictures that still wait for a person.

        A name alone is no key: another file may come under it, and two names may read the same.

        Raises:
            UnusableFolder: a plan cannot be read, was changed since, or was made elsewhere.
        """
        path = self.folder / "review.jsonl"
        plans = {}
        for number, line in enumerate(read_lines(path), start=1):
            key = line["source"], line["picture"]
            if self.fate(*key) != "review":
                continue
            plan = read_plan(line)
            if plan is None or plan.policy != self.policy.fingerprint:
                raise unusable_line(path, number)
            if line.get("seal") != self._signer.seal(plan):
                raise UnusableFolder(
                    f"{path}, line {number} was not written by this installation, so nothing of "
                    "the folder is released. Review it in the app: lethe store ingest."
                )
            plans[key] = plan
        return plans

    def _release(self, source: str, outcome: Released) -> None:
        receipt = outcome.receipt
        today = self._today()
        certificate = self._signer.certificate(receipt, outcome.data, today)
        digest = sha256(certificate)
        files = {
            receipt.release + ENDING: certificate,
            receipt.release + SUFFIXES[receipt.format]: outcome.data,
        }
        for name, data in files.items():
            atomic.write(self._private / "partial" / name, data, "public", day=today)
        self._manifest.unlink(missing_ok=True)
        self._name(source, receipt.release)
        line = {**receipt.to_json(), "certificate": digest}
        line["seal"] = receipt_seal(line, self._signer.keys)
        self._append("receipts.jsonl", line)
        self._released[receipt.release] = digest
        for name in files:
            self._let_out(self._private / "partial" / name)

    def _let_out(self, partial: Path) -> None:
        atomic.move(partial, self.folder / "released" / partial.name)

    @property
    def _manifest(self) -> Path:
        return self.folder / "released" / MANIFEST

    def _sign_manifest(self) -> None:
        """Write the manifest, unless the one there is our own and tells the set as it is."""
        if self._is_manifest_current():
            return
        today = self._today()
        unfinished = self._private / MANIFEST
        atomic.write(
            unfinished, self._signer.manifest(self._run, self._released, today), "public", day=today
        )
        self._let_out(unfinished)
        atomic.date(self.folder / "released", today)

    def _read_manifest(self) -> Manifest | None:
        """The manifest that is there, where it is our own."""
        try:
            document = read_document("manifest", self._manifest.read_bytes())
            manifest = read_signed_manifest(document.body)
        except (OSError, InvalidSignature):
            return None
        return manifest if document.public_key in self._signer.keys.public_keys else None

    def _is_manifest_current(self) -> bool:
        manifest = self._read_manifest()
        if manifest is None:
            return False
        releases = {entry.release: entry.certificate for entry in manifest.releases}
        bare = dict.fromkeys(manifest.without_certificate)
        return {**releases, **bare} == self._released

    def _drop_superseded(self) -> None:
        """Keep one line in `quarantine.jsonl`, the last, of a file that could not be read.

        And none where it has a fate since.
        """
        path = self.folder / "quarantine.jsonl"
        lines = list(read_lines(path))
        last = {line["source"]: number for number, line in enumerate(lines) if not line["picture"]}
        left = [
            line
            for number, line in enumerate(lines)
            if line["picture"]
            or (last[line["source"]] == number and (line["source"], "") in self._fates)
        ]
        if len(left) < len(lines):
            atomic.write(path, "".join(json.dumps(line) + "\n" for line in left).encode())

    def _name(self, source: str, release: str) -> None:
        """Before the receipt: without its name nobody could tell which picture was released."""
        append(self.folder / "names.csv", name_row(source, release))

    def _append(self, name: str, line: dict[str, Any]) -> None:
        append(self.folder / name, json.dumps(line) + "\n")

    def _receipts(self) -> Iterator[dict[str, Any]]:
        path = self.folder / "receipts.jsonl"
        for number, line in enumerate(read_lines(path), start=1):
            if line.get("seal", "") not in ("", receipt_seal(line, self._signer.keys)):
                raise unusable_line(path, number)
            yield line

    def _recorded(
        self, released: Iterable[tuple[str, str]]
    ) -> Iterator[tuple[tuple[str, str], Fate]]:
        """Read every fate on record; what a later step settled comes last and wins."""
        for line in read_lines(self.folder / "review.jsonl"):
            yield (line["source"], line["picture"]), "review"
        for line in read_lines(self.folder / "quarantine.jsonl"):
            yield (line["source"], line["picture"]), "quarantined"
        for source, picture in released:
            yield (source, picture), "released"

    def _tidy_up(self, names: Iterable[tuple[str, str]]) -> None:
        """Finish or take back what a killed run left half done."""
        for name in KEYS:
            cut_torn_line(self.folder / name)
        for source in {source for source, picture in self._fates if picture}:
            self._fates.pop((source, ""), None)
        self._drop_superseded()
        partials = (self._private / "partial").iterdir()
        for partial in sorted(partials, key=lambda path: not path.name.endswith(ENDING)):
            is_whole = partial.suffix not in (atomic.SUFFIX, ".tmp")  # the latter: earlier versions
            if is_whole and partial.name.partition(".")[0] in self._released:
                self._let_out(partial)
            else:
                partial.unlink()
        write_names(self.folder / "names.csv", names)


def _review_line(source: str, outcome: NeedsReview) -> dict[str, Any]:
    plan = outcome.plan
    line = plan.to_json()
    lines = region_lines(plan.proposed, scores=True)
    line["regions"], line["doubts"] = lines[: len(plan.regions)], lines[len(plan.regions) :]
    picture = line.pop("image_id")
    return {"source": source, "picture": picture, "plan": plan.digest, **line}


def _quarantine_line(source: str, picture: str, outcome: Quarantined) -> dict[str, Any]:
    line = {"source": source, "picture": picture, "reason": outcome.reason}
    return {**line, "postponed": True} if isinstance(outcome, Postponed) else line


def _lay_out(
    folder: Path,
    policy: Policy,
    file_format: FormatChoice,
    keys: KeyRing,
    new_key: Callable[[str, KeyRing], bytes],
) -> None:
    inner = folder / ".lethe"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    inner.mkdir(mode=atomic.PRIVATE_FOLDER, exist_ok=True)  # first: what follows is ours
    descriptor = lock(inner / "lock")
    try:
        if (inner / "run.json").exists():  # by another run, since we looked
            return
        (folder / "released").mkdir(mode=0o755, exist_ok=True)
        (inner / "partial").mkdir(exist_ok=True)
        run_id = secrets.token_hex(16)
        key = new_key(run_id, keys)
        atomic.write(inner / "key", key)
        atomic.write(inner / "policy.toml", policy.to_toml().encode())
        write_names(folder / "names.csv", [])
        run = {"run": run_id, "policy": policy.fingerprint, "format": file_format}
        run |= {"keys": run_seal(run_id, keys), "key": key_seal(key, keys)}
        atomic.write(inner / "run.json", json.dumps(run).encode())  # last: it marks a whole folder
    finally:
        os.close(descriptor)
