"""What review costs a person is told of the policy that ships."""

from __future__ import annotations

from pathlib import Path

from engine.policy import default_policy

MEASURED = Path(__file__).parents[2] / "docs" / "review-measured.md"


def test_it_was_measured_under_the_policy_that_ships():
    fingerprint = default_policy().with_audit_share(0).fingerprint

    assert f"policy {fingerprint}," in MEASURED.read_text(encoding="utf-8")
