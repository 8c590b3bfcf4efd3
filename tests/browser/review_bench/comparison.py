"""What a person who knows the labels would change about the boxes that are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.category import Category
from engine.coverage import SHARE_DIGITS, covered_share
from engine.evaluation.data.labels import Label
from engine.evaluation.scores.matching import HIDDEN_SHARE, is_found_by
from engine.geometry import Box, PixelRect, Size
from engine.images import SourceCodec
from engine.plan import Origin, Region
from engine.policy import Policy
from engine.redact.masks import rect_of


@dataclass(frozen=True, slots=True)
class ShownBox:
    """One line of the list beside the picture."""

    number: int
    category: Category
    box: Box
    is_unsure: bool
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """The edits that make the boxes fit the labels."""

    drop: tuple[int, ...]
    """Numbers of kept boxes that fit no label, in the order of the list."""
    keep: tuple[int, ...]
    """Numbers of dropped boxes that fit one."""
    draw: tuple[Label, ...]
    """Labels that the boxes left do not hide."""


def changes(
    boxes: Sequence[ShownBox], labels: Sequence[Label], size: Size, policy: Policy
) -> Changes:
    """Compare boxes with labels, by the engine's own rules of what finds and what hides a label.

    A box stays when it finds a label, of whatever category and one that counts for nothing too: the
    reviewer removes what is there. A mask counts with its margin, but without the blocks that the
    file's codec adds to it.
    """
    regions = {box.number: _region(box, size, policy) for box in boxes}
    fits = {
        number
        for number, region in regions.items()
        if any(is_found_by(label.box, region) for label in labels)
    }
    rects = [regions[number].rect for number in fits]
    return Changes(
        drop=tuple(b.number for b in boxes if b.number not in fits and not b.is_dropped),
        keep=tuple(b.number for b in boxes if b.number in fits and b.is_dropped),
        draw=uncovered(labels, rects),
    )


def uncovered(labels: Iterable[Label], rects: Sequence[PixelRect]) -> tuple[Label, ...]:
    """Labels that count and of which more shows than may (`HIDDEN_SHARE`)."""
    return tuple(
        label
        for label in labels
        if not label.is_ignored
        and round(covered_share(label.box, rects), SHARE_DIGITS) < HIDDEN_SHARE
    )


def _region(shown: ShownBox, size: Size, policy: Policy) -> Region:
    region = Region(shown.box, shown.category, Origin.MODEL)
    codec = SourceCodec("png", size, block=Size(1, 1))
    return region.with_rect(rect_of(region, codec, policy))
