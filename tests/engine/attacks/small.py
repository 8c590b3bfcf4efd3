"""A battery that takes seconds, and removals for it that leak."""

from __future__ import annotations

import dataclasses

import numpy as np

from engine.attacks.battery import settings
from engine.attacks.battery.settings import Settings
from engine.attacks.subjects.patches import Subjects
from engine.attacks.subjects.synthetic import synthetic
from engine.category import Category
from engine.images import RedactedImage
from engine.redact import removal

N = 16


def small(seed: int = 0, **changes: object) -> Settings:
    """Few subjects, few attacks, every rule."""
    made = settings.quick(n=N, seed=seed, attacks=("raw", "high-pass", "unsharp-2", "ridge"))
    made = dataclasses.replace(
        made, side_px=48, spare=8, copies=3, shares=(0.5, 0.1), template_step=20
    )
    return dataclasses.replace(made, **changes)


def faces(chosen: Settings) -> Subjects:
    return synthetic(
        Category.FACE, chosen.n, side_px=chosen.side_px, spare=chosen.spare, seed=chosen.seed
    )


def leaking(share: float):
    """`removal.remove` as it would be if somebody forgot to erase everything."""
    honest = removal.remove

    def remove(image, mask, *, fill="pushpull", seed):
        filled = honest(image, mask, fill=fill, seed=seed).rgb.astype(np.float32)
        mixed = np.rint(filled + share * (image.rgb - filled)).astype(np.uint8)
        return RedactedImage(np.where(mask[..., None], mixed, image.rgb))

    return remove
