"""Cache of raw detections in labelled pictures, so that later stages train in minutes.

One JSON line a picture: `{"file": name, "detectors": [name, …], "boxes": [[x0, y0, x1, y1,
category, score, detector], …]}`, category and detector as places in `DETECTABLE` and `detectors`.
A run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engine.category import DETECTABLE
from engine.codec.decode import decode
from engine.detect.base import Detector
from engine.detect.registry import default_detectors
from engine.errors import UnreadableImage
from engine.evaluation.data.labels import LabelledPicture
from engine.geometry import Box
from engine.plan import Detection
from engine.policy import Policy
from engine.processes import Mapped, mapped

_ORDER = {category: place for place, category in enumerate(DETECTABLE)}


class _Worker:
    detectors: tuple[Detector, ...] = ()


def propose(
    pictures: Sequence[LabelledPicture],
    file: Path,
    policy: Policy,
    *,
    workers: int,
    over: Mapped | None = None,
) -> Iterator[str]:
    """Append the raw detections in every picture that is not in the file yet.

    Args:
        pictures: those that cannot be read are left out.
        file: JSON lines; made if need be.
        policy: its view plan applies.
        workers: processes.
        over: where they are; None for processes of this machine.

    Yields:
        The name of each picture as it is done.
    """
    names = set(raw_detections_in(file)) if file.exists() else set()
    waiting = [
        (picture.name, picture.path, policy) for picture in pictures if picture.name not in names
    ]
    with file.open("a", encoding="utf-8") as out:
        if _ends_within_a_line(file):
            out.write("\n")  # or the next picture's line would be lost with the one cut short
        for name, line in (over or mapped)(_detect, waiting, workers=workers, start=_start):
            out.write(line)
            out.flush()
            yield name


def raw_detections_in(file: Path) -> dict[str, tuple[Detection, ...]]:
    """Read such a file: raw detections by picture. A line cut short by a stop is left out."""
    raw_detections = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        raw_detections[entry["file"]] = tuple(_detections(entry["detectors"], entry["boxes"]))
    return raw_detections


def _ends_within_a_line(file: Path) -> bool:
    content = file.read_bytes()
    return bool(content) and not content.endswith(b"\n")


def _detections(names: Sequence[str], boxes: Iterable[Sequence[float]]) -> Iterator[Detection]:
    for *corners, category, score, detector in boxes:
        yield Detection(Box(*corners), DETECTABLE[int(category)], score, names[int(detector)])


def _start() -> None:
    _Worker.detectors = default_detectors()


def _detect(work: tuple[str, Path, Policy]) -> tuple[str, str]:
    name, path, policy = work
    try:
        image = decode(path.read_bytes(), name, max_megapixels=policy.codec.max_megapixels)
    except (OSError, UnreadableImage):
        return name, ""
    names = [detector.name for detector in _Worker.detectors]
    boxes = [
        [*(round(corner, 1) for corner in detection.box.corners), _ORDER[detection.category],
         round(detection.score, 4), number]
        for number, detector in enumerate(_Worker.detectors)
        for detection in detector.detect(image, policy)
    ]  # fmt: skip
    return name, json.dumps({"file": name, "detectors": names, "boxes": boxes}) + "\n"
