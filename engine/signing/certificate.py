"""Bodies of certificates and manifests, made from receipts; `engine.signing.signer` signs them.

A certificate says what was done and checked, in facts that the released picture shows anyway or
that are the same for many. It never follows the hidden pixels: no detector's box, score or outline,
no hash or name of the input, no seed, no time of day. A region is told by its masked rectangle,
widened to multiples of 16 px; a person by a pseudonym that only the installation can resolve.
Regions and models are sorted, so that not even their order says how they were found.

The manifest lists a batch's releases, sorted, each with the SHA-256 of its certificate. A chain of
previous hashes would show neither a missing last picture nor hide the order of the input.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from engine.category import DETECTABLE, Category
from engine.geometry import PixelRect, Size
from engine.images import Leakage
from engine.receipt import Receipt
from engine.signing.schema import (
    CERTIFICATE_SCHEMA,
    MANIFEST_SCHEMA,
    MANIFEST_VERSION,
    ONE_REVIEWER_VERSION,
    REVOCATIONS,
    TWO_REVIEWERS_VERSION,
    VERSION,
    WITHOUT_REVOCATIONS_VERSION,
    WITHOUT_TRAIL_VERSION,
    Battery,
    Beside,
    Certificate,
    CheckName,
    Listed,
    Manifest,
    Outcome,
    Output,
    PublicRegion,
    Source,
    Testimony,
    TrailHead,
)

GRID_PX: Final = 16
"""Public boxes lie on multiples of this, or on the picture's border."""
_Codec: TypeAlias = Literal["jpeg", "lossless", "other"]
_SOURCES: Final[Mapping[Leakage, _Codec]] = {
    Leakage.NONE: "lossless",
    Leakage.BLOCK: "jpeg",
    Leakage.TWICE: "jpeg",
    Leakage.UNBOUNDED: "other",
}


@dataclass(frozen=True, slots=True)
class Supplement:
    """What a certificate says beyond the receipt."""

    day: str
    """UTC, as 2026-11-23."""
    pipeline: str
    battery: Battery | None
    notice: str | None
    reviewer: str | None
    """A pseudonym."""
    key: str
    """Id of the key that will sign."""
    second_reviewer: str | None = None
    """A pseudonym."""


def certificate(receipt: Receipt, data: bytes, supplement: Supplement) -> dict[str, Any]:
    """Make the body of a certificate, plain values without a float, from a receipt and its file.

    Raises:
        ValueError: a person decided and `supplement` has no pseudonym, or the other way round; or
            two decided who are one, or in a file.
    """
    named = (supplement.reviewer, supplement.second_reviewer)
    decided = (receipt.sign_off.reviewer, receipt.sign_off.second_reviewer)
    if any((name is None) != (person is None) for name, person in zip(named, decided, strict=True)):
        raise ValueError("expected a pseudonym exactly where a person decided")
    version, more = _review(receipt, supplement)
    body = Certificate(
        schema=CERTIFICATE_SCHEMA,
        version=version,
        release=receipt.release,
        output=Output(
            sha256=hashlib.sha256(data).hexdigest(),
            format=receipt.format,
            bytes=len(data),
            width=receipt.size.width,
            height=receipt.size.height,
        ),
        regions=_regions(receipt),
        not_looked_for=sorted(category.value for category in receipt.not_looked_for),
        pipeline=supplement.pipeline,
        models=sorted(receipt.weights),
        checks=_checks(receipt.checks),
        release_check=_release_check(receipt.release_checked),
        battery=supplement.battery or "none",
        source=Source(codec=_SOURCES[receipt.leakage], leakage=receipt.leakage.value),
        day=supplement.day,
        reviewer=supplement.reviewer,
        notice=supplement.notice,
        key=supplement.key,
        **more,
    )
    return body.model_dump(by_alias=True, exclude_unset=True)


def _review(receipt: Receipt, supplement: Supplement) -> tuple[Literal[2, 3, 4], dict[str, Any]]:
    """The earliest version that says how a picture was decided, and what it says beyond 2.

    Raises:
        ValueError: two people decided in a file; only the app has two decide.
    """
    is_authenticated, second = receipt.sign_off.is_authenticated, supplement.second_reviewer
    if is_authenticated is None:
        if second is None:
            return ONE_REVIEWER_VERSION, {}
        return TWO_REVIEWERS_VERSION, {"second_reviewer": second}
    if second is not None or supplement.reviewer is None:
        raise ValueError("expected one person behind a decision from a file")
    return VERSION, {"reviewer_authenticated": is_authenticated}


def manifest(
    batch: str,
    releases: Mapping[str, str | None],
    *,
    day: str,
    key: str,
    beside: Mapping[str, bytes] | None = None,
    trail: TrailHead | None = None,
) -> dict[str, Any]:
    """Make the body of a manifest from the releases of a batch.

    Args:
        batch: random id of the batch.
        releases: for each release the SHA-256 of its certificate's file; None where it has none.
        day: UTC, as 2026-11-23.
        key: id of the key that will sign.
        beside: by name the files that go out around the releases; None and empty are the same.
        trail: the end of the audit trail; None where there is none.
    """
    anchor = {} if trail is None else {"trail": trail}
    certified = [(name, sha256) for name, sha256 in sorted(releases.items()) if sha256 is not None]
    body = Manifest(
        schema=MANIFEST_SCHEMA,
        version=_manifest_version(beside or {}, trail),
        batch=batch,
        count=len(releases),
        releases=[Listed(release=name, certificate=sha256) for name, sha256 in certified],
        without_certificate=sorted(name for name, sha256 in releases.items() if sha256 is None),
        beside=[_beside(name, data) for name, data in sorted((beside or {}).items())],
        day=day,
        key=key,
        **anchor,
    )
    return body.model_dump(by_alias=True, exclude_unset=True)


def _manifest_version(beside: Mapping[str, bytes], trail: TrailHead | None) -> Literal[2, 3, 4]:
    """The earliest that has what it tells of."""
    if REVOCATIONS in beside:
        if trail is None:
            raise ValueError("expected a trail where there are revocations, got none")
        return MANIFEST_VERSION
    return WITHOUT_TRAIL_VERSION if trail is None else WITHOUT_REVOCATIONS_VERSION


def _beside(name: str, data: bytes) -> Beside:
    digest = hashlib.sha256(data).hexdigest()
    return Beside.model_validate({"name": name, "sha256": digest, "bytes": len(data)})


def quantised(rect: PixelRect, size: Size) -> PixelRect:
    """The smallest rectangle on the 16-px grid around `rect`, within a picture of `size`."""
    return PixelRect(
        rect.x0 // GRID_PX * GRID_PX,
        rect.y0 // GRID_PX * GRID_PX,
        -(-rect.x1 // GRID_PX) * GRID_PX,
        -(-rect.y1 // GRID_PX) * GRID_PX,
    ).clipped(size)


def _regions(receipt: Receipt) -> list[PublicRegion]:
    """Sorted; a region that lies wholly outside the picture removed nothing and is left out."""
    regions = {
        (region.category.value, quantised(region.rect, receipt.size), region.origin.value)
        for region in receipt.regions
        if region.rect.clipped(receipt.size).area
    }
    return [
        PublicRegion.model_validate({"category": category, "box": list(box), "origin": origin})
        for category, box, origin in sorted(regions)
    ]


def _checks(passed: Mapping[str, bool]) -> dict[CheckName, Outcome]:
    words: dict[bool | None, Outcome] = {True: "passed", False: "failed", None: "not run"}
    return {name: words[passed.get(name)] for name in get_args(CheckName)}


def _release_check(release_checked: Mapping[Category, bool]) -> dict[str, Testimony]:
    words: dict[bool | None, Testimony] = {
        True: "independent",
        False: "not independent",
        None: "did not look",
    }
    return {category.value: words[release_checked.get(category)] for category in DETECTABLE}
