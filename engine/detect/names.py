"""What the ensemble that Lethe ships is called, told from its files without loading a network."""

from __future__ import annotations

from pathlib import Path

from engine.category import Category
from engine.detect.weights import load_local, load_weights
from engine.policy import Policy


def names(policy: Policy) -> tuple[str, ...]:
    """`name@sha256[:8]` of all that has a say under a policy, as a plan made here names them.

    Raises:
        UnusableWeights: a file is missing, is not what its manifest says, or may not be used.
    """
    wanted = set(policy.looked_for)
    always = [load_weights(name) for name in ("centerface", "adornments")]
    asked = [one.label for one in always if one.categories & wanted]
    own = policy.detection
    if own.scrfd and Category.FACE in wanted:
        file = Path(own.scrfd).expanduser()
        asked.append(load_local(file, allow_noncommercial=own.allow_noncommercial).label)
    return (*asked, *(load_weights(name).label for name in ("fusion", "crops", "scene")))
