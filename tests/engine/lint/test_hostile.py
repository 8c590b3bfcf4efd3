"""Whatever the bytes are, the finder answers: no traceback, no endless work."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.codec import tiff
from engine.metadata import finding, heif_items
from engine.metadata import tiff as tiffs
from engine.metadata.inspect import MOST_FINDINGS, findings
from tests import awkward
from tests.awkward import AWKWARD, chunk, jpeg, saved, still, with_chunk, with_segment
from tests.engine.lint import carriers
from tests.engine.lint.carriers import box, kinds

WHOLE = {
    "jpeg": with_segment(jpeg(exif=carriers.full_exif()), 0xED, b"Photoshop 3.0\0"
                         + carriers.resource(0x0404, b"x" * 9)),
    "xmp": carriers.with_xmp(b"exif:GPSLatitude"),
    "motion photo": carriers.motion_photo(),
    "hidden avif": saved(Image.open(io.BytesIO(awkward.hidden_under_alpha(1))), "AVIF"),
    "png": with_chunk(awkward.hidden_under_alpha(1), b"tEXt", b"Author\0a"),
    "palette png": carriers.palette_with_alpha(hides=True),
    "deep png": carriers.deep_alpha(hides=True),
    "tiff": carriers.tiff(t65000=b"private", t700=b"<x>", t34377=carriers.resource(0x0404, b"x")),
    "bigtiff": saved(still("RGBA"), "TIFF", big_tiff=True),
    "webp": carriers.riff((b"XMP ", b"x"), (b"EXIF", carriers.full_exif())),
    "animated webp": AWKWARD["animated webp"].data,
    "gif": carriers.gif_with(b"\x21\xff\x0bXMP DataXMP\3<x>\0"),
    "bmp": saved(still(), "BMP"),
    "heic": carriers.heic("RGBA", exif=carriers.full_exif()),
    "avif": saved(still("RGBA"), "AVIF", exif=carriers.full_exif()),
    "animated avif": AWKWARD["animated avif"].data,
    "jpeg 2000": saved(still(), "JPEG2000"),
}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_changed_and_cut_files_are_answered(name, data):
    broken = bytearray(WHOLE[name])
    ends = st.integers(0, len(broken) - 1)
    for _ in range(data.draw(st.integers(0, 8), label="changes")):
        # headers lie near the start, or near the end: nothing else is steered by bytes
        at = data.draw(ends.filter(lambda at: at < 600 or at > len(WHOLE[name]) - 600))
        broken[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
    cut = bytes(broken[: data.draw(st.integers(0, len(broken)), label="cut")])

    found = findings(cut)

    assert len(found) <= MOST_FINDINGS + 1
    assert all(one.detail.isprintable() for one in found)


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_file_that_ends_early_is_never_called_clean(name):
    data = WHOLE[name]

    clean = [
        end for end in range(0, len(data), max(len(data) // 97, 1)) if not findings(data[:end])
    ]

    assert not clean


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0+", b"GIF89a", b"BM",
                     b"RIFF\xff\0\0\0WEBP", b"\0\0\0\x10ftypheic", b"\0\0\0\x0cjP  ",
                     b"\xff\x4f\xff\x51"]),
    st.binary(max_size=400),
)  # fmt: skip
def test_noise_behind_a_signature_is_answered(signature, noise):
    assert findings(signature + noise)


def test_a_tiff_whose_directories_go_in_a_circle_is_unreadable():
    header = b"II*\0" + struct.pack("<I", 8)
    circle = header + struct.pack("<H", 0) + struct.pack("<I", 8)

    assert "unreadable" in kinds(circle)


def test_an_exif_that_goes_in_a_circle_is_not_called_checked():
    circle = b"Exif\0\0II*\0" + struct.pack("<IHI", 8, 0, 8)

    assert kinds(with_segment(jpeg(), 0xE1, circle)) == {"exif", "unchecked"}


def test_directories_that_share_absurdly_many_tags_are_given_up(monkeypatch):
    monkeypatch.setattr(tiff, "MOST_ENTRIES", 3)

    assert "unreadable" in kinds(carriers.tiff())


def test_absurdly_many_strips_are_given_up(monkeypatch):
    monkeypatch.setattr(tiff, "MOST_NUMBERS", 1)

    assert "unreadable" in kinds(carriers.tiff())


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "gif", "heic", "jpeg 2000"])
def test_absurdly_many_parts_are_given_up(name, monkeypatch):
    monkeypatch.setattr(finding, "MOST_PARTS", 1)
    monkeypatch.setattr("engine.metadata.gif.MOST_PARTS", 1)

    assert "unreadable" in kinds(WHOLE[name])


def test_more_findings_than_anyone_reads_end_in_one_that_cannot_be_allowed():
    many = b"".join(chunk(bytes((97 + i // 26, 97 + i % 26, 65, 97)), b"") for i in range(600))
    data = saved(still(), "PNG")

    found = findings(data[:33] + many + data[33:])

    assert len(found) == MOST_FINDINGS + 1
    assert found[-1].kind == "unreadable"


def test_things_of_one_name_are_one_finding_with_a_count():
    data = jpeg()
    for _ in range(5):
        data = with_segment(data, 0xFE, b"again")

    (found,) = findings(data)

    assert found.count == 5
    assert found.size == 5 * 9
    assert "(5 times)" in found.detail


def test_a_bomb_is_not_inflated_to_its_end(monkeypatch):
    monkeypatch.setattr("engine.metadata.png.MOST_INFLATED", 1 << 22)
    rows = zlib.compress(b"\0" * (1 << 23), 9)
    header = struct.pack(">IIBBBBB", 50_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )

    assert kinds(bomb) == {"unchecked"}


def test_pixels_too_many_to_look_under_are_said(monkeypatch):
    monkeypatch.setattr("engine.metadata.alpha.LARGEST_LOOK_PX", 1_000)
    monkeypatch.setattr("engine.metadata.webp.LARGEST_LOOK_PX", 1_000)

    for name in ("png", "deep png", "palette png", "webp", "bigtiff", "heic", "hidden avif"):
        assert "unchecked" in kinds(WHOLE[name]), name


def test_boxes_that_hold_each_other_do_not_go_deep():
    nested = b""
    for _ in range(3_000):
        nested = box(b"trak", nested)

    assert "animation" in kinds(carriers.heic() + box(b"moov", nested))


def test_metadata_in_absurdly_many_pieces_is_given_up():
    few, many = (
        kinds(carriers.heif_in_pieces(b"Exif", pieces)) for pieces in (heif_items.MOST_PIECES, 9999)
    )

    assert "unreadable" not in few
    assert many == {"unreadable"}


def test_pieces_are_joined_as_far_as_they_are_looked_into(monkeypatch):
    monkeypatch.setattr(heif_items, "LARGEST_CONTENT", 7)
    item = heif_items.Item(b"Exif", b"", ((2, 5), (0, 3), (4, 9)), False, False, b"")

    assert item.content(b"abcdefghi") == b"cdeabce"


@pytest.mark.slow
@pytest.mark.parametrize(("tag", "look"), [(34377, "in_photoshop"), (700, "in_xmp")])
@pytest.mark.parametrize("step", [0, 12], ids=["the same", "overlapping"])
def test_data_that_many_directories_share_are_not_looked_into_for_each(
    monkeypatch, tag, look, step
):
    content = carriers.resource(0x0BAD, b"") * 10_000
    places = [(step * index, len(content) - step * index) for index in range(900)]
    looked_into = []
    honest = getattr(tiffs, look)
    monkeypatch.setattr(
        tiffs, look, lambda body, *rest: looked_into.append(len(body)) or honest(body, *rest)
    )

    found = kinds(carriers.tiff_of_parts(tag, places, content))

    assert 0 < sum(looked_into) <= (tiffs.MOST_LOOKED_INTO if step else len(content))
    assert ("unchecked" in found) is bool(step)
