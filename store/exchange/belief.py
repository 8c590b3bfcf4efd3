"""What of a command-line run's review line is believed when it is taken in.

A run folder may come from anywhere. The installation's seal tells which plans were made here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from engine.category import DETECTABLE
from engine.detect.names import names
from engine.errors import InvalidDecision
from engine.plan import Plan
from engine.policy import Policy
from engine.signing.signer import Signer


@dataclass(frozen=True, slots=True)
class Own:
    """What this installation would have written."""

    signer: Signer
    """Its seal marks what was made here."""
    policy: Policy
    """In force here."""
    _weights: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def weights(self, policy: Policy) -> tuple[str, ...]:
        """The models that look under a policy, read once."""
        if policy.fingerprint not in self._weights:
            self._weights[policy.fingerprint] = names(policy)
        return self._weights[policy.fingerprint]


def believed(plan: Plan, seal: object, policy: Policy, own: Own) -> Plan:
    """What is taken from a line: all of a plan made here, of a foreign one where its boxes lie.

    The rest ends in what Lethe signs, and decides what the witness may still object to. So it must
    be what this installation would write; what a person is said to have decided is dropped.

    Args:
        plan: as the line says.
        seal: of the line; anything.
        policy: the run's.
        own: this installation.

    Raises:
        InvalidVerdict: it is something else.
    """
    if seal == own.signer.seal(plan):
        return plan
    if plan.not_looked_for != policy.not_looked_for:
        raise InvalidDecision("What it says nobody looked for is not what its policy says.")
    if plan.weights != own.weights(policy):
        raise InvalidDecision(
            "Other models than those of this installation looked at the picture; add it here anew."
        )
    if any(
        policy.release_check.ask_at(one) > own.policy.release_check.ask_at(one)
        for one in DETECTABLE
    ):
        raise InvalidDecision(
            "Its policy asks the second look at finished pictures less than the one in force "
            "here; run it here, or put the same thresholds under [witness]."
        )
    return replace(plan, decided=())


def check_numbers(plan: Plan) -> None:
    """Refuse sizes and scores that no picture and no detector has.

    Raises:
        ValueError: one is.
    """
    if not all(type(side) is int and 0 < side < 2**20 for side in plan.size):
        raise ValueError(f"expected a picture's size, got {plan.size}")
    for region in (*plan.regions, *plan.review_regions):
        if region.score is not None and region.score < 0.0:
            raise ValueError(f"expected a score in 0..1, got {region.score}")
