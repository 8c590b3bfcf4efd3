"""Pipeline for one picture: bytes in, a plan (`prepare`), then a released file (`release`).

    bytes -> decode -> detect -> triage -> Plan ... review ... -> mask -> remove -> check -> encode

The line breaks once, at review: `prepare` ends with a plan, `release` starts from one. The app, the
command line and cluster workers call these two, and `redact` for a preview.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from engine.category import Category
from engine.codec.decode import decode
from engine.codec.encode import encode, output_format
from engine.detect.ensemble import Ensemble
from engine.detect.release_check import ReleaseCheck
from engine.errors import PlanNotReady
from engine.images import FormatChoice, RedactedImage, RgbImage
from engine.plan import Plan, Region
from engine.policy import Policy
from engine.receipt import UNATTENDED, Receipt, SignOff
from engine.redact import checks
from engine.redact.masks import mask_of, rects_of
from engine.redact.removal import erase_and_fill, remove
from engine.triage import triage


@dataclass(slots=True)
class Stopwatch:
    """Seconds by stage, for receipts and `bench`."""

    clock: Callable[[], float] = time.perf_counter
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to `name`."""
        start = self.clock()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self.clock() - start


@dataclass(frozen=True, slots=True)
class Prepared:
    """A decoded picture with its plan."""

    image: RgbImage
    plan: Plan


@dataclass(frozen=True, slots=True)
class Release:
    """A finished file and the record of how it was made."""

    data: bytes
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Terms:
    """How a release is to be written; everything random is drawn by the caller."""

    release_id: str
    seed: int
    format: FormatChoice = "same"
    sign_off: SignOff = UNATTENDED


def prepare(
    data: bytes,
    image_id: str,
    ensemble: Ensemble,
    policy: Policy,
    *,
    draw: float,
    watch: Stopwatch,
) -> Prepared:
    """Decode a picture, detect what the policy asks for, and plan what to remove.

    Raises:
        UnreadableImage: the bytes are not a picture that can be decoded faithfully.
        UnusableWeights: the policy names a model file that cannot or may not be loaded.
    """
    with watch.stage("decode"):
        image = decode(data, image_id, max_megapixels=policy.codec.max_megapixels)
    with watch.stage("detect"):
        output = ensemble.detect(image, policy)
    return Prepared(image, triage(image, output, policy, draw=draw))


def release(
    image: RgbImage,
    plan: Plan,
    policy: Policy,
    terms: Terms,
    *,
    watch: Stopwatch,
    release_check: ReleaseCheck,
) -> Release:
    """Remove what the plan says, check the result, and encode it.

    Args:
        image: the upright original.
        plan: ready, made for it under `policy`.
        policy: margins, fill, how to encode, and for which categories the release check counts.
        terms: names, seed and format.
        watch: for the seconds of each stage.
        release_check: detects what is left in the result (check T7), where the policy counts what
            it detects.

    Raises:
        PlanNotReady: regions or reasons for review remain.
        ReleaseContested: the release check detected something in the result.
        UnsafeRelease: a check failed.
        ValueError: the plan was made for another picture or under another policy.
    """
    _refuse_unfit(image, plan, policy)
    with watch.stage("remove"):
        rects = rects_of(plan.regions, image.codec, policy)  # from boxes alone, whatever plans say
        mask = mask_of(rects, image.size)
        redacted = remove(image, mask, fill=policy.removal.fill, seed=terms.seed)
    with watch.stage("check"):
        checks.check_covered(mask, plan.regions)
        again = partial(erase_and_fill, fill=policy.removal.fill, seed=terms.seed)
        passed = checks.check_pixels(image, mask, redacted, again)
    independence = _independence(release_check, policy)
    if independence:
        with watch.stage("witness"):
            passed |= checks.check_residual(redacted, mask, plan, policy, release_check)
    file_format = output_format(image.codec, terms.format)
    with watch.stage("encode"):
        data = encode(redacted, file_format, jpeg_quality=policy.codec.jpeg_quality)
    with watch.stage("check"):
        passed |= checks.check_file(data, file_format, redacted)
        checks.refuse_unchecked(passed, _needed(policy))
    receipt = Receipt(
        release=terms.release_id,
        image_id=plan.image_id,
        format=file_format,
        size=image.size,
        regions=plan.with_rects(rects).regions,
        not_looked_for=plan.not_looked_for,
        sign_off=terms.sign_off,
        policy=policy.fingerprint,
        weights=(*plan.weights, *([release_check.name] if independence else [])),
        checks=passed,
        leakage=image.codec.leakage,
        seconds=dict(watch.seconds),
        release_checked=independence,
    )
    return Release(data, receipt)


def redact(image: RgbImage, regions: Sequence[Region], policy: Policy, seed: int) -> RedactedImage:
    """Remove regions without checks or encoding: for a preview on screen."""
    mask = mask_of(rects_of(regions, image.codec, policy), image.size)
    return remove(image, mask, fill=policy.removal.fill, seed=seed)


def _refuse_unfit(image: RgbImage, plan: Plan, policy: Policy) -> None:
    if (plan.image_id, plan.size) != (image.id, image.size):
        raise ValueError(
            f"plan of {plan.image_id} {plan.size} does not fit picture {image.id} {image.size}"
        )
    if plan.policy != policy.fingerprint:
        raise ValueError(f"plan was made under policy {plan.policy}, not {policy.fingerprint}")
    if not plan.is_ready:
        raise PlanNotReady(
            f"{len(plan.review_regions)} regions and {len(plan.reasons)} reasons to review remain; "
            "a person must decide first."
        )


def _independence(release_check: ReleaseCheck, policy: Policy) -> dict[Category, bool]:
    """For each category that the release check covers, whether it took no part in finding it."""
    return {
        category: category in release_check.independent
        for category in _release_checked(policy)
        if category in release_check.categories
    }


def _needed(policy: Policy) -> tuple[str, ...]:
    """The checks without which nothing is released, whatever models there are."""
    return ("T1", "T3", "T4", *(["T7"] if _release_checked(policy) else []))


def _release_checked(policy: Policy) -> list[Category]:
    """The categories in which the policy wants finished pictures looked at again."""
    return [one for one in policy.looked_for if policy.release_check.is_enabled(one)]
