"""Metadata inspection: a picture file of any known format in, findings out.

One finder for the upload page and for `lethe lint`. For Lethe's own releases it is
information, not a safeguard: nothing that comes in is copied into a release, known or not, and
`engine.codec.allow_list` checks the finished file against a list of what may be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from engine.codec import signatures
from engine.codec.decoder_errors import UNDECODABLE
from engine.errors import UnreadableImage
from engine.metadata.bmp import in_bmp
from engine.metadata.finding import Finding, Kind
from engine.metadata.gif import in_gif
from engine.metadata.heif import in_heif
from engine.metadata.jp2 import in_jp2
from engine.metadata.jpeg import in_jpeg
from engine.metadata.png import in_png
from engine.metadata.tiff import in_tiff
from engine.metadata.webp import in_webp

LARGEST_FILE: Final = 512 * 1024 * 1024
"""Bytes; larger files are not looked into, and that is said."""
TOO_LARGE: Final = f"It is larger than the {LARGEST_FILE // 1024**2} MB that are looked into."
MOST_FINDINGS: Final = 200
MOST_FOUND: Final = 200_000
"""Findings of different names, and things found in all, before the walk stops and says so."""
_FINDERS: Final = (
    (0, signatures.SOI, in_jpeg),
    (0, signatures.PNG, in_png),
    (0, signatures.TIFF, in_tiff),
    (0, signatures.GIF, in_gif),
    (signatures.WEBP_AT, signatures.WEBP, in_webp),
    (0, signatures.BMP, in_bmp),
    (0, (signatures.JP2, signatures.JP2_CODESTREAM), in_jp2),
    (signatures.FTYP_AT, signatures.FTYP, in_heif),
)
"""Where a signature stands, the signature, and who reads such files."""
WHOLE: Final = "whole file"


class UnknownFormat(UnreadableImage):
    """The file is of no format that is looked into."""


def findings(data: bytes) -> tuple[Finding, ...]:
    """Everything that `data` carries besides pixels, in the order found.

    Things of one kind under one name are one finding with a count. What cannot be read to its end
    is a finding too, of the kind `unreadable`, after what came before. Never fails.
    """
    merged: dict[tuple[Kind, str, str], Finding] = {}
    parts = 0
    problem = ""
    try:
        for finding in _findings_in(data):
            key = (finding.kind, finding.where, finding.note)
            if key in merged:
                first = merged[key]
                finding = replace(first, size=first.size + finding.size, count=first.count + 1)
            merged[key] = finding
            parts += 1
            if len(merged) >= MOST_FINDINGS or parts >= MOST_FOUND:
                problem = f"It holds more than {len(merged)} things; the rest was not looked at."
                break
    except UnknownFormat as error:
        return (Finding(Kind.FORMAT, WHOLE, 0, 0, str(error)),)
    except UnreadableImage as error:
        problem = str(error)
    except UNDECODABLE:
        problem = "It is damaged in a way that nothing can be said about the rest."
    if problem:
        merged[Kind.UNREADABLE, WHOLE, problem] = unreadable(problem)
    return tuple(merged.values())


def labels(carried: Sequence[Finding]) -> tuple[str, ...]:
    """Plain names, each once, in the order found, leaving out that a file cannot be read."""
    kinds = [finding.kind for finding in carried]
    unread = (Kind.UNREADABLE, Kind.FORMAT)
    return tuple(dict.fromkeys(kind.label for kind in kinds if kind not in unread))


def _findings_in(data: bytes) -> Iterator[Finding]:
    if len(data) > LARGEST_FILE:
        raise UnreadableImage(TOO_LARGE)
    for start, signature, finder in _FINDERS:
        if data.startswith(signature, start):
            yield from finder(data)
            return
    if data:
        raise UnknownFormat("It is no picture of a kind that is looked into here.")
    raise UnreadableImage("The file is empty.")


def unreadable(problem: str) -> Finding:
    """A file that cannot be looked into to its end, with a sentence why."""
    return Finding(Kind.UNREADABLE, WHOLE, 0, 0, problem)
