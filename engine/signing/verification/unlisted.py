"""Files beside releases that no signature covers: tell harmless ones from others."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from engine.files.safe_read import is_text
from engine.signing.verification.received import OUTSIDE

_KNOWN: Final = frozenset(
    {"README.txt", "attribution.csv", "receipts.jsonl"}
    | {"names.csv", "review.jsonl", "quarantine.jsonl"}
)
"""What Lethe itself puts around releases: lines of text, as many as there are releases."""
LONGEST_KNOWN: Final = 2**28
"""In bytes."""
_TEXT_SUFFIXES: Final = frozenset({"", ".txt", ".md"})
LONGEST_TEXT: Final = 2**16
"""In bytes, of a file such as LICENSE."""


def is_harmless(name: str, path: Path) -> bool:
    """Whether a file that nobody signed is one that Lethe writes, or a few words to read.

    Raises:
        UnreadableFile: it is no plain file, or cannot be read.
    """
    if name.removeprefix(OUTSIDE) in _KNOWN:
        return is_text(path, LONGEST_KNOWN)
    return path.suffix.lower() in _TEXT_SUFFIXES and is_text(path, LONGEST_TEXT)
