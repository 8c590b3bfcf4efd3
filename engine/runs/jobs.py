"""Jobs for an executor and their outcomes: values only, so that they cross processes.

A job brings its own work; the executor knows no kinds. A picture reaches exactly one outcome:
`Released`, `NeedsReview` or `Quarantined`. `Postponed` is no end: the same work may come out
otherwise once this machine is mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from engine.images import FormatChoice
from engine.plan import Plan
from engine.policy import Policy
from engine.receipt import UNATTENDED, Receipt, SignOff
from engine.runs.sources import PictureSource

if TYPE_CHECKING:
    from engine.detect.ensemble import Ensemble
    from engine.detect.release_check import ReleaseCheck


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a job."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Released(Outcome):
    """The picture passed every check; `data` is the finished file."""

    receipt: Receipt
    data: bytes


@dataclass(frozen=True, slots=True)
class NeedsReview(Outcome):
    """The picture goes to human review."""

    plan: Plan
    """Each of its proposed regions with the rectangle that removal would cover."""


class HeldFor(StrEnum):
    """Kind of the reason why a picture is held back, for who counts without reading reasons."""

    UNREADABLE = "unreadable"
    CHECK = "check"
    """A finished release failed a check."""
    DEFECT = "defect"
    """The program failed or was stopped over it."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Quarantined(Outcome):
    """The picture is held back; `reason` is a sentence."""

    reason: str
    kind: HeldFor = HeldFor.OTHER


@dataclass(frozen=True, slots=True)
class Unread(Quarantined):
    """The file could not be read; nothing is known of its content."""

    kind: HeldFor = HeldFor.UNREADABLE


@dataclass(frozen=True, slots=True)
class Postponed(Unread):
    """This machine could not do it now; `reason` says why, and the picture is not to blame.

    Whoever cannot wait and try again later holds the picture back.
    """


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a worker."""

    ensemble: Ensemble
    release_check: ReleaseCheck
    """Detects in what would be released."""


class Work(Protocol):
    """What an executor runs."""

    @property
    def id(self) -> str:
        """Names the work in its outcome."""
        ...

    @property
    def source(self) -> PictureSource:
        """Where the picture is read from."""
        ...

    @property
    def most_megapixels(self) -> float:
        """At most so large it can be, for the time it may take."""
        ...

    def run(self, models: Models) -> Outcome:
        """Do it; whatever goes wrong is raised."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to redact, with its random draws already made."""

    id: str
    """Names the job in its outcome."""
    source: PictureSource
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
    sign_off: SignOff = UNATTENDED
    image_id: str | None = None
    """Becomes `RgbImage.id`; the job's own id when None."""
    digest: bytes | None = None
    """SHA-256 of the file as it was when this was decided; another content is not worked on.
    Never written anywhere: a plain hash would tell who holds a candidate original."""
    megapixels: float | None = None
    """From the file's header, for the time limit; None when it was not read."""

    @property
    def most_megapixels(self) -> float:
        """What the file announces, or what the policy allows, whichever is less."""
        allowed = self.policy.codec.max_megapixels
        return allowed if self.megapixels is None else min(self.megapixels, allowed)

    def run(self, models: Models) -> Outcome:
        """Redact the picture.

        Raises:
            Exception: whatever goes wrong.
        """
        from engine.runs.redaction import redact  # decoders are loaded where they are needed

        return redact(self, models)


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
