"""The header `Range` of a request: which bytes of a file are asked for (RFC 9110, 14)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ONE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class ByteRange(NamedTuple):
    """From `start` to before `end`."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """The range lies beyond the file."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


def wanted(header: str | None, size: int) -> ByteRange | None:
    """The range that is asked for; None where there is none, several, or what is no range.

    Args:
        header: of the request.
        size: of the file, in bytes.

    Raises:
        Unsatisfiable: no byte of the file lies in it.
    """
    parts = None if header is None else _ONE.fullmatch(header.replace(" ", ""))
    if parts is None:
        return None
    first, last = parts.groups()
    if not first and not last:
        return None
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last or size) + 1, size)
        if last and int(last) < start:
            return None
    if start >= end:
        raise Unsatisfiable(size)
    return ByteRange(start, end)
