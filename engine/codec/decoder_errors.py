"""What decoders raise on broken or hostile files, and what they raise for want of memory."""

from __future__ import annotations

import re
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

_NO_ROOM: Final = re.compile("bad_alloc|allocate memory|insufficient memory", re.IGNORECASE)
"""How ONNX Runtime and OpenCV say that there is no memory."""


def is_want_of_memory(error: BaseException) -> bool:
    """Whether this machine is at fault, and no file."""
    return isinstance(error, MemoryError) or _NO_ROOM.search(str(error)) is not None
