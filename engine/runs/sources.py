"""Where a job's picture is read from, so that a worker does not know how it is kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from engine.errors import UnreadableImage

LARGEST_ORIGINAL: Final = 4 * 1024**3
"""Bytes; 120 megapixels, what policies allow by default, have at most 960 MB in any format."""


class PictureSource(Protocol):
    """Gives the bytes of a picture; crosses processes with its job."""

    @property
    def path(self) -> Path:
        """The file they are kept in, to tell a fault of its disk from one of the picture."""
        ...

    def read(self) -> bytes:
        """All bytes of the picture, as it came in.

        Raises:
            OSError: the file cannot be read.
            LetheError: it is not what was kept.
        """
        ...


@dataclass(frozen=True, slots=True)
class PathSource:
    """A picture that lies in a file as it is."""

    path: Path

    def read(self) -> bytes:
        """See `PictureSource.read`; raises UnreadableImage of a file above `LARGEST_ORIGINAL`."""
        with self.path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > LARGEST_ORIGINAL:  # with holes it can be endless
                most = LARGEST_ORIGINAL // 1024**2
                raise UnreadableImage(f"The file is larger than {most:,} MB, so it was not read.")
            return file.read()
