"""Hidden pixels under full transparency: a file in, a finding out."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from engine.codec.decoder_errors import UNDECODABLE
from engine.metadata.finding import Finding, Kind

LARGEST_LOOK_PX: Final = 50_000_000
"""All frames together. Decoding more would take too much memory; it is said, not passed over."""

MOST_FRAMES: Final = 1_000
_PLUGINS: Final[dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]]] = {
    "png": PngImagePlugin.PngImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "avif": AvifImagePlugin.AvifImageFile,
    "jpeg2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}
_WITH_ALPHA: Final = frozenset({"LA", "RGBA", "PA", "La", "RGBa"})
_VISIBLE_16_BIT: Final = 256
"""Less than this of 65,535 is 0 on a screen of 8 bits."""


def under_alpha(data: bytes, kind: str) -> Iterator[Finding]:
    """Say so when fully transparent pixels of more than one colour are stored.

    Args:
        data: a whole file; of one that cannot be decoded, that is said.
        kind: `png`, `png16` for 16 bits a channel, `tiff`, `tiff16`, `webp`, `avif`, `heif`,
            `jpeg2000`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from _looked(data, kind)
    except UNDECODABLE:
        yield _unchecked("transparent pixels could not be decoded")


def _looked(data: bytes, kind: str) -> Iterator[Finding]:
    frames = _deep(data, kind.removesuffix("16")) if kind.endswith("16") else _frames(data, kind)
    for pixels in frames:
        if pixels is None:
            yield _unchecked("too many pixels to look for hidden ones")
            return
        count = _hidden(pixels)
        if count:
            note = f"{count} pixels that viewers do not show"
            yield Finding(Kind.HIDDEN, "pixels under alpha 0", 0, 0, note)
            return


def _frames(data: bytes, kind: str) -> Iterator[NDArray[np.generic] | None]:
    """(H, W, C) with alpha last, a frame at a time; None where the rest is too much."""
    image = _heif(data) if kind == "heif" else _PLUGINS[kind](io.BytesIO(data))
    if image is None:
        yield None
        return
    left = LARGEST_LOOK_PX
    for index in range(getattr(image, "n_frames", 1)):
        if index:
            image.seek(index)
        left -= image.width * image.height
        if left < 0 or index >= MOST_FRAMES:
            yield None if _has_alpha(image) else np.empty((0, 0, 4), np.uint8)
            return
        if _has_alpha(image):
            yield np.asarray(image.convert("RGBA") if image.mode in ("P", "PA") else image)


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in _WITH_ALPHA or (image.mode == "P" and "transparency" in image.info)


def _deep(data: bytes, kind: str) -> Iterator[NDArray[np.generic] | None]:
    """16 bits a channel, which Pillow would reduce before anyone could look."""
    image = _PLUGINS[kind](io.BytesIO(data))
    if image.width * image.height > LARGEST_LOOK_PX:
        yield None
        return
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise ValueError("no picture came out")
    if decoded.ndim == 3 and decoded.shape[2] in (2, 4):
        decoded[..., -1][decoded[..., -1] < _VISIBLE_16_BIT] = 0
        yield decoded


def _heif(data: bytes) -> Image.Image | None:
    """The picture; None where it is too large, for which nothing is allocated."""
    file = pillow_heif.open_heif(data)
    if file.size[0] * file.size[1] > LARGEST_LOOK_PX:
        return None
    return file.to_pillow()


def _hidden(pixels: NDArray[np.generic]) -> int:
    """Transparent pixels of another colour than the first of them."""
    colours = pixels[pixels[..., -1] == 0][:, :-1]
    return int(np.any(colours != colours[:1], axis=1).sum()) if len(colours) else 0


def _unchecked(note: str) -> Finding:
    return Finding(Kind.UNCHECKED, "pixels under alpha", 0, 0, note)
