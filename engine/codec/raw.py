"""Raw photographs, developed by LibRaw, each pixel from its neighbours alone.

LibRaw's usual settings go by the whole picture (automatic brightness, white balance by the grey
world, the brightest pixel as white), which would carry hidden pixels to visible ones; here each of
them is off. A raw photograph is a TIFF whose first picture is a preview: `engine.codec.tiff` tells.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import rawpy
from numpy.typing import NDArray

from engine.codec.tiff import Picture
from engine.errors import UnreadableImage
from engine.geometry import Size

SMALLEST_SHARE = 0.8
"""Of each side of the largest picture that the file announces, for sensors have dark borders."""
_QUARTER_TURNS = (5, 6)
_SRGB_CURVE = (2.4, 12.92)
"""Power, and slope near black (IEC 61966-2-1)."""


def developed(data: bytes) -> NDArray[np.uint8]:
    """The full picture of a raw photograph: uint8 (H, W, 3) sRGB, upright, read-only.

    Raises:
        UnreadableImage: LibRaw cannot read this camera's format, or the file is damaged.
    """
    with _told(), rawpy.imread(io.BytesIO(data)) as raw:
        picture = raw.postprocess(_settings(raw))
    # a sensor without colours gives one channel
    rgb = np.broadcast_to(picture, (*picture.shape[:2], 3)).astype(np.uint8)
    rgb.flags.writeable = False
    return rgb


def check_is_full(size: Size, pictures: tuple[Picture, ...]) -> None:
    """Refuse what was developed when the file announces a larger picture.

    Raises:
        UnreadableImage: it does.
    """
    largest = max(pictures, key=lambda picture: picture.pixels).size
    if min(size) < SMALLEST_SHARE * min(largest) or max(size) < SMALLEST_SHARE * max(largest):
        raise UnreadableImage(
            f"Of this raw photograph only a picture of {size.width} x {size.height} pixels could "
            f"be read, where {largest.width} x {largest.height} are announced: export it from the "
            "camera's program as TIFF or JPEG."
        )


def size_of(data: bytes) -> Size:
    """Width and height as `developed` gives them, without developing.

    Raises:
        UnreadableImage: LibRaw does not know the file.
    """
    with _told(), rawpy.imread(io.BytesIO(data)) as raw:
        sizes = raw.sizes
    width, height = sizes.width, sizes.height
    # pixels that are not square are made so by stretching the shorter way
    if sizes.pixel_aspect < 1:
        height = round(height / sizes.pixel_aspect)
    elif sizes.pixel_aspect > 1:
        width = round(width * sizes.pixel_aspect)
    return Size(height, width) if sizes.flip in _QUARTER_TURNS else Size(width, height)


@contextmanager
def _told() -> Iterator[None]:
    """Convert LibRaw's exceptions."""
    try:
        yield
    except rawpy.LibRawUnsufficientMemoryError as error:
        raise MemoryError from error
    except rawpy.LibRawFileUnsupportedError as error:
        raise UnreadableImage(
            "This is a raw photograph of a camera or a coding that Lethe does not read: export it "
            "from the camera's program as TIFF or JPEG."
        ) from error
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        raise UnreadableImage(
            "This raw photograph could not be developed completely: it is damaged or cut short. "
            "Copy the file again from where it came from, or export it as TIFF or JPEG."
        ) from error


def _settings(raw: rawpy.RawPy) -> rawpy.Params:
    gains = raw.camera_whitebalance
    # without the camera's own, LibRaw would take the picture's mean for grey: daylight instead
    is_measured = all(np.isfinite(gain) and gain > 0 for gain in gains[:3])
    return rawpy.Params(
        use_camera_wb=is_measured,
        use_auto_wb=False,
        no_auto_bright=True,
        adjust_maximum_thr=0.0,
        output_bps=8,
        output_color=rawpy.ColorSpace.sRGB,
        gamma=_SRGB_CURVE,
        demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD,
    )
