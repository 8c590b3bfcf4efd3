"""Sample checks on the recall page."""

from __future__ import annotations

import pytest

from components.app import services
from engine.category import Category
from engine.evaluation.scores.proportion import Proportion, more_to_prove
from engine.geometry import Box
from engine.plan import Origin, Region, ReviewDecision
from store.review import decisions, reviews
from tests.app.conftest import Lethe
from tests.app.labelled import evaluated, labelled_set, show, table_with
from tests.app.reading import UPRIGHT, said
from tests.store.fakes import ACTOR, ANY

pytestmark = pytest.mark.slow


def decided_sample(lethe: Lethe, added: tuple[Region, ...] = ()) -> None:
    """One sampled picture, decided as proposed but for what the person adds."""
    lethe.batch(UPRIGHT, audit_share=1.0)
    case = reviews.claim(ACTOR, lethe.database, "local", services.now())
    verdict = ReviewDecision.on(case.plan, (*case.plan.proposed, *added), "local")
    decisions.settle(ACTOR, lethe.database, case.picture_id, verdict, services.now())
    lethe.settle()


def test_sample_checks_say_what_was_missed_and_what_is_left_to_prove(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    tattoo = Region(Box(60, 60, 80, 80), Category.TATTOO, Origin.REVIEWER)
    for added in ((), (), (tattoo,)):
        decided_sample(lethe, added)

    app = show(lethe.page("Recall"), "Sample checks")

    clean = Proportion(2, 3)
    numbers = {metric.label: metric.value for metric in app.metric}
    assert numbers["Pictures checked"] == "3"
    assert numbers["Something was missed in"] == "1"
    assert numbers["Estimated miss rate"] == "33.4 %"
    assert numbers["At most, 95 % sure"] == "86.5 %"
    assert f"{more_to_prove(clean, 0.99)} more checks without a miss" in said(app)
    table = table_with(app, "Decided")
    assert list(table["Decided"]) == ["3", "1", "0"]
    assert list(table["Hidden by the machine"]) == ["3", "0", "0"]


def test_sample_checks_need_no_labelled_set(lethe):
    decided_sample(lethe)

    app = lethe.page("Recall")

    numbers = {metric.label: metric.value for metric in app.metric}
    assert numbers["Pictures checked"] == "1"
    assert f"{more_to_prove(Proportion(1, 1), 0.99)} more checks without a miss" in said(app)


def test_reviews_for_another_reason_are_no_sample_check(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    decided_sample(lethe)
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE pictures SET audit_sample = FALSE")

    app = show(lethe.page("Recall"), "Sample checks")

    assert "No picture of the sample was decided yet" in said(app)


def test_rejected_samples_are_said(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    lethe.batch(UPRIGHT, audit_share=1.0)
    case = reviews.claim(ACTOR, lethe.database, "local", services.now())
    verdict = ReviewDecision.on(case.plan, (), "local")
    decisions.reject(ACTOR, lethe.database, case.picture_id, verdict, services.now())

    app = show(lethe.page("Recall"), "Sample checks")

    assert "1 picture of the sample was rejected" in said(app)
