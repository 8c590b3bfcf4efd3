"""T6, codec templates: whether source compression makes releases of candidates differ.

A JPEG spreads a pixel over its block before Lethe sees it. The attacker pastes each candidate into
the same picture, saves it as the original was saved, and compares releases: if the mask is snapped
to the file's own blocks, all of them are equal, byte for byte.

These originals are made up and never leave the process; making them takes an encoder, which is why
this module, beside `engine.codec.encode`, may call one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.attacks.battery.non_interference import Changed
from engine.attacks.subjects import synthetic
from engine.category import Category
from engine.codec.decode import decode
from engine.codec.encode import encode
from engine.geometry import Box, PixelRect, Size, to_upright, upright_size
from engine.images import RgbImage, SourceCodec
from engine.plan import Origin, Region
from engine.policy import Policy, read_policy
from engine.redact import removal
from engine.redact.masks import mask_of, rect_of

SAMPLINGS: Final = {
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:4:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    "4:1:1": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}
QUALITIES: Final = (75, 90)
ORIENTATIONS: Final = tuple(range(1, 9))
CANDIDATES: Final = 3
STORED: Final = Size(213, 167)
"""Neither side divisible by 16."""
SUBJECT: Final = PixelRect(61, 50, 109, 98)
"""Where candidates are pasted, in stored pixels: on no block's border."""
_SEED: Final = 7
_ORIENTATION_TAG: Final = 0x0112

Rgb = NDArray[np.uint8]
RectOf = Callable[[Region, SourceCodec, Policy], PixelRect]


@dataclass(frozen=True, slots=True)
class Template:
    """How an original was saved."""

    sampling: str
    quality: int
    orientation: int


def every_template() -> Iterator[Template]:
    """All combinations, 80."""
    for sampling in SAMPLINGS:
        for quality in QUALITIES:
            for orientation in ORIENTATIONS:
                yield Template(sampling, quality, orientation)


def distinguishable(templates: Iterable[Template], seed: int, rect_of: RectOf = rect_of) -> Changed:
    """T6: count the templates whose candidates give different releases.

    Args:
        templates: how originals are saved.
        seed: for the picture and the candidates.
        rect_of: how masks are drawn; the product's own, or `unsnapped` as a control.
    """
    rng = np.random.default_rng((seed, CANDIDATES))
    scene = synthetic.scenes(1, max(STORED), rng)[0, : STORED.height, : STORED.width]
    side = SUBJECT.x1 - SUBJECT.x0
    faces = synthetic.synthetic(Category.FACE, CANDIDATES * 4, side_px=side, seed=seed).patches
    different = total = 0
    for template in templates:
        releases = {_release(scene, face, template, rect_of) for face in faces[:CANDIDATES]}
        different += len(releases) != 1
        total += 1
    return Changed(different, total)


def unsnapped(region: Region, source: SourceCodec, policy: Policy) -> PixelRect:
    """A mask of the region without block alignment, for the positive control."""
    del policy
    return region.box.outward().clipped(upright_size(source.stored_size, source.orientation))


def _release(scene: Rgb, face: Rgb, template: Template, rect_of: RectOf) -> bytes:
    stored = scene.copy()
    stored[SUBJECT.rows, SUBJECT.columns] = face
    original = decode(saved(stored, template), "template", max_megapixels=1)
    rect = rect_of(_region(original), original.codec, _tight())
    mask = mask_of([rect], original.size)
    redacted = removal.remove(original, mask, seed=_SEED)
    return encode(redacted, "png", jpeg_quality=92)


def _tight() -> Policy:
    """The policy without margins, which would cover blocks by accident."""
    return read_policy(
        "removal.min_grow_px = 0\ncategories.face.grow = {left=0, right=0, top=0, bottom=0}"
    )


def _region(original: RgbImage) -> Region:
    """A region exactly around the subject, in upright pixels."""
    turned = original.codec.orientation
    upright = to_upright(SUBJECT, turned, STORED)
    return Region(Box(*map(float, upright)), Category.FACE, Origin.REVIEWER)


def saved(stored: Rgb, template: Template) -> bytes:
    """A JPEG of these stored pixels whose EXIF says how it is to be turned."""
    settings = (
        cv2.IMWRITE_JPEG_QUALITY, template.quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[template.sampling],
    )  # fmt: skip
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(stored, cv2.COLOR_RGB2BGR), settings)
    data = encoded.tobytes()
    entry = struct.pack(">HHIHH", _ORIENTATION_TAG, 3, 1, template.orientation, 0)
    exif = b"Exif\0\0" + struct.pack(">2sHIH", b"MM", 42, 8, 1) + entry + struct.pack(">I", 0)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
