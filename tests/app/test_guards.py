"""What holds on every page: it opens, for whom and from where it may, and a name loads nothing."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from streamlit import config

from components.app import frame, permission, services, session
from components.app.access import LOCAL, Role, User
from components.recall import downloads
from components.release import page
from components.review.canvas import component
from store.accounts.role import PEOPLE
from store.batches import batches
from tests.app import canvas
from tests.app.reading import PAGES, UPRIGHT, WIDE, press, said
from tests.store.fakes import ACTOR, ANY

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

GUARDED = {
    "Upload": {Role.ANALYST},
    "Review": {Role.REVIEWER},
    "Release": {Role.ANALYST, Role.MANAGER, Role.ADMIN},
    "Recall": {Role.MANAGER},
    "Audit": {Role.AUDITOR, Role.ADMIN},
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
    roles = PEOPLE - GUARDED[name]
    monkeypatch.setattr(session, "user", lambda: User("ana", roles))

    app = lethe.page(name)

    (error,) = app.error
    assert all(role.value in error.value for role in GUARDED[name])
    content = [app.title, app.button, app.dataframe, app.metric, app.text_input, app.selectbox]
    assert not any(content)
    assert "holiday" not in said(app)
    assert not app.image


def test_the_menu_offers_only_pages_one_may_open(lethe, monkeypatch):
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({Role.ANALYST})))

    app = lethe.page()

    offered = [link.label for link in app.sidebar.get("page_link")]
    assert offered == ["Home", "Upload", "Release", "Irreversibility"]


@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_whoever_has_one_role_alone_can_use_every_page_the_menu_offers(lethe, monkeypatch, role):
    lethe.batch(UPRIGHT, WIDE, b"no picture")
    monkeypatch.setattr(session, "user", lambda: User(LOCAL.name, frozenset({role})))

    for name in ("Home", *PAGES):
        if GUARDED.get(name, role) is role:
            app = lethe.page(name)
            assert not app.exception, name
            assert not app.error, name


def test_what_was_refused_on_a_page_is_on_record(lethe, monkeypatch):
    lethe.batch(WIDE)
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({Role.ANALYST})))

    lethe.page("Review")

    with lethe.database.transaction(ACTOR, ANY) as cursor:
        last = cursor.execute(
            "SELECT act, details FROM events ORDER BY number DESC LIMIT 1"
        ).fetchone()
    assert last == ("act_as_reviewer", '{"refused":"NotAllowed"}')


def test_streamlits_own_downloads_make_nothing_later_and_links_only_what_asks_for_a_role():
    """By its syntax: what Streamlit has made for it knows no person, and stays in its memory."""
    calls = [
        (ast.unparse(node.func), ast.unparse(node.args[1]))
        for path in (ROOT / "components").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and len(node.args) > 1
    ]
    own = {given for name, given in calls if name.endswith("download_button")}
    linked = {given for name, given in calls if name == "download_link.button"}

    assert own == {
        "document",
        "listed",
        "public_pem(public_bytes(keys.signing))",
        "json.dumps(run.report.to_json() if run.report else None, indent=2) + '\\n'",
        "as_csv(rows)",
        "','.join(COLUMNS) + '\\n'",
    }
    assert len(linked) == 9
    assert all(given.startswith("partial(_") for given in linked - {
        "partial(made, batch)", "partial(report_html, run.id, with_crops=with_crops)"
    })  # fmt: skip


@pytest.mark.parametrize("with_crops", [False, True])
def test_no_report_is_made_for_somebody_without_the_role(lethe, monkeypatch, with_crops):
    without(monkeypatch, Role.MANAGER)

    with pytest.raises(permission.NotPermitted, match=Role.MANAGER.value):
        downloads.report_html("an evaluation", with_crops=with_crops)


def test_every_fragment_asks_who_is_there():
    """By its syntax: a tab that stays open runs it, when nobody may see it any more as well."""
    decorators = [
        [ast.unparse(one) for one in node.decorator_list]
        for path in (ROOT / "components").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    fragments = [names for names in decorators if any("st.fragment" in name for name in names)]

    assert len(fragments) >= 8
    assert not [names for names in fragments if not names[-1].startswith("permission.fragment(")]


def test_a_tab_left_open_without_a_role_draws_nothing_and_is_recorded_once(lethe, monkeypatch):
    lethe.page()
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset()))
    turns, drawn = [], []

    def turn():
        turns.append("the whole page")
        raise StopAsyncIteration

    monkeypatch.setattr(permission.st, "rerun", turn)
    draw = permission.fragment(*PEOPLE)(lambda: drawn.append("numbers"))

    for _ in range(3):
        with pytest.raises(StopAsyncIteration):
            draw()

    with lethe.database.transaction(ACTOR, ANY) as cursor:
        refused = cursor.execute("SELECT act FROM events WHERE details LIKE '%refused%'").fetchall()
    assert refused == [("read_batches",)]
    assert len(turns) == 3
    assert not drawn


def test_a_person_without_the_reviewer_role_sees_no_original(lethe, monkeypatch):
    lethe.batch(UPRIGHT)
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({Role.ANALYST})))

    app = lethe.page("Release")

    assert "Originals are seen by whoever brought them" in said(app)
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


def test_the_app_measures_pictures_by_their_headers(lethe, monkeypatch):
    """Else each would be given as long as the largest."""
    measured = []
    monkeypatch.setattr(services, "megapixels_of", lambda data: float(measured.append(data) or 1))

    lethe.batch(WIDE)

    assert measured == [WIDE]


def test_every_page_starts_with_its_guard(lethe, monkeypatch):
    asked = []
    monkeypatch.setattr(frame, "may", lambda user, role: asked.append(role) or False)

    for name in PAGES:
        asked.clear()
        lethe.page(name)
        assert GUARDED.get(name, set()) <= set(asked)


def test_a_reason_is_shown_as_it_is(lethe):
    """Reasons come with a run folder, which anybody may have made."""
    lethe.batch(WIDE)
    reason = "unsure: [look](http://outside.example) :material/check:\u202e"
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        ((text,),) = cursor.execute("SELECT plan FROM plans").fetchall()
        told = json.dumps({**json.loads(text), "reasons": [reason]})
        cursor.execute("UPDATE plans SET plan = ?", [told])

    (given,) = canvas.given(lethe.page("Review"))["claim"]["reasons"]

    assert "outside.example" in given["text"]
    assert "\u202e" not in given["text"] + given["detail"]


def test_the_canvas_writes_text_as_text():
    """What it is given holds names and reasons that anybody may have made."""
    markup = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
    )

    assert [one for one in markup if one in component.script()] == []
    assert not re.search(r"https?://|import\s*\(|fetch\(|XMLHttpRequest", component.script())


def test_a_name_is_shown_as_it_is_and_loads_nothing(lethe):
    batch = lethe.batch(WIDE)
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute(
            "UPDATE pictures "
            "SET sealed_source = NULL, source = '![a](http://outside.example/a.png)'"
        )

    assert "outside" in canvas.given(lethe.page("Review"))["claim"]["source"]  # text: see above
    shown = "".join(caption.value for caption in lethe.page("Release").caption)
    assert "outside" in shown
    assert "![" not in shown
    assert "](" not in shown
    assert batch


def without(monkeypatch, role):
    """Take a role away from the person whose tab stays open."""
    monkeypatch.setattr(session, "user", lambda: User(LOCAL.name, PEOPLE - {role}))


def test_a_verdict_is_not_undone_by_somebody_whose_role_was_taken_away(lethe, monkeypatch):
    """A callback runs before the page asks who is there."""
    lethe.batch(WIDE)
    press(lethe.page("Review"), "accept")
    lethe.settle()
    app = lethe.page("Review")
    assert lethe.counts().released == 1
    app.button(key="review_undo").click().run()
    without(monkeypatch, Role.REVIEWER)

    app.button(key="review_take_it_back").click().run()

    assert lethe.counts().released == 1
    assert "reviewer" in app.error[0].value


def test_no_verdict_is_given_by_somebody_whose_role_was_taken_away(lethe, monkeypatch):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    without(monkeypatch, Role.REVIEWER)

    press(app, "accept")

    assert lethe.counts().review == 1


def test_staged_files_stay_when_the_role_was_taken_away(lethe, monkeypatch):
    lethe.staging.take_file("waiting.png", WIDE)
    app = lethe.page("Upload")
    without(monkeypatch, Role.ANALYST)

    app.button(key="upload_clear").click().run()

    assert [one.name for one in lethe.staging.files()] == ["waiting.png"]


def test_nothing_is_handed_out_after_the_role_was_taken_away(lethe, monkeypatch):
    batch_id = lethe.batch(UPRIGHT)
    batch = batches.batch(ACTOR, lethe.database, batch_id)
    without(monkeypatch, Role.ANALYST)

    with pytest.raises(permission.NotPermitted, match="analyst"):
        page._zip(batch)


def test_nothing_is_done_in_a_program_without_its_guard(lethe, monkeypatch):
    lethe.batch(WIDE)
    app = lethe.page("Review")
    monkeypatch.setattr(permission, "is_guarded", lambda: False)

    press(app, "accept")

    assert lethe.counts().review == 1


def test_every_callback_and_download_that_touches_the_store_asks_for_a_role():
    """By its syntax: functions given to `on_click`, `on_change` and deferred downloads."""
    called, unasked = set(), set()
    for path in (ROOT / "components").rglob("*.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        for function in (one for one in module.body if isinstance(one, ast.FunctionDef)):
            if is_called_back(module, function.name) and touches_store(function):
                name = f"{path.parent.name}.{path.stem}.{function.name}"
                called.add(name)
                asks = any("permission" in ast.unparse(one) for one in function.decorator_list)
                if not asks and "_for_reviewers" not in map(ast.unparse, function.decorator_list):
                    unasked.add(name)

    assert {"recall.downloads.report_html", "release.page._zip", "upload.page._clear"} <= called
    assert not unasked


def is_called_back(module, name):
    given = [
        value
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        for value in (
            *(one.value for one in node.keywords if one.arg in {"on_click", "on_change"}),
            *(node.args[:2] if ast.unparse(node.func) in DOWNLOADS else ()),
        )
    ]
    return any(
        isinstance(part, ast.Name) and part.id == name for one in given for part in ast.walk(one)
    )


DOWNLOADS = ("st.download_button", "download_link.button")
STORED = ("database()", "home()", "_staging()", "evaluated(", "reviewing.")


def touches_store(function):
    return any(one in ast.unparse(function) for one in STORED)
