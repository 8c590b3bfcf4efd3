"""From detections to a plan, and from a person's verdict to a settled one.

When in doubt, a person looks: a doubtful score, a category without a detector, a picture in which
nothing was found, one of which most would go, a source format that spreads pixels, and a random
sample of everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.coverage import covered_share, percent, share_removed
from engine.detect.ensemble import EnsembleOutput
from engine.errors import InvalidDecision, StaleRevision
from engine.geometry import PixelRect, Size
from engine.images import Leakage, RgbImage, SourceCodec
from engine.plan import Detection, Origin, Plan, Reason, ReasonKind, Region, ReviewDecision
from engine.policy import Policy
from engine.redact.masks import Masked, masked

COVERED_SHARE = 0.9
"""Share of a box under masks that go anyway from which the box adds nothing and is dropped.

As much as a measurement wants hidden before it calls a thing hidden: what is dropped here is no
miss there. See docs/decisions/0012-nothing-that-adds-nothing.md.
"""


@dataclass(frozen=True, slots=True)
class Route:
    """What the machine would do with what was found."""

    regions: tuple[Masked, ...]
    """Removed without asking, the surest first."""
    review_regions: tuple[Masked, ...]
    """A person is asked."""
    reasons: tuple[Reason, ...]
    """Why a person looks, the sample check apart."""
    pieces: tuple[Masked, ...] = ()
    """What was dropped as adding nothing, in pieces: of its mask, each part that goes anyway."""

    @property
    def proposed(self) -> tuple[Masked, ...]:
        """Regions and doubts: all that is hidden unless a person says otherwise."""
        return self.regions + self.review_regions


def triage(
    image: RgbImage,
    seen: EnsembleOutput,
    policy: Policy,
    *,
    draw: float,
) -> Plan:
    """Sort what was found into what goes, what a person must decide, and why.

    Args:
        image: the upright original.
        seen: what the detectors said; a wanted category nobody looked for is a reason.
        policy: thresholds and what needs review.
        draw: in 0..1, even; below the policy's audit share a picture that would pass is sampled.
    """
    found = found_in(image, seen.detections, policy)
    way = route(found, standing_reasons(image.codec, policy, seen), policy, image.size)
    reasons = way.reasons
    if not reasons and draw < policy.review.audit_share:
        reasons = (Reason(ReasonKind.AUDIT_SAMPLE),)
    return Plan(
        image_id=image.id,
        size=image.size,
        regions=tuple(one.region for one in way.regions),
        review_regions=tuple(one.region for one in way.review_regions),
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


def route(found: Sequence[Masked], standing: Sequence[Reason], policy: Policy, size: Size) -> Route:
    """Apply the policy's thresholds to what was found.

    Args:
        found: the surest first, with scores, of categories that have thresholds.
        standing: reasons for review that hold whatever was found.
        policy: the thresholds.
        size: of the upright picture.
    """
    regions: list[Masked] = []
    review_regions: list[Masked] = []
    for one in found:
        thresholds = policy.thresholds(one.region.category)
        score = one.region.score or 0.0
        if score >= thresholds.auto_redact_at:
            regions.append(one)
        elif score >= thresholds.review_at:
            review_regions.append(one)
    regions, review_regions, pieces = _without_needless(regions, review_regions, size)
    reasons = [_unsure(review_region.region) for review_region in review_regions] + list(standing)
    if policy.review.nothing_found and not regions and not review_regions:
        reasons.append(Reason(ReasonKind.NOTHING_FOUND))
    found_of = {one.region.category for one in (*regions, *review_regions)}
    reasons += [
        Reason(ReasonKind.NOTHING_FOUND, category.value)
        for category in policy.looked_for
        if category in policy.review.nothing_found_of and category not in found_of
    ]
    removed = share_removed((one.rect for one in regions), size)
    if removed > policy.review.most_removed:
        reasons.append(Reason(ReasonKind.MUCH_REMOVED, percent(removed)))
    return Route(tuple(regions), tuple(review_regions), tuple(reasons), tuple(pieces))


def standing_reasons(
    codec: SourceCodec, policy: Policy, seen: EnsembleOutput
) -> tuple[Reason, ...]:
    """Reasons that hold whatever is found: blind spots, unfitted scores, a leaky format."""
    reasons = [
        Reason(ReasonKind.NO_DETECTOR, category.value)
        for category in policy.looked_for
        if category not in seen.searched
    ]
    reasons += [Reason(ReasonKind.NOT_CALIBRATED, name) for name in seen.uncalibrated]
    if codec.leakage is Leakage.UNBOUNDED and policy.codec.leaky_source == "review":
        reasons.append(Reason(ReasonKind.SOURCE_FORMAT, codec.format))
    return tuple(reasons)


def settled(plan: Plan, decision: ReviewDecision) -> Plan:
    """The plan as a person decided it: ready, one revision on.

    Raises:
        StaleRevision: the verdict was given on another plan of the picture.
        InvalidVerdict: it was given on another picture, or a region lies outside this one.
    """
    if decision.picture != plan.image_id:
        raise InvalidDecision(
            "This verdict was given on another picture than the one that waits; please look at "
            "the one that waits."
        )
    if decision.plan != plan.digest:
        raise StaleRevision(
            "This verdict was given on another plan than the one that waits; please look at the "
            "picture again."
        )
    for region in decision.regions:
        if region.box.clipped(plan.size).area == 0:
            raise InvalidDecision(
                f"A {region.category.value} region is empty or lies outside the picture of "
                f"{plan.size.width} x {plan.size.height} pixels: {region.box.corners}."
            )
    return replace(
        plan,
        regions=decision.regions,
        review_regions=(),
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
        review_regions=tuple(seen),
        reasons=tuple(
            Reason(ReasonKind.RESIDUAL, f"{one.category.value} {one.score:.2f}") for one in seen
        ),
        revision=plan.revision + 1 if plan.revision else 0,
    )


def _without_needless(
    sure: Sequence[Masked], unsure: Sequence[Masked], size: Size
) -> tuple[list[Masked], list[Masked], list[Masked]]:
    """Regions and doubts that add something, and the pieces of those that do not.

    A region adds nothing under masks of surer ones of its category: another category is another
    thing to tell. A doubt adds nothing under masks of any regions. Doubts cover nothing, since a
    person may drop them; nor does what was dropped, so what sticks out does not add up.
    """
    regions: list[Masked] = []
    review_regions: list[Masked] = []
    pieces: list[Masked] = []
    for one in sure:
        own = [other.rect for other in regions if other.region.category is one.region.category]
        if _is_covered(one, own, size):
            pieces += _pieces(one, own)
        else:
            regions.append(one)
    gone = [one.rect for one in regions]
    for one in unsure:
        if _is_covered(one, gone, size):
            pieces += _pieces(one, gone)
        else:
            review_regions.append(one)
    return regions, review_regions, pieces


def _is_covered(one: Masked, rects: Sequence[PixelRect], size: Size) -> bool:
    box = one.region.box.clipped(size)
    return box.area > 0 and covered_share(box, rects) >= COVERED_SHARE


def _pieces(one: Masked, rects: Iterable[PixelRect]) -> list[Masked]:
    parts = (
        PixelRect(
            max(one.rect.x0, rect.x0),
            max(one.rect.y0, rect.y0),
            min(one.rect.x1, rect.x1),
            min(one.rect.y1, rect.y1),
        )
        for rect in rects
    )
    return [Masked(one.region, part) for part in parts if part.x0 < part.x1 and part.y0 < part.y1]


def _unsure(review_region: Region) -> Reason:
    return Reason(ReasonKind.UNSURE, f"{review_region.category.value} {review_region.score:.2f}")
