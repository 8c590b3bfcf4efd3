"""Pillow and piexif see in a file what the finder sees."""

from __future__ import annotations

import io

import piexif
import pytest
from PIL import ExifTags, Image

from engine.metadata.finding import Kind
from engine.metadata.inspect import findings
from tests import awkward
from tests.awkward import AWKWARD, jpeg, saved, still
from tests.engine.lint import carriers
from tests.engine.lint.carriers import kinds, only


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("case", [name for name in AWKWARD if AWKWARD[name].outcome == "decodes"
                                  and not name.startswith(("heic", "40"))])  # fmt: skip
def test_pillow_finds_nothing_that_was_not_found_here(case):
    data = AWKWARD[case].data
    image = opened(data)
    image.load()

    found = kinds(data)

    pillow_says = {
        "exif": bool(image.info.get("exif")) or ("exif" in found and image.format == "TIFF"),
        "gps": ExifTags.Base.GPSInfo in image.getexif(),
        "icc": bool(image.info.get("icc_profile")),
        "comment": bool(image.info.get("comment")),
        "xmp": bool(image.info.get("xmp")),
        "further-pictures": getattr(image, "n_frames", 1) > 1,
    }
    if case != "broken exif":
        assert {kind for kind, says in pillow_says.items() if says} <= found
    assert found & {"gps", "icc", "comment", "xmp"} <= {
        kind for kind, says in pillow_says.items() if says
    }


def test_piexif_reads_the_thumbnail_from_the_block_that_was_found():
    data = jpeg(exif=carriers.full_exif())

    found = only(data, Kind.EXIF)
    block = data[found.offset : found.offset + found.size]

    assert opened(piexif.load(block)["thumbnail"]).size == opened(awkward.thumbnail()).size
    assert piexif.load(block)["GPS"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_piexif_tags_written_by_pillow_are_found_in_every_format(kind):
    data = saved(still(), kind, exif=carriers.full_exif())

    assert {"gps", "serial-number", "owner"} <= kinds(data)
    assert piexif.GPSIFD.GPSLatitude in opened(data).getexif().get_ifd(ExifTags.IFD.GPSInfo)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_what_pillow_writes_without_being_asked_is_clean(kind):
    assert findings(saved(still(), kind)) == ()


def test_the_second_picture_is_where_pillow_finds_it():
    data = AWKWARD["mpo"].data
    image = opened(data)
    image.seek(1)

    (behind,) = [one for one in findings(data) if one.where == "after the end marker"]

    assert opened(data[behind.offset :]).size == image.size
