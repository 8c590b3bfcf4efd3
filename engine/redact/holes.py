"""Holes: a mask in, its connected parts out, at the cost of their outlines and not of the picture.

Masks are unions of rectangles, so most rows and columns are like the one before. Only those that
differ are labelled; repeating rows and columns changes nothing about what touches what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Window: TypeAlias = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """One connected part of a mask (connected by edges or corners)."""

    window: Window
    """The smallest that holds it."""
    pixels: NDArray[np.bool_]
    """(window height, window width): the hole's own, without others in the window."""

    def grown(self, margin: int, shape: tuple[int, ...]) -> Window:
        """Its window with a margin, inside a picture of that height and width."""
        rows, columns = self.window
        return (
            slice(max(rows.start - margin, 0), min(rows.stop + margin, shape[0])),
            slice(max(columns.start - margin, 0), min(columns.stop + margin, shape[1])),
        )


def holes_of(mask: NDArray[np.bool_]) -> list[Hole]:
    """The connected parts of a mask, in the order in which OpenCV labels them.

    Grain is drawn by number, so the order decides the bytes of a release. It is that of the mask
    cropped to the part of the picture that has any.
    """
    rows, columns = _span(mask)
    if rows.stop == rows.start:
        return []
    part = mask[rows, columns]
    y_starts = _changes(part)
    few = part[y_starts[:-1]]
    x_starts = _changes(few.T)
    reduced = np.ascontiguousarray(few[:, x_starts[:-1]])
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        reduced.view(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    heights, widths = np.diff(y_starts), np.diff(x_starts)
    found: list[tuple[tuple[int, int], Hole]] = []
    for label in range(1, count):
        x, y, w, h = (int(value) for value in stats[label, :4])
        pixels = labels[y : y + h, x : x + w] == label
        pixels = pixels.repeat(heights[y : y + h], axis=0).repeat(widths[x : x + w], axis=1)
        top, left = int(y_starts[y]), int(x_starts[x])
        window = (
            slice(rows.start + top, rows.start + top + pixels.shape[0]),
            slice(columns.start + left, columns.start + left + pixels.shape[1]),
        )
        found.append((_place(pixels, top, left), Hole(window, pixels)))
    return [hole for _, hole in sorted(found, key=lambda entry: entry[0])]


def _place(pixels: NDArray[np.bool_], top: int, left: int) -> tuple[int, int]:
    """Row and column of the first block of 2 x 2 pixels that has any.

    OpenCV labels by blocks (Bolelli et al., "Spaghetti Labeling", 2020).
    """
    first_rows = pixels[: 2 - top % 2].any(axis=0)
    return top // 2, (left + int(first_rows.argmax())) // 2


def _span(mask: NDArray[np.bool_]) -> Window:
    """The smallest window that holds the whole mask; empty when the mask is."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    rows_slice = slice(int(rows[0]), int(rows[-1]) + 1)
    columns = np.flatnonzero(mask[rows_slice].any(axis=0))
    return rows_slice, slice(int(columns[0]), int(columns[-1]) + 1)


def _changes(rows: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Where rows begin that differ from the one before; the first and the end are among them."""
    differs = (rows[1:] != rows[:-1]).any(axis=1)
    return np.concatenate([[0], np.flatnonzero(differs) + 1, [len(rows)]]).astype(np.intp)
