"""The data folder of this installation."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """`$LETHE_HOME`, or `var` in the working directory."""
    return Path(os.environ.get("LETHE_HOME") or "var")
