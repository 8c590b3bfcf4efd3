"""Home, over the real store and the real line with made-up detectors."""

from __future__ import annotations

import re
import shutil
from functools import partial

import pytest

from components.app import services, session
from components.app.access import Role, User
from components.home import page, samples
from engine.category import Category
from engine.detect.weights import own_weights_notice
from engine.evaluation.report.cost import in_short
from engine.geometry import Box
from engine.plan import Origin, Region, ReviewDecision
from engine.policy import Policy, named_policy
from engine.runs.jobs import Postponed
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.releases import receipts
from store.review import decisions, reviews
from store.worker import retry
from tests.app.labelled import evaluated, labelled_set
from tests.app.reading import UPRIGHT, WIDE, labels, numbers, said
from tests.store.fakes import ACTOR, ANY

pytestmark = pytest.mark.slow


def test_home_offers_samples_while_nothing_came_in(lethe):
    assert "Try it with sample pictures" in labels(lethe.page())

    lethe.batch(UPRIGHT)

    assert "Try it with sample pictures" not in labels(lethe.page())


def test_the_samples_end_in_three_numbers_that_add_up(lethe):
    count = len(list(samples.sample_pictures()))
    app = lethe.page()

    app.button(key="home_samples").click().run()
    counts = lethe.settle()
    app.run()

    assert count >= 2
    assert not app.exception
    assert counts.review + counts.released + counts.quarantined == counts.total == count
    assert sum(numbers(app).values()) == count
    assert counts.released >= 1
    (batch,) = batches.newest(ACTOR, lethe.database)
    receipt = receipts.newest(ACTOR, lethe.database, batch.id)[0].receipt
    assert receipt["not_looked_for"] == ["tattoo", "jewelry"]


def test_home_tells_of_a_clock_that_went_back(lethe):
    lethe.batch(UPRIGHT)
    before = said(lethe.page())
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE pictures SET changed_at = changed_at + INTERVAL 1 YEAR")

    assert "this machine's clock says" not in before
    assert "this machine's clock says" in said(lethe.page())


def test_home_tells_of_files_that_nobody_knows_until_somebody_has_seen_to_them(lethe):
    lethe.batch(UPRIGHT)
    lethe.close()
    stranger = lethe.home / "originals" / ("ab" * 16)
    stranger.write_bytes(b"of another database")

    told = said(lethe.page())
    lethe.restart()
    told_again = said(lethe.page())
    shutil.rmtree(lethe.home / "set-aside")

    assert not stranger.exists()
    for text in (told, told_again):
        assert "1 file that the database does not know, set aside in" in text
        assert "Lethe deletes none" in text
    assert "set aside in" not in said(lethe.page())


def test_a_bad_folder_in_the_inbox_is_told_and_the_app_works(lethe):
    bad = lethe.home / "inbox" / "monday" / ".lethe"
    bad.mkdir(parents=True)
    (bad / "run.json").write_text("[" * 200_000)

    app = lethe.page()

    assert not app.exception
    assert "Not everything in the folder monday of the inbox was taken in." in said(app)
    assert "Another Lethe" not in said(lethe.page("Upload"))


def test_what_fails_after_opening_leaves_the_database_to_the_next_page(lethe, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(services, "take_in", lambda *_: 1 / 0)
        assert lethe.page().exception

    assert "Another Lethe" not in said(lethe.page())


def test_home_tells_what_is_postponed_and_tries_it_again(lethe):
    class Lacking:
        def run(self, jobs):
            return (Postponed(job.id, "The model is missing.") for job in jobs)

    dispatcher = services.services().dispatcher
    working, dispatcher._executor.run = dispatcher._executor.run, Lacking().run
    request = Request("holiday", Policy().with_audit_share(0.0).to_toml())
    batch = batches.create(ACTOR, lethe.database, request, services.now())
    intake.add(ACTOR, lethe.database, batch.id, [Incoming("a.png", UPRIGHT)], services.now())
    batches.start(ACTOR, lethe.database, batch.id, services.now())
    lethe.until(lambda: bool(retry.postponed(ACTOR, lethe.database)))

    app = lethe.page()
    assert "1 picture postponed. The model is missing." in said(app)

    dispatcher._executor.run = working
    app.button(key="home_try_postponed").click().run()
    assert lethe.settle().released == 1
    assert "postponed" not in said(lethe.page())


def test_home_counts_every_outcome(lethe):
    lethe.batch(UPRIGHT, UPRIGHT, WIDE, b"no picture")

    assert numbers(lethe.page()) == {"Need review": 1, "Released": 2, "Held back": 1}


def test_home_says_that_all_gates_work_and_which_does_not(lethe):
    assert "All gates work" in said(lethe.page())

    (lethe.home / "policy.toml").write_text("nonsense = 1\n")

    assert "Nothing is released for now" in said(lethe.page())
    assert "nonsense is not a key Lethe knows" in said(lethe.page())


def test_home_says_when_the_line_has_stopped(lethe):
    lethe.page()
    services.services().dispatcher.stop()

    assert "The line has stopped" in said(lethe.page())


def test_sample_checks_are_reported_apart(lethe):
    lethe.batch(WIDE)
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE pictures SET audit_sample = TRUE")
    case = reviews.claim(ACTOR, lethe.database, "local", services.now())
    added = Region(Box(100, 2, 118, 14), Category.FACE, Origin.REVIEWER)
    verdict = ReviewDecision.on(case.plan, (added,), "local")
    decisions.settle(ACTOR, lethe.database, case.picture_id, verdict, services.now())

    assert "of 1 picture that passed unasked, something was missed in 1" in said(lethe.page())


def test_home_tells_the_last_evaluation_in_a_line_for_each_category(lethe, tmp_path):
    assert "Recall has not been measured" in said(lethe.page())

    evaluated(lethe, labelled_set(tmp_path / "set", pictures=5, missed=0), "first")
    run = evaluated(lethe, labelled_set(tmp_path / "other", pictures=3, missed=1), "second")
    text = said(lethe.page())

    assert f"Evaluation {run.number} · second" in text
    assert "face 75.0 % found, at least 24.8 %" in text
    assert "missed" in text
    assert "- jewelry :gray-badge[:material/remove: nothing to find]" in text
    assert in_short(run.report) in text


def test_a_policy_file_that_is_not_accepted_is_a_sentence_on_home(lethe):
    app = lethe.page()
    (lethe.home / "policy.toml").write_text(
        "[categories.face]\nauto_redact_at = 3", encoding="utf-8"
    )

    app.button(key="home_samples").click().run()

    assert not app.exception
    assert any("auto_redact_at" in error.value for error in app.error)


@pytest.mark.parametrize(
    ("use", "count"), [("research", 1), ("any", 0)], ids=["as shipped", "retrained"]
)
def test_home_says_in_one_line_whether_the_models_are_for_research(
    lethe, tmp_path, monkeypatch, use, count
):
    (tmp_path / "manifest.toml").write_text(f'[adornments]\nuse = "{use}"\n', encoding="utf-8")
    monkeypatch.setattr(page, "own_weights_notice", partial(own_weights_notice, tmp_path))

    app = lethe.page()
    before = [caption.value for caption in app.caption if "research pictures" in caption.value]
    lethe.batch(UPRIGHT)
    captions = [caption.value for caption in lethe.page().caption]
    after = [caption for caption in captions if "research pictures" in caption]

    assert len(before) == len(after) == count
    assert not [one for one in (*app.warning, *app.info) if "research" in one.value]


def test_home_says_what_the_models_that_ship_with_this_version_are_for(lethe):
    expected = own_weights_notice()

    assert ("research pictures" in said(lethe.page())) is (expected is not None)


def test_a_manifest_of_models_that_cannot_be_read_is_a_sentence_on_home(
    lethe, tmp_path, monkeypatch
):
    monkeypatch.setattr(page, "own_weights_notice", partial(own_weights_notice, tmp_path))

    app = lethe.page()

    assert not app.exception
    assert "cannot be read" in said(app)


def test_home_lists_batches_with_counts_that_add_up(lethe):
    lethe.batch(UPRIGHT, WIDE, b"no picture")

    app = lethe.page()

    (link,) = [link for link in app.main.get("page_link") if link.label == "holiday"]
    assert link.proto.query_string.endswith(f"batch={batches.newest(ACTOR, lethe.database)[0].id}")
    text = said(app)
    assert "3 pictures" in text
    for outcome in ("1 released", "1 needs review", "1 held back"):
        assert outcome in text


def test_see_why_leads_to_the_batch_with_what_is_held_back(lethe):
    holding = lethe.batch(b"no picture", UPRIGHT)
    lethe.batch(UPRIGHT)

    (link,) = [link for link in lethe.page().main.get("page_link") if link.label == "See why"]
    assert f"batch={holding}" in link.proto.query_string
    app = lethe.page()
    app.query_params.update({"batch": holding, "show": "quarantined"})
    app = lethe.turn(app, "Release")

    assert list(app.dataframe[0].value["Outcome"]) == ["Held back"]
    assert "Held back because" in said(app)


def test_see_why_of_many_batches_is_short_enough_for_its_card_and_tells_how_many(lethe):
    for _ in range(12):
        lethe.batch(b"no picture")

    (link,) = [link for link in lethe.page().main.get("page_link") if "See why" in link.label]

    assert link.label == "See why, newest batch"
    assert link.proto.help == "The newest of 12 batches."


def test_an_address_of_no_batch_is_a_sentence(lethe):
    lethe.batch(UPRIGHT)
    app = lethe.page()
    app.query_params["batch"] = "nothing"

    app = lethe.turn(app, "Release")

    assert not app.exception
    assert "There is no batch nothing." in said(app)


def test_home_says_what_is_staged_until_it_is_started(lethe):
    assert "staged, not started" not in said(lethe.page())

    lethe.staging.take_file("a.png", UPRIGHT)

    assert "1 file staged, not started." in said(lethe.page())


def test_home_says_whether_the_last_evaluation_was_of_the_policy_in_force(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    before = said(lethe.page())

    (lethe.home / "policy.toml").write_text(named_policy("cautious").to_toml(), encoding="utf-8")
    after = said(lethe.page())

    assert "It was of the policy in force." in before
    assert "It was of another policy than the one in force" in after
    (lethe.home / "policy.toml").write_text("nonsense = 1\n")
    assert "No policy is in force" in said(lethe.page())


def test_managers_alone_see_how_reviewers_get_on(lethe, monkeypatch):
    lethe.batch(WIDE)
    case = reviews.claim(ACTOR, lethe.database, "ann", services.now())
    added = Region(Box(100, 2, 118, 14), Category.FACE, Origin.REVIEWER)
    verdict = ReviewDecision.on(case.plan, (added,), "ann")
    decisions.settle(ACTOR, lethe.database, case.picture_id, verdict, services.now())

    table = lethe.page().dataframe[0].value
    monkeypatch.setattr(session, "user", lambda: User("ann", frozenset({Role.REVIEWER})))

    assert list(table["Reviewer"]) == ["ann"]
    assert list(table["Corrected"]) == ["1 of 1"]
    assert "Reviewers" not in [one.label for one in lethe.page().expander]


def test_managers_alone_see_the_figures_of_monitoring(lethe, monkeypatch):
    lethe.batch(UPRIGHT, WIDE, b"no picture")
    app = lethe.page()

    assert not app.exception
    told = said(app)
    for label, value in (
        ("In work", "0"),
        ("Longest in line", "–"),
        ("Redaction failures", "0"),
        ("Refused in 24 h", "0"),
        ("Missed in samples", "0 of 0"),
        ("Overdue", "0"),
    ):
        assert f":small[{label}]  \n**{value}**" in told
    assert re.search(r":small\[Longest in review\]  \n\*\*\d+ s\*\*", told)
    assert "Held back: 1 could not be read." in told

    monkeypatch.setattr(session, "LOCAL", User("ana", frozenset({Role.ANALYST, Role.REVIEWER})))
    others = said(lethe.page())
    assert "In work" not in others
    assert "Held back: " not in others


def test_managers_see_how_far_two_reviewers_agreed(lethe):
    lethe.batch(WIDE, policy=Policy(review={"second_review_share": 1.0}))
    for name in ("ann", "bo"):
        case = reviews.claim(ACTOR, lethe.database, name, services.now())
        kept = case.plan.proposed if name == "ann" else case.plan.regions
        verdict = ReviewDecision.on(case.plan, kept, name)
        decisions.settle(ACTOR, lethe.database, case.picture_id, verdict, services.now())

    table = lethe.page().dataframe[1].value

    assert list(table["Reviewers"]) == ["ann and bo"]
    assert list(table["Same decision"]) == ["1 of 1"]  # too few for an interval
    assert list(table["Same boxes"]) == ["0 of 1"]
    assert list(table["Boxes agreed"]) == ["0.67"]
    assert (table["Matched"][0], table["By one alone"][0]) == (1, 1)
