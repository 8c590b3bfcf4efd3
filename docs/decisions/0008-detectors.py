"""Remake figures of 0008-detectors.md: `LETHE_DATA=… python docs/decisions/0008-detectors.py`.

Reads the calibration split only. Takes about ten minutes on two cores.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.category import DETECTABLE, Category
from engine.detect.registry import default_ensemble
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.scores.matching import HIDDEN_SHARE, hidden_share
from engine.geometry import Box, Size
from engine.images import RgbImage, SourceCodec
from engine.policy import default_policy
from engine.triage import masked_regions

POLICY = default_policy()
WAYS = [(turn, mirrored) for mirrored in (False, True) for turn in (0, 1, 2, 3)]
PICTURES = 40
SHEETS, ACROSS, SHRUNK = 6, 4, 0.5


class Worker:
    ensemble = None


def start():
    cv2.setNumThreads(1)
    Worker.ensemble = default_ensemble()


def hidden(rgb, labels, policy):
    """Of (category, box) labels, how many by category are covered by what reaches `review_at`."""
    size = Size(rgb.shape[1], rgb.shape[0])
    image = RgbImage("figure", np.ascontiguousarray(rgb), SourceCodec("png", size))
    seen = Worker.ensemble.detect(image, policy)
    likely = [
        one for one in seen.detections if one.score >= policy.thresholds(one.category).review_at
    ]
    found = masked_regions(image, likely, policy)
    counts = dict.fromkeys(DETECTABLE, 0)
    for category, box in labels:
        own = [one for one in found if one.category is category]
        counts[category] += hidden_share(box, own) >= HIDDEN_SHARE
    return counts, len(likely)


def as_turned(work):
    """One picture in every way up."""
    path, labels = work
    rgb = cv2.imread(str(path))[:, :, ::-1]
    return [
        hidden(moved(rgb, *way), [(c, box_moved(b, *way, rgb.shape)) for c, b in labels], POLICY)
        for way in WAYS
    ]


def moved(rgb, turn, mirrored):
    return np.rot90(rgb[:, ::-1] if mirrored else rgb, turn)


def box_moved(box, turn, mirrored, shape):
    height, width = shape[:2]
    x0, y0, x1, y1 = box.corners
    if mirrored:
        x0, x1 = width - x1, width - x0
    for _ in range(turn):
        x0, y0, x1, y1 = y0, width - x1, y1, width - x0
        width, height = height, width
    return Box(x0, y0, x1, y1)


def as_sheet(work):
    """Many pictures, made small, side by side in one large picture: with tiles and without."""
    tiles = []
    labels = []
    side = 1000
    for place, (path, own) in enumerate(work):
        rgb = cv2.imread(str(path))[:, :, ::-1]
        scale = min(SHRUNK, side / max(rgb.shape[:2]))
        small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cell = np.full((side, side, 3), 128, np.uint8)
        cell[: small.shape[0], : small.shape[1]] = small
        x, y = place % ACROSS * side, place // ACROSS * side
        labels += [
            (c, Box(*(v * scale + o for v, o in zip(b.corners, (x, y, x, y), strict=True))))
            for c, b in own
        ]
        tiles.append(cell)
    rows = [np.hstack(tiles[i : i + ACROSS]) for i in range(0, len(tiles), ACROSS)]
    sheet = np.vstack(rows)
    without = POLICY.detection.model_copy(update={"tile_px": 0})
    small = [(c, b) for c, b in labels if min(b.width, b.height) >= 12]
    return [
        (*hidden(sheet, small, policy), len(small), sheet.shape[:2])
        for policy in (POLICY.model_copy(update={"detection": without}), POLICY)
    ]


def chosen(category, seed):
    """Pictures labelled for a category, with their labels, in random order."""
    dataset = read_dataset(Path(os.environ["LETHE_DATA"]) / "calibration.json")
    pictures = [one for one in dataset.pictures if category in one.counted]
    order = np.random.default_rng(seed).permutation(len(pictures))
    return [
        (
            pictures[index].path,
            [(category, one.box) for one in pictures[index].labels
             if one.category is category and not one.is_ignored],
        )
        for index in order
    ]  # fmt: skip


def main():
    with ProcessPoolExecutor(os.cpu_count(), initializer=start) as pool:
        for category in DETECTABLE:
            work = chosen(category, 0)[:PICTURES]
            total = sum(len(labels) for _, labels in work)
            print(f"{category.value}: {total} labels in {len(work)} pictures")
            results = list(pool.map(as_turned, work))
            for place, (turn, mirrored) in enumerate(WAYS):
                count = sum(one[place][0][category] for one in results)
                way = f"turned by {90 * turn}" + (", mirrored" if mirrored else "")
                print(f"  {way}: {count / total:.3f}")
        work = chosen(Category.FACE, 1)
        per_sheet = ACROSS * 3
        sheets = [work[i * per_sheet : (i + 1) * per_sheet] for i in range(SHEETS)]
        results = list(pool.map(as_sheet, sheets))
        total = sum(one[0][2] for one in results)
        print(f"faces of 12 px and more in {SHEETS} sheets of {results[0][0][3]}: {total}")
        for place, name in enumerate(("without tiles", "with tiles")):
            count = sum(one[place][0][Category.FACE] for one in results)
            print(f"  {name}: {count / total:.3f}")


if __name__ == "__main__":
    main()
