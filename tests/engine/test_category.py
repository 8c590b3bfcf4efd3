"""A category is one row of a table: everything that need not be trained for it follows."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from engine.category import DETECTABLE, TRAITS, Category
from tests.engine import made_up_category


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """What a process saw whose table has a row for plates."""
    folder = tmp_path_factory.mktemp("plates")
    command = [sys.executable, "-m", made_up_category.__name__, str(folder)]
    home = {"LETHE_HOME": str(folder / "home")}
    done = subprocess.run(command, env={**os.environ, **home}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "facts.json").read_text(encoding="utf-8"))


def test_every_category_has_its_row_in_the_order_they_are_shown_in():
    assert list(TRAITS) == list(Category)
    assert set(Category) - set(DETECTABLE) == {Category.OTHER}


@pytest.mark.slow
def test_policies_have_its_defaults_and_read_and_write_its_keys(facts):
    defaults = {
        "detect": True, "auto_redact_at": 0.5, "review_at": 0.2,
        "grow": {"left": 0.3, "right": 0.3, "top": 0.4, "bottom": 0.4},
    }  # fmt: skip
    assert facts["defaults"] == facts["shipped"] == defaults
    assert facts["read"] == [0.1, 0.4]
    assert facts["is_read_back"]


def test_the_command_line_and_sentences_name_it(facts):
    assert facts["detectable"] == ["face", "tattoo", "jewelry", "plate"]
    assert facts["only"] == ["plate", "face"]
    assert facts["words"] == "faces, tattoos, jewelry and plates"


def test_the_app_draws_it_in_its_colours(facts):
    assert facts["palette"] == ["#117733", "triangle-up"]


def test_a_sure_one_is_removed_and_certified(facts):
    assert facts["sure"] == 0
    regions, testimony = facts["certificate"]
    assert [region["category"] for region in regions] == ["plate"]
    assert testimony == "did not look"
    assert facts["verified"] == "fits"
    assert facts["sentences"][0].startswith("Removed: plate in 1 place.")
    assert "Faces, tattoos, jewelry and plates were looked for" in " ".join(facts["sentences"])


def test_an_unsure_one_goes_to_a_person(facts):
    assert facts["review"] == ["plate"]


def test_it_is_measured_and_reported(facts):
    assert facts["evaluation"] == [2, 1]
    assert facts["report"]
