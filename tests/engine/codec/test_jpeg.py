"""The marker walk sees structure, tolerates fill bytes, and raises one error only."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.codec import jpeg
from engine.errors import UnreadableImage
from engine.geometry import Size
from tests import awkward


def test_structure_tells_size_mcu_and_table():
    found = jpeg.structure(awkward.jpeg(subsampling=2))

    assert found.size == Size(96, 64)
    assert found.mcu == Size(16, 16)
    assert len(found.luma_table) == 64
    assert not found.is_progressive


def test_a_grey_picture_has_blocks_of_8_whatever_its_sampling_factors_say():
    data = bytearray(awkward.saved(awkward.still("L"), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 11] = 0x22

    assert jpeg.structure(bytes(data)).mcu == Size(8, 8)


def test_the_end_is_that_of_the_primary_picture():
    first = awkward.jpeg(exif=awkward.exif_block(thumb=True))

    assert jpeg.structure(first + awkward.thumbnail()).end == len(first)


def test_fill_bytes_before_a_marker_are_stepped_over():
    data = awkward.jpeg()

    assert jpeg.structure(data[:2] + b"\xff\xff" + data[2:]).size == Size(96, 64)
    assert jpeg.structure(data[:-2] + b"\xff\xff" + data[-2:]).end == len(data) + 2


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [(1, 0xC9, "rare coding"), (1, 0xC3, "rare coding"), (4, 12, "rare coding"), (6, 0, "x 0")],
    ids=["arithmetic", "lossless", "12 bits", "no height"],
)
def test_pictures_that_cannot_be_checked_are_refused(at, value, says):
    data = bytearray(awkward.jpeg())
    frame = data.index(b"\xff\xc0")
    data[frame + at] = value
    if says == "x 0":
        data[frame + 5] = 0

    with pytest.raises(UnreadableImage, match=says):
        jpeg.structure(bytes(data))


def test_a_progressive_picture_without_its_last_scan_is_refused():
    data = awkward.jpeg(progressive=True)
    last = jpeg.structure(data).scans[-1]
    header = data.rindex(b"\xff\xda", 0, last.coded[0])

    with pytest.raises(UnreadableImage, match="cut short"):
        jpeg.structure(data[:header] + b"\xff\xd9")


def test_a_picture_without_its_last_restart_interval_is_refused():
    data = awkward.AWKWARD["jpeg with restarts"].data
    last = max(data.rindex(bytes([0xFF, marker])) for marker in range(0xD0, 0xD8))

    with pytest.raises(UnreadableImage, match="restart"):
        jpeg.structure(data[:last] + b"\xff\xd9")


def test_noise_lies_before_every_marker_that_ends_coded_data():
    data = awkward.AWKWARD["jpeg with restarts"].data
    walk = jpeg.structure(data)
    restarts = (96 // 8) * (64 // 8) // 3 - 1

    noisy = jpeg.with_noise(data, walk)

    assert len(noisy) == len(data) + 256 * (restarts + 1)
    assert jpeg.structure(noisy).size == walk.size


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_files_raise_nothing_but_unreadable(data):
    mutated = bytearray(awkward.jpeg(progressive=True))
    for _ in range(data.draw(st.integers(0, 8))):
        mutated[data.draw(st.integers(0, 400))] = data.draw(st.integers(0, 255))
    kept = bytes(mutated[: data.draw(st.integers(0, len(mutated)))])

    try:
        jpeg.structure(kept)
    except UnreadableImage:
        return
