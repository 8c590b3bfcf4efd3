"""The first look at an incoming file never fails, whatever the file."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from engine.metadata.header import megapixels_of, pre_check
from tests.awkward import AWKWARD


@pytest.mark.parametrize("name", AWKWARD)
def test_every_awkward_file_gets_an_answer(name):
    case = AWKWARD[name]

    checked = pre_check(case.data)

    assert bool(checked.problem) or checked.width > 0


def test_broken_files_never_raise():
    rng = np.random.default_rng(11)
    for case in AWKWARD.values():
        data = case.data
        if not 0 < len(data) < 100_000:
            continue
        for _ in range(6):
            broken = bytearray(data[: rng.integers(1, len(data) + 1)])
            for at in rng.integers(0, len(broken), 4):
                broken[at] = rng.integers(0, 256)

            pre_check(bytes(broken))


def test_an_empty_file_is_said_to_be_empty():
    assert "empty" in pre_check(b"").problem


def test_a_heic_of_absurd_size_costs_nothing(monkeypatch):
    forged = bytearray(AWKWARD["heic"].data)
    at = forged.index(b"ispe") + 8
    forged[at : at + 8] = (60_000).to_bytes(4, "big") * 2

    def allocate(*_, **__):
        raise AssertionError("memory was asked for on the word of a header")

    monkeypatch.setattr(Image, "new", allocate)

    checked = pre_check(bytes(forged))

    assert (checked.format, checked.width, checked.height) == ("HEIC", 60_000, 60_000)


def test_a_picture_larger_than_pillow_opens_is_measured(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)

    for name in ("rgba", "8-bit grey jpeg", "gif"):
        data = AWKWARD[name].data

        assert not pre_check(data).problem
        assert megapixels_of(data) > 100e-6


@pytest.mark.parametrize("data", [b"", b"text", b"\xff\xd8\xff", b"II*\0"])
def test_what_cannot_be_measured_counts_as_unknown_and_not_as_small(data):
    assert megapixels_of(data) is None


def test_thousands_of_directories_are_told_without_walking_them_again_and_again():
    """Pillow counts frames by opening each from the start: 11 MB of them took two minutes."""
    empty = struct.pack("<H", 0)
    chain = b"".join(empty + struct.pack("<I", 8 + 6 * (index + 1)) for index in range(300_000))

    checked = pre_check(b"II*\0" + struct.pack("<I", 8) + chain)

    assert "too many" in checked.problem
