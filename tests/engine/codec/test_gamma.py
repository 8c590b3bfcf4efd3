"""A PNG whose gamma says that it looks otherwise is looked at, and released, as it looks."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from engine.codec.decode import decode
from engine.images import Leakage
from tests import awkward

CODE = np.arange(256, dtype=np.uint8)
LINEAR, SCREEN, OLD_MAC = 100_000, 45_455, 55_556


def ramp(mode: str = "RGB") -> bytes:
    return awkward.saved(Image.fromarray(CODE[None].repeat(2, axis=0)).convert(mode), "PNG")


def with_gamma(data: bytes, gamma: int | bytes) -> bytes:
    body = gamma if isinstance(gamma, bytes) else struct.pack(">I", gamma)
    return awkward.with_chunk(data, b"gAMA", body)


def red(data: bytes) -> list[int]:
    """Of the first row."""
    return [int(value) for value in decode(data, "picture", max_megapixels=1.0).rgb[0, :, 0]]


@pytest.mark.parametrize(
    ("gamma", "sample", "shown"),
    [
        # read off a canvas of Chromium that had drawn the same file
        (LINEAR, 0, 0), (LINEAR, 10, 56), (LINEAR, 64, 137), (LINEAR, 128, 188), (LINEAR, 255, 255),
        (OLD_MAC, 10, 10), (OLD_MAC, 64, 81), (OLD_MAC, 128, 146), (OLD_MAC, 200, 210),
        (22_727, 10, 0), (22_727, 64, 8), (22_727, 128, 62), (22_727, 200, 158),
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_samples_are_shown_as_browsers_show_them(gamma, sample, shown, mode):
    assert red(with_gamma(ramp(mode), gamma))[sample] == shown


@pytest.mark.parametrize("gamma", [SCREEN, 45_000, 46_000, 0, 15, 625_000_001, b"12345"])
def test_the_gamma_of_a_screen_and_what_is_none_change_nothing(gamma):
    assert red(with_gamma(ramp(), gamma)) == CODE.tolist()


@pytest.mark.parametrize(
    ("name", "body"),
    [(b"sRGB", b"\0"), (b"cICP", bytes([1, 13, 0, 1])), (b"iCCP", b"broken\0\0")],
)
def test_whatever_else_says_the_colours_overrules_gamma(name, body):
    data = awkward.with_chunk(with_gamma(ramp(), LINEAR), name, body)

    assert red(data) == CODE.tolist()


def test_a_gamma_after_the_pixels_counts_for_nothing():
    data = ramp()
    end = data.rindex(b"IEND") - 4
    late = data[:end] + awkward.chunk(b"gAMA", struct.pack(">I", LINEAR)) + data[end:]

    assert red(late) == CODE.tolist()


def test_transparency_is_no_light_and_is_not_corrected():
    half = Image.fromarray(np.full((1, 1, 4), (64, 64, 64, 128), np.uint8), "RGBA")

    (value,) = red(with_gamma(awkward.saved(half, "PNG"), LINEAR))

    assert abs(value - (137 * 128 + 255 * 127) / 255) <= 1


def test_each_pixel_is_corrected_by_itself():
    image = decode(with_gamma(ramp(), LINEAR), "picture", max_megapixels=1.0)

    assert image.codec.leakage is Leakage.NONE
