"""The page for those who doubt: what it shows, says and forgets."""

from __future__ import annotations

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from components.app import session
from components.app.access import User
from components.irreversibility import page
from components.irreversibility import report as irreversibility_report
from components.irreversibility.picture import OWN
from components.irreversibility.report import own_file
from engine.attacks.demonstration import Demonstration
from engine.signing.provenance import pipeline_version
from store.accounts.role import PEOPLE
from tests.app.conftest import Lethe, png
from tests.app.reading import said
from tests.engine.attacks.report.test_reading import report, row

pytestmark = pytest.mark.slow

FORBIDDEN = ("inference", "exception", "null ", "threshold", "permutation")


def opened(lethe: Lethe, **chosen: object) -> AppTest:
    """The page with other choices: `removal="blur"` and so on."""
    app = lethe.page("Irreversibility")
    for purpose, value in chosen.items():
        app.selectbox(key=f"irreversibility_{purpose}").set_value(value).run()
    assert not app.exception
    return app


def captions_of(app: AppTest) -> list[str]:
    return [image.captions[0] for image in app.image]


def with_own(lethe: Lethe, name: str, content: bytes) -> AppTest:
    app = opened(lethe, picture=OWN)
    app.file_uploader(key="irreversibility_file").set_value((name, content, "image/png")).run()
    assert not app.exception
    return app


@pytest.fixture(autouse=True)
def nothing_kept():
    """All tests are one session to Streamlit, and what is kept for a session would stay."""
    st.cache_data.clear()


@pytest.fixture
def no_report(monkeypatch):
    monkeypatch.setattr(irreversibility_report, "shipped_report", lambda: None)


@pytest.mark.parametrize("picture", ["astronaut.png", "t1.jpg", "coffee.png", "rocket.jpg"])
def test_every_sample_shows_four_pictures_and_that_nothing_comes_back(lethe, picture):
    app = opened(lethe, picture=picture)

    assert "The result is the same, bit for bit, whichever of 40 other things was there." in said(
        app
    )
    captions = captions_of(app)
    for word in ("Original", "Release", "Attack result", "Difference"):
        assert any(caption.startswith(word) for caption in captions), captions


@pytest.mark.parametrize("removal", ["telea", "solid"])
def test_our_other_fills_tell_nothing_either(lethe, removal):
    assert "Nothing comes back" in said(opened(lethe, removal=removal))


@pytest.mark.parametrize(("removal", "slider"), [("blur", "blur"), ("pixelate", "cells")])
def test_blur_and_pixelation_are_seen_to_fail(lethe, removal, slider):
    app = opened(lethe, removal=removal)

    assert "It comes back." in said(app)
    assert "Chance alone does that once in 41 times." in said(app)
    before = said(app)
    options = app.select_slider(key=f"irreversibility_{slider}")
    options.set_value(20 if removal == "blur" else 4).run()
    assert said(app) != before
    assert "comes" in said(app)


@pytest.mark.slow
@pytest.mark.parametrize(
    "attack",
    ["high-pass", "clahe", "wiener", "richardson-lucy", "blind", "total-variation", "jpeg-ghost",
     "refill", "raw"],
)  # fmt: skip
def test_every_attack_can_be_chosen_and_finds_nothing_in_ours(lethe, attack):
    assert "Nothing comes back" in said(opened(lethe, attack=attack))


def test_a_slider_of_the_attack_changes_what_is_shown(lethe):
    app = opened(lethe, removal="blur")
    before = captions_of(app)[-2]

    app.select_slider(key="irreversibility_unsharp_amount").set_value(12.0).run()

    after = captions_of(app)[-2]
    assert "amount 4 ×" in before
    assert "amount 12 ×" in after


def test_the_whole_picture_may_be_hidden(lethe):
    app = opened(lethe)

    for label, value in (("left", 0), ("top", 0), ("width", 512), ("height", 512)):
        app.slider(key=f"irreversibility_{label}_astronaut.png").set_value(value).run()

    assert not app.exception
    assert "Nothing comes back" in said(app)


def test_equal_choices_are_computed_once(lethe, monkeypatch):
    asked = []
    real = page.demonstrate
    monkeypatch.setattr(
        page,
        "demonstrate",
        lambda *given: asked.append(1) or real(*given),
    )
    app = opened(lethe)
    app.select_slider(key="irreversibility_unsharp_amount").set_value(12.0).run()
    app.select_slider(key="irreversibility_unsharp_amount").set_value(4.0).run()

    assert len(asked) == 2


def test_a_picture_of_ones_own_is_used_and_written_nowhere(lethe, tmp_path):
    content = png(300, 200)
    app = with_own(lethe, "secret beach.png", content)

    assert "Nothing comes back" in said(app)
    assert "sealed under a key that is, until you take it away" in said(app)
    assert "secret beach" not in said(app)
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(content[20:60] in file.read_bytes() for file in written)


def test_a_picture_of_ones_own_is_forgotten_when_it_is_taken_away(lethe, monkeypatch):
    concealed = []
    real = page.hide_candidates
    monkeypatch.setattr(
        page,
        "hide_candidates",
        lambda *given, **more: concealed.append(1) or real(*given, **more),
    )
    app = with_own(lethe, "own.png", png(300, 200))
    assert "irreversibility_own" in app.session_state

    app.selectbox(key="irreversibility_picture").set_value("astronaut.png").run()

    assert "irreversibility_own" not in app.session_state
    assert "Nothing comes back" in said(app)
    with_own(lethe, "own.png", png(300, 200))
    assert len(concealed) == 4  # a sample and it, twice: no piece of it was kept either


@pytest.mark.parametrize(
    "content", [b"no picture", png()[:200], b""], ids=["text", "half a file", "empty"]
)
def test_a_file_that_is_no_picture_is_refused_in_a_sentence(lethe, content):
    app = with_own(lethe, "broken.png", content)

    assert len(app.error) == 1
    assert "Nothing comes back" not in said(app)
    assert "What is not hidden" in [one.value for one in app.subheader]


def test_a_policy_that_cannot_be_read_is_a_sentence(lethe):
    lethe.home.mkdir(parents=True, exist_ok=True)
    (lethe.home / "policy.toml").write_text("nonsense = [")

    app = lethe.page("Irreversibility")

    assert not app.exception
    assert "policy" in app.error[0].value


def test_a_leak_in_our_own_fill_would_be_said_loudly(lethe, monkeypatch):
    real = page.demonstrate

    def leaking(*given):
        found = real(*given)
        values = {name: getattr(found, name) for name in found.__slots__}
        return Demonstration(**values | {"changed": 40, "score": 0.9})

    monkeypatch.setattr(page, "demonstrate", leaking)

    app = opened(lethe)

    assert "It comes back." in app.error[0].value
    assert "must never happen" in app.error[0].value


def test_without_a_report_the_page_says_so_plainly(lethe, no_report):
    app = opened(lethe)

    assert "There is no report yet" in said(app)
    assert not app.get("plotly_chart")[1:]
    assert app.button(key="irreversibility_run")


def made_here(lethe: Lethe, **changes: object) -> None:
    lethe.home.mkdir(parents=True, exist_ok=True)
    own_file().write_text(json.dumps(report(**changes)))


def test_a_report_made_here_is_shown_with_its_source(lethe, no_report):
    made_here(lethe, pipeline=pipeline_version(), words="Nothing was found in 3 tries.")

    app = opened(lethe)

    assert "**Pass.** Nothing was found in 3 tries." in said(app)
    assert "made here" in said(app)
    assert "battery.json in Lethe's own folder" in said(app)
    assert "the removing code that runs here" in said(app)
    assert not app.warning
    assert len(app.get("plotly_chart")) == 2


def test_a_report_about_other_code_warns(lethe, no_report):
    made_here(lethe, pipeline="0.0.1+deadbeef")

    (warning,) = opened(lethe).warning

    assert "removing code is another one" in warning.value
    assert "deadbeef" in warning.value


@pytest.mark.parametrize(
    ("verdict", "kind"), [("pass", "success"), ("fail", "error"), ("invalid", "warning")]
)
def test_each_verdict_has_its_word_and_its_look(lethe, no_report, verdict, kind):
    made_here(lethe, verdict=verdict, pipeline=pipeline_version(), words="So it is.")

    app = opened(lethe)

    assert any(
        f"{verdict.capitalize()}.** So it is." in one.value.replace("\\", "")
        for one in getattr(app, kind)
    )


def test_a_file_that_is_no_report_is_said_to_be_none_and_the_rest_stays(lethe, monkeypatch):
    monkeypatch.setattr(irreversibility_report, "shipped_report", report)
    lethe.home.mkdir(parents=True, exist_ok=True)
    own_file().write_text("{}")

    app = opened(lethe)

    (error,) = app.error
    assert "is not a report of the battery" in error.value.replace("\\", "")
    assert "comes with Lethe" in said(app)


def test_of_two_reports_one_may_choose(lethe, monkeypatch):
    monkeypatch.setattr(irreversibility_report, "shipped_report", lambda: report(words="Shipped."))
    made_here(lethe, words="Own.")
    app = opened(lethe)
    assert "Own." in said(app)

    app.segmented_control(key="irreversibility_report").set_value("Comes with Lethe").run()

    assert "Shipped." in said(app)
    assert "Own." not in said(app)


def test_names_in_a_report_are_shown_as_they_are(lethe, no_report):
    strange = row(attack="![a](http://outside.example/a.png)", method="<b>x</b>")
    tests = report()["tests"] | {"T1": {"<b>x</b>": {"changed": 0, "of": 8}}}
    made_here(lethe, results=[strange], tests=tests, words="[a](http://outside.example)")

    app = opened(lethe)

    assert not app.exception
    raw = "".join(one.value for one in (*app.success, *app.markdown))
    assert "](http" not in raw
    assert "<b>" not in raw.replace("\\<", "")


def test_what_is_not_hidden_is_said(lethe):
    text = said(opened(lethe))

    for word in ("outline", "category", "surroundings", "hair", "clothes", "place"):
        assert word in text


def test_words_are_plain(lethe, no_report):
    made_here(lethe)

    text = said(opened(lethe, removal="blur")).lower()

    assert not [word for word in FORBIDDEN if word in text]


@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_whatever_their_role_people_may_doubt(lethe, monkeypatch, role):
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({role})))

    assert "Nothing comes back" in said(opened(lethe))
