"""The machine's clock is wrong by a year."""

from __future__ import annotations

import json
from datetime import timedelta

from engine.cli import running
from store.releases import certificates
from store.review import reviews
from tests.reliability.conftest import FINISHED
from tests.reliability.lines import NOW
from tests.reliability.scenes import DOUBTFUL, NAMES
from tests.store.fakes import ACTOR

YEAR = timedelta(days=365)


def days(documents):
    return sorted(json.loads(one)["certificate"]["day"] for one in documents)


def of_app(app):
    return days(certificates.of_batch(ACTOR, app.database, app.batch).values())


def of_shell(shell):
    return days(path.read_bytes() for path in (shell.out / "released").glob("*.certificate.json"))


def test_certificates_of_the_app_say_the_wrong_day_and_those_after_it_the_right_one(app, broken):
    case = broken("clock", "is a year ahead", app)

    app.now = NOW + YEAR
    app.work()
    app.told = [f"certificates of {day}" for day in of_app(app)]

    case.ends(FINISHED, "certificates of 2027-11-22")
    app.now = NOW
    app.close()
    case.asked()
    assert of_app(app) == ["2026-11-22", "2027-11-22", "2027-11-22"]


def test_certificates_of_the_shell_say_the_wrong_day_and_those_after_it_the_right_one(
    shell, broken, monkeypatch
):
    case = broken("clock", "is a year ahead", shell)

    monkeypatch.setattr(running, "today", lambda: "2027-11-22")
    shell.work()
    shell.told = [f"certificates of {day}" for day in of_shell(shell)]

    case.ends(FINISHED, "certificates of 2027-11-22")
    monkeypatch.setattr(running, "today", lambda: "2026-11-22")
    case.asked()
    assert of_shell(shell) == ["2026-11-22", "2027-11-22", "2027-11-22"]


def test_a_picture_that_was_open_then_is_free_for_others_once_the_clock_is_right(app, broken):
    case = broken(
        "clock", "is a year ahead while a person has a picture open, who then leaves", app
    )
    app.work()

    ahead = reviews.claim(ACTOR, app.database, "bob", NOW + YEAR)
    now = reviews.claim(ACTOR, app.database, "ada", NOW)

    case.ends(FINISHED)
    assert ahead.picture_id == now.picture_id
    case.asked()
    assert app.fates() == dict.fromkeys(NAMES, "released")


def test_a_clock_set_back_ends_no_claim_of_the_same_minute(app):
    app.work()
    reviews.claim(ACTOR, app.database, "bob", NOW + timedelta(seconds=20))

    assert reviews.claim(ACTOR, app.database, "ada", NOW) is None
    assert app.fates()[DOUBTFUL] == "review"
