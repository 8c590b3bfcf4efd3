"""Sessions share one arena, which gives back what large pictures took."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.detect import ensemble
from engine.detect.centerface import CenterFace
from engine.detect.ensemble import Ensemble
from engine.detect.onnx import shrink_arena
from engine.detect.weights import load_weights
from engine.geometry import Size
from engine.images import RgbImage, SourceCodec
from engine.policy import Policy


def held_mb():
    """Memory that this process has in use, MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = [line for line in status if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def image(width, height):
    size = Size(width, height)
    return RgbImage("a", np.zeros((height, width, 3), np.uint8), SourceCodec("png", size))


@pytest.mark.slow
def test_the_arena_gives_back_what_activations_took():
    detector = CenterFace(load_weights("centerface"))
    shrink_arena()
    detector._infer(np.zeros((1280, 1280, 3), np.uint8))
    full = held_mb()

    shrink_arena()

    assert held_mb() < full - 150  # of 270


@pytest.mark.parametrize(("size", "times"), [((2000, 3000), 0), ((4000, 3000), 1)])
def test_it_does_after_pictures_as_large_as_photographs(size, times, monkeypatch):
    calls = []
    monkeypatch.setattr(ensemble, "shrink_arena", lambda: calls.append(1))

    Ensemble([]).detect(image(*size), Policy())

    assert len(calls) == times
