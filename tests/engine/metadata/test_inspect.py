"""What a file carries is named; a broken file never breaks the table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.metadata.inspect import findings, labels
from tests import awkward
from tests.awkward import AWKWARD


def metadata_labels(data):
    return labels(findings(data))


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("all metadata", {"EXIF", "GPS position", "XMP", "IPTC", "ICC profile", "comment",
                          "thumbnail", "trailing bytes"}),
        ("exif thumbnail", {"EXIF", "thumbnail"}),
        ("second jpeg after the end", {"further pictures"}),
        ("mpo", {"further pictures"}),
        ("png text", {"owner's name", "XMP", "EXIF", "GPS position"}),
        ("png trailing bytes", {"trailing bytes"}),
        ("hidden under alpha", {"hidden pixels under alpha"}),
        ("tiff with gps", {"GPS position"}),
        ("multipage tiff", {"further pictures"}),
        ("animated png", {"animation"}),
        ("animated gif", {"animation"}),
        ("animated webp", {"animation"}),
        ("heic", {"EXIF"}),
    ],
)  # fmt: skip
def test_what_a_file_carries_is_named(case, names):
    assert names <= set(metadata_labels(AWKWARD[case].data))


@pytest.mark.parametrize("case", ["rgba", "bmp", "4:2:0 jpeg", "webp", "gif", "cmyk tiff"])
def test_a_plain_file_carries_nothing(case):
    assert metadata_labels(AWKWARD[case].data) == ()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_pixels_of_one_colour_hide_nothing(kind):
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:4] = 255

    assert metadata_labels(awkward.saved(Image.fromarray(rgba), kind, lossless=True)) == ()


@pytest.mark.parametrize(("block", "names"), [
    ({"gps": True}, ("EXIF", "GPS position")), ({}, ("EXIF",)),
])  # fmt: skip
def test_webp_and_broken_jpeg_tell_what_they_can(block, names):
    exif = awkward.exif_block(**block)

    assert metadata_labels(awkward.saved(awkward.still(), "WEBP", exif=exif)) == names
    assert metadata_labels(awkward.cut(awkward.jpeg(exif=exif), 0.6)) == names


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([name for name in AWKWARD if "megapixels" not in name]), st.data())
def test_broken_files_never_raise(name, data):
    mutated = bytearray(AWKWARD[name].data)
    for _ in range(data.draw(st.integers(0, 6)) if mutated else 0):
        mutated[data.draw(st.integers(0, min(len(mutated) - 1, 600)))] = data.draw(
            st.integers(0, 255)
        )

    names = metadata_labels(bytes(mutated[: data.draw(st.integers(0, len(mutated)))]))

    assert all(isinstance(name, str) for name in names)
