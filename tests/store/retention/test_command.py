"""`lethe retention`: what people see of it, and the folders of the shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from engine.cli.exits import Exit
from engine.errors import UnusableFolder
from engine.files.lock import lock
from engine.policy import Policy
from engine.runs.output_folder import OutputFolder
from engine.signing.signer import signer
from lethe.__main__ import main as lethe
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.exchange.export_labels import export_labels
from store.retention.__main__ import main
from store.retention.clock import LastSweep, keep
from store.retention.folders.contents import contents
from store.retention.folders.layout import NOT_COVERED
from store.retention.folders.shredding import shred
from store.retention.uptime import Uptime
from tests.engine.signing.handed_out import DAY as SIGNED
from tests.engine.signing.handed_out import released
from tests.store.fakes import ACTOR, ANY
from tests.store.retention.conftest import make

DAY = timedelta(days=1)
NAME = "Ann at the beach.jpg"


def a_home(home, arrived, last=None):
    """A data folder with a picture that may be held for ten days."""
    database = Database.open(home, arrived)
    policy = "[retention]\noriginals_days = 10\n"
    batch = batches.create(ACTOR, database, Request("a batch", policy), arrived)
    intake.add(ACTOR, database, batch.id, [Incoming(NAME, b"pixels")], arrived)
    batches.start(ACTOR, database, batch.id, arrived)
    if last is not None:
        with database.transaction(ACTOR, ANY) as cursor:
            keep(cursor, LastSweep(last, Uptime("", 0.0), None))
    database.close()
    return home


@pytest.fixture
def now():
    return datetime.now(UTC)


def originals_in(home):
    return list((home / "originals").iterdir())


def files_of(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_report_tells_what_is_held_and_changes_nothing(home, now, capsys):
    a_home(home, now)
    before = files_of(home)

    assert main(["report", "--home", str(home)]) == Exit.DONE

    shown = capsys.readouterr().out
    assert f"original         1        0          0       0  {(now + 10 * DAY):%Y-%m-%d}" in shown
    assert "review           1        0          0       1" in shown
    assert "Last sweep: never." in shown
    assert NAME not in shown
    assert files_of(home) == before


def test_what_is_overdue_is_a_status_and_a_number(home, now, capsys):
    a_home(home, now - 11 * DAY)

    assert main(["report", "--home", str(home), "--json"]) == Exit.FOUND

    found = json.loads(capsys.readouterr().out)
    assert found["holdings"]["original"]["overdue"] == 1
    assert found["holdings"]["original"]["within"] == {"7": 0, "30": 0, "90": 0}
    assert found["holdings"]["original"]["next_until"].startswith(f"{now - DAY:%Y-%m-%d}")
    assert found["swept_at"] is None


def test_a_sweep_destroys_what_is_over_and_says_how_much(home, now, capsys):
    a_home(home, now - 11 * DAY, last=now - DAY)

    assert main(["sweep", "--home", str(home)]) == Exit.DONE

    assert capsys.readouterr().out == "Destroyed what was over of 1 picture.\n"
    assert originals_in(home) == []
    assert main(["report", "--home", str(home)]) == Exit.DONE


@pytest.mark.slow
def test_a_clock_that_cannot_be_right_has_to_be_confirmed(home, now, capsys, monkeypatch):
    monkeypatch.setenv("LETHE_HOME", str(a_home(home, now - 100 * DAY, last=now - 60 * DAY)))

    assert lethe(["retention", "sweep", "--home", str(home)]) == Exit.FOUND
    assert "more than a month ahead" in capsys.readouterr().err
    assert len(originals_in(home)) == 1
    assert main(["report", "--home", str(home)]) == Exit.FOUND
    assert "--confirm-clock" in capsys.readouterr().out

    assert main(["sweep", "--home", str(home), "--confirm-clock"]) == Exit.DONE
    assert originals_in(home) == []


@pytest.mark.parametrize("verb", ["report", "sweep"])
def test_a_folder_without_data_is_said_and_none_is_made(home, capsys, verb):
    assert main([verb, "--home", str(home)]) == Exit.USAGE

    assert "no data of Lethe" in capsys.readouterr().err
    assert not home.exists()


@pytest.fixture
def run(tmp_path, home):
    """The output folder of a run that released two pictures and held one back."""
    policy = Policy(retention={"names_days": 30, "releases_days": 90})
    made = OutputFolder.create(tmp_path / "out", policy, "same", signer(home), lambda: SIGNED)
    for number in (1, 2):
        made.record(f"{number} {NAME}", f"picture {number}", released(number))
    made.close()
    (tmp_path / "out" / "quarantine.jsonl").write_text(
        json.dumps({"source": NAME, "picture": "", "reason": "x"}) + "\n"
    )
    return tmp_path / "out"


def age(run, days):
    then = (datetime.now(UTC) - days * DAY).timestamp()
    os.utime(run / ".lethe" / "run.json", (then, then))


def test_a_run_s_folder_tells_what_it_keeps_until_when(run, capsys):
    age(run, 31)

    assert main(["report", str(run)]) == Exit.FOUND

    shown = capsys.readouterr().out
    assert "Output folder of a run" in shown
    assert f"     2  names of files, with boxes and reasons, until {late(-1)}: overdue\n" in shown
    assert f"     5  files that may go out, until {late(59)}\n" in shown
    assert NOT_COVERED in shown
    assert NAME not in shown


def late(days):
    return f"{datetime.now(UTC) + days * DAY:%Y-%m-%d}"


def test_the_same_as_json(run, capsys):
    assert main(["report", str(run), "--json"]) == Exit.DONE

    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["overdue"]) == ("run", 0)
    assert found["parts"][2] == {
        "what": "key of the folder", "files": 1, "until": found["parts"][0]["until"]
    }  # fmt: skip


def test_nothing_of_a_folder_is_destroyed_without_yes(run, capsys):
    before = files_of(run)

    assert main(["shred", str(run)]) == Exit.USAGE

    assert "add --yes" in capsys.readouterr().err
    assert files_of(run) == before


def test_what_a_run_s_folder_keeps_privately_ends_and_releases_stay_verifiable(
    run, home, capsys, monkeypatch
):
    monkeypatch.setenv("LETHE_HOME", str(home))
    may_go_out = files_of(run / "released")

    assert main(["shred", str(run), "--yes"]) == Exit.DONE

    assert files_of(run) == may_go_out
    assert [one.name for one in run.iterdir()] == ["released"]
    assert NOT_COVERED in capsys.readouterr().out
    assert lethe(["verify", str(run / "released")]) == Exit.DONE


def test_releases_end_too_where_it_is_said(run):
    assert main(["shred", str(run), "--yes", "--releases"]) == Exit.DONE

    assert list(run.iterdir()) == []


def test_names_are_overwritten_before_they_go(run):
    linked = run.parent / "linked"
    linked.hardlink_to(run / "names.csv")

    shred(run)

    assert not any(linked.read_bytes())


KILL = """
import os, sys
from pathlib import Path
from store.retention.folders import shredding

real, left = shredding.shred_file, int(sys.argv[2])

def shred(path):
    global left
    if left == 0:
        os._exit(9)
    left -= 1
    return real(path)

shredding.shred_file = shred
shredding.shred(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("count", [0, 1, 3, 7])
def test_what_a_kill_parted_goes_on(run, count):
    words = [sys.executable, "-c", KILL, str(run), str(count)]
    assert subprocess.run(words, check=False).returncode == 9
    assert (run / ".lethe" / "key").exists() is (count == 0)

    shred(run)

    assert [one.name for one in run.iterdir()] == ["released"]


def test_a_folder_that_a_run_writes_to_is_left_alone(run, capsys):
    before, descriptor = files_of(run), lock(run / ".lethe" / "lock")

    assert main(["shred", str(run), "--yes"]) == Exit.USAGE

    os.close(descriptor)
    assert "Another Lethe run" in capsys.readouterr().err
    assert files_of(run) == before


@pytest.mark.parametrize("verb", ["report", "shred"])
@pytest.mark.parametrize("what", ["nothing", "names", "labels", "link"])
def test_any_other_folder_is_left_alone(run, tmp_path, capsys, verb, what):
    other = tmp_path / "other"
    other.mkdir()
    if what == "names":
        (other / "names.csv").write_text("mine")
    if what == "labels":
        (other / "labels.json").write_text('{"info": {"description": "mine"}, "images": []}')
    if what == "link":
        (other / ".lethe").symlink_to(run / ".lethe")
    before = files_of(tmp_path)

    assert main([verb, str(other), *(["--yes"] if verb == "shred" else [])]) == Exit.USAGE

    assert "nothing was changed" in capsys.readouterr().err
    assert files_of(tmp_path) == before


def test_an_export_of_labels_ends_with_its_readable_originals(database, tmp_path, capsys):
    make(database, "settled")
    out = tmp_path / "labels"
    export_labels(ACTOR, database, out)
    (out / "images" / "mine.txt").write_text("kept")

    assert main(["report", str(out)]) == Exit.DONE
    assert "     1  originals, readable\n" in capsys.readouterr().out
    shred(out)

    assert [path.name for path in files_of(out)] == ["mine.txt"]
    with pytest.raises(UnusableFolder, match="neither"):
        contents(out)
