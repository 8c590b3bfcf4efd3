"""Synthetic runs: folders as `lethe redact` leaves them, of pictures that nobody looked at."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.category import Category
from engine.detect.names import names
from engine.geometry import Box, Size
from engine.plan import Origin, Plan, Reason, ReasonKind, Region
from engine.policy import Policy
from engine.signing.signer import Signer

_KEY = b"k" * 32
_SIZE = Size(1000, 800)


@dataclass(frozen=True, slots=True)
class SyntheticRun:
    """Output and input folder of a run."""

    out: Path
    inputs: Path


def write_run(folder: Path, count: int, signer: Signer) -> SyntheticRun:
    """Write the folders of a run of this installation that left `count` pictures for review."""
    run = SyntheticRun(folder / "out", folder / "in")
    private = run.out / ".lethe"
    private.mkdir(parents=True)
    run.inputs.mkdir()
    policy = Policy()
    (private / "key").write_bytes(_KEY)
    (private / "policy.toml").write_text(policy.to_toml())
    run_id = hashlib.sha256(str(folder).encode()).hexdigest()[:32]
    (private / "run.json").write_text(json.dumps({"run": run_id, "format": "png"}))
    with (run.out / "review.jsonl").open("w") as lines:
        for line in _lines(run.inputs, count, policy, signer):
            lines.write(json.dumps(line) + "\n")
    return run


def _lines(inputs: Path, count: int, policy: Policy, signer: Signer) -> Iterator[dict[str, object]]:
    weights, fingerprint = names(policy), policy.fingerprint
    for number in range(count):
        content = f"synthetic picture {number}".encode()
        source = f"{number:06}.jpg"
        (inputs / source).write_bytes(content)
        picture = hmac.new(_KEY, content, hashlib.sha256).hexdigest()[:32]
        plan = _plan(picture, number, fingerprint, weights)
        values = plan.to_json()
        for region in (*values["regions"], *values["doubts"]):
            region["masked"] = [8, 8, 52, 52]
        del values["image_id"]
        yield {"source": source, "picture": picture, **values, "seal": signer.seal(plan)}


def _plan(picture: str, number: int, policy: str, weights: tuple[str, ...]) -> Plan:
    """A face that is sure and a tattoo that is not, with a score that differs by picture."""
    face = Region(Box(10, 10, 50, 50), Category.FACE, Origin.MODEL, 0.9)
    score = 0.2 + number % 500 / 1000
    doubt = Region(Box(10, 10, 50, 50), Category.TATTOO, Origin.MODEL, score)
    reason = Reason(ReasonKind.UNSURE, f"tattoo {score:.2f}")
    return Plan(picture, _SIZE, (face,), (doubt,), (reason,), policy, weights=weights)
