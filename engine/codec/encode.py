"""Encoding: a `RedactedImage` in, a file out.

It writes pixels and nothing else, with settings that never depend on the source, so that two
pictures with equal pixels give equal bytes. No other module encodes; a test reads the syntax trees.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import cv2

from engine.images import FormatChoice, RedactedImage, SourceCodec

ReleaseFormat: TypeAlias = Literal["png", "jpeg"]

_PNG_SETTINGS: Final = (
    cv2.IMWRITE_PNG_COMPRESSION, 1,
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB,
)  # fmt: skip
"""12 megapixels of photographs, one thread: 0.73 s and 17.3 MB; level 3 of OpenCV 1.56 s and
15.9 MB, level 1 of Pillow 1.39 s and 16.5 MB, level 6 of Pillow 5.8 s and 15.2 MB."""


def output_format(source: SourceCodec, asked: FormatChoice) -> ReleaseFormat:
    """The format of a release: `same` keeps JPEG and makes everything else PNG."""
    if asked == "same":
        return "jpeg" if source.format == "jpeg" else "png"
    return asked


def encode(image: RedactedImage, format: ReleaseFormat, *, jpeg_quality: int) -> bytes:  # noqa: A002
    """A file with the picture's pixels and nothing else.

    Args:
        image: what `engine.redact.removal` made.
        format: JPEG is written baseline and 4:4:4, PNG with 8 bits a channel.
        jpeg_quality: 1..100; without effect on PNG.

    Raises:
        TypeError: `image` is not a `RedactedImage`: nothing else may leave.
        ValueError: `format` or `jpeg_quality` is none of the above.
    """
    if not isinstance(image, RedactedImage):
        raise TypeError(f"only a RedactedImage may be encoded, got {type(image).__name__}")
    if format not in ("png", "jpeg"):
        raise ValueError(f"format must be png or jpeg, got {format}")
    if not 1 <= jpeg_quality <= 100:
        raise ValueError(f"jpeg_quality must lie in 1..100, got {jpeg_quality}")
    jpeg_settings = (
        cv2.IMWRITE_JPEG_QUALITY, jpeg_quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )  # fmt: skip
    bgr = cv2.cvtColor(image.rgb, cv2.COLOR_RGB2BGR)
    settings = jpeg_settings if format == "jpeg" else _PNG_SETTINGS
    _, encoded = cv2.imencode(f".{format}", bgr, settings)
    return encoded.tobytes()
