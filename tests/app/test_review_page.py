"""Review, over the real store and the real line with made-up detectors."""

from __future__ import annotations

import re
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from components.app import services, session
from components.app.access import User
from components.review import data
from components.review.canvas.message import Act
from components.review.review import Review
from engine.category import Category
from engine.plan import ReviewDecision
from engine.policy import Policy
from store.accounts.role import PEOPLE
from store.releases import receipts
from store.review import decisions, queue, reviews
from store.review.claims import SavedDraft
from tests.app import canvas
from tests.app.conftest import png
from tests.app.reading import WIDE, claim_of, lines, press, said
from tests.scenes import smooth
from tests.store.fakes import ACTOR, ANY

pytestmark = pytest.mark.slow


def jpeg_saved(*qualities: int) -> bytes:
    """A wide textured picture, saved as a JPEG once for each quality."""
    rng = np.random.default_rng(1)
    rough = smooth(rng, 360, 480) + rng.normal(0, 12, (360, 480, 1))
    bgr = np.clip(rough, 0, 255).astype(np.uint8)
    for quality in qualities:
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return bytes(data)


def test_review_says_why_the_picture_is_here_and_lists_what_would_go(lethe):
    lethe.batch(WIDE)

    app = lethe.page("Review")

    assert "asks about tattoo, 41\u00a0% likely" in said(app)
    assert "2 will be removed, 59\u00a0% of the picture" in said(app)
    assert "picture 0.png" in said(app)
    assert lines(app) == ["1 tattoo", "2 face"]  # what needs review comes first


def test_accept_removes_exactly_what_is_kept(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_0")

    app = press(app, "accept")
    counts = lethe.settle()

    assert counts.released == 1
    assert "Nothing waits for review" in said(app)
    (receipt,) = receipts.newest(ACTOR, lethe.database)
    assert [region["category"] for region in receipt.receipt["regions"]] == ["face"]
    assert receipt.receipt["reviewer"] == "local"


def test_a_second_review_waits_for_somebody_else_and_release_tells_of_both(lethe):
    lethe.batch(WIDE, policy=Policy(review={"second_review_share": 1.0}))

    app = press(lethe.page("Review"), "accept")

    assert "1 picture that you decided waits for a second reviewer" in said(app)
    assert "somebody else has to review under another name" in said(app)
    assert "Nothing waits for review" not in said(app)
    assert lethe.settle().released == 0
    case = reviews.claim(ACTOR, lethe.database, "bo", services.now())
    verdict = ReviewDecision.on(case.plan, case.plan.regions, "bo")
    decisions.settle(ACTOR, lethe.database, case.picture_id, verdict, services.now())
    assert lethe.settle().released == 1
    assert "Two people decided" in said(lethe.page("Release"))
    assert "Nothing waits for review" in said(lethe.page("Review"))


def test_skip_goes_to_the_next_picture_and_keeps_the_draft(lethe):
    lethe.batch(WIDE, WIDE)
    app = press(lethe.page("Review"), "toggle_0")
    first = canvas.given(app)["claim"]["picture"]

    app = press(app, "skip")
    assert canvas.given(app)["claim"]["picture"] != first
    app = press(app, "skip")

    assert canvas.given(app)["claim"]["picture"] == first
    assert "~~1 tattoo~~" in lines(app)
    assert lethe.counts().review == 2


def test_reject_holds_the_picture_back_and_says_by_whom(lethe):
    lethe.batch(WIDE)

    press(lethe.page("Review"), "reject")

    assert lethe.counts().quarantined == 1
    assert "Rejected in review by local." in said(lethe.page("Release"))


def test_taking_an_accepted_picture_back_names_it_and_asks_first(lethe):
    lethe.batch(WIDE)
    app = press(press(lethe.page("Review"), "toggle_1"), "accept")
    lethe.settle()

    app.button(key="review_undo").click().run()

    assert "picture 0.png" in said(app)
    assert "You accepted this picture. Its release will be withdrawn" in said(app)
    assert lethe.counts().released == 1
    app.button(key="review_take_it_back").click().run()
    assert lines(app) == ["1 tattoo", "~~2 face~~"]
    assert "Its release was withdrawn" in said(app)
    assert receipts.newest(ACTOR, lethe.database) == ()
    assert lethe.counts().review == 1


@pytest.mark.parametrize(
    ("act", "tells"),
    [
        ("accept", "Accepted {}. U takes it back."),
        ("reject", "Rejected {}. U takes it back."),
        ("skip", "Skipped {}; it comes again after the others."),
    ],
)
def test_the_next_picture_comes_with_what_was_done_to_the_last(lethe, act, tells):
    lethe.batch(WIDE, WIDE)
    app = lethe.page("Review")
    name = canvas.given(app)["claim"]["source"].split(" · ")[0]

    app = press(app, act)

    assert canvas.given(app)["said"]["text"] == tells.format(name)
    assert not canvas.given(app)["claim"]["source"].startswith(name)


def test_what_was_said_of_one_picture_is_said_of_no_other(lethe):
    lethe.batch(WIDE, WIDE)
    app = press(lethe.page("Review"), "accept")
    lethe.settle()
    taken = canvas.given(app)["last"]["picture"]
    app = canvas.send(app, canvas.message(app, "reopen", target=taken))
    assert "Its release was withdrawn" in said(app)

    waiting = next(
        one.picture_id
        for one in queue.entries(ACTOR, lethe.database, services.now())
        if one.picture_id != taken
    )
    opened = canvas.send(app, canvas.message(app, "open", target=waiting))
    assert canvas.given(opened)["said"]["text"] == ""
    app = press(press(opened, "accept"), "accept")

    assert "Nothing waits for review" in said(app)
    assert "U takes it back" in said(app)
    assert "withdrawn" not in said(app)


@pytest.mark.parametrize(
    ("is_rejection", "is_released", "tells"),
    [
        (False, True, "Its release will be withdrawn; recall any copies."),
        (False, False, "If it was released meanwhile, that release will be withdrawn"),
        (True, False, "You rejected this picture."),
    ],
)
def test_the_question_before_an_undo_stays_true_while_the_machine_goes_on(
    monkeypatch, is_rejection, is_released, tells
):
    """The canvas has it from when the picture came; a release takes seconds after the decision."""
    last = SimpleNamespace(
        picture_id="0", source="a.png", is_rejection=is_rejection, is_released=is_released
    )
    monkeypatch.setattr(data.decisions, "last", lambda *asked: last)
    for name in ("actor", "database"):
        monkeypatch.setattr(data, name, lambda: None)
    monkeypatch.setattr(data.reviewer, "name", lambda: "ada")

    question = data.last_decision(services.now())["text"]

    assert tells in question
    assert ("withdrawn" in question) is not is_rejection


def test_what_is_left_is_told_apart_from_what_was_done(lethe):
    """*Upload* says how many need review; that many are left here, whatever was done before."""
    lethe.batch(WIDE, WIDE, WIDE)
    app = lethe.page("Review")
    assert canvas.given(app)["counter"] == "3 left"

    app = press(app, "reject")

    assert re.fullmatch(r"2 left, about \d+ s · 1 done this hour", canvas.given(app)["counter"])


def test_an_accepted_picture_is_left_as_it_is_unless_that_is_asked_for(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "accept")
    lethe.settle()

    app = lethe.page("Review")  # a reload: nothing is known of what was edited
    app.button(key="review_undo").click().run()
    app.button(key="review_leave_it").click().run()

    assert lethe.counts().released == 1


def test_only_the_picture_that_was_named_is_taken_back(lethe):
    lethe.batch(WIDE, WIDE, WIDE)
    app = lethe.page("Review")
    first = canvas.given(app)["claim"]["picture"]
    app = press(press(app, "accept"), "accept")
    assert canvas.given(app)["last"]["picture"] != first

    app = canvas.send(app, canvas.message(app, "reopen", target=first))

    assert "Your last decision was on another picture" in said(app)
    lethe.settle()
    assert lethe.counts().review == 1


def test_with_nothing_decided_there_is_nothing_to_undo(lethe):
    assert "review_undo" not in [button.key for button in lethe.page("Review").button]

    lethe.batch(WIDE)

    assert canvas.given(lethe.page("Review"))["last"] is None


def test_a_dropped_box_can_be_kept_again(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_1")
    assert "1 will be removed, 39\u00a0% of the picture" in said(app)

    app = press(app, "toggle_1")

    assert "2 will be removed" in said(app)


def test_a_box_takes_the_category_that_it_is_given(lethe):
    lethe.batch(WIDE)

    app = canvas.edit(lethe.page("Review"), 0, category="jewelry")

    assert lines(app) == ["1 jewelry", "2 face"]
    assert claim_of(lethe).draft.regions[0].category is Category.JEWELRY


def test_a_drawn_box_is_in_the_store_at_once_and_goes(lethe):
    lethe.batch(WIDE)

    app = canvas.draw(lethe.page("Review"), 75, 75, 95, 95)

    assert claim_of(lethe).draft.regions[-1].box.corners == (75, 75, 95, 95)
    press(app, "accept")
    lethe.settle()
    regions = receipts.newest(ACTOR, lethe.database)[0].receipt["regions"]
    assert [75, 75, 95, 95] in [region["box"] for region in regions]


@pytest.mark.parametrize("act", ["accept", "save", "skip", "preview", "detail", "choose"])
def test_what_comes_together_with_a_drawing_loses_nothing(lethe, act):
    """Each message holds the boxes it was pressed on: there is no other, later way for them."""
    lethe.batch(WIDE)
    app = lethe.page("Review")
    drawn = {"box": [75, 75, 95, 95], "category": "face", "dropped": False}

    app = canvas.send(
        app,
        canvas.message(app, act, boxes=[*canvas.boxes(app), drawn], confirmed=True),
    )

    if act == "accept":
        lethe.settle()
        regions = receipts.newest(ACTOR, lethe.database)[0].receipt["regions"]
    else:
        regions = [region.to_json() for region in claim_of(lethe).draft.regions]
    assert [75, 75, 95, 95] in [region["box"] for region in regions]


def test_messages_that_come_together_are_done_in_their_order_and_once(lethe):
    lethe.batch(WIDE, WIDE)
    app = lethe.page("Review")
    first = canvas.given(app)["claim"]["picture"]
    dropped = [{**box, "dropped": True} for box in canvas.boxes(app)]
    messages = [
        canvas.message(app, "save", boxes=dropped),
        canvas.message(app, "save"),
        canvas.message(app, "accept", confirmed=True),
    ]

    app = canvas.send(app, *messages)
    app = canvas.send(app, *messages)  # the browser did not know yet that they were taken

    lethe.settle()
    (receipt,) = receipts.newest(ACTOR, lethe.database)
    assert len(receipt.receipt["regions"]) == 2
    assert canvas.given(app)["claim"]["picture"] != first
    assert lines(app) == ["1 tattoo", "2 face"]
    assert canvas.given(app)["ack"] == {"mount": "m", "number": 3}
    assert "no longer shown" not in said(app)


@pytest.mark.parametrize("act", Act)
def test_a_key_pressed_on_a_picture_that_went_changes_no_other(lethe, act):
    lethe.batch(WIDE, WIDE)
    app = lethe.page("Review")
    dropped = [{**box, "dropped": True} for box in canvas.boxes(app)]
    late = {"boxes": dropped, "confirmed": True, "target": "0"}
    late = canvas.message(app, act.value, **late)
    app = press(app, "skip")
    late["number"] += 2  # pressed before, and arrived after
    before = canvas.given(app)["claim"]

    app = canvas.send(app, late)

    is_said = "no longer shown, so nothing was changed" in said(app)
    assert is_said is (act is not Act.CHOOSE)  # what is chosen of the queue is about no picture
    assert canvas.given(app)["claim"] == before
    assert lethe.counts().review == 2


def test_removing_more_than_half_is_asked_about_once(lethe):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    question = canvas.given(app)["extent"]["question"]  # there before the key

    app = canvas.send(app, canvas.message(app, "accept"))

    assert canvas.given(app)["confirm"]["text"] == question
    assert canvas.given(app)["confirm"]["text"].startswith("59\u00a0% of this picture")
    assert lethe.counts().review == 1
    canvas.send(app, canvas.message(app, "accept", confirmed=True))
    assert lethe.settle().released == 1


def test_removing_less_than_half_is_not_asked_about(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_1")
    assert canvas.given(app)["extent"]["question"] == ""

    app = canvas.send(app, canvas.message(app, "accept"))

    assert lethe.settle().released == 1


@pytest.mark.parametrize(
    ("most", "is_asked"), [(0.0, True), (0.5, True), (0.6, False), (1.0, False)]
)
def test_a_person_is_asked_from_the_share_on_from_which_the_policy_asks(lethe, most, is_asked):
    """59 % would go: one rule for what a person accepts and for what goes without one."""
    lethe.batch(WIDE, policy=Policy(review={"most_removed": most}))

    app = lethe.page("Review")

    canvas.send(app, canvas.message(app, "accept"))

    assert lethe.settle().released == (0 if is_asked else 1)


def test_what_goes_is_told_as_few_rectangles_of_the_share_that_is_said(lethe):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    inner = {"box": [14, 14, 20, 20], "category": "face", "dropped": False}

    app = canvas.send(app, canvas.message(app, boxes=[*canvas.boxes(app), inner]))

    extent = canvas.given(app)["extent"]
    assert len(extent["rects"]) == 2  # what lies in another says nothing
    covered = np.zeros((100, 120), bool)
    for x0, y0, x1, y1 in extent["rects"]:
        covered[y0:y1, x0:x1] = True
    assert f"{covered.mean():.0%}".replace("%", "\u00a0%") == extent["share"]
    app = press(press(press(app, "toggle_0"), "toggle_1"), "toggle_2")
    assert canvas.given(app)["extent"]["rects"] == []


@pytest.mark.parametrize(
    ("content", "is_widened"),
    [
        pytest.param(WIDE, False, id="no JPEG"),
        pytest.param(jpeg_saved(90), False, id="saved once"),
        pytest.param(jpeg_saved(60, 90), True, id="saved twice"),
    ],
)
def test_margins_that_are_wider_since_a_jpeg_looks_saved_twice_are_told(lethe, content, is_widened):
    lethe.batch(content)

    app = lethe.page("Review")

    assert canvas.given(app)["extent"]["isWidened"] is is_widened
    for number in (0, 1):
        app = press(app, f"toggle_{number}")
    assert canvas.given(app)["extent"]["isWidened"] is False


def test_the_picture_is_sent_until_the_browser_has_it(lethe):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    image = canvas.given(app)["image"]
    assert image["url"].startswith("data:image/jpeg;base64,")

    app = canvas.send(app, canvas.message(app, has=[image["name"]]))
    assert "image" not in canvas.given(app)

    app = canvas.send(app, canvas.message(app, has=[]))
    assert canvas.given(app)["image"] == image


def test_preview_and_details_are_made_when_they_are_asked_for(lethe):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    assert "preview" not in canvas.given(app)

    app = canvas.send(app, canvas.message(app, "preview"))
    assert canvas.given(app)["preview"]["url"].startswith("data:image/jpeg;base64,")
    assert canvas.given(app)["preview"]["number"] == 1

    app = canvas.send(app, canvas.message(app, "detail", window=[-5, 10, 60.5, 900]))
    assert canvas.given(app)["detail"]["rect"] == [0, 10, 61, 100]
    assert "preview" not in canvas.given(app)


def test_the_help_lists_every_key(lethe):
    lethe.batch(WIDE)

    keys = " ".join(key for key, _ in canvas.given(lethe.page("Review"))["keys"])

    for key in (
        "A",
        "S",
        "X",
        "U",
        "J",
        "K",
        "D",
        "P",
        "Z",
        "H",
        "L",
        "B",
        "N",
        "R",
        "Q",
        "Delete",
    ):
        assert key in keys


@pytest.mark.parametrize("away", ["page change", "reload", "restart"])
def test_a_draft_survives(lethe, away):
    lethe.batch(WIDE)
    app = press(canvas.edit(lethe.page("Review"), 0, category="other"), "toggle_1")

    if away == "page change":
        app = lethe.turn(lethe.turn(app, "Release"), "Review")
    if away == "restart":
        lethe.restart()
    if away != "page change":
        app = lethe.page("Review")

    assert lines(app) == ["1 other", "~~2 face~~"]


def test_an_accept_that_comes_too_late_says_so_and_keeps_the_regions(lethe):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_0")
    case = claim_of(lethe)
    elsewhere = ReviewDecision.on(case.plan, case.plan.proposed, "local")
    decisions.settle(ACTOR, lethe.database, case.picture_id, elsewhere, services.now())
    lethe.settle()

    press(app, "accept")

    assert "This picture was decided meanwhile" in said(app)
    assert "Go on with the next picture" in said(app)


@pytest.mark.parametrize("purpose", ["toggle_1", "save", "choose", "accept", "reject"])
def test_a_claim_that_passed_on_is_said_and_the_draft_stays_with_the_picture(lethe, purpose):
    lethe.batch(WIDE)
    app = press(lethe.page("Review"), "toggle_0")
    case = claim_of(lethe)
    mine = case.draft
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute(
            "UPDATE pictures SET claimed_by = 'bo', claimed_until = claimed_until + INTERVAL 1 DAY"
        )

    press(app, purpose)

    assert "bo has it now" in said(app)
    assert "kept" in said(app)
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE pictures SET claimed_until = claimed_until - INTERVAL 2 DAY")
    assert claim_of(lethe).draft == mine


def test_two_reviewers_never_have_the_same_picture(lethe, monkeypatch):
    lethe.batch(WIDE, WIDE)
    one = lethe.page("Review")
    monkeypatch.setattr(session, "user", lambda: User("bo", PEOPLE))

    other = lethe.page("Review")

    pictures = {canvas.given(app)["claim"]["picture"] for app in (one, other)}
    assert len(pictures) == 2


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
    assert isinstance(draft, SavedDraft)
    assert draft.reviewer == "local"


def test_an_edit_in_another_window_is_shown_before_anything_is_accepted(lethe):
    lethe.batch(WIDE)
    here, there = lethe.page("Review"), lethe.page("Review")
    press(there, "toggle_0")

    here = press(here, "accept")

    assert "another window" in said(here)
    assert lethe.counts().review == 1
    assert lines(here) == ["~~1 tattoo~~", "2 face"]


def test_an_edit_does_not_overwrite_one_of_another_window(lethe):
    lethe.batch(WIDE)
    here, there = lethe.page("Review"), lethe.page("Review")
    press(there, "toggle_0")

    here = press(here, "toggle_1")

    assert "another window" in said(here)
    assert lines(here) == ["~~1 tattoo~~", "2 face"]
    assert lines(press(here, "toggle_1")) == ["~~1 tattoo~~", "~~2 face~~"]


def test_an_original_that_is_gone_does_not_stop_the_page(lethe):
    lethe.batch(WIDE)
    for original in (lethe.home / "originals").iterdir():
        original.unlink()

    app = lethe.page("Review")

    assert not app.exception
    assert "original cannot be read" in said(app)


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
        if review.claim.picture_id == first:
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


def test_a_run_that_streamlit_ends_early_does_not_hide_the_picture():
    """Else the next key would find a picture that nobody can see, and its boxes would be lost."""

    class Ended(BaseException):
        pass

    class Shown:
        is_shown = True

        @property
        def extent(self):
            raise Ended

    review = Shown()

    with pytest.raises(Ended):
        data._pictures(review)

    assert review.is_shown
