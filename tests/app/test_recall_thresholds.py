"""Other thresholds, drafts of a policy, and what activating one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.app import services
from components.recall import thresholds
from components.recall.evaluated import evaluated as evaluated_values
from engine.category import Category
from engine.evaluation.scores.counts import count
from engine.evaluation.scores.recall import score_all
from engine.policy import default_policy
from store.evaluations import evaluations
from store.policies import versions
from tests.app.conftest import Lethe
from tests.app.labelled import evaluated, finished, labelled_set, show, table_with
from tests.app.reading import said
from tests.store.fakes import ACTOR

pytestmark = pytest.mark.slow


def test_review_at_cannot_be_above_auto_redact_at(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set"))
    app = show(lethe.page("Recall"), "Thresholds")
    review_region, accept = f"recall_doubt_{run.id}_face", f"recall_accept_{run.id}_face"

    app.slider(key=review_region).set_value(0.8).run()
    assert (app.slider(key=review_region).value, app.slider(key=accept).value) == (0.8, 0.8)
    app.slider(key=accept).set_value(0.3).run()

    assert not app.exception
    assert (app.slider(key=review_region).value, app.slider(key=accept).value) == (0.3, 0.3)


def test_other_thresholds_say_what_they_would_give(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set", pictures=3, missed=0))
    app = show(lethe.page("Recall"), "Thresholds")

    app.slider(key=f"recall_doubt_{run.id}_face").set_value(0.95).run()

    numbers = table_with(app, "Then").set_index("")
    assert list(numbers.loc["Found, removed or shown"]) == ["100.0 %", "0.0 %"]
    assert list(numbers.loc["Removed without asking"]) == ["100.0 %", "0.0 %"]


def drafted(lethe: Lethe, folder: Path):
    """A page with a draft of one changed threshold, and its number."""
    run = evaluated(lethe, folder)
    app = show(lethe.page("Recall"), "Thresholds")
    app.slider(key=f"recall_accept_{run.id}_face").set_value(0.7).run()
    app.text_input(key="recall_draft_note").set_value("surer faces")
    app.text_input(key="recall_draft_by").set_value("Ana").run()
    app.button(key="recall_draft_save").click().run()
    assert not app.exception
    return app, versions.versions(ACTOR, lethe.database)[0]


def test_a_draft_changes_nothing_until_it_is_activated(lethe, tmp_path):
    app, draft = drafted(lethe, labelled_set(tmp_path / "set"))

    changes = table_with(app, "Changes")
    assert list(changes["Changes"]) == ["categories.face.auto_redact_at"]
    shipped = default_policy().thresholds(Category.FACE).auto_redact_at
    before = str(shipped).replace(".", "\\.")
    assert (changes["In force"][0], changes["This version"][0]) == (before, "0\\.7")
    assert (draft.note, draft.made_by, draft.activated_by) == ("surer faces", "Ana", None)
    assert services.policy(ACTOR).thresholds(Category.FACE).auto_redact_at == shipped

    app.text_input(key=f"recall_activate_by_{draft.number}").set_value("Bea").run()
    app.button(key=f"recall_activate_{draft.number}").click().run()

    assert not app.exception
    assert services.policy(ACTOR).thresholds(Category.FACE).auto_redact_at == 0.7
    version = versions.versions(ACTOR, lethe.database)[0]
    assert version.activated_by == "Bea"
    assert version.activated_at is not None
    assert "This version is in force" in said(app)
    assert "version 1, by Bea" in said(app)


def test_an_activation_says_what_it_rests_on(lethe, tmp_path):
    app, draft = drafted(lethe, labelled_set(tmp_path / "set"))
    assert "It was never evaluated" in said(app)

    app.button(key=f"recall_evaluate_{draft.number}").click().run()
    run = finished(lethe, evaluations.listed(ACTOR, lethe.database)[0].id)

    app = show(lethe.page("Recall"), "Thresholds")
    assert f"Evaluation {run.number} under it: **No.**" in said(app)
    assert "never evaluated" not in said(app)


def test_a_broken_policy_file_is_replaced_by_activating_a_version(lethe, tmp_path):
    app, draft = drafted(lethe, labelled_set(tmp_path / "set"))
    (lethe.home / "policy.toml").write_text("nonsense = [[")

    app = show(lethe.page("Recall"), "Thresholds")
    app.button(key=f"recall_activate_{draft.number}").click().run()

    assert not app.exception
    assert services.policy(ACTOR).fingerprint == draft.policy


def test_a_draft_is_evaluated_on_the_same_labels(lethe, tmp_path):
    app, draft = drafted(lethe, labelled_set(tmp_path / "set"))
    (before,) = evaluations.listed(ACTOR, lethe.database)

    app.button(key=f"recall_evaluate_{draft.number}").click().run()

    assert not app.exception
    after = finished(lethe, evaluations.listed(ACTOR, lethe.database)[0].id)
    assert after.number == before.number + 1
    assert after.fingerprint == before.fingerprint
    assert after.policy == draft.policy != before.policy
    assert after.problems == before.problems


def test_a_policy_that_was_changed_outside_is_noticed(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    (lethe.home / "policy.toml").write_text("[review]\naudit_share = 0.25\n")

    app = show(lethe.page("Recall"), "Thresholds")

    assert "changed outside Lethe" in said(app)
    (version,) = versions.versions(ACTOR, lethe.database)
    assert "0.25" in version.toml


def test_the_numbers_of_other_thresholds_are_those_of_scoring_everything(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set", pictures=4, missed=2))
    everything = evaluated_values(run.id)
    policy = everything.policy.with_thresholds(Category.FACE, review_at=0.3, auto_redact_at=0.95)

    own, asked = thresholds._counts(run.id, Category.FACE, policy.fingerprint, policy)

    whole = count(score_all(everything.pairs, policy).scores)
    assert own == whole.categories[Category.FACE]
    assert asked == whole.review_load
    assert own.automatic.found == 0
