"""A first look at an incoming file, from its header alone: what it is, and what rides along.

For the upload page. It promises nothing: only decoding tells whether a picture is whole.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import pillow_heif
from PIL import Image

from engine.damage import DAMAGE
from engine.lint.finding import Finding, Kind, from_json
from engine.metadata import findings, labels

_BROKEN = (*DAMAGE, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True)
class Fitness:
    """What a file says about itself; empty where nothing could be told."""

    format: str = ""
    width: int = 0
    height: int = 0
    findings: tuple[Finding, ...] = ()
    """What it carries besides pixels."""
    problem: str = ""
    """Why it will probably be held back, as a sentence."""

    @property
    def metadata(self) -> tuple[str, ...]:
        """Plain names of what it carries, each once, the most telling first."""
        return labels(sorted(self.findings, key=lambda one: one.kind.rank))

    def to_json(self) -> dict[str, Any]:
        """Every field, for a list on disk."""
        return asdict(self) | {"findings": [one.to_json() for one in self.findings]}

    @staticmethod
    def from_json(values: dict[str, Any]) -> Fitness:
        """What `to_json` wrote; a list of an earlier version holds no findings."""
        kept = {name: values[name] for name in ("format", "width", "height", "problem")}
        return Fitness(findings=tuple(map(from_json, values.get("findings", ()))), **kept)


def fitness_of(data: bytes) -> Fitness:
    """Read a file's header; never fails."""
    if not data:
        return Fitness(problem="The file is empty.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _fitness(_opened(data), data)
    except _BROKEN:
        return Fitness(problem="This is not a picture Lethe can read.")


def _fitness(image: Image.Image, data: bytes) -> Fitness:
    frames = getattr(image, "n_frames", 1)
    many = frames > 1 and image.format != "MPO"
    found = findings(data)
    broken = next((one.tells for one in found if one.kind is Kind.UNREADABLE), "")
    return Fitness(
        format=str(image.format or "").replace("MPO", "JPEG"),
        width=image.width,
        height=image.height,
        findings=found,
        problem=f"It holds {frames} pictures; save the one you want by itself." if many else broken,
    )


def _opened(data: bytes) -> Image.Image:
    if pillow_heif.is_supported(data[:32]):
        heif = pillow_heif.open_heif(data)
        image = Image.new("1", heif.size)
        image.format = "HEIC"
        return image
    return Image.open(io.BytesIO(data))
