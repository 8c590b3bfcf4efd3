"""Measure the table of 0045: `LETHE_DATA=… python docs/decisions/0045-boxes.py`.

How well CenterFace's boxes in int8 fit those in float32, by how channels are equalised, on every
tenth training picture with faces at the scales of the shipped policy. Takes two minutes.
"""

import os
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.category import Category
from engine.detect import int8
from engine.detect.centerface import CenterFace
from engine.detect.nms import overlaps
from engine.detect.views import whole_view
from engine.detect.weights import load_weights
from engine.evaluation.data.datasets import read_dataset
from engine.policy import default_policy

EACH = 10
SURE = 0.3
NONE = "no channel is scaled"


def main():
    weights, ranges = load_weights("centerface"), load_weights("ranges")
    networks = {}
    whole = int8._Network._scale
    int8._Network._scale = lambda *given: np.ones_like(whole(*given))
    networks[NONE] = CenterFace(weights, ranges)
    int8._Network._scale = whole
    for share in (0.2, 0.3, 0.4, 0.5, 0.7):
        int8.SHARE = share
        networks[f"a share of {share}"] = CenterFace(weights, ranges)
    exact = CenterFace(weights)
    fits = {name: [] for name in networks}
    pictures = read_dataset(Path(os.environ["LETHE_DATA"]) / "train.json").pictures
    with_faces = [
        one for one in pictures if any(label.category is Category.FACE for label in one.labels)
    ]
    for picture in with_faces[::EACH]:
        rgb = cv2.cvtColor(cv2.imread(str(picture.path)), cv2.COLOR_BGR2RGB)
        for scale in default_policy().detection.scales:
            view = whole_view(rgb, scale, 0).rgb
            expected = exact._infer(view)
            expected = expected[expected[:, 4] >= SURE]
            for name, network in networks.items():
                given = network._infer(view)
                for box in expected:
                    overlap = overlaps(box, given)[0] if len(given) else np.zeros(1)
                    best = int(overlap.argmax())
                    score = given[best, 4] if overlap[best] >= 0.5 else 0.0
                    fits[name].append((overlap[best], score - box[4]))
    print(f"{len(fits[NONE])} boxes that float32 gives a score of {SURE} or more")
    for name, values in fits.items():
        overlap, score = np.array(values).T
        print(
            f"| {name} | {overlap.mean():.3f} | {np.percentile(overlap, 5):.3f} "
            f"| {np.abs(score).mean():.3f} |"
        )


if __name__ == "__main__":
    main()
