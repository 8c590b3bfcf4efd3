"""The real path of a file: absolute, without links.

`Path.resolve` raises RuntimeError where links lead in a circle, which strangers can make.
"""

from __future__ import annotations

import os
from pathlib import Path


def real(path: str | Path) -> Path:
    """The path without links; where those lead in a circle, or nowhere, as far as they lead."""
    return Path(os.path.realpath(path))
