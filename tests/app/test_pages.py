"""Every page, from `Home.py`, over the real store and the real line with made-up detectors."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from components import frame, samples, services, session
from components.access import Role, User
from components.bundle import bundle
from engine.category import Category
from engine.geometry import Box
from engine.plan import Origin, Region, Verdict
from engine.policy import Policy
from store import batches, intake, pictures, receipts, reviews, verdicts
from store.batches import Request
from store.cases import Case, Draft
from store.intake import Incoming
from store.pictures import PictureState
from tests.app.conftest import Lethe, png

PAGES = ["Home", "Upload", "Review", "Release"]
GUARDED = {"Upload": Role.ANALYST, "Review": Role.REVIEWER, "Release": Role.ANALYST}
UPRIGHT = png(100, 120)  # sees one face: released
WIDE = png(120, 100)  # a doubt besides: to a person


def said(app: AppTest) -> str:
    """Every sentence on the page."""
    kinds = (app.title, app.caption, app.markdown, app.error, app.warning, app.info, app.success)
    texts = [element.value for kind in (*kinds, app.toast) for element in kind]
    return "\n".join(text.replace("\\", "") for text in texts)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, purpose: str) -> AppTest:
    keys = [button.key for button in app.button]
    (key,) = [key for key in keys if re.fullmatch(f"review_{purpose}(_[0-9a-f]{{32}})?", key)]
    app.button(key=key).click().run()
    assert not app.exception
    return app


def lines(app: AppTest) -> list[str]:
    return [button.label for button in app.button if button.key.startswith("review_line_")]


def numbers(app: AppTest) -> dict[str, int]:
    return {metric.label: int(metric.value) for metric in app.metric}


def case_of(lethe: Lethe, reviewer: str = "local") -> Case:
    case = reviews.claim(lethe.database, reviewer, services.now())
    assert case is not None
    return case


def draw_on_the_canvas(monkeypatch: pytest.MonkeyPatch, *box: float) -> None:
    """Have every canvas say that a box (left, top, width, height) was drawn as a face."""
    own = session.widget_value

    def value(key: str) -> Any:
        state = own(key)
        if state is None or "canvas" not in key:
            return state
        left, top, width, height = box
        drawn = {"type": "LabeledRect", "label": "face", "left": left, "top": top,
                 "width": width, "height": height}  # fmt: skip
        return {"drawing": {"raw": {"objects": [*state["drawing"]["raw"]["objects"], drawn]}}}

    monkeypatch.setattr(session, "widget_value", value)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_when_there_is_nothing(lethe, name):
    app = lethe.page(name)

    assert not app.exception
    assert not app.error
    assert app.title


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_when_there_is_everything(lethe, name):
    lethe.batch(UPRIGHT, WIDE, b"no picture")
    lethe.staging.take_file("waiting.png", WIDE)

    app = lethe.page(name)

    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("name", GUARDED)
def test_a_person_without_the_role_sees_nothing_of_the_page(lethe, monkeypatch, name):
    lethe.batch(UPRIGHT, WIDE)
    roles = frozenset(Role) - {GUARDED[name]}
    monkeypatch.setattr(session, "user", lambda: User("ana", roles))

    app = lethe.page(name)

    (error,) = app.error
    assert GUARDED[name].value in error.value
    content = [app.title, app.button, app.dataframe, app.metric, app.text_input, app.selectbox]
    assert not any(content)
    assert "holiday" not in said(app)
    assert not app.image


def test_the_menu_offers_only_pages_one_may_open(lethe, monkeypatch):
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({Role.ANALYST})))

    app = lethe.page()

    offered = [link.label for link in app.sidebar.get("page_link")]
    assert offered == ["Home", "Upload", "Release"]


def test_a_person_without_the_reviewer_role_sees_no_original(lethe, monkeypatch):
    lethe.batch(UPRIGHT)
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({Role.ANALYST})))

    app = lethe.page("Release")

    assert "Only reviewers see originals." in said(app)
    assert len(app.image) == 1


@pytest.mark.parametrize("address", [None, "0.0.0.0", "192.168.1.5"])  # noqa: S104
@pytest.mark.parametrize("name", PAGES)
def test_an_address_others_can_reach_is_refused_on_every_page(lethe, name, address):
    lethe.batch(WIDE)
    app = lethe.page()
    config.set_option("server.address", address)

    app = lethe.turn(app, name)

    (error,) = app.error
    assert "works on this machine only" in error.value
    assert (address or "every address") in error.value
    assert not any([app.title, app.button, app.metric, app.dataframe])


def test_every_page_starts_with_its_guard(lethe, monkeypatch):
    asked = []
    monkeypatch.setattr(frame, "may", lambda user, role: asked.append(role) or True)

    for name in PAGES:
        asked.clear()
        lethe.page(name)
        assert GUARDED.get(name) is None or GUARDED[name] in asked


# Home


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
    (batch,) = batches.newest(lethe.database)
    receipt = receipts.newest(lethe.database, batch.id)[0].receipt
    assert receipt["not_looked_for"] == ["tattoo", "jewelry"]


def test_home_counts_every_outcome(lethe):
    lethe.batch(UPRIGHT, UPRIGHT, WIDE, b"no picture")

    assert numbers(lethe.page()) == {"Need a look": 1, "Released": 2, "Held back": 1}


def test_home_says_that_all_gates_work_and_which_does_not(lethe):
    assert "All gates work" in said(lethe.page())

    (lethe.home / "policy.toml").write_text("nonsense = 1\n")

    assert "Nothing is released for now" in said(lethe.page())
    assert "nonsense is not a key Lethe knows" in said(lethe.page())


def test_home_says_when_the_line_has_stopped(lethe):
    lethe.page()
    services.services().dispatcher.stop()

    assert "The line has stopped" in said(lethe.page())


# Upload


def test_upload_shows_problems_first_and_what_rides_along(lethe):
    lethe.staging.take_file("fine.png", WIDE)
    lethe.staging.take_file("broken.png", b"no picture")

    app = lethe.page("Upload")

    table = app.dataframe[0].value
    assert list(table["Name"]) == ["broken.png", "fine.png"]
    assert table["Problem"][0] == "This is not a picture Lethe can read."
    assert table["Pixels"][1] == "120 × 100"
    assert "1 will probably be held back" in said(app)


def test_a_dropped_file_is_on_disk_and_the_uploader_is_empty_again(lethe):
    app = lethe.page("Upload")

    app.file_uploader(key="upload_files_0").upload("Müller.png", WIDE, "image/png").run()

    assert not app.exception
    assert [file.name for file in lethe.staging.files()] == ["Müller.png"]
    assert app.file_uploader(key="upload_files_1").value in (None, [])


def test_a_broken_zip_is_said_in_a_sentence(lethe):
    app = lethe.page("Upload")

    app.file_uploader(key="upload_files_0").upload("a.zip", b"no zip", "application/zip").run()

    assert not app.exception
    assert "a.zip could not be opened as a zip" in said(app)


def test_a_file_that_is_refused_keeps_no_other_from_being_taken(lethe):
    app = lethe.page("Upload")

    files = [("a.zip", b"no zip", "application/zip"), ("b.png", WIDE, "image/png")]
    app.file_uploader(key="upload_files_0").set_value(files).run()

    assert [file.name for file in lethe.staging.files()] == ["b.png"]
    assert "a.zip could not be opened" in said(app)


def test_start_makes_a_batch_in_which_every_file_gets_an_outcome(lethe):
    lethe.staging.take_file("fine.png", UPRIGHT)
    lethe.staging.take_file("broken.png", b"no picture")
    app = lethe.page("Upload")

    app.button(key="upload_start").click().run()
    counts = lethe.settle()

    assert not app.exception
    assert counts.total == 2
    assert counts.quarantined == 1
    assert lethe.staging.files() == ()
    (batch,) = batches.newest(lethe.database)
    assert {row.source for row in pictures.of_batch(lethe.database, batch.id)} == {
        "fine.png",
        "broken.png",
    }


def test_what_waits_for_start_survives_a_page_change_a_reload_and_a_restart(lethe):
    lethe.staging.take_file("fine.png", UPRIGHT)
    app = lethe.page("Upload")

    app = lethe.turn(lethe.turn(app, "Release"), "Upload")
    assert "1 picture" in said(app)
    assert "1 picture" in said(lethe.page("Upload"))
    lethe.restart()
    assert "1 picture" in said(lethe.page("Upload"))


def test_clear_forgets_what_waits(lethe):
    lethe.staging.take_file("fine.png", UPRIGHT)
    app = lethe.page("Upload")

    app.button(key="upload_clear").click().run()

    assert not app.dataframe
    assert lethe.counts().total == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("name,licence\na,b\n", "The manifest has no column filename", id="column"),
        pytest.param("filename,licence,mood\na,b,c\n", "does not know: mood", id="unknown"),
        pytest.param(
            "filename,licence,attribution_needed\na,b,perhaps\n", "write yes or no", id="value"
        ),
        pytest.param("Müller".encode("latin-1"), "not UTF-8 text", id="encoding"),
        pytest.param("", "The manifest has no column filename", id="empty"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_why_and_nothing_can_start(lethe, text, sentence):
    lethe.staging.take_file("fine.png", UPRIGHT)
    app = lethe.page("Upload")
    content = text if isinstance(text, bytes) else text.encode()

    app.file_uploader(key="upload_manifest").upload("m.csv", content, "text/csv").run()

    assert not app.exception
    assert sentence in said(app)
    assert app.button(key="upload_start").disabled


def test_no_licence_no_release_holds_back_what_the_manifest_does_not_name(lethe):
    lethe.staging.take_file("named.png", UPRIGHT)
    lethe.staging.take_file("nameless.png", UPRIGHT)
    app = lethe.page("Upload")
    app.file_uploader(key="upload_manifest").upload(
        "m.csv", b"filename,licence\nnamed.png,CC0\n", "text/csv"
    )
    app.toggle(key="upload_strict").set_value(True)

    app.button(key="upload_start").click().run()
    lethe.settle()

    assert not app.exception
    (batch,) = batches.newest(lethe.database)
    rows = {row.source: row for row in pictures.of_batch(lethe.database, batch.id)}
    assert rows["nameless.png"].state is PictureState.QUARANTINED
    assert "no licence, no release" in (rows["nameless.png"].reason or "")
    assert rows["named.png"].state is PictureState.RELEASED


# Review


def test_review_says_why_the_picture_is_here_and_lists_what_would_go(lethe):
    lethe.batch(WIDE)

    app = lethe.page("Review")

    assert "unsure: tattoo 0.41" in said(app)
    assert "2 will be removed" in said(app)
    assert "picture 0.png" in said(app)
    assert lines(app) == ["1 face", "2 tattoo"]


def test_a_name_is_shown_as_it_is_and_loads_nothing(lethe):
    batch = lethe.batch(WIDE)
    with lethe.database.transaction() as cursor:
        cursor.execute("UPDATE pictures SET source = '![a](http://outside.example/a.png)'")

    for name in ("Review", "Release"):
        shown = "".join(caption.value for caption in lethe.page(name).caption)
        assert "outside" in shown
        assert "![" not in shown
        assert "](" not in shown
    assert batch


def test_accept_removes_exactly_what_is_kept(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_1")

    press(app, "accept")
    counts = lethe.settle()

    assert counts.released == 1
    assert "Nothing waits for review" in said(app)
    (receipt,) = receipts.newest(lethe.database)
    assert [region["category"] for region in receipt.receipt["regions"]] == ["face"]
    assert receipt.receipt["reviewer"] == "local"


def test_skip_goes_to_the_next_picture_and_keeps_the_draft(lethe):
    lethe.batch(WIDE, WIDE)
    app = press(lethe.page("Review"), "toggle_1")
    first = "picture 0.png" in said(app)

    app = press(app, "skip")
    assert ("picture 0.png" in said(app)) is not first
    app = press(app, "skip")

    assert ("picture 0.png" in said(app)) is first
    assert "~~2 tattoo~~" in lines(app)
    assert lethe.counts().review == 2


def test_reject_holds_the_picture_back_and_says_by_whom(lethe):
    lethe.batch(WIDE)

    press(lethe.page("Review"), "reject")

    assert lethe.counts().quarantined == 1
    assert "Rejected in review by local." in said(lethe.page("Release"))


def test_undo_takes_back_the_last_edit_first_and_then_the_last_verdict(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_0")
    assert lines(app) == ["~~1 face~~", "2 tattoo"]

    app = press(app, "undo")
    assert lines(app) == ["1 face", "2 tattoo"]
    assert "Took back the last edit" in said(app)

    app = press(press(app, "toggle_0"), "accept")
    lethe.settle()
    app = press(app, "undo")

    assert lines(app) == ["~~1 face~~", "2 tattoo"]
    assert "Its release was withdrawn" in said(app)
    assert receipts.newest(lethe.database) == ()
    assert lethe.counts().review == 1


def test_undo_with_nothing_to_undo_says_so(lethe):
    app = press(lethe.page("Review"), "undo")

    assert "There is nothing to undo" in said(app)


def test_a_dropped_box_can_be_kept_again(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_0")
    assert "1 will be removed" in said(app)

    app = press(app, "toggle_0")

    assert "2 will be removed" in said(app)


def test_a_category_is_given_to_the_selected_line(lethe):
    lethe.batch(WIDE)
    app = press(press(lethe.page("Review"), "line_1"), "category_jewelry")

    assert lines(app) == ["1 face", "2 jewelry"]
    assert case_of(lethe).draft.regions[1].category is Category.JEWELRY


def test_the_keys_for_next_and_drop_work_on_the_list(lethe):
    lethe.batch(WIDE)
    app = press(press(lethe.page("Review"), "key_J"), "key_D")
    assert lines(app) == ["~~1 face~~", "2 tattoo"]

    app = press(press(app, "key_J"), "key_D")

    assert lines(app) == ["~~1 face~~", "~~2 tattoo~~"]


def test_a_nudge_moves_the_selected_box_by_eight_picture_pixels(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "line_0")

    press(press(app, "key_Right"), "key_Down")

    assert case_of(lethe).draft.regions[0].box.corners == (18, 18, 38, 38)


def test_zoom_goes_round_and_moves_no_box(lethe):
    lethe.batch(WIDE)
    app = press(press(lethe.page("Review"), "line_1"), "toggle_0")
    before = case_of(lethe).draft.regions

    for shown in ("100 %", "200 %", "Fit"):
        app = press(app, "zoom")
        assert app.button(key="review_zoom").label == shown
        app = press(press(app, "toggle_0"), "toggle_0")

    assert case_of(lethe).draft.regions == before


def test_preview_shows_the_release_and_comes_back(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "preview")
    assert len(app.image) == 1
    assert app.button(key="review_preview").label == "Back to boxes"

    app = press(app, "preview")

    assert not app.image
    assert app.button(key="review_preview").label == "Preview"


def test_help_lists_every_key(lethe):
    lethe.batch(WIDE)

    app = press(lethe.page("Review"), "help")

    for key in "ASXUJKDPZH":
        assert f"**{key}**" in said(app)


@pytest.mark.parametrize("away", ["page change", "reload", "restart"])
def test_a_draft_survives(lethe, away):
    lethe.batch(WIDE)
    app = press(press(press(lethe.page("Review"), "line_1"), "category_other"), "toggle_0")

    if away == "page change":
        app = lethe.turn(lethe.turn(app, "Release"), "Review")
    if away == "restart":
        lethe.restart()
    if away != "page change":
        app = lethe.page("Review")

    assert lines(app) == ["~~1 face~~", "2 other"]


@pytest.mark.parametrize("purpose", ["accept", "toggle_1", "zoom", "preview", "line_1", "key_J"])
def test_a_click_that_comes_together_with_a_drawing_loses_nothing(lethe, monkeypatch, purpose):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    draw_on_the_canvas(monkeypatch, 300, 300, 80, 80)  # four stage pixels to a picture pixel

    press(app, purpose)

    if purpose == "accept":
        lethe.settle()
        regions = receipts.newest(lethe.database)[0].receipt["regions"]
    else:
        regions = [region.to_json() for region in case_of(lethe).draft.regions]
    assert [75, 75, 95, 95] in [region["box"] for region in regions]


def test_an_accept_that_comes_too_late_says_so_and_keeps_the_regions(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_0")
    case = case_of(lethe)
    elsewhere = Verdict(case.plan.proposed, "local", case.plan.revision)
    verdicts.settle(lethe.database, case.picture_id, elsewhere, services.now())
    lethe.settle()

    press(app, "accept")

    assert "This picture was decided meanwhile" in said(app)
    assert "Go on with the next picture" in said(app)


@pytest.mark.parametrize("purpose", ["toggle_1", "key_Right", "category_other", "zoom", "accept"])
def test_a_claim_that_passed_on_is_said_and_the_draft_stays_with_the_picture(lethe, purpose):
    lethe.batch(WIDE)
    app = press(press(lethe.page("Review"), "toggle_0"), "line_1")
    case = case_of(lethe)
    mine = case.draft
    with lethe.database.transaction() as cursor:
        cursor.execute(
            "UPDATE pictures SET claimed_by = 'bo', claimed_until = claimed_until + INTERVAL 1 DAY"
        )

    press(app, purpose)

    assert "bo has it now" in said(app)
    assert "kept" in said(app)
    with lethe.database.transaction() as cursor:
        cursor.execute("UPDATE pictures SET claimed_until = claimed_until - INTERVAL 2 DAY")
    assert case_of(lethe).draft == mine


def test_two_reviewers_never_have_the_same_picture(lethe, monkeypatch):
    lethe.batch(WIDE, WIDE)
    one = lethe.page("Review")
    monkeypatch.setattr(session, "user", lambda: User("bo", frozenset(Role)))

    other = lethe.page("Review")

    names = [[c.value for c in app.caption if "picture" in c.value] for app in (one, other)]
    assert names[0]
    assert names[0] != names[1]


def test_an_original_that_cannot_be_read_any_more_can_still_be_rejected(lethe):
    lethe.batch(WIDE)
    case_of(lethe).original.write_bytes(b"no picture")

    app = lethe.page("Review")

    assert not app.exception
    assert "Reject the picture to hold it back" in said(app)
    press(app, "reject")
    assert lethe.counts().quarantined == 1


# Release


def test_release_lists_every_picture_with_outcome_and_reason(lethe):
    lethe.batch(UPRIGHT, WIDE, b"no picture")

    app = lethe.page("Release")

    table = app.dataframe[0].value.set_index("Name")
    assert list(table["Outcome"]) == ["Released", "Needs a look", "Held back"]
    assert table["Why"]["picture 0.png"] == ""
    assert table["Why"]["picture 1.png"] == "unsure"
    assert table["Why"]["picture 2.png"].endswith(".")
    assert numbers(app) == {"Released": 1, "Needs a look": 1, "Held back": 1, "Waiting": 0}
    assert "Review 1 picture" in [link.label for link in app.main.get("page_link")]


def test_release_shows_before_and_after_and_what_was_checked(lethe):
    lethe.batch(UPRIGHT)

    app = lethe.page("Release")

    assert len(app.image) == 2
    assert "Removed: 1 face." in said(app)
    for check in ("T1", "T3", "T4"):
        assert f"Check {check} passed" in said(app)


def test_the_download_holds_the_release_and_no_name(lethe):
    batch_id = lethe.batch(UPRIGHT, WIDE)

    app = lethe.page("Release")

    assert not app.get("download_button")[0].disabled
    with bundle(lethe.database, batches.batch(lethe.database, batch_id)) as file:
        raw = file.read()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        (line,) = archive.read("receipts.jsonl").splitlines()
        assert f"released/{json.loads(line)['release']}.png" in archive.namelist()
    ids = [row.id for row in pictures.of_batch(lethe.database, batch_id)]
    assert not [secret for secret in (*ids, "picture 0", batch_id) if secret.encode() in raw]


def test_nothing_can_be_downloaded_before_something_is_released(lethe):
    lethe.batch(WIDE)

    assert lethe.page("Release").get("download_button")[0].disabled


def test_the_filter_shows_one_outcome_alone(lethe):
    lethe.batch(UPRIGHT, WIDE, b"no picture")
    app = lethe.page("Release")

    app.segmented_control(key="release_filter").set_value([PictureState.QUARANTINED]).run()

    assert list(app.dataframe[0].value["Outcome"]) == ["Held back"]
    assert "Held back because" in said(app)


def test_a_draft_that_is_saved_names_its_reviewer(lethe):
    lethe.batch(WIDE)

    press(lethe.page("Review"), "toggle_0")

    draft = case_of(lethe).draft
    assert isinstance(draft, Draft)
    assert draft.reviewer == "local"


def test_a_late_press_cannot_decide_the_next_picture(lethe):
    def deciding(app):
        return {key for button in app.button if "accept" in (key := button.key)}

    lethe.batch(WIDE, WIDE)
    app = lethe.page("Review")
    before = deciding(app)

    after = deciding(press(app, "skip"))

    assert len(before) == len(after) == 1
    assert before != after


def test_an_edit_in_another_window_is_shown_before_anything_is_accepted(lethe):
    lethe.batch(WIDE)
    here, there = lethe.page("Review"), lethe.page("Review")
    press(there, "toggle_0")

    here = press(here, "accept")

    assert "another window" in said(here)
    assert lethe.counts().review == 1
    assert lines(here) == ["~~1 face~~", "2 tattoo"]


def test_sample_checks_are_reported_apart(lethe):
    lethe.batch(WIDE)
    with lethe.database.transaction() as cursor:
        cursor.execute("UPDATE pictures SET audit_sample = TRUE")
    case = reviews.claim(lethe.database, "local", services.now())
    added = Region(Box(1, 1, 9, 9), Category.FACE, Origin.REVIEWER)
    verdict = Verdict((added,), "local", case.plan.revision)
    verdicts.settle(lethe.database, case.picture_id, verdict, services.now())

    assert "1 decided; in 1 of them a person added something" in said(lethe.page())


def test_a_policy_file_that_is_not_accepted_is_a_sentence_on_home(lethe):
    app = lethe.page()
    (lethe.home / "policy.toml").write_text("[categories.face]\naccept_at = 3", encoding="utf-8")

    app.button(key="home_samples").click().run()

    assert not app.exception
    assert any("accept_at" in error.value for error in app.error)


def test_an_original_that_is_gone_does_not_stop_the_page(lethe):
    lethe.batch(WIDE)
    for original in (lethe.home / "originals").iterdir():
        original.unlink()

    app = lethe.page("Review")

    assert not app.exception
    assert any("original cannot be read" in error.value for error in app.error)


def test_what_the_policy_demands_cannot_be_switched_off(lethe):
    lethe.staging.take_file("a.png", png())
    demand = Policy().requiring_licence(required=True)
    (lethe.home / "policy.toml").write_text(demand.to_toml(), encoding="utf-8")

    app = lethe.page("Upload")

    assert app.toggle(key="upload_strict").disabled
    assert app.toggle(key="upload_strict").value


def test_a_start_cut_short_after_the_batch_began_does_not_double_it(lethe):
    lethe.staging.take_file("a.png", WIDE)
    request = Request("cut short", Policy().to_toml(), run=lethe.staging.token)
    batch = batches.create(lethe.database, request, services.now())
    intake.add(lethe.database, batch.id, [Incoming("a.png", WIDE)], services.now())
    batches.start(lethe.database, batch.id, services.now())

    app = lethe.page("Upload")

    assert not app.exception
    assert lethe.staging.files() == ()
