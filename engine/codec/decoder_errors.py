"""Exceptions that decoders raise on broken or hostile files."""

from __future__ import annotations

import struct
import zlib
from typing import Final

import cv2
from PIL import Image

DAMAGE: Final = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError,
    AttributeError, RuntimeError, struct.error, zlib.error, cv2.error,
)  # fmt: skip
"""Seen, or possible, from Pillow, libheif and OpenCV on files made to confuse them."""
UNDECODABLE: Final = (*DAMAGE, MemoryError, Image.DecompressionBombError)
"""The same for those who only inspect, and need not tell the file's fault from the machine's."""
