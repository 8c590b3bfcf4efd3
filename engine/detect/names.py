"""Names of the shipped models with their digests, without loading a network."""

from __future__ import annotations

from pathlib import Path

from engine.category import Category
from engine.detect.weights import joint_label, load_local, load_weights
from engine.policy import Policy


def names(policy: Policy) -> tuple[str, ...]:
    """`name@sha256[:8]` of every model that takes part under a policy, as plans made here say.

    Raises:
        UnusableWeights: a file is missing, is not what its manifest says, or may not be used.
    """
    wanted = set(policy.looked_for)
    shipped = [(load_weights("centerface"), load_weights("ranges")), (load_weights("adornments"),)]
    detectors = [joint_label(*files) for files in shipped if files[0].categories & wanted]
    options = policy.detection
    if options.scrfd and Category.FACE in wanted:
        file = Path(options.scrfd).expanduser()
        detectors.append(load_local(file, allow_noncommercial=options.allow_noncommercial).label)
    return (*detectors, *(load_weights(name).label for name in ("fusion", "crops", "scene")))
