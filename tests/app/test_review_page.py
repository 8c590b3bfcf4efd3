"""Review, over the real store and the real line with made-up detectors."""

from __future__ import annotations

from typing import Any

import pytest

from components.app import services, session
from components.app.access import Role, User
from components.review.page import Review
from engine.category import Category
from engine.plan import ReviewDecision
from store.releases import receipts
from store.review import decisions
from store.review.claims import Draft
from tests.app.conftest import png
from tests.app.reading import WIDE, claim_of, lines, press, said


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


def test_review_says_why_the_picture_is_here_and_lists_what_would_go(lethe):
    lethe.batch(WIDE)

    app = lethe.page("Review")

    assert "unsure: tattoo 0.41" in said(app)
    assert "2 will be removed, 59\u00a0% of the picture" in said(app)
    assert "picture 0.png" in said(app)
    assert lines(app) == ["1 face", "2 tattoo"]


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
    assert "1 will be removed, 39\u00a0% of the picture" in said(app)

    app = press(app, "toggle_0")

    assert "2 will be removed" in said(app)


def test_a_category_is_given_to_the_selected_line(lethe):
    lethe.batch(WIDE)
    app = press(press(lethe.page("Review"), "line_1"), "category_jewelry")

    assert lines(app) == ["1 face", "2 jewelry"]
    assert claim_of(lethe).draft.regions[1].category is Category.JEWELRY


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

    assert claim_of(lethe).draft.regions[0].box.corners == (18, 18, 38, 38)


def test_zoom_goes_round_and_moves_no_box(lethe):
    lethe.batch(WIDE)
    app = press(press(lethe.page("Review"), "line_1"), "toggle_0")
    before = claim_of(lethe).draft.regions

    for shown in ("100 %", "200 %", "Fit"):
        app = press(app, "zoom")
        assert app.button(key="review_zoom").label == shown
        app = press(press(app, "toggle_0"), "toggle_0")

    assert claim_of(lethe).draft.regions == before


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
        regions = [region.to_json() for region in claim_of(lethe).draft.regions]
    assert [75, 75, 95, 95] in [region["box"] for region in regions]


def test_an_accept_that_comes_too_late_says_so_and_keeps_the_regions(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_0")
    case = claim_of(lethe)
    elsewhere = ReviewDecision.on(case.plan, case.plan.proposed, "local")
    decisions.settle(lethe.database, case.picture_id, elsewhere, services.now())
    lethe.settle()

    press(app, "accept")

    assert "This picture was decided meanwhile" in said(app)
    assert "Go on with the next picture" in said(app)


@pytest.mark.parametrize("purpose", ["toggle_1", "key_Right", "category_other", "zoom", "accept"])
def test_a_claim_that_passed_on_is_said_and_the_draft_stays_with_the_picture(lethe, purpose):
    lethe.batch(WIDE)
    app = press(press(lethe.page("Review"), "toggle_0"), "line_1")
    case = claim_of(lethe)
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
    assert claim_of(lethe).draft == mine


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
    claim_of(lethe).original.write_bytes(b"no picture")

    app = lethe.page("Review")

    assert not app.exception
    assert "reject it to hold it back" in said(app)
    press(app, "reject")
    assert lethe.counts().quarantined == 1


def test_a_draft_that_is_saved_names_its_reviewer(lethe):
    lethe.batch(WIDE)

    press(lethe.page("Review"), "toggle_0")

    draft = claim_of(lethe).draft
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


def test_an_original_that_is_gone_does_not_stop_the_page(lethe):
    lethe.batch(WIDE)
    for original in (lethe.home / "originals").iterdir():
        original.unlink()

    app = lethe.page("Review")

    assert not app.exception
    assert any("original cannot be read" in error.value for error in app.error)


def test_an_original_that_was_swapped_is_not_shown_and_not_released(lethe):
    lethe.batch(WIDE)
    claim_of(lethe).original.write_bytes(png(seed=7))

    app = lethe.page("Review")

    assert "not the file that came in any more" in said(app)
    press(app, "accept")
    assert lethe.counts().review == 1
    press(app, "reject")
    assert lethe.settle().quarantined == 1


@pytest.mark.parametrize(
    "failure", [ZeroDivisionError("defect"), MemoryError(), RuntimeError("x")], ids=repr
)
@pytest.mark.parametrize(("way_out", "left"), [("skip", 2), ("reject", 1)])
def test_one_picture_that_cannot_be_shown_does_not_close_the_queue(
    lethe, monkeypatch, failure, way_out, left
):
    lethe.batch(WIDE, WIDE)
    first = claim_of(lethe).picture_id
    whole = Review.image.fget

    def image(review):
        if review.case.picture_id == first:
            raise failure
        return whole(review)

    monkeypatch.setattr(Review, "image", property(image))

    app = lethe.page("Review")
    assert not app.exception
    assert "cannot be shown" in said(app)
    app = press(app, way_out)

    assert not app.exception
    assert "cannot be shown" not in said(app)
    assert lethe.counts().review == left
