"""Which Lethe made a release: its version, and a fingerprint of what removes.

The battery of attacks says something about one state of the removing code, and of the shipped
margins and fill, and nothing about another, so reports and certificates name it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from engine import __version__
from engine.category import Category
from engine.policy import Policy, default_policy

REMOVING: Final = (
    "codec.py",
    "colour.py",
    "damage.py",
    "exif.py",
    "fill.py",
    "generation.py",
    "geometry.py",
    "hdr.py",
    "images.py",
    "jpeg.py",
    "masks.py",
    "png.py",
    "raw.py",
    "removal.py",
    "still.py",
    "tiff.py",
)
"""Modules of `engine` that decide which pixels go and what takes their place: `codec`, `masks` and
`removal` with all they import, as a test derives. Of the policy, values are hashed instead."""


@cache
def pipeline_version() -> str:
    """Version and fingerprint of what removes, such as `0.1.0+1f0c2a9b`."""
    sources = {name: (resources.files("engine") / name).read_bytes() for name in REMOVING}
    return f"{__version__}+{fingerprint(sources, default_policy())}"


def fingerprint(sources: Mapping[str, bytes], policy: Policy) -> str:
    """8 hex digits that change with any module, and with what of the policy makes masks and fills.

    Thresholds, of detectors and of the witness, decide what is looked at and not how it is removed.

    Args:
        sources: by name, from `REMOVING`.
        policy: the one that is shipped.
    """
    digest = hashlib.sha256()
    for name, source in sources.items():
        digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(source).digest())
    removing = {
        "grow": {one.value: policy.grow(one).model_dump() for one in Category},
        "removal": policy.removal.model_dump(),
        "double_compression_px": policy.codec.double_compression_px,
    }
    digest.update(json.dumps(removing, sort_keys=True).encode())
    return digest.hexdigest()[:8]
