"""Subprocesses of Lethe: command and environment, whatever the working directory.

The folder stays the caller's: what a command writes by default, it writes there and never beside
the code.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_CODE = Path(__file__).parents[2]


def command(*words: str) -> list[str]:
    """What runs a command of the engine; -P: nothing of the caller's folder is imported."""
    return [sys.executable, "-P", "-m", "engine", *words]


def environment() -> dict[str, str]:
    """This process's, with the folder to import from."""
    paths = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(_CODE), *([paths] if paths else [])])}
