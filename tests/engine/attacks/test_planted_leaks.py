"""Leaks put in on purpose. Each has to be caught, or the battery proves nothing."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from engine.attacks.battery import non_interference, run
from engine.attacks.battery.non_interference import (
    carries_only_pixels,
    outside_untouched,
    synthetic_cases,
)
from engine.codec.encode import encode
from engine.images import RedactedImage
from engine.redact import removal
from engine.redact.removal import remove
from tests.engine.attacks.small import faces, leaking, small

pytestmark = pytest.mark.slow

CASES = synthetic_cases(seed=3)


def t1(hiding) -> int:
    """How many of the patterns gave a leak away."""
    return non_interference.non_interference(CASES, hiding).changed


def one_bit(image, mask, seed):
    leaky = remove(image, mask, seed=seed).rgb.copy()
    row, column = np.argwhere(mask)[-1]
    leaky[row, column, 2] = (leaky[row, column, 2] & 0xFE) | (image.rgb[row, column, 2] & 1)
    return leaky


def edge_of_one_pixel(image, mask, seed):
    filled = remove(image, mask, seed=seed).rgb
    inner = cv2.erode(np.pad(mask, 1).view(np.uint8), np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    rim = (mask & (inner == 0))[..., None]
    return np.where(rim, filled // 2 + image.rgb // 2, filled)


def seed_from_the_input(image, mask, seed):
    return remove(image, mask, seed=seed ^ zlib.crc32(image.rgb.tobytes())).rgb


def strength_from_the_input(image, mask, seed):
    filled = remove(image, mask, seed=seed).rgb
    brighter = mask[..., None] & (image.rgb[mask].mean() > 128)
    return np.where(brighter, filled | 1, filled)


def honest(image, mask, seed):
    return remove(image, mask, seed=seed).rgb


def test_an_honest_removal_is_not_accused():
    assert t1(honest) == 0


def test_one_bit_of_one_masked_pixel_is_caught_in_every_picture():
    for case in CASES:
        assert non_interference.non_interference([case], one_bit).changed


def test_a_feathered_edge_of_one_pixel_is_caught_in_every_picture():
    for case in CASES:
        assert non_interference.non_interference([case], edge_of_one_pixel).changed


def test_a_seed_derived_from_the_input_is_caught():
    assert t1(seed_from_the_input)


def test_a_decision_that_depends_on_hidden_brightness_is_caught():
    assert t1(strength_from_the_input)


def test_a_leak_in_large_masks_alone_is_caught():
    def large_only(image, mask, seed):
        return one_bit(image, mask, seed) if mask.sum() > 192 * 192 else honest(image, mask, seed)

    assert t1(large_only)


@pytest.mark.parametrize("file_format", ["png", "jpeg"])
def test_a_thumbnail_in_the_container_is_caught(file_format, monkeypatch):
    def with_thumbnail(image, format, *, jpeg_quality):  # noqa: A002
        data = encode(image, format, jpeg_quality=jpeg_quality)
        if format != file_format:
            return data
        thumbnail = np.ascontiguousarray(image.rgb[::8, ::8]).tobytes()[:4000]
        if format == "jpeg":
            return (
                data[:2]
                + b"\xff\xe1"
                + struct.pack(">H", len(thumbnail) + 2)
                + thumbnail
                + data[2:]
            )
        chunk = b"tHMb" + thumbnail
        framed = struct.pack(">I", len(thumbnail)) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return data[:-12] + framed + data[-12:]

    def release(image, mask, seed):
        return remove(image, mask, seed=seed)

    assert not carries_only_pixels(CASES, release).changed
    monkeypatch.setattr(non_interference, "encode", with_thumbnail)
    assert carries_only_pixels(CASES, release).changed


def test_a_pixel_changed_outside_the_mask_is_caught():
    def careless(image, mask, seed):
        after = remove(image, mask, seed=seed).rgb.copy()
        if not mask.all():
            row, column = np.argwhere(~mask)[0]
            after[row, column] ^= 1
        return after

    assert outside_untouched(CASES, careless).changed


def test_a_comparison_that_sees_no_change_is_caught():
    def blind(image, mask, seed):
        return RedactedImage(np.zeros_like(image.rgb))

    assert non_interference.notices_changes_outside(CASES, blind).changed
    assert not non_interference.notices_changes_outside(
        CASES, lambda i, m, s: remove(i, m, seed=s)
    ).changed


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_battery_fails_a_removal_that_keeps_a_share_of_the_original(share, monkeypatch):
    chosen = small(shares=(0.5,))
    monkeypatch.setattr(removal, "remove", leaking(share))

    found = run.run_battery([faces(chosen)], chosen, workers=1)

    assert found["verdict"] == "fail"
    accused = " ".join(found["reasons"])
    assert "better than chance" in accused
    assert "(T1)" in accused


def test_the_battery_fails_a_removal_that_keeps_one_bit(monkeypatch):
    chosen = small(shares=(0.5, 0.1))
    honest_remove = removal.remove

    def keeps_one_bit(image, mask, *, fill="pushpull", seed):
        kept = honest_remove(image, mask, fill=fill, seed=seed).rgb.copy()
        row, column = np.argwhere(mask)[0]
        kept[row, column, 0] = (kept[row, column, 0] & 0xFE) | (image.rgb[row, column, 0] & 1)
        return RedactedImage(kept)

    monkeypatch.setattr(removal, "remove", keeps_one_bit)

    found = run.run_battery([faces(chosen)], chosen, workers=1)

    assert found["verdict"] == "fail"
    assert any("(T1)" in reason for reason in found["reasons"])
