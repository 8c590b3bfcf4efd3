"""Where a job's picture is read from, so that a worker does not know how it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


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
        """See `PictureSource.read`."""
        return self.path.read_bytes()
