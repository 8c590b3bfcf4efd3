"""The README's screenshots can be taken again: what they show can still be laid out."""

from __future__ import annotations

import pytest

from store.evaluations import evaluations
from tests.browser.screenshots import lay_batch, lay_evaluation
from tests.browser.waiting import working
from tests.store.fakes import ACTOR

pytestmark = pytest.mark.slow


def test_a_batch_and_an_evaluation_are_laid_out(tmp_path):
    lay_batch(tmp_path / "home")
    lay_evaluation(tmp_path / "home", tmp_path / "set")

    with working(tmp_path / "home", {}) as database:
        (made,) = evaluations.listed(ACTOR, database)
    assert made.finished_at is not None
    assert made.report is not None
