"""What decoders raise on broken or hostile files."""

from __future__ import annotations

import struct
import zlib
from typing import Final

import cv2

DAMAGE: Final = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError,
    AttributeError, RuntimeError, MemoryError, struct.error, zlib.error, cv2.error,
)  # fmt: skip
"""Seen, or possible, from Pillow, libheif and OpenCV on files made to confuse them."""
