"""Why a picture is here, in words, over the real store and the real line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.app import services
from components.review import data
from engine.detect.ensemble import Ensemble
from engine.plan import Reason, ReasonKind
from tests.app import canvas
from tests.app.conftest import FACE
from tests.app.reading import UPRIGHT, WIDE, lines, press, said
from tests.engine.detect.test_release_check import FakeReleaseCheck, raw_detection
from tests.engine.in_process import InProcess
from tests.store.fakes import ACTOR, ANY

pytestmark = pytest.mark.slow

SEEN_AGAIN = "A second detector saw this in the finished picture"
WORDS = {
    ReasonKind.UNSURE: "asks about face, 71\u00a0% likely",
    ReasonKind.NO_DETECTOR: "nobody looked for face 0.71",
    ReasonKind.NOT_CALIBRATED: "face 0.71 not calibrated",
    ReasonKind.NOTHING_FOUND: "no face 0.71 found",
    ReasonKind.SOURCE_FORMAT: "face 0.71 files may spread pixels",
    ReasonKind.AUDIT_SAMPLE: "sample check",
    ReasonKind.RESIDUAL: "seen in the result: face, score 0.71",
    ReasonKind.MUCH_REMOVED: "much of the picture would go",
    ReasonKind.SECOND_REVIEW: "second review: decide without seeing the first",
    ReasonKind.OBJECTION: "somebody objected: face 0.71; its release was withdrawn",
}


def give(lethe: Any, reason: Reason) -> None:
    """Have the picture in review be there for this reason."""
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        ((text,),) = cursor.execute("SELECT plan FROM plans").fetchall()
        plan = {**json.loads(text), "reasons": [str(reason)]}
        cursor.execute("UPDATE plans SET plan = ?", [json.dumps(plan)])


@pytest.mark.parametrize("kind", ReasonKind)
def test_every_reason_is_said_in_words(lethe, kind):
    lethe.batch(WIDE)
    give(lethe, Reason(kind, "face 0.71"))

    app = lethe.page("Review")

    assert not app.exception
    assert WORDS[kind] in said(app)
    assert (SEEN_AGAIN in said(app)) is (kind is ReasonKind.RESIDUAL)


def test_how_much_would_go_is_told_once_by_what_follows_the_edits(lethe):
    lethe.batch(WIDE)
    give(lethe, Reason(ReasonKind.MUCH_REMOVED, "72\u00a0%"))

    (reason,) = canvas.given(lethe.page("Review"))["claim"]["reasons"]

    assert "72" not in reason["text"] + reason["detail"]


def test_what_a_witness_saw_is_a_doubt_like_others_and_asked_about_once(
    lethe, detectors, monkeypatch
):
    release_check = FakeReleaseCheck(raw_detection(60, 60, 90, 90, score=0.71))
    monkeypatch.setattr(
        services, "ProcessPool", lambda workers: InProcess(Ensemble(detectors), release_check)
    )
    lethe.batch(UPRIGHT)

    app = lethe.page("Review")

    assert "seen in the result: face, score 0.71" in said(app)
    assert "score 0.71 · asks" in said(app)  # which no score fusion made a probability
    assert {one["score"] for one in canvas.given(app)["claim"]["items"]} == {0.71, FACE.score}
    assert lines(app) == ["1 face", "2 face"]
    press(press(app, "toggle_0"), "accept")
    assert lethe.settle().released == 1


def test_reasons_of_one_kind_are_one_line_with_counts():
    unsure = [Reason(ReasonKind.UNSURE, f"face 0.{score}") for score in (41, 38, 22)]
    jewel = Reason(ReasonKind.UNSURE, "jewelry 0.30")
    blind = Reason(ReasonKind.NO_DETECTOR, "tattoo")

    given = data.reasons((unsure[0], jewel, blind, *unsure[1:]))

    assert [one["text"] for one in given] == [
        "asks about 3 faces, 1 jewelry",
        "nobody looked for tattoo",
    ]
    assert given[0]["detail"].replace("\u00a0", " ") == (
        "face, 41 % likely; jewelry, 30 % likely; face, 38 % likely; face, 22 % likely"
    )


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        pytest.param("face 0.00", "asks about face, under 1 % likely", id="next to nothing"),
        pytest.param("face 0.01", "asks about face, 1 % likely", id="hardly"),
        pytest.param("face 0.995", "asks about face, over 99 % likely", id="never certain"),
        pytest.param("face 1.00", "asks about face, over 99 % likely", id="nearly sure"),
        pytest.param("", "", id="nothing"),
        pytest.param("face", "face", id="no score"),
        pytest.param("a face of 0.41", "a face of 0.41", id="more words"),
    ],
)
def test_a_score_is_said_as_the_probability_that_it_is(detail, text):
    (reason,) = data.reasons((Reason(ReasonKind.UNSURE, detail),))

    assert reason["text"].replace("\u00a0", " ") == text


def test_a_score_that_was_not_calibrated_is_said_to_be_no_probability(lethe):
    unsure = Reason(ReasonKind.UNSURE, "face 0.41")
    strange = Reason(ReasonKind.NOT_CALIBRATED, "a new detector")
    assert data.reasons((unsure, strange))[0]["text"] == "asks about face, score 0.41"
    lethe.batch(WIDE)
    give(lethe, strange)

    items = canvas.given(lethe.page("Review"))["claim"]["items"]

    assert [one["certainty"] for one in items] == ["score 0.41", "score 0.90"]


def test_a_box_that_is_no_models_or_has_no_score_says_whose_it_is(lethe):
    lethe.batch(WIDE)
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        ((text,),) = cursor.execute("SELECT plan FROM plans").fetchall()
        plan = json.loads(text)
        for region in (*plan["regions"], *plan["doubts"]):
            region["score"] = None  # as a plan that a receipt tells of
        plan["regions"].append({**plan["regions"][0], "origin": "reviewer"})
        cursor.execute("UPDATE plans SET plan = ?", [json.dumps(plan)])

    items = canvas.given(lethe.page("Review"))["claim"]["items"]

    assert [one["certainty"] for one in items] == ["found", "found", "drawn"]
