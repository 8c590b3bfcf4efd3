"""What a PNG carries: its chunks, what follows IEND, and what the coded pixels leave over.

W3C PNG, third edition. A chunk that rendering needs and that is of the length it must have tells
nothing; everything else is a finding, known or not.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from engine.codec import png
from engine.errors import UnreadableImage
from engine.metadata.alpha import under_alpha
from engine.metadata.finding import Finding, Kind, bounded, code, no_picture, safe_name
from engine.metadata.packets import in_xmp
from engine.metadata.tiff_tags import in_exif

_RENDERING: Final = {
    b"IHDR": 13, b"IEND": 0, b"pHYs": 9, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"cICP": 4,
    b"mDCV": 24, b"cLLI": 8,
}  # fmt: skip
"""Chunks of one length."""
_RENDERING_BY_COLOUR: Final = {
    b"sBIT": {0: 1, 2: 3, 3: 3, 4: 2, 6: 4},
    b"bKGD": {0: 2, 2: 6, 3: 1, 4: 2, 6: 6},
    b"tRNS": {0: 2, 2: 6},
}
"""Chunks whose length depends on the colour type; a palette's own are reckoned."""
_SHARED: Final = b"IDAT"
_NAMES: Final = {
    b"iCCP": Kind.ICC, b"tIME": Kind.TIME, b"acTL": Kind.ANIMATION, b"fcTL": Kind.ANIMATION,
    b"fdAT": Kind.ANIMATION, b"caBX": Kind.CREDENTIALS, b"sPLT": Kind.TEXT,
}  # fmt: skip
_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
_XMP: Final = b"XML:com.adobe.xmp"
_PROFILE: Final = b"Raw profile type "
"""How ImageMagick keeps EXIF, IPTC and XMP."""
_KEYWORDS: Final = frozenset({
    b"Title", b"Author", b"Description", b"Copyright", b"Creation Time", b"Software", b"Disclaimer",
    b"Warning", b"Source", b"Comment", b"Collection", b"date:create", b"date:modify",
    b"date:timestamp", b"exif:Orientation", b"parameters", b"prompt", b"workflow", b"Thumb::URI",
    b"Thumb::MTime", _XMP,
    *(_PROFILE + name for name in (b"iptc", b"exif", b"APP1", b"icc", b"xmp")),
})  # fmt: skip
"""Of the PNG specification, and of programs that write many files."""
_STEP: Final = 1 << 20
MOST_INFLATED: Final = 1 << 30
"""Bytes of pixels that are inflated to see what is left over; above, it is said."""
_PALETTE: Final = 3
_ALPHA: Final = (4, 6)
_TRUE_COLOUR: Final = (2, 6)


def in_png(data: bytes) -> Iterator[Finding]:
    """Everything beside what shows the picture.

    Raises:
        UnreadableImage: where it is damaged, after what came before.
    """
    end = 0
    header: png.Header | None = None
    lengths: dict[bytes, int] = {}
    for chunk in bounded(png.chunks(data)):
        end = chunk.end
        yield from _in_chunk(chunk, header, lengths)
        if chunk.name == b"IHDR":
            header = png.header(chunk.body)
        lengths.setdefault(chunk.name, len(chunk.body))
    if end < len(data):
        yield Finding(Kind.TRAILING, "after IEND", end, len(data) - end)
    if header is None:
        raise no_picture("PNG")
    yield from _left_over(data, header)
    if header.colour_type in _ALPHA or (header.colour_type == _PALETTE and b"tRNS" in lengths):
        yield from under_alpha(data[:end], "png16" if header.bits == 16 else "png")


def _in_chunk(
    chunk: png.Chunk, header: png.Header | None, lengths: Mapping[bytes, int]
) -> Iterator[Finding]:
    name, body = chunk.name, chunk.body
    at, size = chunk.end - len(body) - 12, len(body) + 12
    where = f"{code(name)} chunk"
    if name == b"eXIf":
        yield from in_exif(body, at + 8, where)
    elif name in _TEXTS:
        yield from _in_text(chunk, at, where)
    elif name in _NAMES:
        yield Finding(_NAMES[name], where, at, size)
    elif name == b"PLTE" and header is not None and header.colour_type in _TRUE_COLOUR:
        note = "colours of the picture before it was changed, perhaps"
        yield Finding(Kind.UNKNOWN, "suggested palette (PLTE)", at, size, note)
    elif name != _SHARED and (name in lengths or not _is_rendering(chunk, header, lengths)):
        yield Finding(Kind.UNKNOWN, where, at, size)


def _is_rendering(
    chunk: png.Chunk, header: png.Header | None, lengths: Mapping[bytes, int]
) -> bool:
    """Whether decoders use the whole chunk; `lengths` are those of the chunks before it."""
    name, length = chunk.name, len(chunk.body)
    if name in _RENDERING:
        return length == _RENDERING[name]
    if header is None:
        return False
    if header.colour_type == _PALETTE and name in (b"PLTE", b"tRNS"):
        most = 3 << header.bits if name == b"PLTE" else lengths.get(b"PLTE", 0) // 3
        return 0 < length <= most and (name == b"tRNS" or length % 3 == 0)
    return _RENDERING_BY_COLOUR.get(name, {}).get(header.colour_type) == length


def _in_text(chunk: png.Chunk, at: int, where: str) -> Iterator[Finding]:
    keyword, _, rest = chunk.body.partition(b"\0")
    here = f"{where} ({safe_name(keyword, _KEYWORDS)})"
    if keyword == _XMP or keyword.lower() == _PROFILE.lower() + b"xmp":
        yield from in_xmp(rest, at + 8 + len(keyword) + 1, where)
        return
    kind = {b"Comment": Kind.COMMENT, b"Author": Kind.OWNER}.get(keyword, Kind.TEXT)
    if keyword.startswith(_PROFILE):
        kind = {b"iptc": Kind.IPTC, b"exif": Kind.EXIF, b"APP1": Kind.EXIF, b"icc": Kind.ICC}.get(
            keyword.removeprefix(_PROFILE), Kind.TEXT
        )
    yield Finding(kind, here, at, len(chunk.body) + 12)


def _left_over(data: bytes, header: png.Header) -> Iterator[Finding]:
    """Coded data beyond the last pixel, as a picture that was cropped in place leaves it."""
    stream = zlib.decompressobj()
    inflated = unused = at = 0
    most = min(header.inflated_bytes, MOST_INFLATED)
    for chunk in bounded(png.chunks(data)):
        if chunk.name != _SHARED:
            continue
        at = at or chunk.end - len(chunk.body) - 12
        if stream.eof:
            unused += len(chunk.body)
            continue
        inflated += _inflated(stream, chunk.body, most + 1 - inflated)
        unused += len(stream.unused_data)
    if inflated < header.inflated_bytes <= MOST_INFLATED:
        raise UnreadableImage("This PNG's pixels stop early: it was cut short or badly repaired.")
    if inflated > most == MOST_INFLATED or header.inflated_bytes > MOST_INFLATED:
        note = "too many pixels to look for data beyond the last one"
        yield Finding(Kind.UNCHECKED, "IDAT chunks", at, 0, note)
    elif inflated > header.inflated_bytes or unused:
        note = "coded data beyond the last pixel: the rest of a larger picture, perhaps"
        yield Finding(Kind.UNUSED, "IDAT chunks", at, unused or inflated - most, note)


def _inflated(stream: zlib._Decompress, body: bytes, most: int) -> int:
    """How many bytes `body` inflates to, counted no further than just past `most`."""
    count = 0
    while count < most and not stream.eof:
        piece = len(stream.decompress(body, _STEP))
        count += piece
        body = stream.unconsumed_tail
        if not body and piece < _STEP:
            break
    return count
