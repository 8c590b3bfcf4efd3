"""The allow-list of a finished file: nothing in it but what a picture needs.

An allow-list, read from the bytes alone, so that it does not trust the encoder: a chunk or segment
that is not named here stops the release, whatever it is. What it cannot see is padding inside
JPEG's coded data, after the last block; finding that takes a Huffman decoder.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NoReturn

from engine.codec import jpeg, png
from engine.errors import UnreadableImage, UnsafeRelease

PNG_CHUNKS: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"pHYs", b"sRGB"})
JPEG_SEGMENTS: Final = (
    frozenset({jpeg.SOI, jpeg.APP0, jpeg.DQT, jpeg.DHT, jpeg.DRI, jpeg.SOS, jpeg.EOI}) | jpeg.FRAMES
)

_BODY_BYTES: Final = {b"IEND": 0, b"pHYs": 9, b"sRGB": 1}
_JFIF: Final = b"JFIF\0"
_JFIF_BYTES: Final = 14
_PALETTE: Final = 3
_LAST_FILTER: Final = 4
_INFLATED_BYTES: Final = 1 << 20
"""Looked at at once."""


def scan(data: bytes, format: Literal["png", "jpeg"]) -> None:  # noqa: A002
    """Check that a finished file carries pixels and nothing else.

    Raises:
        UnsafeRelease: something is in it that is not on the allow-list, after its end, or broken.
        ValueError: `format` is neither.
    """
    checks = {"png": _scan_png, "jpeg": _scan_jpeg}
    if format not in checks:
        raise ValueError(f"format must be png or jpeg, got {format}")
    try:
        checks[format](data)
    except UnreadableImage as error:
        # what the error advises is for whoever brought a picture
        raise UnsafeRelease(
            f"The finished {format.upper()} is no whole picture, so it was not released. Keep the "
            "picture back and report this: it should not happen."
        ) from error


def _scan_png(data: bytes) -> None:
    chunks = tuple(png.chunks(data))
    names = [chunk.name for chunk in chunks]
    for chunk in chunks:
        if chunk.name not in PNG_CHUNKS:
            _refuse("PNG", f"a chunk {chunk.name!a} that is no part of a picture")
        if len(chunk.body) != _BODY_BYTES.get(chunk.name, len(chunk.body)):
            _refuse("PNG", f"a {chunk.name!a} chunk of {len(chunk.body)} bytes")
    if names[0] != b"IHDR":
        _refuse("PNG", "something before its header")
    _check_order(names)
    if chunks[-1].end != len(data):
        _refuse("PNG", f"{len(data) - chunks[-1].end} bytes after its end")
    _check_png_pixels(png.header(chunks[0].body), chunks)


def _check_order(names: list[bytes]) -> None:
    for name, count in Counter(names).items():
        if count > 1 and name != b"IDAT":
            _refuse("PNG", f"{count} chunks {name!a} where one is allowed")
    at = [index for index, name in enumerate(names) if name == b"IDAT"]
    if not at or at != list(range(at[0], len(names) - 1)):
        _refuse("PNG", "pixel data that are missing or interrupted")


def _check_png_pixels(header: png.Header, chunks: tuple[png.Chunk, ...]) -> None:
    if header.colour_type not in (0, 2, _PALETTE) or header.is_interlaced:
        _refuse("PNG", "an alpha channel or interlacing, which can hide pixels")
    palettes = [chunk.body for chunk in chunks if chunk.name == b"PLTE"]
    if bool(palettes) != (header.colour_type == _PALETTE):
        _refuse("PNG", "a palette where none belongs, or none where one does")
    if any(len(body) % 3 or not 3 <= len(body) <= 3 * 2**header.bits for body in palettes):
        _refuse("PNG", "a palette of the wrong length")
    size = last_filter = 0
    for pixels in _inflated(chunk.body for chunk in chunks if chunk.name == b"IDAT"):
        last_filter = max(pixels[-size % header.row_bytes :: header.row_bytes], default=last_filter)
        size += len(pixels)
        if size > header.inflated_bytes or last_filter > _LAST_FILTER:
            break
    if size != header.inflated_bytes:
        _refuse("PNG", f"{size} or more bytes of pixels for {header.inflated_bytes}")
    if last_filter > _LAST_FILTER:
        _refuse("PNG", "a row with an unknown filter")


def _inflated(bodies: Iterable[bytes]) -> Iterator[bytes]:
    """What a stream holds, a little at a time: a few bytes may stand for gigabytes."""
    stream = zlib.decompressobj()
    try:
        for body in bodies:
            while body and not stream.eof:
                yield stream.decompress(body, _INFLATED_BYTES)
                body = stream.unconsumed_tail
            if body or stream.unused_data:
                _refuse("PNG", "bytes after its pixels")
        yield stream.flush()
    except zlib.error as error:
        raise UnsafeRelease("The finished PNG's pixels cannot be inflated.") from error
    if not stream.eof:
        _refuse("PNG", "pixels that are cut short")


def _scan_jpeg(data: bytes) -> None:
    walk = tuple(jpeg.segments(data))
    for segment in walk:
        if segment.marker not in JPEG_SEGMENTS:
            _refuse("JPEG", f"a segment FF{segment.marker:02X} that is no part of a picture")
        if data[segment.start + 1] != segment.marker:
            _refuse("JPEG", f"fill bytes at byte {segment.start}")
    if walk[-1].end != len(data):
        _refuse("JPEG", f"{len(data) - walk[-1].end} bytes after its end")
    _check_jfif([(index, s.body) for index, s in enumerate(walk) if s.marker == jpeg.APP0])
    structure = jpeg.structure(data)
    _check_tables(walk, structure)
    _check_lengths(walk)


def _check_jfif(headers: list[tuple[int, bytes]]) -> None:
    if not headers:
        return
    index, body = headers[0]
    if len(headers) > 1 or index != 1 or not body.startswith(_JFIF):
        _refuse("JPEG", "an APP0 segment other than one JFIF header at the start")
    if len(body) != _JFIF_BYTES or body[-2:] != b"\0\0":
        _refuse("JPEG", "a JFIF header with a thumbnail or something extra")


def _check_lengths(walk: tuple[jpeg.Segment, ...]) -> None:
    """Headers that could hold more than they announce."""
    for segment in walk:
        body = segment.body
        expected = len(body)
        if segment.marker in jpeg.FRAMES:
            expected = 6 + 3 * body[5]
        elif segment.marker == jpeg.SOS:
            expected = 4 + 2 * body[0]
        elif segment.marker == jpeg.DRI:
            expected = 2
        elif segment.marker == jpeg.DHT:
            expected = _huffman_bytes(body)
        if len(body) != expected:
            _refuse("JPEG", f"{len(body)} bytes in segment FF{segment.marker:02X}, not {expected}")


def _huffman_bytes(body: bytes) -> int:
    at = 0
    while at < len(body):
        at += 17 + sum(body[at + 1 : at + 17])
    return at


def _check_tables(walk: tuple[jpeg.Segment, ...], structure: jpeg.JpegStructure) -> None:
    """Quantisation tables that no component uses could hold anything."""
    defined: list[int] = []
    for body in (segment.body for segment in walk if segment.marker == jpeg.DQT):
        at = 0
        while at < len(body):
            defined.append(body[at] & 15)
            at += 1 + struct.calcsize(">64H" if body[at] >> 4 else ">64B")
        if at != len(body):
            _refuse("JPEG", "a quantisation table of the wrong length")
    if sorted(defined) != sorted({component.table for component in structure.components}):
        _refuse("JPEG", "quantisation tables that are missing, doubled or unused")


def _refuse(kind: str, what: str) -> NoReturn:
    raise UnsafeRelease(
        f"The finished {kind} holds {what}, so it was not released. Keep the picture back and "
        "report this: it should not happen."
    )
