"""The recall page, over the real store and the real line with made-up detectors."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from components import recall_downloads, recall_thresholds, services, session
from components.access import Role, User
from components.evaluated import evaluated as evaluated_values
from components.recall_words import at_least
from engine.category import DETECTABLE, Category
from engine.evaluation.counts import count
from engine.evaluation.recall import score_all
from engine.evaluation.tally import Tally, more_to_prove
from engine.geometry import Box
from engine.plan import Origin, Region, Verdict
from store import evaluations, policies, reviews, verdicts
from tests.app.conftest import Lethe
from tests.app.labelled import evaluated, finished, labelled_set, show
from tests.app.reading import UPRIGHT, labels, said


def zipped(folder: Path, extra: dict[str, bytes] | None = None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"set/{file.relative_to(folder)}")
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return content.getvalue()


def table_with(app: AppTest, column: str) -> pd.DataFrame:
    return next(one.value for one in app.table if column in one.value)


def headline(app: AppTest) -> pd.DataFrame:
    return table_with(app, "Verdict").set_index("Category")


def test_without_an_evaluation_the_page_says_how_to_begin(lethe):
    app = lethe.page("Recall")

    assert not app.exception
    assert "Bring a labelled set" in said(app)
    assert app.button(key="recall_read").disabled
    assert not app.get("segmented_control")


def test_a_person_without_the_role_sees_no_figure(lethe, tmp_path, monkeypatch):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    ana = User("ana", frozenset({Role.ANALYST, Role.REVIEWER}))
    monkeypatch.setattr(session, "LOCAL", ana)

    app = lethe.page("Recall")

    assert "role manager" in said(app)
    assert "found" not in said(app)


def test_a_set_goes_from_the_form_to_the_headline(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set", pictures=3, missed=1)
    app = lethe.page("Recall")
    app.text_input(key="recall_where").set_value(str(folder)).run()

    app.button(key="recall_read").click().run()
    understood = app.table[0].value
    assert list(understood["Labels that count"]) == ["4", "0", "0"]
    app.text_input(key="recall_name").set_value("holidays")
    app.button(key="recall_start").click().run()
    (run,) = evaluations.listed(lethe.database)
    run = finished(lethe, run.id)
    app.run()

    assert not app.exception
    assert (run.name, run.target, run.made_by) == ("holidays", 0.99, "local")
    assert run.report["categories"]["face"]["coverage"]["found"] == 3
    face = headline(app).loc["Face"]
    assert list(face[["Target", "Found", "At least"]]) == ["99 %", "**75.0 %**", "**24.8 %**"]
    assert "missed" in face["Verdict"]
    assert "**No.**" in said(app)


def test_the_headlines_numbers_are_the_reports(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set", pictures=5, missed=2))

    table = headline(lethe.page("Recall"))

    for category in DETECTABLE:
        values = run.report["categories"][category.value]["coverage"]
        line = table.loc[category.value.capitalize()]
        assert line["Found"] == f"**{at_least(values['recall'])}**"
        assert line["At least"] == f"**{at_least(values['lower95'])}**"


def test_a_set_that_cannot_be_read_is_a_sentence(lethe, tmp_path):
    app = lethe.page("Recall")
    app.text_input(key="recall_where").set_value(str(tmp_path / "nowhere")).run()

    app.button(key="recall_read").click().run()

    assert not app.exception
    assert any("nowhere" in error.value for error in app.error)


def test_problems_and_unread_pictures_are_said(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set")
    (folder / "picture 2.png").write_bytes(b"no picture")
    content = json.loads((folder / "annotations.json").read_text())
    content["annotations"].append(
        {"id": 99, "image_id": 0, "category_id": 1, "bbox": [5, 5, -3, 4]}
    )
    (folder / "annotations.json").write_text(json.dumps(content))

    run = evaluated(lethe, folder)
    app = lethe.page("Recall")

    assert run.report["unread"] == 1
    (note,) = [one for one in app.expander if "no figure counts them" in one.label]
    assert "1 picture could not be measured and 1 part of the data set" in note.label
    assert "picture 2.png" in said(app)


def test_a_view_that_is_not_chosen_is_not_computed(lethe, tmp_path, monkeypatch):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    asked: list[str] = []
    for name in ("groups_view", "calibration_view", "trend_view"):
        monkeypatch.setattr(
            f"components.recall.{name}", lambda *arguments, name=name: asked.append(name)
        )
    app = lethe.page("Recall")
    assert asked == []

    for view in ("Groups", "Calibration", "Trend"):
        show(app, view)

    assert asked == ["groups_view", "calibration_view", "trend_view"]


@pytest.mark.parametrize(
    "view",
    ["Misses", "Thresholds", "Groups", "Calibration", "Trend", "Compare", "Sample checks"],
)
def test_every_view_can_be_shown(lethe, tmp_path, view):
    folder = labelled_set(tmp_path / "set")
    evaluated(lethe, folder, "one")
    evaluated(lethe, folder, "other")

    app = show(lethe.page("Recall"), view)

    assert not app.error


def test_the_gallery_turns_its_pages_and_knows_its_end(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set", pictures=15, missed=14))
    app = lethe.page("Recall")
    assert "1 to 12 of 14" in said(app)
    assert len(app.image) == 12
    assert app.button(key="recall_misses_back").disabled

    app.button(key="recall_misses_on").click().run()

    assert "13 to 14 of 14" in said(app)
    assert len(app.image) == 2
    assert app.button(key="recall_misses_on").disabled
    assert "Face: not seen at all" in said(app)


def test_another_filter_begins_at_the_first_page(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set", pictures=27, missed=26))
    app = lethe.page("Recall")
    app.button(key="recall_misses_on").click().run()
    assert "13 to 24 of 26" in said(app)

    app.pills(key="recall_misses_category_Missed").set_value([Category.FACE]).run()

    assert not app.exception
    assert "1 to 12 of 26" in said(app)


def test_an_evaluation_whose_policy_is_no_longer_accepted_can_be_deleted(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set"))
    with lethe.database.transaction() as cursor:
        cursor.execute("UPDATE evaluations SET policy_toml = 'nonsense = 1'")
    assert "nonsense is not a key Lethe knows" in said(lethe.page())
    app = lethe.page("Recall")
    assert "nonsense is not a key Lethe knows" in said(app)

    app.button(key=f"recall_delete_{run.id}").click().run()

    assert not app.exception
    assert evaluations.listed(lethe.database) == ()


def test_a_picture_that_is_gone_or_another_says_so(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set", missed=2)
    evaluated(lethe, folder)
    (folder / "picture 0.png").unlink()
    (folder / "picture 1.png").write_bytes(UPRIGHT[:40])

    app = lethe.page("Recall")

    assert not app.exception
    assert not app.image
    assert "The file is gone" in said(app)
    assert len(app.warning) == 3  # the answer, and one for each picture


def test_doubt_at_cannot_be_above_accept_at(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set"))
    app = show(lethe.page("Recall"), "Thresholds")
    doubt, accept = f"recall_doubt_{run.id}_face", f"recall_accept_{run.id}_face"

    app.slider(key=doubt).set_value(0.8).run()
    assert (app.slider(key=doubt).value, app.slider(key=accept).value) == (0.8, 0.8)
    app.slider(key=accept).set_value(0.3).run()

    assert not app.exception
    assert (app.slider(key=doubt).value, app.slider(key=accept).value) == (0.3, 0.3)


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
    return app, policies.versions(lethe.database)[0]


def test_a_draft_changes_nothing_until_it_is_activated(lethe, tmp_path):
    app, draft = drafted(lethe, labelled_set(tmp_path / "set"))

    changes = table_with(app, "Changes")
    assert list(changes["Changes"]) == ["categories.face.accept_at"]
    assert (changes["In force"][0], changes["This version"][0]) == ("0\\.5", "0\\.7")
    assert (draft.note, draft.made_by, draft.activated_by) == ("surer faces", "Ana", None)
    assert services.policy().thresholds(Category.FACE).accept_at == 0.5

    app.text_input(key=f"recall_activate_by_{draft.number}").set_value("Bea").run()
    app.button(key=f"recall_activate_{draft.number}").click().run()

    assert not app.exception
    assert services.policy().thresholds(Category.FACE).accept_at == 0.7
    version = policies.versions(lethe.database)[0]
    assert version.activated_by == "Bea"
    assert version.activated_at is not None
    assert "This version is in force" in said(app)


def test_a_draft_is_evaluated_on_the_same_labels(lethe, tmp_path):
    app, draft = drafted(lethe, labelled_set(tmp_path / "set"))
    (before,) = evaluations.listed(lethe.database)

    app.button(key=f"recall_evaluate_{draft.number}").click().run()

    assert not app.exception
    after = finished(lethe, evaluations.listed(lethe.database)[0].id)
    assert after.number == before.number + 1
    assert after.fingerprint == before.fingerprint
    assert after.policy == draft.policy != before.policy
    assert after.problems == before.problems


def test_a_policy_that_was_changed_outside_is_noticed(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    (lethe.home / "policy.toml").write_text("[review]\naudit_share = 0.25\n")

    app = show(lethe.page("Recall"), "Thresholds")

    assert "changed outside Lethe" in said(app)
    (version,) = policies.versions(lethe.database)
    assert "0.25" in version.toml


def decided_sample(lethe: Lethe, added: tuple[Region, ...] = ()) -> None:
    """One sampled picture, decided as proposed but for what the person adds."""
    lethe.batch(UPRIGHT, audit_share=1.0)
    case = reviews.claim(lethe.database, "local", services.now())
    verdict = Verdict((*case.plan.proposed, *added), "local", case.plan.revision)
    verdicts.settle(lethe.database, case.picture_id, verdict, services.now())
    lethe.settle()


def test_sample_checks_say_what_was_missed_and_what_is_left_to_prove(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    tattoo = Region(Box(60, 60, 80, 80), Category.TATTOO, Origin.REVIEWER)
    for added in ((), (), (tattoo,)):
        decided_sample(lethe, added)

    app = show(lethe.page("Recall"), "Sample checks")

    clean = Tally(2, 3)
    numbers = {metric.label: metric.value for metric in app.metric}
    assert numbers["Pictures checked"] == "3"
    assert numbers["Something was missed in"] == "1"
    assert numbers["Estimated miss rate"] == "33.4 %"
    assert numbers["At most, 95 % sure"] == "86.5 %"
    assert f"{more_to_prove(clean, 0.99)} more checks without a miss" in said(app)
    table = table_with(app, "Decided")
    assert list(table["Decided"]) == ["3", "1", "0"]
    assert list(table["Hidden by the machine"]) == ["3", "0", "0"]


def test_reviews_for_another_reason_are_no_sample_check(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    decided_sample(lethe)
    with lethe.database.transaction() as cursor:
        cursor.execute("UPDATE pictures SET audit_sample = FALSE")

    app = show(lethe.page("Recall"), "Sample checks")

    assert "No picture of the sample was decided yet" in said(app)


def test_rejected_samples_are_said(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    lethe.batch(UPRIGHT, audit_share=1.0)
    case = reviews.claim(lethe.database, "local", services.now())
    verdict = Verdict((), "local", case.plan.revision)
    verdicts.reject(lethe.database, case.picture_id, verdict, services.now())

    app = show(lethe.page("Recall"), "Sample checks")

    assert "1 picture of the sample was rejected" in said(app)


def upload(app, content: bytes):
    uploader = app.file_uploader(key="recall_zip_0")
    return uploader.upload("set.zip", content, "application/zip").run()


def datasets(lethe: Lethe) -> list[Path]:
    folder = lethe.home / "datasets"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_a_zip_becomes_an_evaluation_and_goes_with_it(lethe, tmp_path):
    app = upload(lethe.page("Recall"), zipped(labelled_set(tmp_path / "set")))
    assert not app.exception
    assert app.text_input(key="recall_name").value == "set"

    app.button(key="recall_start").click().run()
    run = finished(lethe, evaluations.listed(lethe.database)[0].id)
    app.run()
    assert run.report["pictures"] == 3
    assert len(datasets(lethe)) == 1
    app.button(key=f"recall_delete_{run.id}").click().run()

    assert not app.exception
    assert evaluations.listed(lethe.database) == ()
    assert datasets(lethe) == []
    assert "Bring a labelled set" in said(app)


def test_a_zip_stays_while_another_evaluation_was_made_from_it(lethe, tmp_path):
    app = upload(lethe.page("Recall"), zipped(labelled_set(tmp_path / "set")))
    app.button(key="recall_start").click().run()
    first = finished(lethe, evaluations.listed(lethe.database)[0].id)
    second = evaluated(lethe, Path(first.source))
    app = lethe.page("Recall")

    app.button(key=f"recall_delete_{second.id}").click().run()

    assert [one.id for one in evaluations.listed(lethe.database)] == [first.id]
    assert len(datasets(lethe)) == 1


def test_a_zip_that_climbs_out_is_refused_and_leaves_nothing(lethe, tmp_path):
    content = zipped(labelled_set(tmp_path / "set"), {"../out.txt": b"out"})

    app = upload(lethe.page("Recall"), content)

    assert not app.exception
    assert "would lie outside of its folder" in said(app)
    assert datasets(lethe) == []
    assert not (lethe.home / "out.txt").exists()


def test_a_zip_without_labels_is_refused_and_leaves_nothing(lethe):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.png", UPRIGHT)

    app = upload(lethe.page("Recall"), content.getvalue())

    assert not app.exception
    assert app.error
    assert datasets(lethe) == []


def test_choosing_another_set_deletes_the_zip(lethe, tmp_path):
    app = upload(lethe.page("Recall"), zipped(labelled_set(tmp_path / "set")))
    assert len(datasets(lethe)) == 1

    app.button(key="recall_forget").click().run()

    assert not app.exception
    assert datasets(lethe) == []


def test_deleting_leaves_a_folder_of_the_persons_own_alone(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set")
    run = evaluated(lethe, folder)
    app = lethe.page("Recall")

    app.button(key=f"recall_delete_{run.id}").click().run()

    assert evaluations.listed(lethe.database) == ()
    assert (folder / "picture 0.png").exists()


def test_an_evaluation_under_way_can_be_cancelled_and_deleted(lethe, tmp_path, monkeypatch):
    lethe.page()
    services.services().dispatcher.stop()
    folder = labelled_set(tmp_path / "set")
    app = lethe.page("Recall")
    app.text_input(key="recall_where").set_value(str(folder)).run()
    app.button(key="recall_read").click().run()
    app.button(key="recall_start").click().run()
    (run,) = evaluations.listed(lethe.database)
    assert "Cancel" in labels(app)

    app.button(key=f"recall_cancel_{run.id}").click().run()
    app.run()

    assert "It was cancelled" in said(app)
    app.button(key=f"recall_delete_{run.id}").click().run()
    assert evaluations.listed(lethe.database) == ()


def test_downloads_hold_the_report_and_crops_only_on_request(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set"))
    lethe.page("Recall")

    plain = recall_downloads.report_html(run.id, with_crops=False)
    shown = recall_downloads.report_html(run.id, with_crops=True)

    assert "data:image/jpeg" not in plain
    assert "picture 0.png" not in plain
    assert "data:image/jpeg" in shown


def test_the_numbers_of_other_thresholds_are_those_of_scoring_everything(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set", pictures=4, missed=2))
    everything = evaluated_values(run.id)
    policy = everything.policy.with_thresholds(Category.FACE, doubt_at=0.3, accept_at=0.95)

    own, asked = recall_thresholds._counts(run.id, Category.FACE, policy.fingerprint, policy)

    whole = count(score_all(everything.pairs, policy).scores)
    assert own == whole.categories[Category.FACE]
    assert asked == whole.asked
    assert own.automatic.found == 0
