"""Validate a review line of a command-line run before its plan is imported.

A run folder may come from anywhere. The installation's seal tells which plans were made here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from engine.category import DETECTABLE
from engine.detect.names import names
from engine.errors import InvalidDecision
from engine.plan import Plan, Reason, ReasonKind
from engine.policy import Policy
from engine.signing.signer import Signer

MOST_REGIONS, LONGEST_REASON = 2_000, 500
"""More than any picture has; whoever draws and lists them would not come to an end."""
_ELSEWHERE = {
    ReasonKind.AUDIT_SAMPLE: Reason(ReasonKind.UNSURE, "drawn as a sample by another installation"),
    ReasonKind.SECOND_REVIEW: Reason(
        ReasonKind.UNSURE, "decided by one person in another installation"
    ),
    ReasonKind.OBJECTION: Reason(ReasonKind.UNSURE, "objected to in another installation"),
}
"""What was not drawn here is no sample and no second review of the work done here, and what was not
released here is no objection."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Keys, policy and models of this installation, for comparison with a run's."""

    signer: Signer
    """Its seal marks what was made here."""
    policy: Policy
    """In force here."""
    _weights: dict[Policy, tuple[str, ...]] = field(default_factory=dict)

    def weights(self, policy: Policy) -> tuple[str, ...]:
        """Names of the models of a policy, read once."""
        if policy not in self._weights:
            self._weights[policy] = names(policy)
        return self._weights[policy]


def validated(plan: Plan, seal: object, policy: Policy, installation: Installation) -> Plan:
    """Validate a line's plan: one sealed here whole, of a foreign one its boxes alone.

    The rest ends in what Lethe signs, decides what the release check may still ask, and counts in
    what sample checks measure. So it must be what this installation would write; what a person is
    said to have decided is dropped, and a draw for the sample is none here.

    Args:
        plan: as the line says.
        seal: of the line; anything.
        policy: the run's.
        installation: this one.

    Raises:
        InvalidDecision: it is something else.
    """
    if seal == installation.signer.seal(plan):
        return plan
    if plan.not_looked_for != policy.not_looked_for:
        raise InvalidDecision("What it says nobody looked for is not what its policy says.")
    if plan.weights != installation.weights(policy):
        raise InvalidDecision(
            "Other models than those of this installation looked at the picture; add it here anew."
        )
    if any(
        policy.release_check.ask_at(category) > installation.policy.release_check.ask_at(category)
        for category in DETECTABLE
    ):
        raise InvalidDecision(
            "Its policy has a less strict release check than the one in force here; run it here, "
            "or put the same thresholds under [release_check]."
        )
    if policy.review.second_review_share < installation.policy.review.second_review_share:
        raise InvalidDecision(
            "Its policy asks for fewer second reviews than the one in force here; run it here, or "
            "put the same second_review_share under [review]."
        )
    if installation.policy.manifest.require_licence:
        raise InvalidDecision(
            "The policy in force here says: no licence, no release, and nothing tells the licence "
            "of a picture that another installation worked on; add it here with a manifest."
        )
    reasons = (_ELSEWHERE.get(one.kind, one) for one in plan.reasons)
    return replace(plan, decided=(), reasons=tuple(reasons))


def check_numbers(plan: Plan) -> None:
    """Refuse sizes, scores and numbers of regions that no picture and no detector has.

    Raises:
        ValueError: one is.
    """
    if not all(type(side) is int and 0 < side < 2**20 for side in plan.size):
        raise ValueError(f"expected a picture's size, got {plan.size}")
    if len(plan.proposed) > MOST_REGIONS or len(plan.reasons) > MOST_REGIONS:
        raise ValueError(f"expected up to {MOST_REGIONS} regions, got {len(plan.proposed)}")
    if any(len(reason.detail) > LONGEST_REASON for reason in plan.reasons):
        raise ValueError(f"expected reasons of up to {LONGEST_REASON} characters")
    for region in (*plan.regions, *plan.review_regions):
        if region.score is not None and region.score < 0.0:
            raise ValueError(f"expected a score in 0..1, got {region.score}")
