from __future__ import annotations

import pytest

from engine.attacks.battery.non_interference import Changed
from engine.attacks.battery.templates import (
    ORIENTATIONS,
    QUALITIES,
    SAMPLINGS,
    STORED,
    Template,
    distinguishable,
    every_template,
    saved,
    unsnapped,
)
from engine.attacks.subjects.synthetic import scenes
from engine.codec.decode import decode
from engine.geometry import Size
from engine.images import Leakage


def test_every_way_to_save_is_tried():
    templates = set(every_template())

    assert len(templates) == len(SAMPLINGS) * len(QUALITIES) * len(ORIENTATIONS) == 80
    assert STORED.width % 16
    assert STORED.height % 16


@pytest.mark.slow
def test_candidates_cannot_be_told_apart_by_the_codecs_residue():
    some = [one for one in every_template() if one.quality == 75]

    assert distinguishable(some, seed=1) == Changed(0, 40)


def test_masks_that_forget_the_files_blocks_are_caught():
    some = [Template(sampling, 75, 6) for sampling in SAMPLINGS]

    assert distinguishable(some, 1, unsnapped) == Changed(5, 5)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("sampling", "block"),
    [("4:2:0", (16, 16)), ("4:2:2", (16, 8)), ("4:4:0", (8, 16)), ("4:1:1", (32, 8)),
     ("4:4:4", (8, 8))],
)  # fmt: skip
def test_an_original_is_what_its_template_says(rng, sampling, block, orientation):
    stored = scenes(1, STORED.width, rng)[0][: STORED.height]

    read = decode(saved(stored, Template(sampling, 90, orientation)), "template", max_megapixels=1)

    assert read.codec.block == Size(*block)
    assert read.codec.orientation == orientation
    assert read.codec.stored_size == STORED
    assert read.codec.leakage is Leakage.BLOCK
