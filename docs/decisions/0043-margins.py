"""Remake the table of 0043-margins.md: `LETHE_DATA=… python docs/decisions/0043-margins.py`.

Reads the calibration split only. Takes about three minutes on two cores.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.category import TRAITS, Category
from engine.detect.clusters import clusters_of
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.scores.matching import HIDDEN_SHARE, is_too_large
from engine.policy import default_policy
from models.train.data.proposals import propose, raw_detections_in

LEAST_PX = 8
LARGE_PX2 = 64**2
TRIED = {
    Category.FACE: [
        (0.5, (0.20, 0.20, 0.30, 0.15)),
        (0.5, (0.15, 0.15, 0.15, 0.15)),
        (0.5, (0.15, 0.15, 0.20, 0.15)),
        (0.5, (0.15, 0.15, 0.15, 0.25)),
        (0.75, (0.15, 0.15, 0.15, 0.20)),
        (0.5, (0.10, 0.10, 0.15, 0.075)),
    ],
    Category.TATTOO: [(0.0, (0.10,) * 4), (0.5, (0.15,) * 4)],
    Category.JEWELRY: [(0.5, (0.25,) * 4), (0.5, (0.20,) * 4)],
}
"""Reach and margins (left, right, top, bottom)."""


def main():
    pictures = read_dataset(Path(os.environ["LETHE_DATA"]) / "calibration.json").pictures
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "raw.jsonl"
        for _ in propose(pictures, file, default_policy(), workers=2):
            pass
        raw_detections = raw_detections_in(file)
    for category, tried in TRIED.items():
        for reach, margins in tried:
            print(row(pictures, raw_detections, category, reach, margins))


def row(pictures, raw_detections, category, reach, margins):
    """A line of the table."""
    TRAITS[category] = replace(TRAITS[category], reach=reach)
    ratios, areas = [], []
    for picture in pictures:
        labels = [
            label.box
            for label in picture.labels
            if label.category is category and not label.is_ignored
        ]
        own = [raw for raw in raw_detections.get(picture.name, ()) if raw.category is category]
        boxes = [cluster.box for cluster in clusters_of(own)]
        for label in labels:
            masks = [grown(box, margins) for box in boxes if not is_too_large(box, label)]
            hiding = [
                mask.area / label.area
                for mask in masks
                if label.intersection(mask) >= HIDDEN_SHARE * label.area
            ]
            ratios.append(min(hiding, default=np.nan))
            areas.append(label.area)
    ratios, areas = np.array(ratios), np.array(areas)
    sides = ", ".join(f"{margin:.3g}" for margin in margins[1:])
    return (
        f"| {category} | {reach:g} | {sides} | {np.isnan(ratios).sum()} of {len(ratios)} | "
        f"{np.nanmedian(ratios):.2f} | {np.nanmean(ratios[areas > LARGE_PX2]):.2f} |"
    )


def grown(box, margins):
    """A box with its margins, before it is aligned to blocks."""
    left, right, top, bottom = margins
    width, height = box.x1 - box.x0, box.y1 - box.y0
    return type(box)(
        box.x0 - max(LEAST_PX, left * width),
        box.y0 - max(LEAST_PX, top * height),
        box.x1 + max(LEAST_PX, right * width),
        box.y1 + max(LEAST_PX, bottom * height),
    )


if __name__ == "__main__":
    main()
