"""From detections to a plan, and from a reviewer's decision to a settled plan.

When in doubt, a person looks: an unsure score, a category without a detector, a picture in which
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
from engine.redact.masks import rect_of

COVERED_SHARE = 0.9
"""Share of a box under masks that go anyway from which the box adds nothing and is dropped.

As much as a measurement wants hidden before it calls a label hidden: what is dropped here is no
miss there. See docs/decisions/0012-nothing-that-adds-nothing.md.
"""


@dataclass(frozen=True, slots=True)
class Route:
    """Where the thresholds send the regions of one picture, each with its masked rectangle."""

    regions: tuple[Region, ...]
    """Removed without asking, in descending order of score."""
    review_regions: tuple[Region, ...]
    """A person is asked."""
    reasons: tuple[Reason, ...]
    """Why a person looks, the sample check apart."""
    pieces: tuple[Region, ...] = ()
    """What was dropped as adding nothing, in pieces: of its mask, each part that goes anyway."""

    @property
    def proposed(self) -> tuple[Region, ...]:
        """All that is hidden unless a person decides otherwise."""
        return self.regions + self.review_regions


def triage(image: RgbImage, output: EnsembleOutput, policy: Policy, *, draw: float) -> Plan:
    """Sort detections into what goes and what a person must decide, and say why.

    Args:
        image: the upright original.
        output: of the detectors; a wanted category that none of them searches for is a reason.
        policy: thresholds and what needs review.
        draw: in 0..1, even; below the policy's audit share a picture that would pass is sampled.
    """
    regions = masked_regions(image, output.detections, policy)
    result = route(regions, standing_reasons(image.codec, policy, output), policy, image.size)
    reasons = result.reasons
    if not reasons and draw < policy.review.audit_share:
        reasons = (Reason(ReasonKind.AUDIT_SAMPLE),)
    return Plan(
        image_id=image.id,
        size=image.size,
        regions=result.regions,
        review_regions=result.review_regions,
        reasons=reasons,
        policy=policy.fingerprint,
        not_looked_for=policy.not_looked_for,
        weights=output.weights,
    )


def masked_regions(
    image: RgbImage, detections: Iterable[Detection], policy: Policy
) -> tuple[Region, ...]:
    """Detections of wanted categories as regions with masks, in descending order of score.

    Detections wholly beside the picture, in a view's padding, are left out.
    """
    regions = (
        Region(detection.box, detection.category, Origin.MODEL, detection.score)
        for detection in sorted(detections, key=lambda detection: -detection.score)
        if detection.category in policy.looked_for and detection.box.clipped(image.size).area > 0
    )
    return tuple(region.with_rect(rect_of(region, image.codec, policy)) for region in regions)


def route(
    candidates: Sequence[Region], standing: Sequence[Reason], policy: Policy, size: Size
) -> Route:
    """Apply the policy's thresholds.

    Args:
        candidates: in descending order of score, with masks, of categories that have thresholds.
        standing: reasons for review that hold whatever was found.
        policy: the thresholds.
        size: of the upright picture.
    """
    sure: list[Region] = []
    unsure: list[Region] = []
    for region in candidates:
        thresholds = policy.thresholds(region.category)
        score = region.score or 0.0
        if score >= thresholds.auto_redact_at:
            sure.append(region)
        elif score >= thresholds.review_at:
            unsure.append(region)
    regions, review_regions, pieces = _without_needless(sure, unsure, size)
    reasons = [Reason(ReasonKind.UNSURE, _scored(region)) for region in review_regions]
    reasons += standing
    if policy.review.nothing_found and not regions and not review_regions:
        reasons.append(Reason(ReasonKind.NOTHING_FOUND))
    categories = {region.category for region in (*regions, *review_regions)}
    reasons += [
        Reason(ReasonKind.NOTHING_FOUND, category.value)
        for category in policy.looked_for
        if category in policy.review.nothing_found_of and category not in categories
    ]
    removed = share_removed((region.rect for region in regions), size)
    if removed > policy.review.most_removed:
        reasons.append(Reason(ReasonKind.MUCH_REMOVED, percent(removed)))
    return Route(tuple(regions), tuple(review_regions), tuple(reasons), tuple(pieces))


def standing_reasons(
    codec: SourceCodec, policy: Policy, output: EnsembleOutput
) -> tuple[Reason, ...]:
    """Reasons that hold whatever is found: blind spots, unfitted scores, a leaky format."""
    reasons = [
        Reason(ReasonKind.NO_DETECTOR, category.value)
        for category in policy.looked_for
        if category not in output.searched
    ]
    reasons += [Reason(ReasonKind.NOT_CALIBRATED, name) for name in output.uncalibrated]
    if codec.leakage is Leakage.UNBOUNDED and policy.codec.leaky_source == "review":
        reasons.append(Reason(ReasonKind.SOURCE_FORMAT, codec.format))
    return tuple(reasons)


def settled(plan: Plan, decision: ReviewDecision) -> Plan:
    """The plan as a person decided it: ready, one revision on.

    Raises:
        StaleRevision: the decision was made on another plan of the picture.
        InvalidDecision: it was made on another picture, or a region lies outside this one.
    """
    if decision.picture != plan.image_id:
        raise InvalidDecision(
            "This decision was made on another picture than the one that waits; please look at "
            "the one that waits."
        )
    if decision.plan != plan.digest:
        raise StaleRevision(
            "This decision was made on another plan than the one that waits; please look at the "
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
        regions=tuple(map(replace, decision.regions)),  # copies forget rectangles: `Region.rect`
        review_regions=(),
        reasons=(),
        revision=plan.revision + 1,
        decided=tuple(dict.fromkeys(plan.decided + plan.proposed)),
    )


def contested(plan: Plan, residual: Sequence[Region]) -> Plan:
    """A plan that was ready, with what the release check detected in its result for review.

    Args:
        plan: ready; its regions stay.
        residual: at least one, with scores.

    Returns:
        A plan for a person: of a new revision when a person had decided the old one.
    """
    return replace(
        plan,
        review_regions=tuple(residual),
        reasons=tuple(Reason(ReasonKind.RESIDUAL, _scored(region)) for region in residual),
        revision=plan.revision + 1 if plan.revision else 0,
    )


def objected(plan: Plan, ground: str) -> Plan:
    """A plan that was carried out, for a person, since somebody objected to what came of it.

    What goes is proposed again; nothing that was decided before counts as decided any more.

    Args:
        plan: ready; its regions carry their masked rectangles, or none does.
        ground: of the objection, in words of Lethe's own.
    """
    return replace(
        plan,
        reasons=(Reason(ReasonKind.OBJECTION, ground),),
        revision=plan.revision + 1,
        decided=(),
    )


def _without_needless(
    sure: Sequence[Region], unsure: Sequence[Region], size: Size
) -> tuple[list[Region], list[Region], list[Region]]:
    """Regions and review regions that add something, and the pieces of those that do not.

    A region adds nothing under masks of surer ones of its category: another category is another
    thing to tell. A review region adds nothing under masks of any regions. Review regions cover
    nothing, since a person may drop them; nor does what was dropped, so what sticks out does not
    add up.
    """
    regions: list[Region] = []
    review_regions: list[Region] = []
    pieces: list[Region] = []
    for region in sure:
        rects = [surer.rect for surer in regions if surer.category is region.category]
        if _is_covered(region, rects, size):
            pieces += _pieces(region, rects)
        else:
            regions.append(region)
    rects = [region.rect for region in regions]
    for region in unsure:
        if _is_covered(region, rects, size):
            pieces += _pieces(region, rects)
        else:
            review_regions.append(region)
    return regions, review_regions, pieces


def _is_covered(region: Region, rects: Sequence[PixelRect], size: Size) -> bool:
    box = region.box.clipped(size)
    return box.area > 0 and covered_share(box, rects) >= COVERED_SHARE


def _pieces(region: Region, rects: Iterable[PixelRect]) -> list[Region]:
    parts = (
        PixelRect(
            max(region.rect.x0, rect.x0),
            max(region.rect.y0, rect.y0),
            min(region.rect.x1, rect.x1),
            min(region.rect.y1, rect.y1),
        )
        for rect in rects
    )
    return [region.with_rect(part) for part in parts if part.x0 < part.x1 and part.y0 < part.y1]


def _scored(region: Region) -> str:
    return f"{region.category.value} {region.score:.2f}"
