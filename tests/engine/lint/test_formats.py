"""What each format can carry is found, and named as what it is."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from engine.metadata.finding import Kind
from tests import awkward
from tests.awkward import chunk, jpeg, png_of, saved, still, with_chunk, with_segment
from tests.engine.lint import carriers
from tests.engine.lint.carriers import box, gif_with, heic, kinds, only, resource, riff, tiff

PNG = saved(still(), "PNG")
BMP = saved(still(), "BMP")
JP2 = saved(still(), "JPEG2000")
AVIF = saved(still(), "AVIF")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            jpeg(exif=carriers.full_exif()),
            {"exif", "gps", "owner", "serial-number", "maker-note", "comment", "thumbnail"},
            id="exif in full",
        ),
        pytest.param(
            carriers.with_xmp(b"exif:GPSLatitude aux:SerialNumber dc:creator xmpGImg:image"),
            {"xmp", "gps", "serial-number", "owner", "thumbnail"},
            id="xmp in full",
        ),
        pytest.param(carriers.with_xmp(b"GDepth:Data"), {"xmp", "depth-map"}, id="xmp depth"),
        pytest.param(carriers.with_xmp(b"hdrgm:Version"), {"xmp", "gain-map"}, id="xmp gain map"),
        pytest.param(carriers.with_xmp(b"mwg-rs:Regions"), {"xmp", "owner"}, id="xmp face names"),
        pytest.param(
            with_segment(
                jpeg(), 0xED, b"Photoshop 3.0\0" + resource(0x0404, b"x") + resource(0x040C, b"yy")
            ),
            {"photoshop", "iptc", "thumbnail"},
            id="photoshop resources",
        ),
        pytest.param(
            with_segment(jpeg(), 0xE2, b"urn:iso:std:iso:ts:21496:-1\0"), {"gain-map"}, id="gain"
        ),
        pytest.param(with_segment(jpeg(), 0xEB, b"JP\0\1"), {"content-credentials"}, id="c2pa"),
        pytest.param(with_segment(jpeg(), 0xEC, b"Ducky\0"), {"application-data"}, id="ducky"),
        pytest.param(with_segment(jpeg(), 0xE0, b"JFXX\0\x10"), {"thumbnail"}, id="jfxx"),
        pytest.param(with_segment(jpeg(), 0xF7, b"secret"), {"unknown-data"}, id="jpeg unknown"),
        pytest.param(with_segment(jpeg(), 0xDD, b"\0\0secret"), {"unused-bytes"}, id="jpeg header"),
        pytest.param(carriers.with_fill(jpeg(), 9), {"unused-bytes"}, id="jpeg fill bytes"),
        pytest.param(carriers.mpf(), {"further-pictures"}, id="mpf"),
        pytest.param(carriers.motion_photo(), {"video"}, id="motion photo"),
        pytest.param(jpeg() + b"\0", {"trailing-bytes"}, id="jpeg one byte more"),
        pytest.param(with_chunk(PNG, b"prVt", b"x"), {"unknown-data"}, id="png private chunk"),
        pytest.param(with_chunk(PNG, b"gAMA", b"12345"), {"unknown-data"}, id="png long gamma"),
        pytest.param(with_chunk(PNG, b"gAMA", b"1234"), set(), id="png gamma"),
        pytest.param(with_chunk(PNG, b"tRNS", b"123456"), set(), id="png transparent colour"),
        pytest.param(with_chunk(PNG, b"tRNS", b"1234567"), {"unknown-data"}, id="png long tRNS"),
        pytest.param(with_chunk(PNG, b"tRNS", b"1" * 14), {"unknown-data"}, id="png longer tRNS"),
        pytest.param(with_chunk(PNG, b"sBIT", b"888"), set(), id="png sBIT"),
        pytest.param(with_chunk(PNG, b"sBIT", b"8888"), {"unknown-data"}, id="png long sBIT"),
        pytest.param(with_chunk(PNG, b"bKGD", b"12"), {"unknown-data"}, id="png short bKGD"),
        pytest.param(
            with_chunk(with_chunk(PNG, b"gAMA", b"1234"), b"gAMA", b"1234"),
            {"unknown-data"},
            id="png gamma twice",
        ),
        pytest.param(
            png_of(4, 1, 2, 3, b"\0\0", (b"PLTE", b"rgb" * 4), (b"tRNS", b"\xff" * 4)),
            set(),
            id="png palette that fits",
        ),
        pytest.param(
            png_of(4, 1, 2, 3, b"\0\0", (b"PLTE", b"rgb" * 4), (b"tRNS", b"\xff" * 5)),
            {"unknown-data"},
            id="png more transparency than colours",
        ),
        pytest.param(
            png_of(4, 1, 2, 3, b"\0\0", (b"PLTE", b"rgb" * 5)),
            {"unknown-data"},
            id="png more colours than the bits can name",
        ),
        pytest.param(with_chunk(PNG, b"PLTE", b"abc"), {"unknown-data"}, id="png palette"),
        pytest.param(with_chunk(PNG, b"tIME", b"1234567"), {"time-stamp"}, id="png time"),
        pytest.param(with_chunk(PNG, b"iCCP", b"x\0\0"), {"icc"}, id="png icc"),
        pytest.param(with_chunk(PNG, b"caBX", b"x"), {"content-credentials"}, id="png c2pa"),
        pytest.param(
            with_chunk(PNG, b"zTXt", b"Raw profile type iptc\0\0"), {"iptc"}, id="png raw iptc"
        ),
        pytest.param(
            png_of(4, 2, 8, 0, b"\0" * 10), set(), id="png exact rows"
        ),
        pytest.param(png_of(4, 2, 8, 0, b"\0" * 11), {"unused-bytes"}, id="png row left over"),
        pytest.param(
            png_of(4, 2, 8, 0, b"\0" * 10)[:-12] + chunk(b"IDAT", b"left") + chunk(b"IEND", b""),
            {"unused-bytes"},
            id="png coded data left over",
        ),
        pytest.param(
            png_of(4, 2, 8, 0, b"")[:33]
            + chunk(b"IDAT", zlib.compress(b"\0" * 10) + b"left")
            + chunk(b"IEND", b""),
            {"unused-bytes"},
            id="png data left over inside",
        ),
        pytest.param(carriers.deep_alpha(hides=True), {"hidden-pixels"}, id="16-bit alpha"),
        pytest.param(carriers.deep_alpha(hides=False), set(), id="16-bit alpha of one colour"),
        pytest.param(
            carriers.palette_with_alpha(hides=True), {"hidden-pixels"}, id="transparent colours"
        ),
        pytest.param(carriers.palette_with_alpha(hides=False), set(), id="opaque colours"),
        pytest.param(tiff(), set(), id="tiff"),
        pytest.param(tiff(t65000=b"secret"), {"unknown-data"}, id="tiff private tag"),
        pytest.param(tiff(t700=b"<x>GPSLatitude"), {"xmp", "gps"}, id="tiff xmp"),
        pytest.param(tiff(t315="Ada"), {"owner"}, id="tiff artist"),
        pytest.param(tiff(t34737="somewhere"), {"gps"}, id="geotiff"),
        pytest.param(tiff(t37724=b"layers"), {"further-pictures"}, id="photoshop layers"),
        pytest.param(tiff() + b"left over", {"trailing-bytes"}, id="tiff trailing"),
        pytest.param(saved(still(), "TIFF", big_tiff=True), set(), id="bigtiff"),
        pytest.param(
            saved(still(), "TIFF", big_tiff=True, software="x"), {"text"}, id="bigtiff with words"
        ),
        pytest.param(saved(still("RGBX"), "TIFF"), {"hidden-pixels"}, id="tiff hidden channel"),
        pytest.param(riff((b"SECR", b"odd")), {"unknown-data"}, id="webp unknown chunk"),
        pytest.param(riff() + b"more", {"trailing-bytes"}, id="webp trailing"),
        pytest.param(riff((b"XMP ", b"GPSLatitude")), {"xmp", "gps"}, id="webp xmp"),
        pytest.param(gif_with(b"\x21\xfe\5hello\0"), {"comment"}, id="gif comment"),
        pytest.param(
            gif_with(b"\x21\xff\x0bXMP DataXMP\3<x>\0"), {"xmp"}, id="gif xmp"
        ),
        pytest.param(gif_with(b"\x21\xff\x0bSECRETDATA1\1x\0"), {"application-data"}, id="gif app"),
        pytest.param(gif_with(b"\x21\x77\1x\0"), {"unknown-data"}, id="gif unknown extension"),
        pytest.param(saved(still(), "GIF") + b"more", {"trailing-bytes"}, id="gif trailing"),
        pytest.param(BMP + b"more", {"trailing-bytes"}, id="bmp trailing"),
        pytest.param(
            BMP[:10] + struct.pack("<I", 54 + 6) + BMP[14:54] + b"secret" + BMP[54:],
            {"unused-bytes"},
            id="bmp gap",
        ),
        pytest.param(BMP[:6] + b"note" + BMP[10:], {"unknown-data"}, id="bmp reserved"),
        pytest.param(heic(), set(), id="heic"),
        pytest.param(heic(exif=carriers.full_exif()) , {"exif", "gps", "owner", "serial-number",
                     "maker-note", "comment", "thumbnail"}, id="heic exif"),
        pytest.param(heic(xmp=b"<x>GPSLatitude</x>"), {"xmp", "gps"}, id="heic xmp"),
        pytest.param(heic() + box(b"free", b"secret"), {"unused-bytes"}, id="heic free box"),
        pytest.param(heic() + box(b"free", b"\0" * 6), set(), id="heic empty free box"),
        pytest.param(heic() + box(b"uuid", b"u" * 20), {"unknown-data"}, id="heic uuid"),
        pytest.param(heic() + box(b"mdat", b"secret"), {"unused-bytes"}, id="heic loose data"),
        pytest.param(heic() + b"\xff\xffmore", {"trailing-bytes"}, id="heic trailing"),
        pytest.param(heic() + box(b"mpvd", b"film"), {"video"}, id="heic motion photo"),
        pytest.param(
            carriers.heic_with_aux(b"urn:com:x:aux:hdrgainmap"), {"gain-map"}, id="heic gain map"
        ),
        pytest.param(
            carriers.heic_with_aux(b"urn:mpeg:hevc:auxid:2"), {"depth-map"}, id="heic depth"
        ),
        pytest.param(
            carriers.heic_with_aux(b"urn:com:x:aux:hairmatte"), {"auxiliary-picture"}, id="hair"
        ),
        pytest.param(AVIF, set(), id="avif"),
        pytest.param(saved(still(), "AVIF", exif=awkward.exif_block(gps=True)), {"exif", "gps"},
                     id="avif exif"),
        pytest.param(AVIF + box(b"uuid", b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91"
                     b"\xe3\xaf\xac<x/>"), {"xmp"}, id="avif xmp uuid"),
        pytest.param(JP2, {"comment"}, id="jpeg 2000"),
        pytest.param(JP2 + box(b"xml ", b"<a/>"), {"comment", "xmp"}, id="jpeg 2000 xml"),
        pytest.param(JP2 + box(b"uuid", b"JpgTiffExif->JP2" + awkward.exif_block(gps=True)[6:]),
                     {"comment", "exif", "gps"}, id="jpeg 2000 exif"),
        pytest.param(JP2[JP2.index(b"\xff\x4f\xff\x51"):] + b"more", {"comment", "trailing-bytes"},
                     id="bare codestream"),
        pytest.param(b"<svg/>", {"unknown-format"}, id="svg"),
        pytest.param(b"", {"unreadable"}, id="empty"),
    ],
)  # fmt: skip
def test_what_a_picture_carries_is_found(data, expected):
    assert kinds(data) == expected


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "TIFF", "HEIC"])
def test_pixels_hidden_under_alpha_are_found_in_every_format(kind):
    image = Image.open(io.BytesIO(awkward.hidden_under_alpha(1)))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = heic_of(image) if kind == "HEIC" else saved(image, kind, **options)

    assert "hidden-pixels" in kinds(data)


def test_a_32_bit_bmp_with_a_fourth_channel_hides_it():
    rgba = np.dstack([awkward.picture(), awkward.picture()[..., 0]])
    data = saved(Image.fromarray(rgba), "BMP")

    assert "hidden-pixels" in kinds(data)


def test_padding_between_the_rows_of_a_bmp_must_be_empty():
    plain = bytearray(saved(Image.new("RGB", (3, 2)), "BMP"))
    assert kinds(bytes(plain)) == set()

    plain[-1] = 7

    assert kinds(bytes(plain)) == {"unused-bytes"}


def test_a_finding_says_where_it_lies():
    data = with_segment(jpeg(), 0xFE, b"somebody")

    found = only(data, Kind.COMMENT)

    assert data[found.offset : found.offset + found.size] == b"\xff\xfe\x00\x0asomebody"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_chunk(PNG, b"tEXt", b"Author\0Lovelace 51.5N"), id="png text"),
        pytest.param(with_chunk(PNG, b"tEXt", b"Lovelace 51.5N\0x"), id="png keyword"),
        pytest.param(with_chunk(PNG, b"iTXt", b"Lovelace 51.5N\0\0\0\0\0x"), id="png iTXt"),
        pytest.param(with_segment(jpeg(), 0xE7, b"Lovelace 51.5N 0.1W"), id="APP7 without a zero"),
        pytest.param(with_segment(jpeg(), 0xE7, b"Lovelace\0" + b"51.5N"), id="APP7 with a zero"),
        pytest.param(with_segment(jpeg(), 0xE7, b"Ducky Lovelace 51.5N"), id="after a known name"),
        pytest.param(with_segment(jpeg(), 0xE0, b"Lovelace 51.5N"), id="APP0"),
        pytest.param(with_segment(jpeg(), 0xEE, b"AdobeLovelace 51.5N"), id="APP14"),
        pytest.param(with_segment(jpeg(), 0xFE, b"Lovelace 51.5N"), id="COM"),
        pytest.param(
            gif_with(b"!\xff\x0bLovelace51N\x03abc\0"), id="gif application"
        ),
        pytest.param(gif_with(b"!\xfe\x08Lovelace\0"), id="gif comment"),
        pytest.param(carriers.with_xmp(b"dc:creator Lovelace 51.5N"), id="xmp"),
    ],
)  # fmt: skip
def test_what_a_file_says_is_never_repeated(data):
    found = carriers.findings(data)

    assert found
    for one in found:
        assert "Lovelace" not in str(one.to_json())
        assert "51" not in f"{one.where} {one.tells}"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        pytest.param(with_segment(jpeg(), 0xEC, b"Ducky\0\1"), "APP12 (Ducky)", id="jpeg"),
        pytest.param(with_chunk(PNG, b"tEXt", b"Title\0x"), "tEXt chunk (Title)", id="png"),
        pytest.param(
            gif_with(b"!\xff\x0bNETSCAPE2.0\x03\1\0\0\0"),
            "application extension (NETSCAPE2.0)",
            id="gif",
        ),
    ],
)
def test_names_that_programs_are_known_to_write_are_said(data, where):
    assert where in {one.where for one in carriers.findings(data)}


def test_a_name_out_of_a_file_cannot_break_a_line():
    data = with_segment(jpeg(), 0xEC, b"\n::error::\x1b[31m")

    (found,) = carriers.findings(data)

    assert found.detail.isprintable()


def heic_of(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    pillow_heif.from_pillow(image).save(stream, quality=-1)
    return stream.getvalue()
