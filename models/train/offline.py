"""Keeps ultralytics quiet: no network, nothing installed by itself, no code run from checkpoints.

Its settings are read from the environment while it is imported, so this comes before any other
import of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image

from models.train.errors import TrainingRefused

_NEEDED: Final = ("torch", "ultralytics", "nudenet", "tomlkit")


def go_offline() -> None:
    """Set what ultralytics reads while it is imported.

    Raises:
        TrainingRefused: the training packages are not installed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainingRefused(
            f"Training needs packages that are not installed ({', '.join(missing)}): run "
            "`make .venv/train`, which takes about 5 GB."
        )
    settings = Path(tempfile.gettempdir()) / f"lethe-ultralytics-{os.getuid()}"
    os.environ.update(
        YOLO_OFFLINE="true",
        YOLO_AUTOINSTALL="false",
        YOLO_CONFIG_DIR=str(settings),
        ULTRALYTICS_SAFE_LOAD="true",
    )
    opened = Image.open
    importlib.import_module("ultralytics")
    # it replaces PIL's for the whole process, by one that wants to install what a file needs
    Image.open = opened
