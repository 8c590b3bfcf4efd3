"""The page that holds Lethe against ASVS: every requirement, one answer, and tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from docs.build.__main__ import SECURITY, STANDARD
from docs.build.blocks import ROOT
from docs.build.security import Answer, document, read

CHAPTERS = read(STANDARD.read_text(encoding="utf-8"))
ANSWERS = {id_: one for chapter in CHAPTERS for id_, one in chapter.requirements.items()}
SECTIONS = {
    "1.1": (0, 2), "1.2": (5, 4), "1.3": (2, 9), "1.4": (0, 3), "1.5": (1, 1),
    "2.1": (1, 2), "2.2": (2, 1), "2.3": (1, 3), "2.4": (0, 1),
    "3.2": (2, 0), "3.3": (1, 3), "3.4": (2, 4), "3.5": (3, 2), "3.7": (0, 2),
    "4.1": (1, 2), "4.2": (0, 1), "4.3": (0, 2), "4.4": (1, 3),
    "5.1": (0, 1), "5.2": (2, 1), "5.3": (2, 0), "5.4": (0, 3),
    "6.1": (1, 2), "6.2": (8, 4), "6.3": (2, 2), "6.4": (2, 2), "6.5": (0, 5), "6.6": (0, 3),
    "6.8": (0, 4),
    "7.1": (0, 3), "7.2": (4, 0), "7.3": (0, 2), "7.4": (2, 3), "7.5": (0, 2), "7.6": (0, 2),
    "8.1": (1, 1), "8.2": (2, 1), "8.3": (1, 0), "8.4": (0, 1),
    "9.1": (3, 0), "9.2": (1, 3),
    "10.1": (0, 2), "10.2": (0, 2), "10.3": (0, 4), "10.4": (5, 6), "10.5": (0, 5), "10.6": (0, 2),
    "10.7": (0, 3),
    "11.1": (0, 2), "11.2": (0, 3), "11.3": (2, 1), "11.4": (1, 3), "11.5": (0, 1), "11.6": (0, 1),
    "12.1": (1, 2), "12.2": (2, 0), "12.3": (0, 4),
    "13.1": (0, 1), "13.2": (0, 5), "13.3": (0, 2), "13.4": (1, 4),
    "14.1": (0, 2), "14.2": (1, 3), "14.3": (1, 2),
    "15.1": (1, 2), "15.2": (1, 2), "15.3": (1, 6),
    "16.1": (0, 1), "16.2": (0, 5), "16.3": (0, 4), "16.4": (0, 3), "16.5": (0, 3),
    "17.1": (0, 1), "17.2": (0, 4), "17.3": (0, 2),
}  # fmt: skip
"""Sections of the standard: how many requirements of level 1, which come first, and of level 2."""
LEVEL_1, LEVEL_2 = 70, 183
"""As the standard counts them."""


@cache
def known_tests() -> dict[str, str]:
    """Names of the tests there are, by node id."""
    found = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        file = path.relative_to(ROOT).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            inner = node.body if isinstance(node, ast.ClassDef) else [node]
            for one in inner:
                if isinstance(one, ast.FunctionDef) and one.name.startswith("test_"):
                    parts = [file, one.name] if one is node else [file, node.name, one.name]
                    found["::".join(parts)] = one.name
    return found


def table(row: str) -> str:
    return f'[[chapters]]\nnumber = 1\ntitle = "One"\n[chapters.requirements]\n"1.1.1" = {row}\n'


def test_every_requirement_of_the_two_levels_has_one_row_with_its_level():
    expected = {
        f"{section}.{number}": 1 if number <= first else 2
        for section, (first, second) in SECTIONS.items()
        for number in range(1, first + second + 1)
    }
    levels = list(expected.values())

    assert (levels.count(1), levels.count(2)) == (LEVEL_1, LEVEL_2)
    assert {id_: one.level for id_, one in ANSWERS.items()} == expected
    assert sum(len(chapter.requirements) for chapter in CHAPTERS) == LEVEL_1 + LEVEL_2


@pytest.mark.slow
def test_every_test_that_is_named_exists():
    named = {test for one in ANSWERS.values() for test in one.met or ()}

    assert named - known_tests().keys() == set()


def test_a_test_that_a_reason_speaks_of_exists():
    spoken = {
        name
        for one in ANSWERS.values()
        for text in (one.unmet, one.void, one.note)
        for name in re.findall(r"test_\w+", text or "")
    }

    assert spoken
    assert spoken - set(known_tests().values()) == set()


def test_a_document_that_an_answer_points_to_exists():
    pointed = {
        path
        for one in ANSWERS.values()
        for path in re.findall(r"docs/[\w/.-]+\.md", f"{one.unmet} {one.void} {one.note}")
    }

    assert pointed
    assert [path for path in pointed if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize(
    "row",
    [
        '{ level = 1, words = "x" }',
        '{ level = 1, words = "x", met = [] }',
        '{ level = 1, words = "x", met = ["a"], unmet = "b" }',
        '{ level = 1, words = "x", unmet = "" }',
        '{ level = 3, words = "x", unmet = "b" }',
        '{ level = 1, words = "x", unmet = "b", note = "c" }',
        '{ level = 1, words = "x", void = "b", mett = ["a"] }',
    ],
)
def test_a_row_without_one_whole_answer_is_refused(row):
    with pytest.raises(ValueError, match=r"1\.1\.1"):
        read(table(row))


def test_a_number_is_its_chapters_and_stands_once():
    row = '{ level = 1, words = "x", unmet = "b" }'

    with pytest.raises(ValueError, match="do not belong"):
        read(table(row).replace("1.1.1", "2.1.1"))
    with pytest.raises(ValueError, match=r"overwrite|duplicate"):
        read(table(row) + f'"1.1.1" = {row}\n')


def test_the_page_is_made_of_this_table():
    assert SECURITY.read_text(encoding="utf-8") == document(CHAPTERS)


def test_the_page_tells_every_answer_and_counts_them():
    text = SECURITY.read_text(encoding="utf-8")

    assert all(f"| {id_} | {one.level} | {one.words} | {one.told} |" in text
               for id_, one in ANSWERS.items())  # fmt: skip
    counts = [sum(one.answer is answer for one in ANSWERS.values()) for answer in Answer]
    assert f"| **Both** | {' | '.join(map(str, counts))} |" in text
