"""The process document's sentences on retention, each beside what the code does."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from docs.build.__main__ import DOCUMENT
from engine.policy import Policy
from engine.runs.licences import read_licence_list
from store.accounts.actor import MACHINE
from store.audit.records import timeline
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.retention.report import report
from store.retention.sweeper import sweep
from store.retention.uptime import Uptime
from tests.store.fakes import ACTOR, NOW

TEXT = DOCUMENT.read_text(encoding="utf-8")
DAY = timedelta(days=1)


def kept(home, policy, manifest, days):
    """What is left of a picture after some days on which the machine was on: keys, files, acts."""
    with closing(Database.open(home, NOW)) as database:
        batch = batches.create(ACTOR, database, Request("spring", policy), NOW)
        (picture,) = intake.add(
            ACTOR, database, batch.id, [Incoming("a.jpg", b"1")], NOW,
            manifest=read_licence_list(manifest),
        )  # fmt: skip
        batches.start(ACTOR, database, batch.id, NOW)
        sweep(MACHINE, database, NOW, uptime=Uptime("on", 0.0))
        later = Uptime("on", (days * DAY).total_seconds())
        sweep(MACHINE, database, NOW + days * DAY, uptime=later)
        acts = [one.act for one in timeline(ACTOR, database, picture).steps]
        has_key = database.vault.has_picture(batch.id, picture)
        return has_key, database.files.original(picture).exists(), acts[-2:]


ENDED = (False, False, ["will_shred", "shredded"])
POLICY = "[retention]\noriginals_days = {}\n"
MANIFEST = "filename,licence,retain_days\na.jpg,CC0,{}\n"


@pytest.mark.slow
def test_the_earlier_period_counts_and_key_and_file_end_on_record(tmp_path):
    assert "a manifest one for each picture; the earlier counts" in TEXT
    assert "Lethe destroys the key, then the files, and\nrecords both" in TEXT

    assert kept(tmp_path / "a", POLICY.format(3), MANIFEST.format(30), 3) == ENDED
    assert kept(tmp_path / "b", POLICY.format(30), MANIFEST.format(3), 3) == ENDED
    assert kept(tmp_path / "c", POLICY.format(30), MANIFEST.format(30), 29)[:2] == (True, True)


def test_as_delivered_no_period_is_set(tmp_path):
    assert "the periods: none is set" in TEXT
    assert "Nothing ends where no period is set" in TEXT
    assert set(Policy().retention.model_dump().values()) == {0}

    assert kept(tmp_path, "", "filename,licence\na.jpg,CC0\n", 36_525)[:2] == (True, True)


def test_what_has_a_period_is_what_the_document_names(tmp_path):
    assert "destroys originals, names, releases and review records when their periods end" in TEXT

    with closing(Database.open(tmp_path, NOW)) as database:
        holdings = report(ACTOR, database, NOW).holdings

    assert {"original", "name", "release", "review"} < {one.value for one in holdings}
