"""Small pictures with drawn shapes: circles are faces, bars tattoos, rings jewelry."""

from __future__ import annotations

import json

import cv2
import numpy as np

SIZE = (80, 64)
"""Width and height."""
KINDS = ("face", "tattoo", "jewelry")
LABELLED_FOR = {"face": ["face"], "tattoo": ["tattoo"], "jewelry": ["face", "jewelry"]}
CATEGORIES = [{"id": at, "name": name} for at, name in enumerate(KINDS, 1)]


def picture(kind, rng):
    """Pixels (BGR) and the shape's box, x, y, width, height."""
    width, height = SIZE
    pixels = rng.integers(150, 200, (height, width, 3), dtype=np.uint8)
    x, y = (int(value) for value in rng.integers(2, (width - 34, height - 34)))
    centre, colour = (x + 15, y + 15), [(40, 90, 220), (30, 30, 30), (0, 200, 220)]
    if kind == "tattoo":
        cv2.rectangle(pixels, (x, y), (x + 30, y + 30), colour[1], -1)
    else:
        cv2.circle(pixels, centre, 15, colour[KINDS.index(kind)], -1 if kind == "face" else 4)
    return pixels, [x, y, 30, 30]


def write_shapes(folder, count=9):
    """Pictures and their description: each kind is a source of its own, in turn."""
    rng = np.random.default_rng(5)
    images, annotations = [], []
    for number in range(1, count + 1):
        kind = KINDS[number % 3]
        pixels, box = picture(kind, rng)
        cv2.imwrite(str(folder / f"{number}.png"), pixels)
        images.append(
            {"id": number, "file_name": f"{number}.png", "width": SIZE[0], "height": SIZE[1],
             "source": f"drawn {kind}", "licence": "CC0-1.0", "labelled_for": LABELLED_FOR[kind]}
        )  # fmt: skip
        annotations.append(
            {"id": number, "image_id": number, "category_id": KINDS.index(kind) + 1, "bbox": box}
        )
    return write_description(folder, images, annotations)


def write_description(folder, images, annotations):
    where = folder / "shapes.json"
    described = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    where.write_text(json.dumps(described), encoding="utf-8")
    return where
