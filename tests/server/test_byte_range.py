"""Which bytes a request asks for."""

from __future__ import annotations

import pytest

from components.server.byte_range import Unsatisfiable, wanted


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=99-99", (99, 100)),
        ("bytes=10-5000", (10, 100)),
        ("bytes=-30", (70, 100)),
        ("bytes=-5000", (0, 100)),
        ("bytes = 10 - 19", (10, 20)),
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("bytes=20-10", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=٣-", None),
        (f"bytes={'9' * 30}-", None),
    ],
)
def test_one_range_is_understood_and_anything_else_is_none(header, expected):
    assert wanted(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_range_beyond_the_file_is_refused(header):
    with pytest.raises(Unsatisfiable):
        wanted(header, 100)
