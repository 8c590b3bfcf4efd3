"""A file that announces one size and holds another is held back, and never scaled."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from engine.codec.avif import check_extents
from engine.codec.decode import DecodedFile, decode
from engine.errors import UnreadableImage
from engine.geometry import Size
from engine.images import RgbImage, SourceCodec

SIZE = Size(128, 96)
OTHERS = {
    "twice": Size(256, 192),
    "half": Size(64, 48),
    "one side half": Size(128, 48),
    "a pixel more": Size(129, 96),
    "turned": Size(96, 128),
}


def opened(data: bytes) -> RgbImage:
    return decode(data, "picture", max_megapixels=1.0)


def picture(mode: str = "RGB") -> Image.Image:
    blocks = np.random.default_rng(7).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(np.kron(blocks, np.ones((8, 8, 1), np.uint8))).convert(mode)


def saved(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(picture(mode)).save(file, **options)
    else:
        picture(mode).save(file, kind, **options)
    return file.getvalue()


def with_extents(data: bytes, size: Size) -> bytes:
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", *size) + data[at + 8 :]


def with_canvas(data: bytes, size: Size) -> bytes:
    sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
    return data[:24] + sides + data[30:]


def with_jp2_header(data: bytes, size: Size) -> bytes:
    at = data.index(b"ihdr") + 4
    return data[:at] + struct.pack(">II", size.height, size.width) + data[at + 8 :]


DECLARING: dict[str, tuple[bytes, Callable[[bytes, Size], bytes]]] = {
    "avif": (saved("AVIF"), with_extents),
    "avif with alpha": (saved("AVIF", "RGBA"), with_extents),
    "heic": (saved("HEIF"), with_extents),
    "webp": (saved("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"), with_canvas),
    "jpeg 2000": (saved("JPEG2000"), with_jp2_header),
}


@pytest.mark.parametrize("kind", DECLARING)
def test_a_file_that_announces_its_own_size_is_decoded(kind):
    data, with_size = DECLARING[kind]

    assert opened(with_size(data, SIZE)).size == SIZE


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("kind", DECLARING)
def test_a_file_that_announces_another_size_is_refused(kind, other):
    data, with_size = DECLARING[kind]

    with pytest.raises(UnreadableImage, match="announces"):
        opened(with_size(data, OTHERS[other]))


def test_an_avif_says_both_sizes():
    with pytest.raises(UnreadableImage, match="256 x 192 pixels, and 128 x 96 are in it"):
        opened(with_extents(saved("AVIF"), OTHERS["twice"]))


@pytest.mark.parametrize("side", [1, 7, 513])
def test_an_avif_of_an_odd_size_is_decoded(side):
    file = io.BytesIO()
    picture().resize((side, 5)).save(file, "AVIF", speed=10)

    assert opened(file.getvalue()).size == Size(side, 5)


def test_an_avif_that_is_a_film_of_one_frame_is_refused():
    data = saved("AVIF")
    film = data[:8] + b"avis" + data[12:]

    with pytest.raises(UnreadableImage, match="film"):
        check_extents(film)


def test_absurd_counts_of_pieces_cost_nothing():
    data = saved("AVIF")
    at = data.index(b"iloc") + 4
    absurd = data[:at] + bytes(6) + b"\xff\xff" + data[at + 8 :]

    with pytest.raises(UnreadableImage):
        check_extents(absurd)


def test_a_gif_smaller_than_its_screen_is_padded_and_never_scaled():
    data = saved("GIF")
    wide = data[:6] + struct.pack("<HH", 256, 192) + data[10:]

    found, plain = opened(wide), opened(data)

    assert found.size == Size(256, 192)
    np.testing.assert_array_equal(found.rgb[: SIZE.height, : SIZE.width], plain.rgb)


def test_what_exif_says_of_the_size_counts_for_nothing():
    exif = picture().getexif()
    exif[0x0100], exif[0x0101] = 64, 48
    exif.get_ifd(0x8769)[0xA002] = 64

    assert opened(saved("JPEG", exif=exif.tobytes())).size == SIZE


def test_no_decoder_may_hand_over_another_size(monkeypatch):
    small = DecodedFile(np.zeros((4, 4, 3), np.uint8), SourceCodec("png", Size(8, 8)))
    monkeypatch.setattr("engine.codec.decode._read", lambda *_: small)

    with pytest.raises(UnreadableImage, match="another size than it announces"):
        decode(saved("PNG"), "small", max_megapixels=1.0)
