"""A raw photograph is its full picture, never the preview that lies before it."""

from __future__ import annotations

import numpy as np
import pytest
import rawpy

from engine.codec import raw
from engine.codec.decode import decode
from engine.errors import UnreadableImage
from engine.evaluation.data.image_lookup import header_size
from engine.geometry import Size
from engine.images import Leakage
from engine.metadata.finding import Kind
from engine.metadata.header import pre_check
from engine.metadata.inspect import findings
from tests.awkward import MAX_MEGAPIXELS, picture
from tests.tiffs import Page, dng, rgb_page, sensor_page, tiff_of

FULL = Size(96, 64)


def opened(data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS):
    return decode(data, "picture", max_megapixels=max_megapixels)


def test_a_raw_photograph_decodes_to_the_full_picture_in_its_colours():
    image = opened(dng(picture()))

    assert image.size == FULL
    assert image.codec.format == "raw"
    assert image.codec.leakage is Leakage.UNBOUNDED
    assert np.abs(image.rgb.astype(int) - picture()).mean() < 3


def test_every_part_of_lethe_speaks_of_the_same_picture(tmp_path):
    data = dng(picture())
    (tmp_path / "a.dng").write_bytes(data)

    checked = pre_check(data)
    further = [one.where for one in findings(data) if one.kind is Kind.PICTURES]

    assert (checked.width, checked.height, checked.problem) == (*FULL, "")
    assert header_size(tmp_path / "a.dng") == FULL
    assert further == ["IFD 0"]


def test_what_is_developed_here_says_nothing_of_pixels_far_away():
    """A camera's program would brighten all of a picture by its brightest part."""
    shown = picture().copy()
    shown[:20, :20] = 255
    hidden = shown.copy()
    hidden[:20, :20] = 0

    one, other = (opened(dng(rgb)).rgb for rgb in (shown, hidden))

    np.testing.assert_array_equal(one[30:], other[30:])
    np.testing.assert_array_equal(one[:, 30:], other[:, 30:])


def test_a_sensor_without_colours_gives_grey():
    plain = sensor_page(picture())
    tags = {tag: value for tag, value in plain.tags.items() if tag not in (33421, 33422)}
    data = tiff_of(Page(plain.pixels, {**tags, 262: (3, [34892]), 50706: (1, [1, 4, 0, 0])}))

    rgb = opened(data).rgb

    assert rgb.shape == (64, 96, 3)
    assert (rgb[..., 0] == rgb[..., 2]).all()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(dng(picture(), compression=34713), id="nikon's coding, damaged"),
        pytest.param(dng(picture(), compression=52546), id="jpeg xl"),
        pytest.param(tiff_of(rgb_page(96, 64), mark=b"CR\2\0"), id="canon without a sensor"),
    ],
)
def test_a_raw_photograph_that_cannot_be_developed_is_held_back_with_the_reason(data):
    with pytest.raises(UnreadableImage, match="This is a raw photograph of a"):
        opened(data)


def test_the_limit_of_megapixels_is_that_of_the_full_picture():
    with pytest.raises(UnreadableImage, match="96 x 64"):
        opened(dng(picture()), max_megapixels=0.006)


def test_a_preview_in_place_of_the_full_picture_is_refused(monkeypatch):
    monkeypatch.setattr(raw, "developed", lambda data: np.zeros((24, 32, 3), np.uint8))

    with pytest.raises(UnreadableImage, match="32 x 24 pixels could be read, where 96 x 64"):
        opened(dng(picture()))


def test_want_of_memory_is_not_blamed_on_the_picture(monkeypatch):
    def starved(*_):
        raise rawpy.LibRawUnsufficientMemoryError(b"no memory")

    monkeypatch.setattr(raw, "_settings", starved)

    with pytest.raises(MemoryError):
        opened(dng(picture()))


SMALL, LARGE = rgb_page(32, 24, subfile=1), rgb_page(96, 64)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(tiff_of(SMALL, LARGE), "is a preview; the full one, of 96 x 64", id="chain"),
        pytest.param(
            tiff_of(rgb_page(32, 24, subfile=1, below=(LARGE,))), "is a preview", id="sub-IFD"
        ),
        pytest.param(
            tiff_of(rgb_page(32, 24, below=(rgb_page(96, 64, subfile=1),))),
            "is a preview",
            id="called the smaller one, and larger",
        ),
        pytest.param(tiff_of(SMALL), "is a preview", id="nothing but a preview"),
        pytest.param(
            tiff_of(rgb_page(32, 24, below=(LARGE,))), "2 pages or frames", id="two full ones"
        ),
        pytest.param(
            tiff_of(LARGE, rgb_page(96, 64, subfile=4)), "transparency in a page", id="mask"
        ),
    ],
)
def test_a_tiff_that_opens_as_something_else_than_its_full_picture_is_refused(data, says):
    with pytest.raises(UnreadableImage, match=says):
        opened(data)

    assert says in pre_check(data).problem


def test_smaller_versions_behind_a_picture_are_no_pages():
    data = tiff_of(LARGE, SMALL, rgb_page(16, 12, subfile=1))

    np.testing.assert_array_equal(opened(data).rgb, picture())
    assert pre_check(data).problem == ""
