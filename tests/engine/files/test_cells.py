"""Cells that no spreadsheet computes, and the text they were made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.files.cells import inert, original

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1", "＠a"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text):
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a", "Ada = @ home", "図.jpg", " =1"])
def test_other_text_stays(text):
    assert inert(text) == text


@given(st.one_of(st.text(), st.text(alphabet="'=a", max_size=5)))
def test_the_text_comes_back(text):
    assert original(inert(text)) == text
