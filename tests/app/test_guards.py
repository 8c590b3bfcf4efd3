"""What holds on every page: it opens, for whom and from where it may, and a name loads nothing."""

from __future__ import annotations

import pytest
from streamlit import config

from components import frame, session
from components.access import Role, User
from tests.app.reading import PAGES, UPRIGHT, WIDE, said

GUARDED = {
    "Upload": Role.ANALYST,
    "Review": Role.REVIEWER,
    "Release": Role.ANALYST,
    "Recall": Role.MANAGER,
}


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
    assert offered == ["Home", "Upload", "Release", "Irreversibility"]


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
    assert lethe.endings == ["asked"]
    assert not any([app.title, app.button, app.metric, app.dataframe])


@pytest.mark.parametrize("name", PAGES)
def test_a_program_without_the_start_up_token_is_refused_on_every_page(lethe, monkeypatch, name):
    """`streamlit run Home.py` serves whoever reaches the port."""
    lethe.batch(WIDE)
    app = lethe.page()
    monkeypatch.setattr(frame, "is_guarded", lambda: False)

    app = lethe.turn(app, name)

    (error,) = app.error
    assert "without its guard" in error.value
    assert lethe.endings == ["asked"]
    assert not any([app.title, app.button, app.metric, app.dataframe])


def test_every_page_starts_with_its_guard(lethe, monkeypatch):
    asked = []
    monkeypatch.setattr(frame, "may", lambda user, role: asked.append(role) or True)

    for name in PAGES:
        asked.clear()
        lethe.page(name)
        assert GUARDED.get(name) is None or GUARDED[name] in asked


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
