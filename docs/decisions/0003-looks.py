"""Remake the figures of 0003-looks.md: `LETHE_DATA=... python docs/decisions/0003-looks.py`.

Reads the calibration split only. Takes about five minutes on one core.
"""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.category import Category
from engine.detect.nms import non_max_suppression
from engine.detect.registry import default_detectors
from engine.detect.views import whole_view
from engine.geometry import Box, Size
from engine.images import SourceCodec
from engine.plan import Origin, Region
from engine.policy import default_policy
from engine.redact.masks import mask_of, rect_of

POLICY = default_policy()
DETECTOR = default_detectors()[0]
THRESHOLD = 0.2
TURNS = (0, 90, 180, 270)
VARIANTS = {
    "640 upright": [(640, 0)],
    "1280 upright": [(1280, 0)],
    "640 and 1280 upright": [(640, 0), (1280, 0)],
    "640 in four turns, 1280 upright": [*((640, turn) for turn in TURNS), (1280, 0)],
}


@dataclass
class Count:
    faces: int = 0
    covered: int = 0
    pictures: int = 0
    unmatched: int = 0
    regions: list = field(default_factory=list)

    def add(self, corners, labels, size):
        regions = [Region(Box(*row), Category.FACE, Origin.MODEL) for row in corners]
        codec = SourceCodec("png", size)
        mask = mask_of([rect_of(region, codec, POLICY) for region in regions], size)
        self.pictures += 1
        for label, ignored in labels:
            if not ignored:
                self.faces += 1
                area = label.outward().clipped(size)
                self.covered += mask[area.rows, area.columns].mean() >= 0.9
        hit = [any(region.box.iou(label) >= 0.3 for label, _ in labels) for region in regions]
        self.unmatched += len(hit) - sum(hit)

    def __str__(self):
        share, extra = self.covered / self.faces, self.unmatched / self.pictures
        return f"{share:.3f} covered, {extra:.2f} unmatched ({self.faces} faces)"


def main():
    root = Path(os.environ["LETHE_DATA"])
    split = json.loads((root / "calibration.json").read_text())
    labels = {}
    for one in split["annotations"]:
        if one["category_id"] == 1:
            box = (Box.from_xywh(*one["bbox"]), bool(one.get("ignore")))
            labels.setdefault(one["image_id"], []).append(box)
    pictures = [one for one in split["images"] if "face" in one["labelled_for"]]
    order = np.random.default_rng(0).permutation(len(pictures))
    counts = {name: Count() for name in VARIANTS}
    for index in order[:120]:
        rgb = read(root, pictures[index])
        seen = {
            look: above(whole_view(rgb, *look).detect_with(DETECTOR._see))
            for look in {look for looks in VARIANTS.values() for look in looks}
        }
        size = Size(rgb.shape[1], rgb.shape[0])
        for name, looks in VARIANTS.items():
            found = non_max_suppression(np.concatenate([seen[look] for look in looks]))
            counts[name].add(found[:, :4].tolist(), labels.get(pictures[index]["id"], []), size)
    for name, count in counts.items():
        print(f"{name}: {count}")


def read(root, picture):
    return cv2.imread(str(root / picture["file_name"]))[:, :, ::-1].copy()


def above(raw_detections):
    return raw_detections[raw_detections[:, 4] >= THRESHOLD]


if __name__ == "__main__":
    main()
