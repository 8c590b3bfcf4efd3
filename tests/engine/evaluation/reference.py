"""Figures that others computed, to hold ours against: writes `reference.json` beside this file.

    pip install pycocotools
    python -m tests.engine.evaluation.reference

It is no dependency. The recall is that of pycocotools 2.0.11 (`COCOeval`: boxes, IoU 0.5, up to
1000 detections a picture, all areas); the bounds are found by bisection on sums of binomial
probabilities, which is what Clopper and Pearson define, while ours are quantiles of a beta
distribution. Labels and detections are drawn here, from a seed, and written along. Ignored labels
are all `iscrowd`, for pycocotools overwrites `ignore` with that.

pycocotools assigns greedily, the surest detection first, and we assign optimally, so we may find
more; `greedy_only` is a picture, made by hand, in which we do.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("reference.json")
WIDTH, HEIGHT = 640, 480
IMAGES, CATEGORIES = 24, {1: "face", 2: "tattoo", 3: "jewelry"}
SEED = 20261123
COUNTS = [
    (0, 1), (1, 1), (0, 20), (1, 20), (19, 20), (20, 20), (58, 59), (59, 59), (95, 100), (99, 100),
    (298, 298), (299, 299), (471, 472), (472, 473), (626, 628), (770, 773), (650, 656), (180, 196),
    (1987, 2000),
]  # fmt: skip


def drawn(chance: np.random.Generator) -> tuple[list[dict], list[dict]]:
    """Labels, some of them crowds, and detections near and beside them."""
    labels, detections = [], []
    for image in range(1, IMAGES + 1):
        for _ in range(int(chance.integers(0, 9))):
            box = _box(chance)
            category = int(chance.integers(1, 4))
            is_crowd = chance.random() < 0.25
            labels.append(
                {
                    "id": len(labels) + 1,
                    "image_id": image,
                    "category_id": category,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": int(is_crowd),
                }
            )
            for _ in range(int(chance.integers(0, 4))):
                other = category if chance.random() < 0.85 else int(chance.integers(1, 4))
                detections.append(_detection(chance, image, other, _moved(chance, box)))
        for _ in range(int(chance.integers(0, 3))):
            category = int(chance.integers(1, 4))
            detections.append(_detection(chance, image, category, _box(chance)))
    return labels, detections


def by_pycocotools(labels: list[dict], detections: list[dict]) -> dict[str, dict[str, int]]:
    """For each category, how many labels that count there are, and how many are found."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": n, "width": WIDTH, "height": HEIGHT} for n in range(1, IMAGES + 1)],
            "categories": [{"id": key, "name": name} for key, name in CATEGORIES.items()],
            "annotations": copy.deepcopy(labels),  # it writes into them
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(detections), "bbox")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.params.maxDets = [1000]
        evaluation.evaluate()
    counts = {name: {"found": 0, "labels": 0} for name in CATEGORIES.values()}
    for one in filter(None, evaluation.evalImgs):
        counted = ~np.array(one["gtIgnore"], dtype=bool)
        mine = counts[CATEGORIES[one["category_id"]]]
        mine["labels"] += int(counted.sum())
        mine["found"] += int((one["gtMatches"][0][counted] > 0).sum())
    return counts


def bounds() -> list[dict[str, float]]:
    """One-sided 95 % bounds: where finding so many, or so few, has a probability of 5 %."""
    return [
        {
            "found": found,
            "total": total,
            "lower": _where(lambda p, k=found, n=total: _at_least(k, n, p) >= 0.05),
            "upper": _where(lambda p, k=found, n=total: _at_least(n - k, n, 1 - p) < 0.05),
        }
        for found, total in COUNTS
    ]


def _at_least(found: int, total: int, share: float) -> float:
    """The probability of `found` or more of `total`; its smaller tail is added up term by term."""
    if found == 0 or share >= 1.0:
        return 1.0
    if share <= 0.0:
        return 0.0
    is_upper = found > total * share
    terms = range(found, total + 1) if is_upper else range(found)
    whole = math.lgamma(total + 1)
    tail = math.fsum(
        math.exp(
            whole
            - math.lgamma(one + 1)
            - math.lgamma(total - one + 1)
            + one * math.log(share)
            + (total - one) * math.log1p(-share)
        )
        for one in terms
    )
    return tail if is_upper else 1.0 - tail


def _where(is_reached: Callable[[float], bool]) -> float:
    """The share from which something holds, to 12 digits; 1.0 where it never does."""
    low, high = 0.0, 1.0
    if is_reached(low):
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if is_reached(middle) else (middle, high)
    return round(high, 12)


def _box(chance: np.random.Generator) -> list[float]:
    width, height = chance.uniform(12, 200, 2).round(1).tolist()
    x, y = chance.uniform(0, WIDTH - width), chance.uniform(0, HEIGHT - height)
    return [round(x, 1), round(y, 1), width, height]


def _moved(chance: np.random.Generator, box: list[float]) -> list[float]:
    """Somewhere near, and inside the picture: we cut regions off at its edges and COCO does not."""
    x, y, width, height = box
    near = chance.normal(0, 0.12, 4)
    x0 = float(np.clip(x + near[0] * width, 0, WIDTH - 2))
    y0 = float(np.clip(y + near[1] * height, 0, HEIGHT - 2))
    x1 = float(np.clip(x + width * (1 + near[2]), x0 + 1, WIDTH))
    y1 = float(np.clip(y + height * (1 + near[3]), y0 + 1, HEIGHT))
    return [round(x0, 2), round(y0, 2), round(x1 - x0, 2), round(y1 - y0, 2)]


def _detection(chance: np.random.Generator, image: int, category: int, box: list[float]) -> dict:
    score = round(float(chance.uniform(0.2, 1.0)), 4)
    return {"image_id": image, "category_id": category, "bbox": box, "score": score}


def _greedy_only() -> tuple[list[dict], list[dict]]:
    """Two labels and two detections; the surer one fits both and takes the other's only partner."""
    boxes = [[100, 100, 100, 100], [100, 100, 60, 100]]
    labels = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": box, "area": box[2] * box[3]}
        | {"iscrowd": 0}
        for n, box in enumerate(boxes, 1)
    ]
    detections = [
        {"image_id": 1, "category_id": 1, "bbox": box, "score": score}
        for box, score in (([100, 100, 85, 100], 0.9), ([130, 100, 80, 100], 0.8))
    ]
    return labels, detections


def main() -> None:
    """Draw, ask the others, and write."""
    parts = {"drawn": drawn(np.random.default_rng(SEED)), "greedy_only": _greedy_only()}
    reference = {
        "size": [WIDTH, HEIGHT],
        "sets": {
            name: {
                "labels": labels,
                "detections": detections,
                "pycocotools": by_pycocotools(labels, detections),
            }
            for name, (labels, detections) in parts.items()
        },
        "clopper_pearson": bounds(),
    }
    FILE.write_text(_lines(reference), encoding="utf-8")


def _lines(reference: dict) -> str:
    """JSON with one label, detection or bound a line."""
    text = json.dumps(reference, separators=(", ", ": "))
    return text.replace("}, {", "},\n{").replace("[{", "[\n{").replace("}]", "}\n]") + "\n"


if __name__ == "__main__":
    main()
