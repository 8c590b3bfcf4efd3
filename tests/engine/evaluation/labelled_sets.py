"""The same small labelled set, written in every format that can be read."""

from __future__ import annotations

import json

from PIL import Image

SIZE = (64, 32)
PICTURES = {
    "a.png": [("face", (8, 4, 24, 20)), ("Tattoo", (32, 8, 48, 16))],
    "b.png": [("earring", (0, 0, 4, 4))],
    "c.png": [],
}
CLASSES = ("face", "Tattoo", "earring")


def paint(path, size=SIZE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "grey").save(path, **options)


def coco(pictures=PICTURES):
    """A COCO description; image ids count from 1, category ids from 1."""
    images = [
        {"id": at, "file_name": name, "width": SIZE[0], "height": SIZE[1]}
        for at, name in enumerate(pictures, 1)
    ]
    annotations = [
        {"id": 0, "image_id": at, "category_id": CLASSES.index(name) + 1,
         "bbox": [x0, y0, x1 - x0, y1 - y0]}
        for at, boxes in enumerate(pictures.values(), 1)
        for name, (x0, y0, x1, y1) in boxes
    ]  # fmt: skip
    categories = [{"id": at, "name": name} for at, name in enumerate(CLASSES, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def write_coco(folder, description=None, *, indent=1):
    for name in PICTURES:
        paint(folder / name)
    where = folder / "labels.json"
    where.write_text(json.dumps(description or coco(), indent=indent), encoding="utf-8")
    return where


def line_of(where, text, *, nth=1):
    """The line, from 1, on which the nth line with `text` stands."""
    lines = where.read_text(encoding="utf-8").split("\n")
    return [at for at, line in enumerate(lines, 1) if text in line][nth - 1]


def yolo_line(name, corners):
    x0, y0, x1, y1 = corners
    width, height = SIZE
    shares = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height)
    return " ".join(map(str, (CLASSES.index(name), *shares)))


def write_yolo(folder, *, split="test", data=None):
    for name, boxes in PICTURES.items():
        paint(folder / split / "images" / name)
        labels = folder / split / "labels" / f"{name[0]}.txt"
        labels.parent.mkdir(exist_ok=True)
        if boxes:
            labels.write_text("\n".join(yolo_line(*box) for box in boxes) + "\n", encoding="utf-8")
    where = folder / "data.yaml"
    names = f"names: [{', '.join(CLASSES)}]"
    where.write_text(data or f"{split}: ../{split}/images\n{names}\n", encoding="utf-8")
    return where


def voc(name, boxes, extra=""):
    objects = "\n".join(
        f"<object>\n<name>{label}</name>\n{extra}<bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin>"
        f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox>\n</object>"
        for label, (x0, y0, x1, y1) in boxes
    )
    width, height = SIZE
    return (
        f"<annotation>\n<filename>{name}</filename>\n"
        f"<size><width>{width}</width><height>{height}</height></size>\n{objects}\n</annotation>"
    )


def write_voc(folder):
    (folder / "Annotations").mkdir(parents=True, exist_ok=True)
    for name, boxes in PICTURES.items():
        paint(folder / "JPEGImages" / name)
        (folder / "Annotations" / f"{name[0]}.xml").write_text(voc(name, boxes), encoding="utf-8")
    return folder


def cvat(shapes):
    """A CVAT description from picture name to lines of shapes."""
    images = "\n".join(
        f'<image id="0" name="{name}" width="{SIZE[0]}" height="{SIZE[1]}">\n'
        + "\n".join(lines)
        + "\n</image>"
        for name, lines in shapes.items()
    )
    labels = "".join(f"<label><name>{name}</name></label>" for name in CLASSES)
    meta = f"<meta><job><labels>{labels}</labels></job></meta>"
    return f"<annotations>\n<version>1.1</version>\n{meta}\n{images}\n</annotations>"


def cvat_box(name, corners, **others):
    x0, y0, x1, y1 = corners
    more = " ".join(f'{key}="{value}"' for key, value in others.items())
    return f'<box label="{name}" xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}" {more}></box>'


def write_cvat(folder, shapes=None):
    for name in PICTURES:
        paint(folder / "images" / name)
    where = folder / "annotations.xml"
    boxes = {name: [cvat_box(*box) for box in boxes] for name, boxes in PICTURES.items()}
    where.write_text(cvat(shapes or boxes), encoding="utf-8")
    return where


WRITERS = {"coco": write_coco, "yolo": write_yolo, "voc": write_voc, "cvat": write_cvat}
