"""What the app holds while nobody works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("home", "upload", "review", "release", "recall", "irreversibility")
WORKERS_ALONE = ("onnxruntime", "scipy.optimize", "scipy.stats", "torch", "ultralytics", "ray")
"""Tens of megabytes each, for networks, evaluations and training."""


@pytest.mark.slow
def test_the_pages_bring_nothing_that_only_workers_need():
    imports = ", ".join(["components.server.serving", *(f"components.{one}.page" for one in PAGES)])
    asked = f"import sys, {imports}; print([one for one in {WORKERS_ALONE} if one in sys.modules])"

    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "[]"
