"""`policy.toml`: read whole or not at all, and written atomically."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import InvalidPolicy, UnusableFolder
from engine.files import atomic

if TYPE_CHECKING:
    from store.policies.versions import PolicyVersion

_HEADING = "# Lethe policy, version "


def text(path: Path) -> str | None:
    """The file's text; None where there is no file.

    Raises:
        InvalidPolicy: it is no file, or no text.
    """
    if not os.path.lexists(path):
        return None
    if not path.is_file():
        raise InvalidPolicy(
            f"{path} is a folder, or a link to what is not there, so nobody knows the policy in "
            "force; the built-in policy is not taken in its place. Put the file back, or activate "
            "a version on the page Recall."
        )
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPolicy(
            f"{path} cannot be read as text; mend it, or activate a version on the page Recall."
        ) from error


def write(path: Path, toml: str) -> None:
    """Write the file atomically.

    Raises:
        UnusableFolder: it cannot be written; the one before stays.
    """
    try:
        atomic.write(path, toml.encode())
    except OSError as error:
        raise UnusableFolder(
            f"{path} cannot be written ({error.strerror}); the policy in force is unchanged. "
            "Make the file and its folder writable for Lethe, then try again."
        ) from error


def heading(version: PolicyVersion, by: str, now: datetime) -> str:
    """One comment line; TOML wants it free of line breaks and control characters."""
    text = f"{version.number}, put in force by {by} on {now:%Y-%m-%d}: {version.note}"
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return f"{_HEADING}{' '.join(printable.split())}\n"


def without_heading(toml: str | None) -> str | None:
    """The text under our line, which would be wrong about an edited file."""
    return toml.partition("\n")[2] if toml and toml.startswith(_HEADING) else toml
