"""Folders that anybody may have put into the inbox."""

from __future__ import annotations

import json
import os

import pytest

from store.batches import progress
from store.exchange.inbox import LeftOut, take_in
from tests.store.exchange.test_import_run import Run
from tests.store.fakes import ACTOR, NOW

pytestmark = pytest.mark.slow


def put(home, name, number=0):
    """A run with one question, in the inbox."""
    run = Run(home.with_name(f"made {name}"))
    run.set_run(run=f"{number:032x}", format="png")
    run.ask("a.jpg", name.encode())
    out = home / "inbox" / name
    out.parent.mkdir(exist_ok=True)
    run.originals.rename(run.out / "originals")
    run.out.rename(out)
    return out


def nested(out):
    (out / "review.jsonl").write_text("[" * 200_000 + "]" * 200_000)


def infinite(out):
    line = json.loads((out / "review.jsonl").read_text())
    line["regions"][0]["masked"] = [float("inf"), 2, 3, 4]
    (out / "review.jsonl").write_text(json.dumps(line))


def long_field(out):
    (out / "names.csv").write_text("x" * 200_000 + ",y\n")


def pipe_as_key(out):
    (out / ".lethe" / "key").unlink()
    os.mkfifo(out / ".lethe" / "key")


def pipe_as_original(out):
    (out / "originals" / "a.jpg").unlink()
    os.mkfifo(out / "originals" / "a.jpg")


def device_behind_a_link(out):
    (out / "names.csv").symlink_to("/dev/zero")


def folder_as_list(out):
    (out / "names.csv").unlink(missing_ok=True)
    (out / ".lethe" / "policy.toml").unlink()
    (out / ".lethe" / "policy.toml").mkdir()


@pytest.mark.parametrize(
    "spoil",
    [nested, infinite, long_field, pipe_as_key, pipe_as_original, device_behind_a_link,
     folder_as_list],
)  # fmt: skip
def test_a_bad_folder_is_told_and_the_others_are_taken_in(database, home, spoil):
    good = [put(home, name, number) for number, name in enumerate(("a", "z"), start=1)]
    bad = put(home, "m", 3)
    spoil(bad)

    (left_out,) = take_in(ACTOR, database, NOW)

    assert (left_out.folder, left_out.reason[-1]) == ("m", ".")
    assert progress.totals(ACTOR, database).review == len(good)
    assert bad.is_dir()


def test_lines_that_were_left_out_are_told(database, home):
    out = put(home, "monday")
    with (out / "review.jsonl").open("a") as file:
        file.write("rubbish\n{}\n")

    (left_out,) = take_in(ACTOR, database, NOW)

    assert left_out.reason == "review.jsonl, line 2 was left out. It is not JSON. So were 1 more."
    assert progress.totals(ACTOR, database).review == 1


def test_an_inbox_that_is_no_folder_is_told(database, home):
    (home / "inbox").write_bytes(b"")

    assert take_in(ACTOR, database, NOW) == (
        LeftOut("inbox", "It cannot be read (Not a directory)."),
    )


def test_no_inbox_and_an_empty_one_leave_nothing_out(database, home):
    assert take_in(ACTOR, database, NOW) == ()
    (home / "inbox").mkdir()
    assert take_in(ACTOR, database, NOW) == ()


def test_a_mended_folder_is_taken_in_the_next_time(database, home):
    out = put(home, "monday")
    lines = (out / "review.jsonl").read_text()
    nested(out)
    assert take_in(ACTOR, database, NOW) != ()
    (out / "review.jsonl").write_text(lines)

    assert take_in(ACTOR, database, NOW) == ()
    assert progress.totals(ACTOR, database).review == 1
