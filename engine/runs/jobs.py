"""Work handed to an executor and what comes back: values only, so that they cross processes.

A picture reaches exactly one outcome: `Released`, `NeedsReview` or `Quarantined`. A labelled
picture, which is only measured, comes back as `Examined` or `Quarantined`. `Postponed` is no end:
the same work may come out otherwise once this machine is mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from engine.evaluation.scores.findings import Findings
from engine.geometry import PixelRect
from engine.plan import Plan
from engine.policy import Policy
from engine.receipt import Receipt

FormatChoice: TypeAlias = Literal["same", "png", "jpeg"]


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to take down the line, with everything that is drawn for it already drawn."""

    id: str
    """Names the job in its outcome."""
    path: Path
    policy: Policy
    format: FormatChoice
    release_id: str
    """Random; names the release, should there be one."""
    seed: int
    """Random; for the fill's grain. Never written anywhere."""
    draw: float
    """In 0..1, of the content (`KeyRing.sample_draw`); below the policy's audit share the picture
    goes to a person."""
    settled: Plan | None = None
    """A plan a person has decided: only removal is left to do."""
    reviewer: str | None = None
    image_id: str | None = None
    """Becomes `RgbImage.id`; the job's own id when None."""
    digest: bytes | None = None
    """SHA-256 of the file as it was when this was decided; another content is not worked on.
    Never written anywhere: a plain hash would tell who holds a candidate original."""
    megapixels: float | None = None
    """What the file announces, for the time it may take; None when nobody looked."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One labelled picture to look at and leave where it is."""

    id: str
    """Names the work in its outcome."""
    path: Path
    policy: Policy
    orientation: int = 1
    """EXIF orientation, 1..8: it is looked at as if its file held it this way up."""


Work: TypeAlias = Job | Examination


@dataclass(frozen=True, slots=True)
class Released:
    """The picture passed every check; `data` is the finished file."""

    job_id: str
    receipt: Receipt
    data: bytes


@dataclass(frozen=True, slots=True)
class NeedsReview:
    """A person must look."""

    job_id: str
    plan: Plan
    masked: tuple[PixelRect, ...]
    """For each of `plan.proposed` the rectangle that removal would cover."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """The picture is held back; `reason` is a sentence."""

    job_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unread(Quarantined):
    """The file could not be read; nothing is known of its content."""


@dataclass(frozen=True, slots=True)
class Postponed(Unread):
    """This machine could not do it now; `reason` says why, and the picture is not to blame.

    Whoever cannot wait and try again later holds the picture back.
    """


@dataclass(frozen=True, slots=True)
class Examined:
    """What the machine found in a labelled picture."""

    job_id: str
    findings: Findings


Outcome: TypeAlias = Released | NeedsReview | Quarantined | Examined


class Executor(Protocol):
    """Runs jobs, here or elsewhere."""

    def run(self, jobs: Iterable[Work]) -> Iterator[Outcome]:
        """Yield one outcome per job, as they finish, in any order.

        `jobs` is pulled lazily, a few ahead of the work, so it may be endless. A job that fails,
        or whose process dies, yields `Quarantined`; it never raises and never stops the others.
        """
        ...

    def close(self) -> None:
        """Stop the workers; jobs under way are given up."""
        ...
