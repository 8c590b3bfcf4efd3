"""Label files as exporters write them, small, for damage to begin from."""

from __future__ import annotations

import json

from tests.engine.evaluation.labelled_sets import coco, cvat, cvat_box, voc

_BOXES = [("face", (8, 4, 24, 20)), ("Tattoo", (32, 8, 48, 16)), ("earring", (0, 0, 4, 4))]
_LINES = b"0 0.25 0.375 0.25 0.5\n2 0.03 0.06 0.06 0.12\n1 0.5 0.25 0.75 0.25 0.6 0.5\n"
_MASK = {"counts": [0, 9], "size": [32, 64]}


def _dumped(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def _coco(**members: object) -> dict[str, object]:
    description = coco({"images/a.png": _BOXES, "b.png": []})
    description["annotations"][0] |= {"iscrowd": 1, "segmentation": _MASK}
    description["annotations"][1] |= {"attributes": {"rotation": 33.0, "skin_tone": "V"}}
    description["annotations"][2] |= {"ignore": 1, "id": "x"}
    description["images"][0] |= {"labelled_for": ["face"], "partial_for": ["tattoo"], "group": "g"}
    return description | members


_SHAPES = (
    cvat_box("face", (8, 4, 24, 20), rotation=12.5),
    '<ellipse label="tattoo" cx="9" cy="9" rx="4" ry="3" rotation="45"/>',
    '<polygon label="ring" points="1,1;5,1;5,6"/>',
    '<mask label="face" left="3" top="3" width="4" height="5" rle="0, 9"/>',
    '<tag label="street"/>',
)
_VOC_EXTRA = (
    "<difficult>1</difficult><attributes><attribute><name>rotation</name><value>90</value>"
    "</attribute></attributes>\n"
)

EXPORTS: dict[str, dict[str, bytes]] = {
    "coco": {"labels.json": _dumped(_coco())},
    "label studio": {"result.json": _dumped(_coco(info={"contributor": "Label Studio"}))},
    "cvat coco": {"annotations/instances_Train.json": _dumped(_coco())},
    "roboflow": {"test/_annotations.coco.json": _dumped(_coco())},
    "yolo": {
        "data.yaml": b"path: .\ntrain: ../images\nval: images\ntest: [images, list.txt]\n"
        b"names:\n  0: face\n  1: tattoo\n  2: ring\n",
        "list.txt": b"./images/a.png\nb.png\n",
        "labels/a.txt": _LINES,
    },
    "classes": {"classes.txt": b"face\ntattoo\nring\n", "labels/a.txt": _LINES},
    "voc": {
        "Annotations/a.xml": voc("a.png", _BOXES, _VOC_EXTRA).encode(),
        "Annotations/b.xml": voc("b.png", []).encode(),
    },
    "cvat": {
        "annotations.xml": cvat({"images/a.png": _SHAPES, "b.png": []})
        .replace("<image", '<image subset="Train"', 1)
        .encode()
    },
}
"""Files by path, by exporter; the pictures are images/a.png and b.png."""
