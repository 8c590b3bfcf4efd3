"""Measure the costs of 0039: `LETHE_DATA=… python docs/decisions/0039-cost.py [FLOAT.onnx]`.

CPU milliseconds, one thread, by network and view, and of detection as a whole. With the file of
`git show 18c9afb:models/adornments.onnx` also what our own detector cost in float32. Reads every
40th picture of the calibration split. Takes a minute or two.
"""

import os
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import cv2

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.codec.decode import decode
from engine.detect.registry import default_ensemble
from engine.detect.tattoo_jewelry import TattooJewelry
from engine.detect.views import whole_view
from engine.detect.weights import load_weights
from engine.evaluation.data.datasets import read_dataset
from engine.policy import default_policy

POLICY = default_policy()
EACH = 40
NAMES = ("centerface", "our own, int8")


def main():
    cv2.setNumThreads(1)
    pictures = read_dataset(Path(os.environ["LETHE_DATA"]) / "calibration.json").pictures[::EACH]
    images = [decode(one.path.read_bytes(), one.name, max_megapixels=120) for one in pictures]
    ensemble = default_ensemble()
    networks = dict(zip(NAMES, ensemble._detectors, strict=True))
    for file in sys.argv[1:]:
        float32 = replace(load_weights("adornments"), data=Path(file).read_bytes())
        networks["our own, float32"] = TattooJewelry(float32)
    infer = {
        name: getattr(network, "_network", network)._infer for name, network in networks.items()
    }
    spent = defaultdict(list)
    for image in images:
        for name, see in infer.items():
            for side in POLICY.detection.scales if name == NAMES[0] else (320, 640):
                start = time.process_time()
                whole_view(image.rgb, side, 0).detect_with(see)
                spent[f"{name} at {side}"].append(time.process_time() - start)
        start = time.process_time()
        ensemble.detect(image, POLICY)
        spent["detection as a whole"].append(time.process_time() - start)
    for name, seconds in spent.items():
        print(f"| {name} | {1000 * fmean(seconds):.0f} |")


if __name__ == "__main__":
    main()
