"""The guides for subject requests and incidents: every command, in the order of the page."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.release.bundle import bundle
from engine.signing.keys import open_key_ring
from engine.signing.schema import ENDING
from lethe.__main__ import main
from store.audit import __main__ as audit
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.releases import certificates, receipts
from tests.store.fakes import ACTOR
from tests.store.subjects.conftest import release_all

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GUIDES = ("subject-requests.md", "incident.md")
NAME = "ward 3/IMG 0412.png"
_FENCE = re.compile(r"```sh in order\n(.*?)```", re.DOTALL)
_OPENED = re.compile(r"Request ([0-9a-f]{16}) is open")


def commands(guide):
    text = (ROOT / "docs" / "how-to" / guide).read_text(encoding="utf-8")
    return [line for block in _FENCE.findall(text) for line in block.splitlines() if line.strip()]


@pytest.fixture
def words(tmp_path, monkeypatch):
    """What stands for the words in capitals; two pictures were released and handed out."""
    home = tmp_path / "home"
    monkeypatch.setenv("LETHE_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    database = Database.open(home, now)
    batch = batches.create(ACTOR, database, Request("ward", ""), now)
    incoming = [Incoming(NAME, b"one"), Incoming("another.png", b"two")]
    first, _ = intake.add(ACTOR, database, batch.id, incoming, now)
    batches.start(ACTOR, database, batch.id, now)
    release_all(database, now)
    by_picture = {one.picture_id: one for one in receipts.newest(ACTOR, database, batch.id)}
    release = by_picture.pop(first)
    (another,) = by_picture.values()
    sent, deliveries = Path("found") / release.path.name, Path("deliveries")
    for folder in (sent.parent, deliveries):
        folder.mkdir()
    sent.write_bytes(release.path.read_bytes())
    document = certificates.of_release(ACTOR, database, release.release_id)
    sent.with_name(release.release_id + ENDING).write_bytes(document)
    with bundle(ACTOR, database, batch, now) as file:
        (deliveries / "released.zip").write_bytes(file.read())
    database.close()
    return {
        "SENT": str(sent),
        "FOUND": str(sent.parent),
        "DELIVERIES": str(deliveries),
        "RELEASE": release.release_id,
        "ANOTHER": another.release_id,
        "NAME": NAME,
        "KEY": open_key_ring(home).id,
    }


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_of_the_guide_works_in_its_order(guide, words, capsys):
    for command in commands(guide):
        program, *arguments = shlex.split(command)
        assert program == "lethe"

        status = main([words.get(word, word) for word in arguments])

        said = capsys.readouterr()
        assert status == 0, f"{command}: {said.out}{said.err}"
        if opened := _OPENED.search(said.out):
            words["REQUEST"] = opened[1]


def test_at_the_end_of_an_incident_nothing_is_left_of_the_picture_and_the_trail_is_whole(
    words, capsys
):
    home = Path("home")
    for command in commands("incident.md"):
        main([words.get(word, word) for word in shlex.split(command)[1:]])

    assert not list((home / "releases").iterdir())
    assert not list((home / "originals").iterdir())
    assert Path("evidence.zip").stat().st_mode & 0o077 == 0
    capsys.readouterr()
    assert audit.main(["verify", "--home", str(home)]) == 0
    assert "all as recorded" in capsys.readouterr().out


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_names_no_command_that_nothing_runs(guide):
    """Other fences are for what another machine runs, or what comes with another part."""
    text = (ROOT / "docs" / "how-to" / guide).read_text(encoding="utf-8")

    assert "```sh\n" not in text
    assert len(commands(guide)) > 10
