"""From detections to a plan, and from a person's verdict to a settled one.

When in doubt, a person looks: a doubtful score, a category without a detector, a picture in which
nothing was found, a source format that spreads pixels, and a random sample of everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.detect.ensemble import Seen
from engine.errors import InvalidVerdict, StaleRevision
from engine.geometry import Box
from engine.images import Residue, RgbImage, SourceCodec
from engine.masks import Masked, masked
from engine.plan import Detection, Origin, Plan, Reason, ReasonKind, Region, Verdict
from engine.policy import Policy

COVERED_SHARE = 0.7
"""Share of a doubt's box under one mask from which it is removed along with it, unasked."""


@dataclass(frozen=True, slots=True)
class Route:
    """What the machine would do with what was found."""

    regions: tuple[Masked, ...]
    """Removed without asking, the surest first."""
    doubts: tuple[Masked, ...]
    """A person is asked."""
    reasons: tuple[Reason, ...]
    """Why a person looks, the sample check apart."""

    @property
    def proposed(self) -> tuple[Masked, ...]:
        """Regions and doubts: all that is hidden unless a person says otherwise."""
        return self.regions + self.doubts


def triage(
    image: RgbImage,
    seen: Seen,
    policy: Policy,
    *,
    draw: float,
) -> Plan:
    """Sort what was found into what goes, what a person must decide, and why.

    Args:
        image: the upright original.
        seen: what the detectors said; a wanted category nobody looked for is a reason.
        policy: thresholds and what needs review.
        draw: random in 0..1; below the policy's audit share a picture that would pass is sampled.
    """
    found = found_in(image, seen.detections, policy)
    way = route(found, standing_reasons(image.codec, policy, seen), policy)
    reasons = way.reasons
    if not reasons and draw < policy.review.audit_share:
        reasons = (Reason(ReasonKind.AUDIT_SAMPLE),)
    return Plan(
        image_id=image.id,
        size=image.size,
        regions=tuple(one.region for one in way.regions),
        doubts=tuple(one.region for one in way.doubts),
        reasons=reasons,
        policy=policy.fingerprint,
        not_looked_for=policy.not_looked_for,
        weights=seen.weights,
    )


def found_in(
    image: RgbImage, detections: Iterable[Detection], policy: Policy
) -> tuple[Masked, ...]:
    """Detections of wanted categories as regions with their masks, the surest first.

    What a detector sees beside the picture, in a look's padding, is nothing found.
    """
    return tuple(
        masked(Region(one.box, one.category, Origin.MODEL, one.score), image.codec, policy)
        for one in sorted(detections, key=lambda detection: -detection.score)
        if one.category in policy.looked_for and one.box.clipped(image.size).area > 0
    )


def route(found: Sequence[Masked], standing: Sequence[Reason], policy: Policy) -> Route:
    """Apply the policy's thresholds to what was found.

    Args:
        found: the surest first, with scores, of categories that have thresholds.
        standing: reasons for review that hold whatever was found.
        policy: the thresholds.
    """
    regions: list[Masked] = []
    doubts: list[Masked] = []
    for one in found:
        thresholds = policy.thresholds(one.region.category)
        score = one.region.score or 0.0
        if score >= thresholds.accept_at:
            regions.append(one)
        elif score >= thresholds.doubt_at:
            doubts.append(one)
    doubts, covered = _split(doubts, regions)
    regions += covered
    reasons = [_unsure(doubt.region) for doubt in doubts] + list(standing)
    if policy.review.nothing_found and not regions and not doubts:
        reasons.append(Reason(ReasonKind.NOTHING_FOUND))
    found_of = {one.region.category for one in (*regions, *doubts)}
    reasons += [
        Reason(ReasonKind.NOTHING_FOUND, category.value)
        for category in policy.looked_for
        if category in policy.review.nothing_found_of and category not in found_of
    ]
    return Route(tuple(regions), tuple(doubts), tuple(reasons))


def standing_reasons(codec: SourceCodec, policy: Policy, seen: Seen) -> tuple[Reason, ...]:
    """Reasons that hold whatever is found: blind spots, unfitted scores, a leaky format."""
    reasons = [
        Reason(ReasonKind.NO_DETECTOR, category.value)
        for category in policy.looked_for
        if category not in seen.seen_for
    ]
    reasons += [Reason(ReasonKind.NOT_CALIBRATED, name) for name in seen.uncalibrated]
    if codec.residue is Residue.UNBOUNDED and policy.codec.leaky_source == "review":
        reasons.append(Reason(ReasonKind.SOURCE_FORMAT, codec.format))
    return tuple(reasons)


def settled(plan: Plan, verdict: Verdict) -> Plan:
    """The plan as a person decided it: ready, one revision on.

    Raises:
        StaleRevision: the verdict was given on another plan of the picture.
        InvalidVerdict: it was given on another picture, or a region lies outside this one.
    """
    if verdict.picture != plan.image_id:
        raise InvalidVerdict(
            "This verdict was given on another picture than the one that waits; please look at "
            "the one that waits."
        )
    if verdict.plan != plan.digest:
        raise StaleRevision(
            "This verdict was given on another plan than the one that waits; please look at the "
            "picture again."
        )
    for region in verdict.regions:
        if region.box.clipped(plan.size).area == 0:
            raise InvalidVerdict(
                f"A {region.category.value} region is empty or lies outside the picture of "
                f"{plan.size.width} x {plan.size.height} pixels: {region.box.corners}."
            )
    return replace(
        plan,
        regions=verdict.regions,
        doubts=(),
        reasons=(),
        revision=plan.revision + 1,
        decided=tuple(dict.fromkeys(plan.decided + plan.proposed)),
    )


def contested(plan: Plan, seen: Sequence[Region]) -> Plan:
    """A plan that was ready, with what a witness saw in its result as doubts.

    Args:
        plan: ready; its regions stay.
        seen: at least one, with scores.

    Returns:
        A plan for a person: of a new revision when a person had decided the old one.
    """
    return replace(
        plan,
        doubts=tuple(seen),
        reasons=tuple(
            Reason(ReasonKind.WITNESS, f"{one.category.value} {one.score:.2f}") for one in seen
        ),
        revision=plan.revision + 1 if plan.revision else 0,
    )


def _split(doubts: list[Masked], gone: list[Masked]) -> tuple[list[Masked], list[Masked]]:
    """Doubts worth asking about, and those that mostly lie where pixels go anyway.

    Asking about the latter would cost a person's time and could spare no more than a sliver.
    """
    boxes = [Box(*one.rect) for one in gone]
    asked: list[Masked] = []
    covered: list[Masked] = []
    for doubt in doubts:
        box = doubt.region.box
        shared = max((box.intersection(other) for other in boxes), default=0.0)
        (covered if shared > COVERED_SHARE * box.area else asked).append(doubt)
    return asked, covered


def _unsure(doubt: Region) -> Reason:
    return Reason(ReasonKind.UNSURE, f"{doubt.category.value} {doubt.score:.2f}")
