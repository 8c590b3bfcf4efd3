"""Whatever the bytes, our own parsers end, and end in a value or in a sentence of ours.

Pictures are broken where parsers look: a few bytes changed, a stretch cut out or doubled, a length
or an offset replaced by an absurd one.
"""

from __future__ import annotations

import contextlib
import struct
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec import allow_list, exif, jpeg, png, tiff
from engine.codec.decode import decode
from engine.errors import LetheError
from engine.metadata.header import megapixels_of, pre_check
from engine.metadata.inspect import findings
from engine.runs.licences import read_licence_list
from tests import tiffs
from tests.awkward import AWKWARD, exif_block, picture

KINDS = [
    "all metadata",
    "progressive jpeg",
    "jpeg with restarts",
    "png text",
    "rgba",
    "lzw tiff",
    "jpeg in tiff",
    "tiff with gps",
    "webp",
    "avif",
    "heic",
    "jpeg 2000",
    "gif",
    "bmp",
]
SEEDS = {name: AWKWARD[name].data for name in KINDS} | {
    "dng": tiffs.dng(picture(48, 32)),
    "pyramid": tiffs.tiff_of(tiffs.rgb_page(32, 24), tiffs.rgb_page(16, 12, subfile=1)),
    "exif": exif_block(gps=True, thumb=True),
    "manifest": b'filename,licence,retain_days\n"a.jpg",CC0,30\nb/c.jpg,"CC, BY",\n' * 20,
}
EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    data = bytearray(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    for _ in range(draw(st.integers(1, 5))):
        # headers, where the parsers look, are at the start and, in a TIFF, at the end
        reach = min(len(data), draw(st.sampled_from((64, 512, len(data)))))
        at = draw(st.integers(0, max(reach - 1, 0)))
        at = len(data) - 1 - at if draw(st.booleans()) else at
        how = draw(st.sampled_from(("byte", "number", "cut", "double")))
        if how == "byte":
            data[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif how == "number":
            layout = draw(st.sampled_from((">H", "<H", ">I", "<I")))
            most = 0xFFFF if layout[1] == "H" else 0xFFFFFFFF
            value = struct.pack(layout, min(draw(st.sampled_from(EXTREMES)), most))
            data[at : at + len(value)] = value
        else:
            stretch = data[at : at + draw(st.integers(1, 64))]
            data[at : at + len(stretch)] = b"" if how == "cut" else stretch * 2
    return bytes(data)


ANY = st.one_of(broken(), st.binary(max_size=200))


def pictures(data: bytes) -> None:
    block = tiff.Block(data)
    found = tiff.pictures(block)
    tiff.is_raw(block, found)
    tiff.check_numbers(block, tiff.full_picture(found))


PARSERS = {
    "decoding": lambda data: decode(data, "x", max_megapixels=1),
    "jpeg": jpeg.structure,
    "png": lambda data: [png.header(chunk.body) for chunk in png.chunks(data)],
    "tiff": pictures,
    "released png": lambda data: allow_list.scan(data, "png"),
    "released jpeg": lambda data: allow_list.scan(data, "jpeg"),
    "manifest": read_licence_list,
}
NEVER_FAIL = {
    "exif": exif.directories,
    "orientation": exif.orientation,
    "first look": pre_check,
    "megapixels": megapixels_of,
    "lint": findings,
}


@pytest.mark.parametrize("parse", PARSERS.values(), ids=list(PARSERS))
@given(data=ANY)
def test_a_parser_gives_a_value_or_a_sentence(parse, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(LetheError):
            parse(data)


@pytest.mark.parametrize("look", NEVER_FAIL.values(), ids=list(NEVER_FAIL))
@given(data=ANY)
def test_a_first_look_never_fails(look, data):
    look(data)
