"""The two lines that pictures go down, with one way to use them: the app's store, and the shell."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.cli import redact, running
from engine.plan import ReviewDecision
from engine.policy import read_policy
from engine.runs.jobs import Executor
from engine.signing.keys import own_keys
from engine.signing.verification.delivery import verify_folder
from engine.signing.verification.findings import VerificationResult
from store.batches import batches, intake, pictures
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.releases import certificates, receipts
from store.review import decisions, queue, reviews
from store.worker import retry
from store.worker.dispatcher import Dispatcher
from tests.reliability.scenes import DOUBTFUL, FACE, POLICY, Parts, shows
from tests.reliability.scenes import pictures as made
from tests.scenes import region
from tests.store.fakes import ACTOR, ANY
from tests.store.runs import until
from tests.store.sealed import opened

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DRAWN = region(FACE, score=None)


class Line:
    """What both lines share: pictures came in, and none may be lost or wrongly released."""

    where: str
    held_back: str
    """What makes it try again what was held back for good."""
    restarted: str
    """What makes it go on otherwise."""
    decided_fate: str
    """Where a picture is that a person has decided about, until it is released."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.brought = made()
        self.settled: set[str] = set()
        """Names of pictures that a person has decided about."""
        self.told: list[str] = []
        """What whoever works with it was told since it was last looked at."""

    def lost(self) -> int:
        """Pictures that are not there as they came, byte for byte, or not in exactly one state."""
        return len(self.gone() | (self.brought.keys() - self.fates().keys()))

    def wrong(self) -> list[str]:
        """What is wrong with what was released."""
        released = self.released()
        found = [name for name, data in released.items() if shows(data, self.brought[name])]
        found += [name for name in released if name == DOUBTFUL and name not in self.settled]
        return found + self.unverified()

    def stable(self, sentence: str) -> str:
        """A sentence without what differs from run to run."""
        for path, name in self.places().items():
            sentence = sentence.replace(str(path), name)
        return sentence.replace(str(self.folder), "FOLDER")


class AppLine(Line):
    """Store and dispatcher, started for each piece of work and stopped after it."""

    where = "app"
    held_back = "*Try again*"
    restarted = "a restart"
    decided_fate = "waiting"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.home = folder / "home"
        self.batch = ""
        self._database: Database | None = None
        self.now = NOW
        self.patience_s = 60.0

    def places(self):
        return {self.home: "$LETHE_HOME"}

    def bring(self) -> None:
        policy = read_policy(POLICY).only(["face"])
        request = Request("a batch", policy.to_toml())
        self.batch = batches.create(ACTOR, self.database, request, self.now).id
        incoming = [Incoming(name, data) for name, data in self.brought.items()]
        intake.add(ACTOR, self.database, self.batch, incoming, self.now)
        batches.start(ACTOR, self.database, self.batch, self.now)

    @property
    def database(self) -> Database:
        """The open database; opened when it is not."""
        if self._database is None:
            self._database = Database.open(self.home, self.now)
        return self._database

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = None

    def work(self, parts: Parts | Executor = Parts(), *, stops: bool = False) -> None:  # noqa: B008
        """Work until nothing is left that can be, or, where the line `stops`, until it says so."""
        executor = parts.executor() if isinstance(parts, Parts) else parts
        dispatcher = Dispatcher(self.database, executor, lambda: self.now)
        dispatcher.start()
        try:
            until(lambda: self._is_still(dispatcher, stops=stops), self.patience_s)
            self.told = self._sentences(dispatcher)
        finally:
            dispatcher.stop(patience_s=0.5)

    def go_on(self, parts: Parts = Parts()) -> None:  # noqa: B008
        """Have what was held back tried once more."""
        retry.try_held_back(ACTOR, self.database, self.batch, self.now)
        self.work(parts)

    def decide(self) -> None:
        """As a person does: everything that is proposed, and the face, goes."""
        while case := reviews.claim(ACTOR, self.database, "ada", self.now):
            verdict = ReviewDecision.on(case.plan, (*case.plan.proposed, DRAWN), "ada")
            decisions.settle(ACTOR, self.database, case.picture_id, verdict, self.now)
        self.settled = set(self.brought)

    def restart(self, parts: Parts = Parts()) -> None:  # noqa: B008
        """End the program and start it again."""
        self.close()
        self.work(parts)

    def fates(self) -> dict[str, str]:
        rows = pictures.of_batch(ACTOR, self.database, self.batch)
        states = {row.source: row.state.value for row in rows}
        assert len(states) == len(rows), "a picture is there twice"
        return {name: _WAITING.get(state, state) for name, state in states.items()}

    def released(self) -> dict[str, bytes]:
        kept = receipts.newest(ACTOR, self.database, self.batch)
        rows = pictures.of_batch(ACTOR, self.database, self.batch)
        names = {row.id: row.source for row in rows}
        return {names[one.picture_id]: one.path.read_bytes() for one in kept}

    def unverified(self) -> list[str]:
        kept = receipts.newest(ACTOR, self.database, self.batch)
        signed = certificates.of_batch(ACTOR, self.database, self.batch)
        handed = self.folder / "handed"
        handed.mkdir(exist_ok=True)
        for one in kept:
            (handed / one.path.name).write_bytes(one.path.read_bytes())
            (handed / f"{one.release_id}.certificate.json").write_bytes(signed[one.release_id])
        files = {path.name for path in (self.home / "releases").iterdir()}
        return sorted(files ^ {one.path.name for one in kept}) + (
            _unverified(handed, self.home, needs_manifest=False) if kept else []
        )

    def kept_files(self) -> dict[str, bytes]:
        """Originals and releases by their place."""
        folders = (self.home / "originals", self.home / "releases")
        return {str(path): path.read_bytes() for folder in folders for path in folder.iterdir()}

    def gone(self) -> set[str]:
        there = Counter(opened(self.home, path) for path in (self.home / "originals").iterdir())
        return {name for name, data in self.brought.items() if there[data] != 1}

    def _is_still(self, dispatcher: Dispatcher, *, stops: bool) -> bool:
        if stops or dispatcher.health().problem:
            return stops and dispatcher.health().problem is not None
        with self.database.transaction(ACTOR, ANY) as cursor:
            (left,) = cursor.execute(
                "SELECT count(*) FROM pictures WHERE state IN ('waiting', 'settled', 'working') "
                "AND postponed IS NULL"
            ).fetchone()
        return left == 0

    def _sentences(self, dispatcher: Dispatcher) -> list[str]:
        rows = pictures.of_batch(ACTOR, self.database, self.batch)
        said = [row.reason for row in rows if row.reason] + list(
            retry.postponed(ACTOR, self.database)
        )
        entries = queue.entries(ACTOR, self.database, self.now)
        said += [kind.value for entry in entries for kind in entry.kinds]
        problem = dispatcher.health().problem
        return [*said, *([problem] if problem else [])]


class InOrder(random.Random):
    """Draws like chance, but leaves pictures in their order, so that the document is the same."""

    def shuffle(self, x):
        del x


class ShellLine(Line):
    """`lethe redact` and `release`, in this process."""

    where = "shell"
    held_back = "the command with a new output folder"
    restarted = "the same command"
    decided_fate = "review"

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        super().__init__(folder)
        self.home, self.input, self.out = folder / "home", folder / "in", folder / "out"
        self.status = 0
        self._patch, self._capture = patch, capture
        patch.setenv("LETHE_HOME", str(self.home))

    def places(self):
        return {self.home: "$LETHE_HOME", self.out: "OUT", self.input: "PICTURES"}

    def bring(self) -> None:
        self.input.mkdir()
        for name, data in self.brought.items():
            (self.input / name).write_bytes(data)
        (self.folder / "policy.toml").write_text(POLICY, encoding="utf-8")

    def work(self, parts: Parts | Executor = Parts(), *, stops: bool = False) -> None:  # noqa: B008
        """Redact, or release what was decided; where it `stops`, the command fails in words."""
        if self.settled:
            verdicts = self.folder / "verdicts.jsonl"
            self.run(parts, "release", self.input, self.out, "--verdicts", verdicts)
        else:
            policy = ["--policy", self.folder / "policy.toml", "--only", "face"]
            self.run(parts, "redact", self.input, self.out, *policy)
        assert self.status == (2 if stops else 0), self.told

    def run(self, parts: Parts | Executor, *words: object) -> None:
        """One command; what it says is what it wrote down and what it complained about."""
        before = self._held()
        made = parts.executor if isinstance(parts, Parts) else lambda workers: parts
        with self._patch.context() as patch:
            patch.setattr(running, "started_pool", made)
            patch.setattr(redact, "RANDOM", InOrder())
            self._capture.readouterr()
            self.status = main([str(word) for word in words])
        said = self._capture.readouterr().err.splitlines()
        held = [line["reason"] for line in self._held()[len(before) :]]
        asked = [one for line in self._lines("review.jsonl") for one in line["reasons"]]
        held += [one.partition(": ")[0] for one in asked]
        self.told = held + [line for line in said if line and "pictures/s" not in line]

    def decide(self) -> None:
        """As a person does: everything that is proposed, and the face, goes."""
        lines = self._lines("review.jsonl")
        decided = [
            {**line, "accept": True, "regions": [*line["regions"], DRAWN.to_json()]}
            for line in lines
        ]
        text = "".join(json.dumps(one) + "\n" for one in decided)
        (self.folder / "verdicts.jsonl").write_text(text, encoding="utf-8")
        self.settled = set(self.brought)

    def restart(self, parts: Parts = Parts()) -> None:  # noqa: B008
        """The same command once more."""
        self.work(parts)

    def close(self) -> None:
        """Nothing is open between commands."""

    def go_on(self, parts: Parts = Parts()) -> None:  # noqa: B008
        """Begin again in another output folder."""
        self.out = self.folder / "anew"
        self.work(parts)

    def fates(self) -> dict[str, str]:
        found = dict.fromkeys(self.brought, "waiting")
        found |= {line["source"]: "review" for line in self._lines("review.jsonl")}
        held = {line["source"]: line for line in self._held()}
        found |= {
            name: "waiting" if line.get("postponed") else "quarantined"
            for name, line in held.items()
            if not (line.get("postponed") and found[name] == "review")
        }
        return found | dict.fromkeys(self.released(), "released")

    def released(self) -> dict[str, bytes]:
        if not (self.out / "names.csv").exists():
            return {}
        rows = (self.out / "names.csv").read_text(encoding="utf-8").splitlines()[2:]
        names = {row.split(",")[1]: row.split(",")[0] for row in rows}
        files = (self.out / "released").iterdir()
        found = {path.stem: path for path in files if path.suffix in (".png", ".jpg")}
        return {names[release]: path.read_bytes() for release, path in found.items()}

    def unverified(self) -> list[str]:
        released = self.out / "released"
        if not released.is_dir() or not self.released():
            return []
        return _unverified(released, self.home, needs_manifest=self.status == 0)

    def _held(self):
        return self._lines("quarantine.jsonl")

    def _lines(self, name: str):
        path = self.out / name
        return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []

    def gone(self) -> set[str]:
        paths = {name: self.input / name for name in self.brought}
        return {
            name
            for name, path in paths.items()
            if not path.is_file() or path.read_bytes() != self.brought[name]
        }


_WAITING = {"working": "waiting", "settled": "waiting"}


def _unverified(folder: Path, home: Path, *, needs_manifest: bool) -> list[str]:
    found = verify_folder(folder, own_keys(home), needs_manifest=needs_manifest)
    good = (VerificationResult.FITS, VerificationResult.NOTE)
    return [f"{one.file} {one.words}" for one in found.findings if one.result not in good]
