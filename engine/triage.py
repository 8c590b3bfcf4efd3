"""From detections to a plan, and from a person's verdict to a settled one.

When in doubt, a person looks: a doubtful score, a category without a detector, a picture in which
nothing was found, a source format that spreads pixels, and a random sample of everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from engine.category import Category
from engine.detect.detector import Detector
from engine.errors import InvalidVerdict, StaleRevision
from engine.geometry import Box, PixelRect
from engine.images import Residue, RgbImage
from engine.masks import rect_of
from engine.plan import Detection, Origin, Plan, Reason, ReasonKind, Region, Verdict
from engine.policy import Policy

COVERED_SHARE = 0.7
"""Share of a doubt's box under one mask from which it is removed along with it, unasked."""


def triage(
    image: RgbImage,
    detections: Iterable[Detection],
    policy: Policy,
    *,
    lookers: Sequence[Detector],
    draw: float,
) -> Plan:
    """Sort what was found into what goes, what a person must decide, and why.

    Args:
        image: the upright original.
        detections: of all detectors.
        policy: thresholds and what needs review.
        lookers: the detectors that looked; a wanted category none of them sees is a reason.
        draw: random in 0..1; below the policy's audit share a picture that would pass is sampled.
    """
    regions, doubts = _by_score(detections, image, policy)
    doubts, covered = _split(doubts, [rect_of(region, image.codec, policy) for region in regions])
    regions += covered
    reasons = [_unsure(doubt) for doubt in doubts]
    reasons += _blind_spots(policy, {seen for looker in lookers for seen in looker.categories})
    if policy.review.nothing_found and not regions and not doubts:
        reasons.append(Reason(ReasonKind.NOTHING_FOUND))
    if image.codec.residue is Residue.UNBOUNDED and policy.codec.leaky_source == "review":
        reasons.append(Reason(ReasonKind.SOURCE_FORMAT, image.codec.format))
    if not reasons and draw < policy.review.audit_share:
        reasons.append(Reason(ReasonKind.AUDIT_SAMPLE))
    return Plan(
        image_id=image.id,
        size=image.size,
        regions=tuple(regions),
        doubts=tuple(doubts),
        reasons=tuple(reasons),
        policy=policy.fingerprint,
        not_looked_for=policy.not_looked_for,
        weights=tuple(looker.name for looker in lookers),
    )


def settled(plan: Plan, verdict: Verdict) -> Plan:
    """The plan as a person decided it: ready, one revision on.

    Raises:
        StaleRevision: the verdict was given on another revision of the plan.
        InvalidVerdict: a region lies outside the picture.
    """
    if verdict.revision != plan.revision:
        raise StaleRevision(
            f"This picture was changed by somebody else (revision {plan.revision}, yours was "
            f"{verdict.revision}); please look at it again."
        )
    for region in verdict.regions:
        if region.box.clipped(plan.size).area == 0:
            raise InvalidVerdict(
                f"A {region.category.value} region is empty or lies outside the picture of "
                f"{plan.size.width} x {plan.size.height} pixels: {region.box.corners}."
            )
    return replace(plan, regions=verdict.regions, doubts=(), reasons=(), revision=plan.revision + 1)


def _by_score(
    detections: Iterable[Detection], image: RgbImage, policy: Policy
) -> tuple[list[Region], list[Region]]:
    """What is removed without asking and what is doubtful, the surest first."""
    regions: list[Region] = []
    doubts: list[Region] = []
    for found in sorted(detections, key=lambda detection: -detection.score):
        # what a detector sees beside the picture, in a look's padding, is nothing found
        is_inside = found.box.clipped(image.size).area > 0
        if found.category not in policy.looked_for or not is_inside:
            continue
        thresholds = policy.thresholds(found.category)
        region = Region(found.box, found.category, Origin.MODEL, found.score)
        if found.score >= thresholds.accept_at:
            regions.append(region)
        elif found.score >= thresholds.doubt_at:
            doubts.append(region)
    return regions, doubts


def _split(doubts: list[Region], gone: list[PixelRect]) -> tuple[list[Region], list[Region]]:
    """Doubts worth asking about, and those that mostly lie where pixels go anyway.

    Asking about the latter would cost a person's time and could spare no more than a sliver.
    """
    boxes = [Box(*rect) for rect in gone]
    asked: list[Region] = []
    covered: list[Region] = []
    for doubt in doubts:
        shared = max((doubt.box.intersection(box) for box in boxes), default=0.0)
        (covered if shared > COVERED_SHARE * doubt.box.area else asked).append(doubt)
    return asked, covered


def _unsure(doubt: Region) -> Reason:
    return Reason(ReasonKind.UNSURE, f"{doubt.category.value} {doubt.score:.2f}")


def _blind_spots(policy: Policy, seen_for: set[Category]) -> list[Reason]:
    return [
        Reason(ReasonKind.NO_DETECTOR, category.value)
        for category in policy.looked_for
        if category not in seen_for
    ]
