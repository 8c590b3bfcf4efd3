"""Signing in at a real provider, and what each person may then do, and for how long."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.category import Category
from tests.browser import waiting
from tests.browser.conftest import App, entered, serving, wait_for
from tests.browser.reviewing import SHOWN, Desk
from tests.ports import free_port
from tests.scenes import seen

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 800, 600
SEES = [seen(0.95, (20, 20, 110, 110)), seen(0.30, (600, 400, 700, 500), Category.TATTOO)]
PEOPLE = (
    {
        "sub": "1",
        "name": "Ana",
        "email": "ana@example.org",
        "email_verified": True,
        "groups": ["lethe-analysts"],
    },
    {"sub": "2", "name": "Bo", "email": "Bo@example.org", "email_verified": True},
    {"sub": "3", "name": "Bo", "email": "bo@example.org", "email_verified": False},
)
"""An analyst by a claim, a reviewer by their address, and one who only says that it is theirs."""


@dataclass
class SignIn:
    """The sign-in file of the app under test."""

    path: Path
    auth: dict[str, str]

    def write(self, *, reviewer: str = "bo@example.org", hours: float = 8.0) -> None:
        self.path.touch(mode=0o600)
        lines = [
            "[auth]",
            *(f"{key} = {json.dumps(value)}" for key, value in self.auth.items()),
            "[access]",
            f"session_hours = {hours}",
            'roles_claim = "groups"',
            "[access.claim_values]",
            'analyst = ["lethe-analysts"]',
            "[access.emails]",
            f'reviewer = ["{reviewer}"]',
        ]
        self.path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an OpenID provider that is a process of its own."""
    port = free_port()
    known = [word for one in PEOPLE for word in ("--user-claims", json.dumps(one))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *known]
    with (tmp_path_factory.mktemp("provider") / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: status(f"{address}/.well-known/openid-configuration") == 200, "it")
            yield address
        finally:
            process.terminate()
            process.wait(20)


def status(url: str, method: str = "GET") -> int:
    """The status of an answer; 0 without one."""
    try:
        asked = urllib.request.Request(url, method=method)  # noqa: S310
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    files = [(f"{name}.png", waiting.png(WIDTH, HEIGHT, seed)) for seed, name in
             enumerate(("one", "two", "three"), start=1)]  # fmt: skip
    waiting.lay(folder, files, {WIDTH: SEES})
    return folder


@dataclass
class Lethe:
    app: App
    sign_in: SignIn
    refused: set[tuple[str, str, str]] = field(default_factory=set)
    """Act, address and reason of each refusal seen: the trail must hold it at the end."""
    sessions: set[tuple[str, str]] = field(default_factory=set)
    """What the trail must tell of sessions, likewise."""


READ_TRAIL = """
import duckdb, json, sys
trail = duckdb.connect(sys.argv[1], read_only=True)
refused = "json_extract_string(details, '$.refused')"
events = f"SELECT act, actor, {refused} FROM events WHERE {refused} IS NOT NULL"
names = trail.execute("SELECT id, name FROM audit_names").fetchall()
done = "SELECT act, actor, subject FROM events WHERE act IN ('sign_in', 'sign_out')"
lists = [trail.execute(events).fetchall(), dict(names), trail.execute(done).fetchall()]
print(json.dumps(lists))
"""


@pytest.fixture(scope="module")
def lethe(home: Path, provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lethe]:
    port = free_port()
    sign_in = SignIn(
        home / "sign-in.toml",
        {
            "redirect_uri": f"http://127.0.0.1:{port}/oauth2callback",
            "cookie_secret": secrets.token_hex(),
            "client_id": "lethe",
            "client_secret": secrets.token_hex(),
            "server_metadata_url": f"{provider}/.well-known/openid-configuration",
        },
    )
    sign_in.write()
    log, shots = tmp_path_factory.mktemp("log") / "server.txt", tmp_path_factory.mktemp("shots")
    with serving(home, log, shots, port=port, LETHE_AUTH="oidc") as app:
        served = Lethe(app, sign_in)
        yield served
    refused, names, sessions = json.loads(  # the app has it locked till then
        subprocess.run(
            [sys.executable, "-c", READ_TRAIL, str(home / "lethe.duckdb")],
            check=True, capture_output=True,
        ).stdout
    )  # fmt: skip
    told = {(act, names[actor], why) for act, actor, why in refused}
    assert told >= served.refused, told
    assert not any("@" in actor for _, actor, _ in refused)
    assert {(act, names[actor]) for act, actor, _ in sessions} >= served.sessions, sessions
    assert len({tuple(one) for one in sessions}) == len(sessions)  # each once


@pytest.fixture
def signed_in(lethe: Lethe, browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Opens a browser of its own and signs in there."""
    lethe.sign_in.write()
    opened: list[Page] = []

    def enter(subject: str) -> Page:
        page = entered(lethe.app, browser)
        opened.append(page)
        page.goto(lethe.app.address)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_placeholder("sub").fill(subject)
        page.get_by_role("button", name="Authorize", exact=True).click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page

    yield enter
    for page in opened:
        page.context.close()


def test_an_analyst_brings_pictures_and_may_not_review(lethe, signed_in):
    page = signed_in("1")
    expect(page.get_by_text("Signed in as Ana")).to_be_visible()
    lethe.sessions.add(("sign_in", "ana@example.org"))
    expect(page.get_by_role("link", name="Upload")).to_be_visible()
    expect(page.get_by_role("link", name="Review")).to_have_count(0)

    page.goto(f"{lethe.app.address}/Upload")
    page.get_by_text("A folder on this machine").click()
    expect(page.get_by_text("Folders of the server are closed here")).to_be_visible()
    page.get_by_text("Files or a zip").click()
    picture = {"name": "new.png", "mimeType": "image/png", "buffer": waiting.png(320, 240, 9)}
    page.locator("input[type=file]").first.set_input_files(picture)
    page.get_by_role("button", name="Start with").click()
    expect(page.get_by_text("1 of 1 done")).to_be_visible()

    page.goto(f"{lethe.app.address}/Review")
    expect(page.get_by_text("This page is for people with the role reviewer.")).to_be_visible()
    expect(page.locator("canvas.stage")).to_have_count(0)
    lethe.refused.add(("act_as_reviewer", "ana@example.org", "NotAllowed"))


def test_a_reviewer_reviews_under_their_own_name_without_being_asked(lethe, signed_in):
    page = signed_in("2")
    page.goto(f"{lethe.app.address}/Review")
    expect(page.locator(SHOWN)).to_be_visible()
    expect(page.get_by_role("textbox", name="Your name")).to_have_count(0)

    Desk(lethe.app, page).leave("a")

    page.goto(f"{lethe.app.address}/Upload")
    expect(page.get_by_text("This page is for people with the role analyst.")).to_be_visible()


def test_a_role_that_is_taken_away_is_gone_with_the_next_key(lethe, signed_in):
    page = signed_in("2")
    page.goto(f"{lethe.app.address}/Review")
    expect(page.locator(SHOWN)).to_be_visible()
    lethe.sign_in.write(reviewer="somebody@example.org")

    Desk(lethe.app, page).press("a")

    expect(page.get_by_text("nobody gave you a role here")).to_be_visible()
    lethe.refused.add(("act_as_reviewer", "bo@example.org", "NotAllowed"))
    lethe.sign_in.write()
    page.goto(f"{lethe.app.address}/Review")
    expect(page.locator(SHOWN)).to_be_visible()


def test_a_page_that_nobody_touches_closes_when_the_role_was_taken_away(lethe, signed_in):
    page = signed_in("2")
    page.goto(f"{lethe.app.address}/Review")
    expect(page.locator(SHOWN)).to_be_visible()

    lethe.sign_in.write(reviewer="somebody@example.org")

    expect(page.get_by_text("nobody gave you a role here")).to_be_visible()
    expect(page.locator("canvas.stage")).to_have_count(0)
    lethe.refused.add(("act_as_reviewer", "bo@example.org", "NotAllowed"))


def test_a_session_that_is_over_is_asked_to_sign_in_again(lethe, signed_in):
    page = signed_in("2")
    page.goto(f"{lethe.app.address}/Review")
    expect(page.locator(SHOWN)).to_be_visible()
    lethe.sign_in.write(hours=0.00001)

    Desk(lethe.app, page).press("a")

    expect(page.get_by_text("Your session is over")).to_be_visible()
    expect(page.locator("canvas.stage")).to_have_count(0)
    lethe.refused.add(("act_as_reviewer", "bo@example.org", "SessionExpired"))
    lethe.sign_in.write()
    page.get_by_role("button", name="Sign in again").click()
    page.get_by_placeholder("sub").fill("2")
    page.get_by_role("button", name="Authorize", exact=True).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_an_address_that_the_provider_has_not_verified_gives_no_role(lethe, signed_in):
    page = signed_in("3")

    expect(page.get_by_text("nobody gave you a role here")).to_be_visible()
    for name in ("Upload", "Review", "Release", "Recall", "Irreversibility"):
        page.goto(f"{lethe.app.address}/{name}")
        expect(page.get_by_text("nobody gave you a role here")).to_be_visible()
    expect(page.get_by_role("link", name="Home")).to_have_count(0)


def test_signing_out_ends_every_tab_and_a_copied_cookie(lethe, signed_in, browser):
    page = signed_in("1")
    other = page.context.new_page()
    other.goto(f"{lethe.app.address}/Upload")
    expect(other.get_by_role("button", name="Sign out")).to_be_visible()
    copied = page.context.cookies()

    page.get_by_role("button", name="Sign out").click()
    lethe.sessions.update({("sign_in", "ana@example.org"), ("sign_out", "ana@example.org")})
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()

    other.get_by_role("link", name="Release").click()
    expect(other.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    thief = entered(lethe.app, browser)
    thief.context.add_cookies(copied)
    thief.goto(lethe.app.address)
    expect(thief.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    thief.context.close()


def test_a_download_link_is_for_whom_it_was_offered_to_alone(lethe, signed_in):
    bo = signed_in("2")
    bo.goto(f"{lethe.app.address}/Review")
    expect(bo.locator(SHOWN)).to_be_visible()
    Desk(lethe.app, bo).leave("a")
    ana = signed_in("1")
    ana.goto(f"{lethe.app.address}/Release")
    ana.get_by_role("combobox", name="Batch").click()
    ana.get_by_role("option", name=re.compile("^holiday")).click()
    link = ana.get_by_role("link", name="Download the released")
    expect(link).to_be_enabled()

    with ana.expect_download() as coming:
        link.click()

    name = coming.value.suggested_filename
    assert re.fullmatch(r"released-\d{4}-\d\d-\d\d-\d+-pictures?\.zip", name)
    assert zipfile.is_zipfile(coming.value.path())
    address = lethe.app.address + str(link.get_attribute("href"))
    bo.goto(address)
    expect(bo.get_by_text("This download link is another person's.")).to_be_visible()
    lethe.refused.add(("follow_link", "bo@example.org", "LinkOfAnother"))
    assert status(address) == 401


def test_without_an_identity_only_the_way_to_sign_in_is_answered(lethe):
    address = lethe.app.address

    assert status(f"{address}/") == 200
    assert status(f"{address}/_stcore/health") == 200
    for path in ("/media/x.png", "/_stcore/upload_file/a/b", "/_stcore/metrics", "/component/x/"):
        assert status(f"{address}{path}") == 401, path
    assert status(f"{address}/_stcore/upload_file/a/b", "PUT") == 401
