"""What the tests of the command line share: made-up detectors, and an output folder read back."""

from __future__ import annotations

import csv
import json

import cv2

from engine.signing.schema import ENDING
from tests.engine.in_process import InProcess
from tests.scenes import picture, seen

QUICK = (
    "[categories.face]\nauto_redact_at = 0.5\nreview_at = 0.2\n"
    "[detection]\nscales = [64]\nturns = [0]\n[review]\naudit_share = 0\nmost_removed = 1\n"
)
RELEASING = QUICK + "nothing_found = false\n"
FACE, DOUBT = seen(0.9), seen(0.3, (60, 40, 70, 50))


class ByBrightness:
    """Black: a sure face; white: a face and a doubt; all else: nothing."""

    name = "fake@00000000"
    categories = frozenset(["face"])

    def detect(self, image, policy):
        brightness = int(image.rgb[-1, -1, 0])
        return {0: (FACE,), 255: (FACE, DOUBT)}.get(brightness, ())


class OutOfOrder(InProcess):
    """Pulls all jobs before it finishes the last one first, as a large pool might."""

    def run(self, jobs):
        yield from super().run(reversed(list(jobs)))


def paint(path, corner, rng):
    rgb = picture(rng, 60, 80)
    rgb[-1, -1] = corner
    assert cv2.imwrite(str(path.with_suffix(".tmp.png")), rgb)
    path.with_suffix(".tmp.png").rename(path)


def files_of(out):
    return sorted(path for path in out.rglob("*") if path.is_file())


def lines(out, name):
    path = out / name
    return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []


def names(out):
    with (out / "names.csv").open(encoding="utf-8", newline="") as file:
        assert file.readline().startswith("# ")
        return list(csv.reader(file))


def fates(out):
    """Every (source, fate) on record, review lines that were released since left out."""
    done = [(source, "released") for source, _ in names(out)[1:]]
    held = [(line["source"], "quarantined") for line in lines(out, "quarantine.jsonl")]
    settled = {source for source, _ in done}
    waiting = [
        (line["source"], "review")
        for line in lines(out, "review.jsonl")
        if line["source"] not in settled
    ]
    return sorted(done + held + waiting)


def released_ids(out):
    """Of the pictures in `released`, sorted."""
    files = out.glob("released/*")
    return sorted(path.stem for path in files if path.suffix in (".png", ".jpg"))


def certified_ids(out):
    """Of the certificates in `released`, sorted."""
    files = (out / "released").glob("*" + ENDING)
    return sorted(path.name.removesuffix(ENDING) for path in files)


def assert_whole(out):
    """No release without receipt, name or certificate, no receipt without release, none doubled."""
    receipts = [line["release"] for line in lines(out, "receipts.jsonl")]
    assert released_ids(out) == certified_ids(out) == sorted(receipts)
    assert sorted(release for _, release in names(out)[1:]) == sorted(receipts)
    assert len(set(receipts)) == len(receipts)
