"""The removal breaks, or the mask it is given."""

from __future__ import annotations

import numpy as np
import pytest

from engine import pipeline
from engine.images import RedactedImage
from tests import scenes
from tests.leaks import LEAKY_REMOVALS
from tests.reliability.scenes import DOUBTFUL, NAMES, ONE, TWO, Parts
from tests.reliability.test_detector import DEFECT, NO_MEMORY
from tests.scenes import SilentReleaseCheck

T1 = "The removed pixels still influence the result (check T1); nothing was released."
T3 = "Pixels outside the removed regions were changed (check T3); nothing was released."
HELD = {ONE: "quarantined", TWO: "quarantined", DOUBTFUL: "review"}


def break_removal(patch, answer):
    """Let removal, and the check that repeats it, give another picture."""

    def remove(image, mask, *, fill="pushpull", seed):
        return RedactedImage(np.ascontiguousarray(answer(image, mask)))

    def erase_and_fill(rgb, mask, *, fill="pushpull", seed):
        given = answer(scenes.image(rgb), mask)
        if given.shape == rgb.shape:
            rgb[:] = given

    patch.setattr(pipeline, "remove", remove)
    patch.setattr(pipeline, "erase_and_fill", erase_and_fill)


def raising(error):
    def remove(image, mask, *, fill, seed):
        raise error

    return remove


def changed_elsewhere(image, mask):
    rgb = image.rgb.copy()
    rgb[mask] = 128
    rgb[~mask] ^= 1
    return rgb


@pytest.mark.parametrize(
    ("fault", "answer", "said"),
    [
        ("leaves the picture as it was", lambda image, mask: image.rgb, T1),
        *((f"leaks: {name}", leak, T1) for name, leak in LEAKY_REMOVALS.items()),
        ("changes pixels elsewhere", changed_elsewhere, T3),
        ("gives a smaller picture", lambda image, mask: np.zeros((8, 8, 3), np.uint8), T1),
    ],
)
def test_what_it_makes_is_checked_before_anything_goes_out(
    line, broken, monkeypatch, fault, answer, said
):
    case = broken("removal", fault, line)

    with monkeypatch.context() as patch:
        break_removal(patch, answer)
        line.work()

    case.ends(HELD, said)
    case.goes_on(line.held_back)


def test_a_defect_holds_back_each_picture(line, broken, monkeypatch):
    case = broken("removal", "raises an error", line)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "remove", raising(ZeroDivisionError()))
        line.work()

    case.ends(HELD, DEFECT.format("ZeroDivisionError"))
    case.goes_on(line.held_back)


def test_too_little_memory_makes_pictures_wait(line, broken, monkeypatch):
    case = broken("removal", "finds too little memory", line)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "remove", raising(MemoryError()))
        line.work()

    case.ends(dict.fromkeys(NAMES, "waiting") | {DOUBTFUL: "review"}, NO_MEMORY)
    case.goes_on(line.restarted)


@pytest.mark.parametrize(
    ("fault", "short"),
    [
        ("gets a mask of nothing", lambda mask: np.zeros_like(mask)),
        ("gets a mask of half the face", lambda mask: mask & (np.arange(mask.shape[1]) >= 24)),
        ("gets a mask of another place", lambda mask: mask[::-1, ::-1]),
    ],
    ids=["nothing", "half", "elsewhere"],
)
def test_a_mask_that_does_not_cover_the_plan_is_noticed(line, broken, monkeypatch, fault, short):
    case = broken("removal", fault, line)
    mask_of = pipeline.mask_of

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "mask_of", lambda rects, size: short(mask_of(rects, size)))
        line.work(Parts(release_check=SilentReleaseCheck()))

    case.ends(HELD, "The mask leaves out a part of what the plan removes; nothing was released.")
    case.goes_on(line.held_back)
