"""Only a whole report that nobody touched is read."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from engine.attacks.battery.run import report_id
from engine.attacks.report.reading import LARGEST_BYTES, InvalidReport, parse_report, read_report
from engine.signing.battery_report import FILE, shipped_report


def row(**changes):
    made = {
        "category": "face", "method": "pushpull", "kind": "fill", "attack": "raw", "hits": 1,
        "n": 40, "rank1": 0.025, "upper99": 0.16, "p_corrected": 1.0, "bits": 0.0, "learned": False,
        "verdict": "pass",
    }  # fmt: skip
    return made | changes


def report(**changes):
    none = {"changed": 0, "of": 8}
    made = {
        "schema": 1, "verdict": "pass", "words": "Nothing was found.", "reasons": [],
        "pipeline": "0.1.0+00000000", "quick": True, "sensitivity": 0.1,
        "subjects": {"face": {"count": 40, "source": "drawings"}},
        "tests": {"T1": {"pushpull": none}, "T2": none, "T3": {"pushpull": none}, "T4": none,
                  "T6": none, "T6_control": none},
        "results": [row()],
    }  # fmt: skip
    made |= changes
    return {"id": report_id(made), **made}


def test_a_report_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "battery.json"
    file.write_text(json.dumps(report(), indent=2))

    assert read_report(file) == report()


@pytest.mark.parametrize(
    "data",
    [b"", b"no json", b"[]", b"{}", b"\xff\xfe", b"[" * 5000, b'{"verdict": "pass"}'],
    ids=["empty", "text", "list", "object", "bytes", "nested", "half"],
)
def test_what_is_no_report_is_refused_in_a_sentence(data):
    with pytest.raises(InvalidReport, match=r"battery.json is not a report of the battery"):
        parse_report(data, "battery.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "splendid"},
        {"results": []},
        {"results": [row(rank1=1.5)]},
        {"results": [row(n=0)]},
        {"results": [row(category="<script>")]},
        {"subjects": None},
        {"tests": {}},
    ],
    ids=["verdict", "no result", "share", "nobody", "category", "subjects", "tests"],
)
def test_values_out_of_range_are_refused(changes):
    with pytest.raises(InvalidReport, match="is not a report"):
        parse_report(json.dumps(report(**changes)).encode(), "battery.json")


def test_a_report_that_was_touched_up_is_refused():
    made = report(verdict="fail")

    with pytest.raises(InvalidReport, match="changed after it was made"):
        parse_report(json.dumps(made | {"verdict": "pass"}).encode(), "battery.json")


def test_a_file_that_is_too_large_or_cannot_be_opened_is_refused(tmp_path):
    large = tmp_path / "battery.json"
    large.write_bytes(b" " * (LARGEST_BYTES + 1))

    with pytest.raises(InvalidReport, match="too large"):
        read_report(large)
    with pytest.raises(InvalidReport, match="cannot be read"):
        read_report(tmp_path / "nowhere.json")


def test_the_report_that_comes_with_lethe_is_one():
    file = resources.files("engine.attacks") / FILE

    assert parse_report(file.read_bytes(), FILE) == shipped_report()
