"""Model files: where they lie, what they may be used for, and proof that each is the right one.

The manifest, `models/manifest.toml`, says all of it; nothing is loaded that it does not name.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from engine.category import Category
from engine.errors import UnusableWeights

MODELS = Path(__file__).parents[1] / "models"


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file that was read and is what its manifest says."""

    name: str
    sha256: str
    licence: str
    categories: frozenset[Category]
    data: bytes

    @property
    def label(self) -> str:
        """`name@sha256[:8]`, as written in detections and receipts."""
        return f"{self.name}@{self.sha256[:8]}"


def load_weights(name: str, models: Path = MODELS) -> Weights:
    """Read one model file and check it against `manifest.toml`.

    Args:
        name: a table of the manifest.
        models: the folder that holds the manifest and our own model files.

    Raises:
        UnusableWeights: not in the manifest, not there, or not the file the manifest names.
    """
    manifest = tomllib.loads((models / "manifest.toml").read_text(encoding="utf-8"))
    if name not in manifest:
        raise UnusableWeights(f"models/manifest.toml has no entry {name!r}.")
    entry = manifest[name]
    data = _content(entry, models)
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry["sha256"]:
        raise UnusableWeights(
            f"The model file of {name!r} has SHA-256 {digest[:12]}…, but models/manifest.toml "
            f"expects {entry['sha256'][:12]}…; it was not loaded. Install the pinned requirements."
        )
    categories = frozenset(Category(category) for category in entry["categories"])
    return Weights(name, digest, entry["licence"], categories, data)


def _content(entry: dict[str, Any], models: Path) -> bytes:
    try:
        folder = resources.files(entry["package"]) if "package" in entry else models
        return bytes((folder / entry["file"]).read_bytes())
    except (OSError, ModuleNotFoundError) as error:
        raise UnusableWeights(
            f"The model file {entry['file']} is missing; install the pinned requirements."
        ) from error
