r"""Spellings of file names: Unicode compositions and path separators.

Windows puts `\` between folders. macOS takes accented letters apart (`e` and an accent, NFD) where
most programs keep them in one (NFC), so that a name that looks the same is another file.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath


def compositions(name: str) -> tuple[str, ...]:
    """A name as written, with composed and with decomposed letters; each once."""
    forms = (unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
    return tuple(dict.fromkeys((name, *forms)))


def spellings(name: str) -> tuple[str, ...]:
    """A path as written, then with forward slashes, each in every composition."""
    return _composed((name, name.replace("\\", "/")))


def last_parts(name: str) -> tuple[str, ...]:
    """The last part of a path as written, then of one with backslashes, in every composition."""
    return _composed((PurePosixPath(name).name, PurePosixPath(name.replace("\\", "/")).name))


def existing_spelling(path: Path) -> Path:
    """The file that exists under a composition of its name; `path` where none does."""
    paths = (path.with_name(name) for name in compositions(path.name))
    return next((spelling for spelling in paths if is_there(spelling)), path)


def is_there(path: Path) -> bool:
    """Whether something lies there; no also where no file can: a composition may be too long."""
    try:
        return path.exists()
    except OSError:
        return False


def _composed(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for name in names for form in compositions(name)))
