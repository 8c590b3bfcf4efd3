"""Three small pictures with a face each, made-up eyes that see it, and how to tell a face shown."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.category import Category
from engine.detect.base import Detector
from engine.detect.ensemble import Ensemble
from engine.detect.release_check import ReleaseCheck
from engine.detect.score_fusion import ScoreFusion
from engine.geometry import Box, PixelRect
from engine.plan import Detection
from tests.engine.in_process import InProcess
from tests.scenes import picture

ONE, TWO, DOUBTFUL = "one.png", "two.jpg", "doubtful.png"
NAMES = (ONE, TWO, DOUBTFUL)
POLICY = (
    "[categories.face]\nauto_redact_at = 0.5\nreview_at = 0.2\n"
    "[detection]\nscales = [64]\nturns = [0]\n"
    "[review]\naudit_share = 0\nmost_removed = 1\nnothing_found = false\n"
)
"""Nothing is left to chance or to measured thresholds; nobody is asked where nothing is found."""
FACE, DOUBT = PixelRect(16, 16, 32, 32), PixelRect(64, 40, 72, 48)
_EYES = "made-up@00000000"


def pictures() -> dict[str, bytes]:
    """By name: two whose face the eyes are sure of, and one with a doubt besides."""
    return {name: _drawn(name, number) for number, name in enumerate(NAMES)}


def pixels(data: bytes) -> NDArray[np.uint8]:
    """A file's pixels."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def shows(data: bytes, original: bytes) -> bool:
    """Whether a released file shows the original's face, told without the plan or the receipt."""
    (left, top, right, bottom), (out, source) = FACE, (pixels(data), pixels(original))
    if out.shape != source.shape:
        return True
    face = np.s_[top:bottom, left:right]
    return bool(np.abs(out[face].astype(int) - source[face]).mean() < 40)


def sure(score: float = 0.9) -> Detection:
    """The face, as the eyes see it."""
    return Detection(Box(*FACE), Category.FACE, score, _EYES)


class Eyes:
    """Sees the face of every picture, and in the one with a light corner a doubt besides."""

    name = _EYES
    categories = frozenset([Category.FACE])

    def detect(self, image, policy):
        review_region = Detection(Box(*DOUBT), Category.FACE, 0.3, _EYES)
        return (sure(), review_region) if image.rgb[:8, :8].mean() > 200 else (sure(),)


class Onlooker:
    """A witness that sees a face wherever one is shown."""

    name = "made-up-witness@00000000"
    categories = independent = frozenset([Category.FACE])

    def detect(self, redacted, policy):
        left, top, right, bottom = FACE
        is_shown = redacted.rgb[top:bottom, left:right].astype(float).std() > 80
        return (sure(),) if is_shown else ()


@dataclass(frozen=True)
class Parts:
    """What looks; whatever is left out works."""

    eyes: Detector = field(default_factory=Eyes)
    fusion: ScoreFusion | None = None
    release_check: ReleaseCheck = field(default_factory=Onlooker)

    def executor(self, workers: int = 1) -> InProcess:
        return InProcess(Ensemble([self.eyes], self.fusion), self.release_check)


def counted(fates: Mapping[str, str]) -> str:
    """`1 released, 2 held back`, in an order of its own."""
    words = {"released": "released", "review": "to a person", "quarantined": "held back"}
    words |= {"waiting": "waiting", "lost": "lost"}
    numbers = {word: list(fates.values()).count(fate) for fate, word in words.items()}
    return ", ".join(f"{number} {word}" for word, number in numbers.items() if number)


def _drawn(name: str, number: int) -> bytes:
    rgb = picture(np.random.default_rng(number), 64, 96)
    left, top, right, bottom = FACE
    board = (np.indices((bottom - top, right - left)) // 4).sum(axis=0) % 2
    rgb[top:bottom, left:right] = (board * 255).astype(np.uint8)[..., None]
    rgb[:8, :8] = 255 if name == DOUBTFUL else 0
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG" if name.endswith("png") else "JPEG", quality=95)
    return file.getvalue()
