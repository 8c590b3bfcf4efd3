"""Large photographs, composed of smaller pictures side by side.

Such a photograph has the detail of a camera's and more to find than most: it is a hard case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import UnusableFolder
from engine.geometry import Size

CELL_PX = 1000
"""Side of the square that each picture fills."""
JPEG_QUALITY = 92


def compose(files: Sequence[Path], size: Size, count: int, folder: Path) -> None:
    """Write `count` JPEGs of a size into a folder, each of the next pictures in turn.

    Raises:
        UnusableFolder: none of the pictures can be read.
    """
    cells = _cells(files)
    for number in range(count):
        canvas = np.zeros((size.height, size.width, 3), np.uint8)
        for top in range(0, size.height, CELL_PX):
            for left in range(0, size.width, CELL_PX):
                target = canvas[top : top + CELL_PX, left : left + CELL_PX]
                target[:] = next(cells)[: target.shape[0], : target.shape[1]]
        quality = (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY)
        (folder / f"{number:05d}.jpg").write_bytes(
            cv2.imencode(".jpg", canvas, quality)[1].tobytes()
        )


def _cells(files: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
    """The middle of each picture, scaled to a cell; round and round."""
    has_any = False
    for number, file in enumerate(cycle(files)):
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if picture is None:
            if number >= len(files) and not has_any:
                raise UnusableFolder("None of the pictures could be read.")
            continue
        has_any = True
        height, width = picture.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        middle = picture[top : top + side, left : left + side]
        yield np.asarray(cv2.resize(middle, (CELL_PX, CELL_PX), interpolation=cv2.INTER_CUBIC))
