"""`docs/reliability.md` says what the tests of this folder saw; `make reliability` writes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.reliability import report
from tests.reliability.conftest import ROWS


def test_the_document_says_what_was_seen(request):
    wanted = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    ran = {
        item.path.name
        for item in request.session.items
        if item.path.parent == Path(__file__).parent
    }
    asked = " ".join(map(str, request.config.args)) + request.config.option.keyword
    if ran != wanted or "::" in asked or request.config.option.keyword:
        pytest.skip("only a part of tests/reliability was run")
    if request.session.testsfailed:
        pytest.skip("another test failed, so not everything was seen")

    made = report.text(request.config.stash[ROWS])
    if os.environ.get("LETHE_RELIABILITY") == "write":
        report.DOCUMENT.write_text(made, encoding="utf-8")

    assert report.DOCUMENT.read_text(encoding="utf-8") == made, "make reliability writes it anew"
