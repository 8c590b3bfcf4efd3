"""What a worker gets of a sealed original: its file and the one key that opens it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from store.vault.sealing import opened


@dataclass(frozen=True, slots=True)
class SealedSource:
    """A sealed file with its key, as an `engine.runs.sources.PictureSource`.

    It goes to a worker over the pipe of the pool and nowhere else: whoever has it can read this
    picture, and no other.
    """

    path: Path
    key: bytes = field(repr=False)
    context: bytes = field(repr=False)

    def read(self) -> bytes:
        """The content, once all of it is known to be what was sealed.

        Raises:
            BrokenSeal: the file is not what was sealed.
            OSError: it cannot be read.
        """
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The content a chunk at a time; only the end tells that none is missing.

        Raises:
            BrokenSeal: the file is not what was sealed.
            OSError: it cannot be read.
        """
        with self.path.open("rb") as file:
            yield from opened(self.key, self.context, file)
