"""Schemas of certificates and manifests (pydantic models), read strictly.

`engine.signing.certificate` says what they may tell and makes them; whoever verifies reads them
here. Anything that is missing, of another type, or unknown is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from engine.errors import InvalidSignature

CERTIFICATE_SCHEMA: Final = "lethe/certificate"
MANIFEST_SCHEMA: Final = "lethe/manifest"
VERSION: Final = 4
"""Of certificates with `reviewer_authenticated`."""
TWO_REVIEWERS_VERSION: Final = 3
"""Of certificates with `second_reviewer`, which an earlier Lethe reads."""
ONE_REVIEWER_VERSION: Final = 2
"""Of certificates without either."""
MANIFEST_VERSION: Final = 4
WITHOUT_REVOCATIONS_VERSION: Final = 3
"""Of manifests with `trail` that list no revocations, which an earlier Lethe reads."""
WITHOUT_TRAIL_VERSION: Final = 2
"""Of manifests without `trail`, which an earlier Lethe reads."""
REVOCATIONS_SCHEMA: Final = "lethe/revocations"
REVOCATIONS_VERSION: Final = 1
ENDING: Final = ".certificate.json"
MANIFEST: Final = "manifest.json"
REVOCATIONS: Final = "revocations.json"
SUFFIXES: Final[Mapping[str, str]] = {"png": ".png", "jpeg": ".jpg"}

Outcome: TypeAlias = Literal["passed", "failed", "not run"]
CategoryName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
"""Of any category, also one that this Lethe does not know: what was signed stays true."""
Testimony: TypeAlias = Literal["independent", "not independent", "did not look"]
CheckName: TypeAlias = Literal["T1", "T3", "T4", "T7"]
BesideName: TypeAlias = Literal[
    "README.txt", "attribution.csv", "receipts.jsonl", "revocations.json"
]
Id: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]
Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Day: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Moment: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")
]
Text: TypeAlias = Annotated[str, StringConstraints(max_length=2000)]
Count: TypeAlias = Annotated[int, Field(ge=0, le=2**53 - 1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Output(_Part):
    """The released file."""

    sha256: Sha256
    format: Literal["png", "jpeg"]
    bytes: Count
    width: Count
    height: Count


class PublicRegion(_Part):
    """A removed region, as everybody may know it."""

    category: CategoryName
    box: Annotated[list[Count], Field(min_length=4, max_length=4)]
    """x0, y0, x1, y1: the masked rectangle, outward to the 16-px grid, within the picture."""
    origin: Literal["model", "reviewer"]


class Battery(_Part):
    """The report of attacks that the checks rest on."""

    report: Text
    """Its id, from its content."""
    verdict: Text
    """pass, fail or invalid."""
    pipeline: Text
    """The state of the removing code that was attacked; may differ from the certificate's."""
    words: Text


class Source(_Part):
    """What kind of file the picture came from, and how far it may have leaked beforehand."""

    codec: Literal["jpeg", "lossless", "other"]
    leakage: Literal["none", "block", "twice", "unbounded"]


class _SourceVersion1(Source):
    leakage: Literal["none", "block", "twice", "unbounded"] = Field(alias="residue")


class Certificate(_Part):
    """What is signed for one release."""

    kind: Literal["lethe/certificate"] = Field(alias="schema")
    version: Literal[1, 2, 3, 4]
    """3 has `second_reviewer`, 4 `reviewer_authenticated`."""
    release: Id
    output: Output
    regions: list[PublicRegion]
    not_looked_for: list[CategoryName]
    pipeline: Text
    models: list[Text]
    """`name@sha256[:8]` of every model that looked."""
    checks: dict[CheckName, Outcome]
    release_check: Annotated[dict[CategoryName, Testimony], Field(min_length=1)]
    """T7 by each category that its Lethe could look for: whether who looked at the release took no
    part in finding."""
    battery: Battery | Literal["none"]
    source: Source
    day: Day
    """UTC."""
    reviewer: Id | None
    """Pseudonym of the person who decided; None when no person looked."""
    notice: Text | None
    """On the use of the models that come with Lethe."""
    key: Id
    second_reviewer: Id | None = None
    """Pseudonym of another person who decided without seeing the first decision."""
    reviewer_authenticated: bool | None = None
    """Of a decision from a file: whether somebody whose key is known signed that file."""

    @model_validator(mode="after")
    def _reviewed(self) -> Self:
        given = self.model_fields_set
        has_second = self.version == TWO_REVIEWERS_VERSION
        if has_second != ("second_reviewer" in given):
            raise ValueError("does not tell of a second reviewer as its version does")
        if has_second and (
            None in (self.reviewer, self.second_reviewer) or self.reviewer == self.second_reviewer
        ):
            raise ValueError("tells of a second reviewer and not of two people")
        is_from_file = self.version == VERSION
        if is_from_file != ("reviewer_authenticated" in given):
            raise ValueError("does not tell how the decision came as its version does")
        if is_from_file and None in (self.reviewer, self.reviewer_authenticated):
            raise ValueError("tells how the decision of nobody came")
        return self

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.checks.keys() != set(get_args(CheckName)):
            raise ValueError("does not tell of every check")
        if self.version > 1 and not self.release_check.keys() >= set(self.not_looked_for):
            raise ValueError("does not tell of every category that a release check may look for")
        if self.checks["T7"] == "passed" and set(self.release_check.values()) == {"did not look"}:
            raise ValueError("tells of a release check and of none")
        for region in self.regions:
            x0, y0, x1, y1 = region.box
            if not (x0 < x1 <= self.output.width and y0 < y1 <= self.output.height):
                raise ValueError("has a region outside its picture")
        return self

    @property
    def picture(self) -> str:
        """The released file's name."""
        return self.release + SUFFIXES[self.output.format]

    @property
    def looked_for(self) -> list[str]:
        """The categories that detectors looked for, sorted."""
        return sorted(self.release_check.keys() - set(self.not_looked_for))


class _CertificateVersion1(Certificate):
    """Closed to the categories of its time, with other names for two fields."""

    version: Literal[1]
    not_looked_for: list[Text]
    release_check: dict[CategoryName, Testimony] = Field(alias="witness")
    source: _SourceVersion1

    @model_validator(mode="after")
    def _closed(self) -> Self:
        if self.release_check.keys() != {"face", "tattoo", "jewelry"}:
            raise ValueError("does not tell of every category that a release check may look for")
        if not {region.category for region in self.regions} <= {*self.release_check, "other"}:
            raise ValueError("has a region of an unknown category")
        return self


class Listed(_Part):
    """A release in a manifest."""

    release: Id
    certificate: Sha256
    """Of the certificate's file."""


class Beside(_Part):
    """A file beside the releases, from their maker too."""

    name: BesideName
    sha256: Sha256
    bytes: Count


class TrailHead(_Part):
    """How far the audit trail of the installation had come: what is in it cannot go any more."""

    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    """Of the last event."""
    hash: Sha256


class Manifest(_Part):
    """What is signed for a batch as it stood on a day."""

    kind: Literal["lethe/manifest"] = Field(alias="schema")
    version: Literal[1, 2, 3, 4]
    """1 was before `beside`; 3 has `trail`; 4 lists `revocations.json` among what is beside."""
    batch: Id
    count: Count
    """How many releases there are: listed ones and ones without a certificate."""
    releases: list[Listed]
    without_certificate: list[Id]
    """Made before certificates: known to have been released, and nothing else is vouched for."""
    beside: list[Beside] = []
    """In the folder around the releases; whether one was added or is missing shows too."""
    day: Day
    """UTC, of signing."""
    key: Id
    trail: TrailHead | None = None
    """None where there is no audit trail, as on the command line."""


class Revocation(_Part):
    """A release that nobody should use any more."""

    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    release: Id
    day: Day
    """UTC, of the revocation."""


class Revocations(_Part):
    """What is signed of all releases that were revoked until a moment."""

    kind: Literal["lethe/revocations"] = Field(alias="schema")
    version: Literal[1]
    number: Count
    """Of the last entry; a list with a higher one says more."""
    at: Moment
    """UTC, of signing."""
    releases: list[Revocation]
    key: Id


def read_certificate(body: Mapping[str, Any]) -> Certificate:
    """A certificate from a signed body.

    Raises:
        InvalidSignature: it is of another kind or version, or lacks something.
    """
    model = _CertificateVersion1 if body.get("version") == 1 else Certificate
    return _read(model, body, "certificate", VERSION)


def read_signed_manifest(body: Mapping[str, Any]) -> Manifest:
    """A manifest from a signed body.

    Raises:
        InvalidSignature: it is of another kind or version, or contradicts itself.
    """
    manifest = _read(Manifest, body, "manifest", MANIFEST_VERSION)
    certified, bare = [entry.release for entry in manifest.releases], manifest.without_certificate
    releases = certified + bare
    is_sorted = certified == sorted(certified) and bare == sorted(bare)
    names = [file.name for file in manifest.beside]
    says_beside = "beside" in manifest.model_fields_set
    if len(set(names)) != len(names) or (manifest.version > 1) != says_beside:
        raise InvalidSignature("it contradicts itself: its files beside the releases do not agree")
    has_trail = manifest.trail is not None
    if has_trail != ("trail" in manifest.model_fields_set) or has_trail != (
        manifest.version > WITHOUT_TRAIL_VERSION
    ):
        raise InvalidSignature("it contradicts itself: it does not tell of a trail as it should")
    if (REVOCATIONS in names) != (manifest.version > WITHOUT_REVOCATIONS_VERSION):
        raise InvalidSignature(
            "it contradicts itself: it does not tell of revocations as it should"
        )
    if len(set(releases)) != len(releases) or len(releases) != manifest.count or not is_sorted:
        raise InvalidSignature("it contradicts itself: its list and its count do not agree")
    return manifest


def read_revocations(body: Mapping[str, Any]) -> Revocations:
    """A list of revocations from a signed body.

    Raises:
        InvalidSignature: it is of another kind or version, or out of order.
    """
    listed = _read(Revocations, body, "revocations", REVOCATIONS_VERSION)
    numbers = [entry.number for entry in listed.releases]
    releases = {entry.release for entry in listed.releases}
    if numbers != list(range(1, listed.number + 1)) or len(releases) != listed.number:
        raise InvalidSignature("it is out of order: its entries and their numbers do not agree")
    return listed


_Body = TypeVar("_Body", bound=_Part)


def _read(model: type[_Body], body: Mapping[str, Any], kind: str, newest: int) -> _Body:
    version = body.get("version")
    if body.get("schema") == f"lethe/{kind}" and isinstance(version, int) and version > newest:
        raise InvalidSignature(
            f"it is a {kind} of version {version}: a newer Lethe is needed to read it"
        )
    try:
        return model.model_validate(dict(body))
    except (ValidationError, RecursionError) as error:
        raise InvalidSignature(f"it is not a {kind} as this Lethe knows them") from error
