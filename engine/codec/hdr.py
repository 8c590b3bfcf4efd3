"""Colours by code points (ITU-T H.273) to sRGB: pictures in HDR or in a wide gamut.

HEIC, AVIF and PNG may say their colours by four numbers instead of an ICC profile. One pixel at a
time, by fixed formulas: brightness above reference white is clipped, and nothing is mapped by what
else is in the picture.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

LINEAR, PQ, HLG = 8, 16, 18
"""Transfer characteristics that no ordinary screen shows as they are."""
WIDE_GAMUT, DISPLAY_P3 = 9, 12
_REFERENCE_WHITE: Final = 203.0
"""Nits of paper white in PQ, and 75 % in HLG (ITU-R BT.2408)."""
_HLG_WHITE: Final = 0.2646
"""Linear light of 75 % in HLG."""
_TO_SRGB: Final = {
    WIDE_GAMUT: (
        (1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187),
    ),
    DISPLAY_P3: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),
}  # fmt: skip
"""Linear light of these primaries (BT.2020, SMPTE EG 432) to that of BT.709, white D65."""
_CHUNK_ROWS: Final = 256


class Colours(NamedTuple):
    """What a file says about its colours."""

    primaries: int
    transfer: int

    @property
    def are_srgb(self) -> bool:
        """Whether an ordinary screen shows them as they are, near enough."""
        return self.primaries not in _TO_SRGB and self.transfer not in (LINEAR, PQ, HLG)


def to_srgb(rgb: NDArray[np.uint8], colours: Colours) -> NDArray[np.uint8]:
    """`rgb`, uint8 (H, W, 3), in sRGB; the same array when there is nothing to do."""
    if colours.are_srgb:
        return rgb
    light = _light(colours.transfer).astype(np.float32)
    matrix = np.array(_TO_SRGB.get(colours.primaries, np.eye(3)), np.float32)
    steps = np.linspace(0.0, 1.0, 4096)
    encoded = srgb_codes(steps)
    out = np.empty_like(rgb)
    for start in range(0, len(rgb), _CHUNK_ROWS):
        mixed = light[rgb[start : start + _CHUNK_ROWS]] @ matrix.T
        index = np.rint(np.clip(mixed, 0.0, 1.0) * (len(steps) - 1)).astype(np.uint16)
        out[start : start + _CHUNK_ROWS] = encoded[index]
    out.flags.writeable = False
    return out


def srgb_codes(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Linear light 0..1 as sRGB code values (IEC 61966-2-1)."""
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(curve * 255), np.uint8)


def _light(transfer: int) -> NDArray[np.float64]:
    """Linear light by code value 0..255; reference white is 1."""
    signal = np.arange(256) / 255.0
    if transfer == PQ:  # SMPTE ST 2084
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = signal ** (1 / m2)
        return 10_000 / _REFERENCE_WHITE * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    if transfer == HLG:  # ITU-R BT.2100
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        return scene / _HLG_WHITE
    if transfer == LINEAR:
        return signal
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
