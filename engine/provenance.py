"""Which Lethe made a release: its version, and a fingerprint of the code that removes.

The battery of attacks says something about one state of that code and nothing about another, so
reports and certificates name it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Final

from engine import __version__

REMOVING: Final = ("codec.py", "fill.py", "geometry.py", "images.py", "masks.py", "removal.py")
"""Modules of `engine` that decide which pixels go and what takes their place."""


@cache
def pipeline_version() -> str:
    """Version and fingerprint of the removing code, such as `0.1.0+1f0c2a9b`."""
    digest = hashlib.sha256()
    for name in REMOVING:
        source = (resources.files("engine") / name).read_bytes()
        digest.update(hashlib.sha256(source).digest())
    return f"{__version__}+{digest.hexdigest()[:8]}"
