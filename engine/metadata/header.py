"""Upload pre-check: a file's header in, format, size and metadata out.

For the upload page. It promises nothing: only decoding tells whether a picture is whole.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import pillow_heif

from engine.codec import tiff
from engine.codec.decode import format_of, opened
from engine.codec.decoder_errors import UNDECODABLE
from engine.errors import UnreadableImage
from engine.geometry import Size
from engine.metadata.finding import Finding, Kind, from_json
from engine.metadata.inspect import findings, labels


@dataclass(frozen=True, slots=True)
class PreCheck:
    """Result of the pre-check; empty where the header could not be read."""

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
        return labels(sorted(self.findings, key=lambda finding: finding.kind.rank))

    def to_json(self) -> dict[str, Any]:
        """Every field, for a list on disk."""
        return asdict(self) | {"findings": [finding.to_json() for finding in self.findings]}

    @staticmethod
    def from_json(values: dict[str, Any]) -> PreCheck:
        """What `to_json` wrote; a list of an earlier version holds no findings."""
        fields = {name: values[name] for name in ("format", "width", "height", "problem")}
        return PreCheck(findings=tuple(map(from_json, values.get("findings", ()))), **fields)


def pre_check(data: bytes) -> PreCheck:
    """Read a file's header; never fails."""
    if not data:
        return PreCheck(problem="The file is empty.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = _header(data)
    except UnreadableImage as error:
        return PreCheck(problem=str(error))
    except UNDECODABLE:
        return PreCheck(problem="This is not a picture Lethe can read.")
    carried = findings(data)
    damage = next((finding.tells for finding in carried if finding.kind is Kind.UNREADABLE), "")
    return PreCheck(
        format=header.format,
        width=header.size.width,
        height=header.size.height,
        findings=carried,
        problem=header.problem or damage,
    )


def megapixels_of(data: bytes) -> float | None:
    """What a file's header announces, in millions of pixels; None where it cannot be told."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            size = _header(data).size
    except (UnreadableImage, *UNDECODABLE):
        return None
    return size.width * size.height / 1e6 or None


class _Header(NamedTuple):
    """What a file announces; nothing is allocated for it."""

    format: str
    size: Size
    problem: str = ""


def _header(data: bytes) -> _Header:
    kind = format_of(data)
    if kind == "tiff":
        return _header_of_tiff(data)
    if kind == "heif":
        heif = pillow_heif.open_heif(data)
        return _Header("HEIC", Size(*heif.size), _many(len(heif)))
    image = opened(data, kind)
    frames = getattr(image, "n_frames", 1)
    return _Header(str(image.format), Size(*image.size), _many(frames))


def _header_of_tiff(data: bytes) -> _Header:
    try:
        block = tiff.Block(data)
        pictures = tiff.pictures(block)
        if tiff.is_raw(block, pictures):
            return _Header("raw photograph", max(pictures, key=lambda picture: picture.pixels).size)
        return _Header("TIFF", tiff.full_picture(pictures).size)
    except UnreadableImage as error:
        return _Header("TIFF", Size(0, 0), str(error))


def _many(frames: int) -> str:
    return f"It holds {frames} pictures; save the one you want by itself." if frames > 1 else ""
