"""The recall page, over the real store and the real line with made-up detectors."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from components.app import server_folders, services, session
from components.app.access import Role, User
from components.app.server_folders import ClosedFolder
from components.recall import downloads, evaluating, misses
from components.recall.words import at_least
from engine.category import DETECTABLE, Category
from engine.evaluation.report.cost import in_short, prices
from store.evaluations import evaluations
from tests.app.labelled import evaluated, finished, labelled_set, show, table_with
from tests.app.reading import UPRIGHT, labels, said
from tests.store.fakes import ACTOR, ANY

pytestmark = pytest.mark.slow


def headline(app: AppTest) -> pd.DataFrame:
    return table_with(app, "Status").set_index("Category")


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
    (run,) = evaluations.listed(ACTOR, lethe.database)
    run = finished(lethe, run.id)
    app.run()

    assert not app.exception
    assert (run.name, run.target, run.made_by) == ("holidays", 0.99, "local")
    assert run.report.categories[Category.FACE].coverage.found == 3
    face = headline(app).loc["Face"]
    assert list(face[["Target", "Found", "At least"]]) == ["99 %", "**75.0 %**", "**24.8 %**"]
    assert "missed" in face["Status"]
    assert "**No.**" in said(app)


def test_the_headlines_numbers_are_the_reports(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set", pictures=5, missed=2))

    table = headline(lethe.page("Recall"))

    for category in DETECTABLE:
        values = run.report.categories[category].coverage
        line = table.loc[category.value.capitalize()]
        assert line["Found"] == f"**{at_least(values.recall)}**"
        assert line["At least"] == f"**{at_least(values.lower95)}**"


def test_the_headline_never_stands_without_what_it_costs(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set"))

    costs = table_with(lethe.page("Recall"), "What that costs").set_index("What that costs")

    assert list(costs["Measured"]) == [one.much for one in prices(run.report)]
    assert not costs["Measured"].str.contains("not measured").any()


def test_the_views_come_before_a_long_table_of_costs_which_is_told_in_short(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set"))

    app = lethe.page("Recall")

    costs = next(one for one in app.expander if one.label == in_short(run.report))
    assert not costs.proto.expanded
    assert "What that costs" in costs.table[0].value
    assert [list(one.value) for one in app.main.table][1:] == [list(costs.table[0].value)]


def test_an_evaluation_stored_before_costs_were_measured_says_so(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set"))
    evaluated(lethe, tmp_path / "set", "newer")
    old = {key: value for key, value in run.report.to_json().items() if key != "cost"}
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE evaluations SET report = ?", (json.dumps(old),))

    assert "what else it costs was not measured" in said(lethe.page())
    app = lethe.page("Recall")

    costs = table_with(app, "What that costs").set_index("What that costs")
    assert costs.loc["Boxes on such a picture", "Measured"] == "not measured"
    for view in ("Trend", "Compare"):
        assert not show(app, view).error


def test_a_set_without_any_label_has_nothing_to_find_and_its_costs(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set", missed=0)
    content = json.loads((folder / "annotations.json").read_text())
    (folder / "annotations.json").write_text(json.dumps(content | {"annotations": []}))

    evaluated(lethe, folder)
    app = lethe.page("Recall")

    assert not app.exception
    assert all("nothing to find" in status for status in headline(app)["Status"])
    costs = table_with(app, "What that costs").set_index("What that costs")["Measured"]
    touched = costs["Pictures free of all that is looked for: touched"]
    assert "(3\u00a0of\u00a03)" in touched


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

    assert run.report.unread == 1
    (note,) = [one for one in app.expander if "left out above, or guessed" in one.label]
    assert "1 picture could not be measured and 1 part of the data set" in note.label
    assert "picture 2.png" in said(app)


def test_boxes_that_do_not_count_are_said_before_and_after(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set")
    content = json.loads((folder / "annotations.json").read_text())
    content["annotations"][0]["ignore"] = 1
    content["annotations"].append({"image_id": None, "category_id": 1, "bbox": [5, 5, 3, 4]})
    (folder / "annotations.json").write_text(json.dumps(content))
    app = lethe.page("Recall")
    app.text_input(key="recall_where").set_value(str(folder)).run()

    app.button(key="recall_read").click().run()
    understood = app.table[0].value
    run = evaluated(lethe, folder)
    app = lethe.page("Recall")

    assert (understood["Ignored"][0], understood["Lost"][0]) == ("1", "1")
    assert run.lost == {Category.FACE: 1}
    assert run.report.categories[Category.FACE].uncounted.lost == 1
    assert "Not counted: 1 box marked as a crowd" in said(app)
    assert "1 box that could not be read" in said(app)
    assert (
        "1 box that could not be read" in downloads.report_html(run.id, with_crops=False).decode()
    )


def test_an_evaluation_made_again_remembers_what_was_lost(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set")
    content = json.loads((folder / "annotations.json").read_text())
    content["annotations"].append({"image_id": 0, "category_id": 7, "bbox": [5, 5, 3, 4]})
    (folder / "annotations.json").write_text(json.dumps(content))
    run = evaluated(lethe, folder)

    anew = evaluating.again(run, "again", run.policy_toml)

    assert anew.lost == run.lost == {None: 1}


def test_a_view_that_is_not_chosen_is_not_computed(lethe, tmp_path, monkeypatch):
    evaluated(lethe, labelled_set(tmp_path / "set"))
    asked: list[str] = []
    for name in ("groups_view", "calibration_view", "trend_view"):
        monkeypatch.setattr(
            f"components.recall.page.{name}", lambda *arguments, name=name: asked.append(name)
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
    assert all(image.value[0].startswith("data:image/jpeg;base64,") for image in app.image)
    assert app.button(key="recall_misses_back").disabled

    app.button(key="recall_misses_on").click().run()

    assert "13 to 14 of 14" in said(app)
    assert len(app.image) == 2
    assert app.button(key="recall_misses_on").disabled
    assert "Face: not seen at all" in said(app)


def test_a_miss_can_be_looked_at_large_with_what_its_lines_mean(lethe, tmp_path):
    evaluated(lethe, labelled_set(tmp_path / "set", pictures=3, missed=2))
    app = lethe.page("Recall")
    assert misses.LEGEND not in said(app)

    app.selectbox(key="recall_misses_large_0").set_value(1).run()

    assert not app.exception
    assert misses.LEGEND in said(app)
    small, _, large = (
        cv2.imdecode(
            np.frombuffer(base64.b64decode(image.value[0].split(",")[1]), np.uint8),
            cv2.IMREAD_COLOR,
        )
        for image in app.image
    )
    assert small.shape[:2] == (240, 320)
    assert large.shape[:2] == (900, 1200)


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
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE evaluations SET policy_toml = 'nonsense = 1'")
    assert "nonsense is not a key Lethe knows" in said(lethe.page())
    app = lethe.page("Recall")
    assert "nonsense is not a key Lethe knows" in said(app)

    app.button(key=f"recall_delete_{run.id}").click().run()

    assert not app.exception
    assert evaluations.listed(ACTOR, lethe.database) == ()


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


def test_pictures_of_a_folder_are_asked_about_again_when_an_evaluation_starts(
    lethe, tmp_path, monkeypatch
):
    folder = labelled_set(tmp_path / "set", pictures=2)
    app = lethe.page("Recall")
    app.text_input(key="recall_where").set_value(str(folder)).run()
    app.button(key="recall_read").click().run()

    monkeypatch.setattr(server_folders, "refuse_closed", closed)
    app.button(key="recall_start").click().run()

    assert "Closed since." in said(app)
    assert evaluations.listed(ACTOR, lethe.database) == ()


def test_an_evaluation_of_a_folder_closed_since_is_neither_made_again_nor_shown(
    lethe, tmp_path, monkeypatch
):
    run = evaluated(lethe, labelled_set(tmp_path / "set", missed=1))
    monkeypatch.setattr(server_folders, "refuse_closed", closed)

    app = lethe.page("Recall")
    with pytest.raises(ClosedFolder):
        evaluating.again(run, "again", run.policy_toml)

    assert not app.exception
    assert not app.image
    assert "Closed since." in said(app)
    assert b"data:image/jpeg" not in downloads.report_html(run.id, with_crops=True)


def closed(paths):
    if list(paths):
        raise ClosedFolder("Closed since.")


def test_an_evaluation_under_way_can_be_cancelled_and_deleted(lethe, tmp_path, monkeypatch):
    lethe.page()
    services.services().dispatcher.stop()
    folder = labelled_set(tmp_path / "set")
    app = lethe.page("Recall")
    app.text_input(key="recall_where").set_value(str(folder)).run()
    app.button(key="recall_read").click().run()
    app.button(key="recall_start").click().run()
    (run,) = evaluations.listed(ACTOR, lethe.database)
    assert "Cancel" in labels(app)

    app.button(key=f"recall_cancel_{run.id}").click().run()
    app.run()

    assert "It was cancelled" in said(app)
    app.button(key=f"recall_delete_{run.id}").click().run()
    assert evaluations.listed(ACTOR, lethe.database) == ()


def test_an_evaluation_deleted_elsewhere_does_not_lend_its_name_to_another(lethe, tmp_path):
    folder = labelled_set(tmp_path / "set")
    first, second = evaluated(lethe, folder, "first"), evaluated(lethe, folder, "second")
    app = lethe.page("Recall")
    assert "Evaluation 2, second" in said(app)

    evaluations.delete(ACTOR, lethe.database, second.id)
    app.run()

    assert app.selectbox(key="recall_run").value == first.id
    assert "Evaluation 1, first" in said(app)


def test_downloads_hold_the_report_and_crops_only_on_request(lethe, tmp_path):
    run = evaluated(lethe, labelled_set(tmp_path / "set"))
    lethe.page("Recall")

    plain = downloads.report_html(run.id, with_crops=False).decode()
    shown = downloads.report_html(run.id, with_crops=True).decode()

    assert "data:image/jpeg" not in plain
    assert "picture 0.png" not in plain
    assert "data:image/jpeg" in shown
