"""Atomic writes of training files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from engine.files import atomic


def write_whole(file: Path, content: bytes) -> None:
    """`engine.files.atomic.write`, with the folder made when it is not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(file, content, "umask")


def write_json(file: Path, value: Any) -> None:  # noqa: ANN401 - JSON is anything
    """`write_whole` of a value as JSON."""
    write_whole(file, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


def read_json(file: Path) -> Any:  # noqa: ANN401 - JSON is anything
    """The value that a file of our own holds."""
    return json.loads(file.read_text(encoding="utf-8"))


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
