"""Made-up work and outcomes: an executor that looks at no picture, and the values it returns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from engine.category import Category
from engine.evaluation.data.labels import Dataset, Label, LabelledPicture, Problem
from engine.evaluation.prediction_job import Prediction, PredictionJob
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.geometry import Box, PixelRect, Size
from engine.images import Leakage
from engine.plan import Origin, Plan, Reason, ReasonKind, Region, ReviewDecision
from engine.policy import Policy
from engine.receipt import UNATTENDED, Receipt, SignOff
from engine.runs.jobs import Job, NeedsReview, Outcome, Quarantined, Released, Work
from engine.triage import contested
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.accounts.role import Role
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.evaluations import evaluations
from store.review import plans
from store.worker import tasks

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
POLICY = Policy()
ACTOR = Actor("tester", "tester", frozenset(Role))
"""May do everything, the machine's work too."""
ANY = Act.WORK
"""Of whoever looks at rows as they are."""
MINUTE = timedelta(minutes=1)
FACE = Region(Box(10, 10, 30, 30), Category.FACE, Origin.MODEL, 0.9)
OVERLOOKED = Region(Box(80, 10, 95, 30), Category.FACE, Origin.MODEL, 0.71)
DRAWN = Region(Box(50, 50, 70, 80), Category.TATTOO, Origin.REVIEWER)
UNSURE = Reason(ReasonKind.UNSURE, "tattoo 0.40")
SAMPLE = Reason(ReasonKind.AUDIT_SAMPLE)


def plan(
    picture_id: str = "00", score: float = 0.4, reasons: tuple[Reason, ...] = (UNSURE,)
) -> Plan:
    """A plan with one region, and one doubt unless it is there for a sample check."""
    review_region = Region(Box(40, 40, 60, 60), Category.TATTOO, Origin.MODEL, score)
    review_regions = () if reasons == (SAMPLE,) else (review_region,)
    return Plan(picture_id, Size(100, 100), (FACE,), review_regions, reasons, POLICY.fingerprint)


def receipt(
    release_id: str,
    picture_id: str = "00",
    sign_off: SignOff = UNATTENDED,
) -> Receipt:
    return Receipt(
        release=release_id,
        image_id=picture_id,
        format="png",
        size=Size(100, 100),
        regions=(FACE.with_rect(PixelRect(8, 8, 32, 32)),),
        not_looked_for=(),
        sign_off=sign_off,
        policy=POLICY.fingerprint,
        weights=("fake@00000000",),
        checks={"T1": True},
        leakage=Leakage.NONE,
        seconds={"detect": 0.1},
    )


def released(job: Job) -> Released:
    return Released(
        job.id, receipt(job.release_id, job.id, job.sign_off), b"release of " + job.id.encode()
    )


def review(job: Job) -> NeedsReview:
    rects = (PixelRect(8, 8, 32, 32), PixelRect(38, 38, 62, 62))
    return NeedsReview(job.id, plan(job.id).with_rects(rects))


def object_to(database: Database, *overlooked: Region) -> None:
    """Work on a settled picture until a witness sees what was overlooked in the result."""
    task = tasks.take(ACTOR, database, NOW)
    assert isinstance(task, tasks.Task)
    assert task.settled is not None
    tasks.record(
        ACTOR, database, NeedsReview(task.picture_id, contested(task.settled, overlooked)), NOW
    )


def verdict_on(
    database: Database, picture_id: str, regions: tuple[Region, ...], by: str, revision: int
) -> ReviewDecision:
    """A verdict on the plan that was kept under a revision."""
    with database.transaction(ACTOR, ANY) as cursor:
        kept = plans.at_revision(cursor, picture_id, revision)
    return ReviewDecision.on(kept.plan, regions, by)


def findings(score: float = 0.9) -> PredictionRecord:
    """One face, where `labelled` has its label."""
    face = Region(FACE.box, FACE.category, FACE.origin, score).with_rect(PixelRect(8, 8, 32, 32))
    return PredictionRecord(Size(100, 100), Size(100, 100), 1, (face,), (), (), ("fake@00000000",))


def labelled(path: Path, name: str = "") -> LabelledPicture:
    """One face, labelled for faces alone."""
    return LabelledPicture(
        name or path.name,
        path,
        (Label(FACE.box, Category.FACE, attributes=(("occlusion", "none"),)),),
        frozenset({Category.FACE}),
        size=Size(100, 100),
    )


def by_content(job: Work) -> Outcome:
    """What the original's first byte asks for; what a person settled is released."""
    if isinstance(job, PredictionJob):
        is_bad = job.source.read()[:1] == b"q"
        reason = "The file could not be read (made up)."
        return Quarantined(job.id, reason) if is_bad else Prediction(job.id, findings())
    if job.settled is not None:
        return released(job)
    wish = job.source.read()[:1]
    if wish == b"v":
        return review(job)
    if wish == b"q":
        return Quarantined(job.id, "The file could not be read (made up).")
    return released(job)


class FakeExecutor:
    """Pulls two jobs ahead and yields `decide(job)` for each, after `seconds`."""

    def __init__(
        self, decide: Callable[[Work], Outcome] = by_content, seconds: float = 0.0
    ) -> None:
        self.decide = decide
        self.seconds = seconds
        self.is_closed = False

    def run(self, jobs: Iterable[Work]) -> Iterator[Outcome]:
        source = iter(jobs)
        pending: list[Work] = []
        while True:
            pending += islice(source, 2 - len(pending))
            if not pending or self.is_closed:
                return
            time.sleep(self.seconds)
            yield self.decide(pending.pop(0))

    def close(self) -> None:
        self.is_closed = True


def a_batch(database: Database, contents: Iterable[bytes], *, name: str = "a batch") -> str:
    """A started batch of made-up pictures; gives its id."""
    batch = batches.create(ACTOR, database, Request(name, ""), NOW)
    incoming = (Incoming(f"{index}.jpg", content) for index, content in enumerate(contents))
    intake.add(ACTOR, database, batch.id, incoming, NOW)
    batches.start(ACTOR, database, batch.id, NOW)
    return batch.id


def an_evaluation(
    database: Database, folder: Path, contents: Iterable[bytes], *, policy_toml: str = ""
) -> str:
    """An evaluation of made-up pictures that are put into `folder`; gives its id."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for index, content in enumerate(contents):
        path = folder / f"{index:04}.jpg"
        path.write_bytes(content)
        pictures.append(labelled(path))
    dataset = Dataset("made up", tuple(pictures), (Problem("labels.csv", 3, "It has no box."),))
    request = evaluations.Request("a measurement", str(folder), dataset, policy_toml, 0.9, "ada")
    return evaluations.create(ACTOR, database, request, NOW).id
