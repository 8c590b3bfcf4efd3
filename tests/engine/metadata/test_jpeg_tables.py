"""Bytes that hide in the tables of a JPEG are found, and tables that are needed are left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.codec import jpeg as walk
from engine.metadata.finding import Kind
from tests.awkward import jpeg, saved, still, with_segment
from tests.engine.lint.carriers import findings, kinds, only

SECRET = b"secret"
STEPS = bytes([7]) * 64
CODES = b"\1" + bytes(15) + b"\0"
"""A Huffman table of one symbol."""
PROGRESSIVE = jpeg(progressive=True)


def marked(data, old, new):
    """The JPEG with one marker in place of another."""
    return data.replace(bytes([0xFF, old]), bytes([0xFF, new]), 1)


def before_scan(data, marker, body, number=0):
    scans = [one.start for one in walk.segments(data) if one.marker == walk.SOS]
    return with_segment(data, marker, body, at=scans[number])


def at_the_end(data, marker, body):
    return with_segment(data, marker, body, at=len(data) - 2)


def arithmetic():
    """The markers of an arithmetic JPEG; what they code is not looked at."""
    return b"".join(
        jpeg()[one.start : one.end] for one in walk.segments(jpeg()) if one.marker != walk.DHT
    ).replace(b"\xff\xc0", b"\xff\xc9", 1)


@pytest.mark.parametrize(
    "options",
    [{}, {"optimize": True}, {"progressive": True}, {"quality": 5}, {"subsampling": 2},
     {"restart_marker_rows": 1}, {"restart_marker_blocks": 3, "progressive": True}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_encoders_write_is_clean(mode, options):
    if mode == "L":
        options = {name: value for name, value in options.items() if name != "subsampling"}

    assert kinds(saved(still(mode), "JPEG", **options)) == set()


@pytest.mark.skipif("LETHE_DATA" not in os.environ, reason="needs LETHE_DATA")
def test_no_photograph_has_a_table_that_is_not_needed():
    folder = Path(os.environ["LETHE_DATA"]) / "images" / "calibration"
    photographs = sorted(folder.glob("*.jpg"))

    accused = [
        path.name for path in photographs
        if kinds(path.read_bytes()) & {"unused-bytes", "unknown-data", "unreadable"}
    ]  # fmt: skip

    assert photographs
    assert accused == []


@pytest.mark.parametrize(
    ("data", "size"),
    [
        pytest.param(with_segment(jpeg(), 0xDB, b"\0" + STEPS), 65, id="defined again"),
        pytest.param(with_segment(jpeg(), 0xDB, b"\x10" + STEPS * 2), 129, id="16-bit steps"),
        pytest.param(with_segment(jpeg(), 0xDB, b"\3" + STEPS), 65, id="never referred to"),
        pytest.param(at_the_end(jpeg(), 0xDB, b"\0" + STEPS), 65, id="after the last scan"),
        pytest.param(
            before_scan(PROGRESSIVE, 0xDB, b"\0" + STEPS, 3), 65, id="after the first scan"
        ),
        pytest.param(with_segment(jpeg(), 0xC4, b"\0" + CODES), 18, id="Huffman"),
        pytest.param(with_segment(jpeg(), 0xC4, b"\x13" + CODES), 18, id="Huffman, unreferred"),
        pytest.param(
            before_scan(PROGRESSIVE, 0xC4, b"\x13" + CODES, 4), 18, id="between two scans"
        ),
        pytest.param(with_segment(jpeg(), 0xDB, b"\0" + STEPS + SECRET), 71, id="steps and more"),
        pytest.param(with_segment(jpeg(), 0xDB, SECRET), 6, id="no steps at all"),
        pytest.param(with_segment(jpeg(), 0xDB, b"\4" + STEPS), 65, id="no such number"),
        pytest.param(with_segment(jpeg(), 0xC4, SECRET), 6, id="no codes at all"),
        pytest.param(with_segment(jpeg(), 0xDD, b"ab"), 0, id="restart interval"),
        pytest.param(
            with_segment(with_segment(jpeg(), 0xDD, b"ab"), 0xDD, b"ab"), 2, id="interval twice"
        ),
        pytest.param(at_the_end(jpeg(), 0xDC, b"\0" * 1000), 1000, id="height, known before"),
        pytest.param(
            before_scan(jpeg(), 0xC0, b"\x08\0\x40\0\x60\1\1\x11\0"), 9, id="second frame header"
        ),
    ],
)
def test_bytes_that_no_scan_needs_are_unused(data, size):
    found = findings(data)

    assert {one.kind for one in found} <= {Kind.UNUSED}
    assert sum(one.size for one in found) == size


def test_a_table_that_is_used_leaves_only_what_follows_it():
    first = next(one for one in walk.segments(jpeg()) if one.marker == walk.DHT)
    longer = with_segment(
        jpeg()[: first.start] + jpeg()[first.end :], 0xC4, first.body + SECRET, at=first.start
    )

    assert only(longer, Kind.UNUSED).size == len(SECRET)


def test_hundreds_of_tables_are_one_finding_with_all_their_bytes():
    data = jpeg()
    for _ in range(500):
        data = with_segment(data, 0xDB, b"\0" + STEPS)

    found = only(data, Kind.UNUSED)

    assert (found.count, found.size) == (500, 500 * 65)


def test_an_unused_table_is_pointed_at():
    data = with_segment(jpeg(), 0xDB, b"\3" + STEPS)

    found = only(data, Kind.UNUSED)

    assert data[found.offset : found.offset + found.size] == b"\3" + STEPS


def test_a_height_that_comes_after_the_scan_is_needed_once():
    frame = next(one for one in walk.segments(jpeg()) if one.marker == 0xC0)
    late = bytearray(jpeg())
    late[frame.start + 5 : frame.start + 7] = b"\0\0"

    assert kinds(at_the_end(bytes(late), 0xDC, b"\0\x40")) == set()
    assert only(at_the_end(bytes(late), 0xDC, b"\0\x40" + SECRET), Kind.UNUSED).size == len(SECRET)


@pytest.mark.parametrize("marker", [0xDE, 0xDF, 0xCC], ids=["DHP", "EXP", "DAC"])
def test_segments_of_other_coding_processes_are_unknown_data(marker):
    body = b"\0\x10" * 500 if marker != 0xCC else b"\0\x10"

    assert kinds(with_segment(jpeg(), marker, body)) == {"unknown-data"}


def test_arithmetic_conditioning_belongs_into_an_arithmetic_picture():
    assert kinds(before_scan(arithmetic(), 0xCC, b"\0\x10\x10\5")) == set()
    assert kinds(before_scan(arithmetic(), 0xCC, b"\0\x10\x10\5\1")) == {"unused-bytes"}
    assert kinds(before_scan(arithmetic(), 0xCC, b"\3\x10")) == {"unused-bytes"}
    assert kinds(before_scan(arithmetic(), 0xC4, b"\0" + CODES)) == {"unused-bytes"}
