"""What pages show of deadlines, and of what was destroyed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from components.app import services
from engine.policy import Policy
from store.batches import pictures
from store.batches.pictures import Picture
from store.retention.clock import LastSweep, keep
from store.retention.holding import Holding
from store.retention.shredding import shred
from store.retention.uptime import Uptime
from tests.app.conftest import Lethe
from tests.app.reading import UPRIGHT, WIDE, labels, offered, said
from tests.store.fakes import ACTOR, ANY

pytestmark = pytest.mark.slow

TEN_DAYS = Policy(retention={"originals_days": 10})


def only(lethe: Lethe, batch: str) -> Picture:
    (picture,) = pictures.of_batch(ACTOR, lethe.database, batch)
    return picture


def calendar_of(app):
    return next((one.value for one in app.dataframe if "Batch" in one.value), None)


def shown_numbers(app):
    return {metric.label: metric.value for metric in app.metric}


def test_the_calendar_tells_what_ends_when_and_what_is_held(lethe):
    batch = lethe.batch(UPRIGHT, UPRIGHT, policy=TEN_DAYS)
    app = lethe.page("Audit")

    numbers = shown_numbers(app)
    wanted = {"Overdue": "0", "Ends in 7 days": "0", "Ends in 30 days": "2"}
    assert wanted.items() <= numbers.items()
    (held,) = [one.value for one in app.table if "Held" in one.value]
    assert next(iter(held["Held"])) == "Originals"
    assert list(held["Pictures"]) == ["2", "2", "2", "2", "2"]
    assert list(held["No end"]) == ["0", "0", "0", "2", "2"]
    row = calendar_of(app).iloc[0]
    assert (row["Pictures"], row["Batch"], row["State"]) == (2, batch, "")
    assert row["What"] == "originals, sight of originals, names"
    assert row["Day (UTC)"] == f"{services.now() + timedelta(days=10):%Y-%m-%d}"

    app.segmented_control(key="audit_retention_days").set_value(7).run()

    assert calendar_of(app) is None
    assert "Nothing ends by then" in said(app)


def test_what_is_overdue_is_said_and_a_clock_that_is_not_believed(lethe):
    lethe.batch(UPRIGHT, policy=TEN_DAYS)
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE pictures SET original_until = added_at")
        keep(cursor, LastSweep(services.now(), Uptime("", 0.0), None))
    app = lethe.page("Audit")

    assert shown_numbers(app)["Overdue"] == "1"
    assert "1 picture overdue" in said(app)
    assert "overdue" in list(calendar_of(app)["State"])

    with lethe.database.transaction(ACTOR, ANY) as cursor:
        refused = "The clock is behind. Confirm it."
        keep(cursor, LastSweep(services.now(), Uptime("", 0.0), refused))

    assert refused in said(lethe.page("Audit"))


@pytest.mark.parametrize(
    ("holding", "words"),
    [(Holding.ORIGINAL, "Original destroyed on"), (Holding.RELEASE, "Release destroyed on")],
)
def test_the_release_page_says_what_was_destroyed(lethe, holding, words):
    batch = lethe.batch(UPRIGHT)
    shred(ACTOR, lethe.database, only(lethe, batch).id, services.now(), holdings={holding})

    app = lethe.page("Release")

    assert not app.exception
    assert words in said(app)


def test_a_release_can_be_downloaded_when_its_original_is_gone(lethe):
    batch = lethe.batch(UPRIGHT)
    shred(ACTOR, lethe.database, only(lethe, batch).id, services.now(), holdings={Holding.ORIGINAL})

    app = lethe.page("Release")

    assert offered(app)["Download the released pictures (zip)"]
    assert "name destroyed" in said(app)


def test_a_picture_on_the_table_that_ends_leaves_every_cache_and_the_page_says_why(lethe):
    batch = lethe.batch(WIDE)
    app = lethe.page("Review")
    picture = only(lethe, batch)
    cache = services.originals_cache()
    assert picture.id in cache._open
    assert cache.preview(picture.id, "a draft", lambda: b"made") == b"made"
    assert cache.preview(picture.id, "a draft", lambda: b"anew") == b"made"
    assert cache.preview(picture.id, "another", lambda: b"anew") == b"anew"

    shred(ACTOR, lethe.database, picture.id, services.now())

    assert picture.id not in cache._open
    assert picture.id not in cache._shown
    assert picture.id not in cache._previews
    assert cache.preview(picture.id, "a draft", lambda: b"late") == b"late"
    assert picture.id not in cache._previews
    assert not [key for key in cache._small if key[1] == picture.id]
    app.run()
    assert not app.exception
    assert "time of this picture was over, or it was deleted" in said(app)


def test_an_auditor_follows_a_picture_to_its_end(lethe):
    batch = lethe.batch(UPRIGHT)
    picture = only(lethe, batch)
    shred(ACTOR, lethe.database, picture.id, services.now())
    app = lethe.page("Audit")

    app.text_input(key="audit_word").set_value(picture.id).run()

    (steps,) = [one.value for one in app.table if "Step" in one.value]
    assert [step.partition("**")[2].strip("*") for step in steps["Step"]][-2:] == [
        "Destroy a picture",
        "Note that a picture was destroyed",
    ]
    assert labels(app)
