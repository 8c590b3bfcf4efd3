"""The scan lets pixels through and stops everything else, one planted thing at a time."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.codec import png
from engine.codec.allow_list import scan
from engine.codec.encode import encode
from engine.errors import UnsafeRelease
from engine.images import RedactedImage
from tests import awkward
from tests.awkward import chunk, png_of, with_chunk, with_segment


def released(kind: str) -> bytes:
    return encode(RedactedImage(awkward.picture()), kind, jpeg_quality=92)


def test_what_lethe_encodes_passes():
    scan(released("png"), "png")
    scan(released("jpeg"), "jpeg")


def test_harmless_chunks_pass():
    data = with_chunk(released("png"), b"pHYs", struct.pack(">IIB", 1, 1, 0))

    scan(with_chunk(data, b"sRGB", b"\0"), "png")


def _packed(data: bytes) -> bytes:
    return b"".join(part.body for part in png.chunks(data) if part.name == b"IDAT")


def _with_pixels(data: bytes, change: str) -> bytes:
    rows = zlib.decompress(_packed(data))
    packed = {
        "longer": zlib.compress(rows + b"secret"),
        "shorter": zlib.compress(rows[:-1]),
        "unused": zlib.compress(rows) + b"secret",
        "no end": zlib.compress(rows)[:-3],
        "filter": zlib.compress(b"\x09" + rows[1:]),
    }[change]
    return data[:33] + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _split_pixels(data: bytes) -> bytes:
    packed = _packed(data)
    parts = (b"IDAT", packed[:50]), (b"pHYs", b"\0" * 9), (b"IDAT", packed[50:]), (b"IEND", b"")
    return data[:33] + b"".join(chunk(*part) for part in parts)


def _with_chunk_behind_the_stream(data: bytes) -> bytes:
    return data[:33] + chunk(b"IDAT", _packed(data)) + chunk(b"IDAT", b"secret") + data[-12:]


PLANTED_PNG = {
    "text": lambda data: with_chunk(data, b"tEXt", b"Author\0somebody"),
    "exif": lambda data: with_chunk(data, b"eXIf", b"II*\0"),
    "profile": lambda data: with_chunk(data, b"iCCP", b"x\0\0" + zlib.compress(b"x")),
    "private chunk": lambda data: with_chunk(data, b"prVt", b"secret"),
    "animation": lambda data: with_chunk(data, b"acTL", b"\0" * 8),
    "trailing bytes": lambda data: data + b"x",
    "second png": lambda data: data + data,
    "bad checksum": lambda data: data[:-6] + b"xx" + data[-4:],
    "palette in rgb": lambda data: with_chunk(data, b"PLTE", b"\0" * 768),
    "long pHYs": lambda data: with_chunk(data, b"pHYs", b"\0" * 40),
    "long end": lambda data: data[:-12] + chunk(b"IEND", b"secret"),
    "second header": lambda data: with_chunk(data, b"IHDR", data[16:29]),
    "interrupted pixels": _split_pixels,
    "pixel data behind the stream": _with_chunk_behind_the_stream,
    "alpha": lambda _: png_of(1, 1, 8, 6, b"\0" * 5),
    "cut": lambda data: data[:-20],
    "jpeg": lambda _: awkward.jpeg(),
    "empty": lambda _: b"",
    **{
        f"{change} pixels": lambda data, change=change: _with_pixels(data, change)
        for change in ("longer", "shorter", "unused", "no end", "filter")
    },
}


def _with_jfif_thumbnail(data: bytes) -> bytes:
    return data[:2] + awkward.segment(0xE0, data[6:18] + b"\1\1" + b"\0\0\0") + data[20:]


def _with_wide_scan_header(data: bytes) -> bytes:
    at = data.index(b"\xff\xda")
    body = data[at + 4 : at + 14] + b"secret"
    return data[:at] + awkward.segment(0xDA, body) + data[at + 14 :]


PLANTED_JPEG = {
    "exif": lambda data: with_segment(data, 0xE1, awkward.exif_block(gps=True, thumb=True)),
    "xmp": lambda data: with_segment(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>", at=20),
    "profile": lambda data: with_segment(data, 0xE2, b"ICC_PROFILE\0\1\1x", at=20),
    "iptc": lambda data: with_segment(data, 0xED, b"Photoshop 3.0\0", at=20),
    "adobe": lambda data: with_segment(data, 0xEE, b"Adobe\0\0\0\0\0\0\1", at=20),
    "comment": lambda data: with_segment(data, 0xFE, b"somebody", at=20),
    "second jfif": lambda data: with_segment(data, 0xE0, data[6:20], at=20),
    "late jfif": lambda data: data[:2] + data[20:89] + data[2:20] + data[89:],
    "jfxx thumbnail": lambda data: with_segment(data, 0xE0, b"JFXX\0\x10" + data, at=20),
    "jfif thumbnail": _with_jfif_thumbnail,
    "unused table": lambda data: with_segment(data, 0xDB, b"\3" + b"s" * 64, at=20),
    "cut table": lambda data: with_segment(data, 0xDB, b"\0" + b"s" * 9, at=20),
    "cut huffman table": lambda data: with_segment(data, 0xC4, b"\0" + b"\1" * 16, at=20),
    "long restart interval": lambda data: with_segment(data, 0xDD, b"\0\0secret", at=20),
    "wide scan header": _with_wide_scan_header,
    "fill bytes": lambda data: data[:2] + b"\xff" * 9 + data[2:],
    "trailing bytes": lambda data: data + b"x",
    "second jpeg": lambda data: data + data,
    "bytes between": lambda data: data[:20] + b"secret" + data[20:],
    "cut": lambda data: data[:-2],
    "png": lambda _: released("png"),
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("name", PLANTED_PNG)
def test_what_is_planted_in_a_png_is_caught(name):
    with pytest.raises(UnsafeRelease, match=r"^The finished PNG.*\.$"):
        scan(PLANTED_PNG[name](released("png")), "png")


@pytest.mark.parametrize("name", PLANTED_JPEG)
def test_what_is_planted_in_a_jpeg_is_caught(name):
    with pytest.raises(UnsafeRelease, match=r"^The finished JPEG.*\.$"):
        scan(PLANTED_JPEG[name](released("jpeg")), "jpeg")


def test_other_formats_are_a_broken_contract():
    with pytest.raises(ValueError, match="png or jpeg"):
        scan(b"", "gif")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["png", "jpeg"]), st.data())
def test_mutated_files_raise_nothing_but_unsafe(kind, data):
    mutated = bytearray(released(kind))
    for _ in range(data.draw(st.integers(1, 5))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))

    try:
        scan(bytes(mutated), kind)
    except UnsafeRelease:
        return
