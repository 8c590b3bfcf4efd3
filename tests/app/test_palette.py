"""Words and colours: every outcome and category has its own."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from components.app.palette import (
    COLOURS,
    OUTCOMES,
    ago,
    bytes_text,
    cells,
    numbered,
    plain,
    span,
)
from engine.category import Category
from engine.wording import counted
from store.batches.pictures import PictureState

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=-2), "just now"),
        (timedelta(milliseconds=900), "just now"),
        (timedelta(seconds=1), "1 s ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_how_long_ago_is_said_as_people_say_it(passed, expected):
    assert ago(NOW - passed, NOW) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "1 s"), (40, "40 s"), (60, "1 min"), (540, "9 min"), (7200, "2 h"), (172_800, "2 days")],
)
def test_a_length_of_time_has_one_unit(seconds, expected):
    assert span(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 kB"), (1, "1 kB"), (812_000, "812 kB"), (3_400_000, "3.4 MB")],
)
def test_file_sizes_are_short(count, expected):
    assert bytes_text(count) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 pictures"), (1, "1 picture"), (2, "2 pictures")]
)
def test_one_is_no_plural(count, expected):
    assert counted(count, "picture") == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "plain",
        "![x](http://outside/x)",
        "<img src=x>",
        "**bold** $x$ :red[y]",
        "a\\b",
        "名.png",
        "see www.outside or a@outside",
        "&lt;b&gt; &#x2a;",
        "a heading\n===",
        "گل\u200cها.png",
    ],
)
def test_a_name_in_markdown_is_shown_as_it_is(name):
    escaped = plain(name)

    assert re.sub(r"\\(.)", r"\1", escaped).replace("\u2060", "") == name
    assert not re.search(r"://|www|@\w", escaped.replace("\\", ""))
    assert not re.search(r"(?<!\\)(?:\\\\)*[!\[\]<>*$:`_=&]", escaped)


UNSEEN = {
    "right-to-left override": "\u202e",
    "left-to-right isolate": "\u2066",
    "arabic letter mark": "\u061c",
    "zero width space": "\u200b",
    "byte order mark": "\ufeff",
    "line separator": "\u2028",
    "escape": "\x1b",
    "carriage return": "\r",
    "half a pair": "\udcff",
}


@pytest.mark.parametrize("mark", UNSEEN.values(), ids=list(UNSEEN))
def test_a_mark_that_nobody_sees_is_shown_to_be_there(mark):
    name = f"photo{mark}gpj.exe"

    assert "\N{REPLACEMENT CHARACTER}" in plain(name)
    assert mark not in plain(name)
    assert cells([{"Name": name, "Count": 3}]) == [
        {"Name": "photo\N{REPLACEMENT CHARACTER}gpj.exe", "Count": 3}
    ]


def test_every_outcome_has_a_word_and_an_icon_of_its_own_beside_its_colour():
    assert set(OUTCOMES) == set(PictureState)
    assert len({word for word, _, _ in OUTCOMES.values()}) == len(OUTCOMES)
    assert all(icon.startswith(":material/") for _, icon, _ in OUTCOMES.values())
    held = [OUTCOMES[state][1] for state in ("released", "review", "quarantined")]
    assert len(set(held)) == 3


def test_every_category_has_a_colour_of_its_own():
    assert set(COLOURS) == set(Category)
    assert len(set(COLOURS.values())) == len(Category)
    assert COLOURS[Category.FACE] == "#2F6FDE"


def test_numbered_texts_all_differ_whatever_they_are():
    assert numbered(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]
    assert numbered(["a", "a", "a (2)"]) == ["a", "a (2)", "a (2) (2)"]
