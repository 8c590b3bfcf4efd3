"""Colour conversion: decoded pixels of any mode and profile in, 8-bit sRGB out.

Every step maps one pixel at a time. A step that went by the whole picture (stretching to its
minimum and maximum, an adaptive palette) would carry hidden pixels to visible ones.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from engine.codec.hdr import srgb_codes
from engine.errors import UnreadableImage

BACKGROUND = (255, 255, 255)
"""What shows through transparent pixels. White: cut-outs are made for white pages, and a constant
is the only background that says nothing about the colours stored under alpha 0."""
SRGB_TOLERANCE = 3
"""A profile that moves no colour of the test lattice further, in steps of 255, counts as sRGB."""
SCREEN_GAMMA = 1 / 2.2
"""What a PNG's gAMA says of samples that are meant for a screen as they are."""
GAMMA_TOLERANCE = 0.05
"""A gamma as near as this to the screen's, as a share of it, corrects nothing (as in libpng)."""

_DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N")
_ICC_SPACE = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}


def to_rgb(
    image: Image.Image, profile: bytes | None, *, grey_bits: int = 16, gamma: float = 0.0
) -> NDArray[np.uint8]:
    """The picture as uint8 (H, W, 3) sRGB over `BACKGROUND`; read-only.

    Args:
        image: a decoded picture in any of Pillow's integer modes up to 16 bits.
        profile: the file's ICC profile. One that is broken, or made for other channels, is ignored.
        grey_bits: significant bits of a 16-bit grey picture; reduced to 8 by a fixed shift.
        gamma: samples are light to this power, as a PNG's gAMA says; 0 where nothing is said.

    Raises:
        UnreadableImage: 32-bit integers, floating point or another mode without a fixed range.
    """
    if image.mode in _DEEP_GREY:
        image = Image.fromarray((np.asarray(image) >> (grey_bits - 8)).astype(np.uint8))
    colours, alpha = _separated(image)
    colours = _corrected(_to_srgb(colours, profile), gamma)
    if alpha is not None:
        page = Image.new("RGB", image.size, BACKGROUND)
        page.paste(colours, mask=alpha)
        colours = page
    return np.asarray(colours)


def array_to_srgb(rgb: NDArray[np.uint8], profile: bytes | None) -> NDArray[np.uint8]:
    """`rgb` in sRGB, given the profile it is in; the same array when there is nothing to do."""
    if profile is None or _transform(profile, "RGB") is None:
        return rgb
    return np.asarray(_to_srgb(Image.fromarray(rgb), profile))


def _corrected(colours: Image.Image, gamma: float) -> Image.Image:
    """Samples that are light to the power of `gamma` as sRGB.

    light = sample ^ (1 / gamma): W3C PNG, third edition, "Decoder gamma handling", and what
    Chromium shows. cHRM, which moves hues and no brightness, is left alone.
    """
    if gamma <= 0.0 or abs(gamma / SCREEN_GAMMA - 1.0) <= GAMMA_TOLERANCE:
        return colours
    shown = srgb_codes((np.arange(256) / 255.0) ** (1.0 / gamma))
    return colours.point(shown.tolist() * len(colours.getbands()))


def _separated(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Opaque colours in a mode that profiles know, and alpha."""
    if image.has_transparency_data:
        layered = image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
        alpha = layered.getchannel("A")
        return layered.convert("L" if layered.mode == "LA" else "RGB"), alpha
    if image.mode in _ICC_SPACE:
        return image, None
    if image.mode == "1":
        return image.convert("L"), None
    if image.mode in ("P", "YCbCr", "RGBX"):
        return image.convert("RGB"), None
    if image.mode == "LAB":
        raise UnreadableImage(
            "The picture stores its colours as Lab, which Lethe does not read: save it as RGB."
        )
    raise UnreadableImage(
        f"The picture stores its pixels as {image.mode} (such as 32-bit numbers), for which no "
        "fixed range of brightness exists: save it with 8 or 16 bits a channel."
    )


def _to_srgb(colours: Image.Image, profile: bytes | None) -> Image.Image:
    transform = None if profile is None else _transform(profile, colours.mode)
    if transform is None:
        return colours if colours.mode == "RGB" else colours.convert("RGB")
    return ImageCms.applyTransform(colours, transform) or colours


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from `profile` to sRGB; None when it is sRGB, broken or for other channels."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != _ICC_SPACE[mode]:
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    lattice = _lattice(mode)
    moved = np.asarray(ImageCms.applyTransform(lattice, transform), dtype=np.int16)
    plain = np.asarray(lattice.convert("RGB"), dtype=np.int16)
    return None if np.abs(moved - plain).max() <= SRGB_TOLERANCE else transform


def _lattice(mode: str) -> Image.Image:
    """Colours spread evenly over the whole space, to try a profile on."""
    channels = len(mode)
    axis = np.linspace(0, 255, 6).astype(np.uint8)
    points = np.stack(np.meshgrid(*[axis] * channels), axis=-1).reshape(1, -1, channels)
    return Image.fromarray(points[..., 0] if mode == "L" else points, mode=mode)
