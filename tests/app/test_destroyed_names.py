"""Pages whose pictures and names were ended with their keys: they say so, and work."""

from __future__ import annotations

import pytest

from components.release.bundle import bundle
from store.batches import batches, pictures
from store.worker import retry
from tests.app import canvas
from tests.app.conftest import Lethe
from tests.app.reading import PAGES, UPRIGHT, WIDE, said
from tests.store.fakes import ACTOR, NOW

pytestmark = pytest.mark.slow

GONE = "name destroyed"


@pytest.fixture
def shredded(lethe: Lethe) -> Lethe:
    """One picture released, one in review, one held back; the keys of all are gone."""
    batch_id = lethe.batch(UPRIGHT, WIDE, b"no picture")
    for one in pictures.of_batch(ACTOR, lethe.database, batch_id):
        lethe.database.vault.destroy_picture(batch_id, one.id)
    lethe.database.vault.destroy_picture(batch_id, batch_id)
    return lethe


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(shredded, page):
    assert not shredded.page(page).exception


def test_home_and_release_say_that_names_are_gone(shredded):
    release = shredded.page("Release")

    assert GONE in [link.proto.label for link in shredded.page("Home").get("page_link")]
    assert list(release.dataframe[0].value["Name"]) == [GONE] * 3
    assert list(release.dataframe[0].value["Details"])[2] == "reason destroyed"
    assert release.selectbox(key="release_batch").options[0].startswith(GONE)


def test_review_says_why_there_is_nothing_to_see(shredded):
    app = shredded.page("Review")

    assert GONE in canvas.given(app)["claim"]["source"]
    assert "is gone" in said(app)


def test_what_was_released_still_goes_out(shredded):
    (batch,) = batches.newest(ACTOR, shredded.database)

    bundle(ACTOR, shredded.database, batch, NOW).close()
    assert retry.held_back(ACTOR, shredded.database, batch.id) == 1
