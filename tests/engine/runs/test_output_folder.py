from __future__ import annotations

import csv
import json
import multiprocessing
import os
import stat
import sys

import pytest

from engine.errors import UnusableFolder
from engine.files.home import home
from engine.geometry import PixelRect, Size
from engine.images import Leakage
from engine.plan import Plan, Reason, ReasonKind
from engine.policy import Policy, read_policy
from engine.receipt import Receipt, SignOff
from engine.runs.jobs import NeedsReview, Postponed, Quarantined, Released, Unread
from engine.runs.name_map import NAMES_NOTE
from engine.runs.output_folder import OutputFolder
from engine.signing.envelope import read_document
from engine.signing.signer import signer
from tests.awkward import NAMES_IN_ANY_SCRIPT
from tests.engine.run_folders import certified_ids, released_ids
from tests.scenes import region

pytestmark = pytest.mark.slow

DAY = "2026-11-23"
FACE, MASKED = region((10, 10, 30, 30)), PixelRect(0, 0, 50, 50)
SOURCE = 'Ünïcödé, "quoted"\n顔.jpg'
"""As hard on CSV as a file name can be."""


def open_outbox(folder):
    return OutputFolder.create(folder, Policy(), "same", signer(home()), lambda: DAY)


def released(number=0, picture="picture"):
    receipt = Receipt(
        release=f"{number:032x}",
        image_id=picture,
        format="png",
        size=Size(100, 100),
        regions=(FACE.with_rect(MASKED),),
        not_looked_for=(),
        sign_off=SignOff(),
        policy=Policy().fingerprint,
        weights=(),
        checks={"T1": True, "T3": True, "T4": True},
        leakage=Leakage.NONE,
        seconds={},
    )
    return Released(picture, receipt, b"pixels of %d" % number)


def record_one(output_folder):
    picture = output_folder.picture_id(b"data")
    output_folder.record(SOURCE, picture, released(picture=picture))


def for_review(picture="picture", score=0.3):
    review_region = region((60, 60, 70, 70), score=score)
    reasons = (Reason(ReasonKind.UNSURE, "face 0.30"),)
    plan = Plan(picture, Size(100, 100), (FACE,), (review_region,), reasons, Policy().fingerprint)
    return NeedsReview(picture, plan.with_rects((MASKED, PixelRect(48, 48, 82, 82))))


def lines(folder, name):
    path = folder / name
    return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []


def names(folder):
    with (folder / "names.csv").open(encoding="utf-8", newline="") as file:
        assert file.readline() == NAMES_NOTE
        return list(csv.reader(file))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


OUTCOMES = {
    "released": released(),
    "review": for_review(),
    "quarantined": Quarantined("picture", "It was held back."),
}
outcomes = pytest.mark.parametrize("fate", OUTCOMES)


class TestRecord:
    @outcomes
    def test_a_fate_is_remembered_now_and_later(self, tmp_path, fate):
        output_folder = open_outbox(tmp_path / "out")

        assert output_folder.fate(SOURCE, "picture") is None
        assert output_folder.record(SOURCE, "picture", OUTCOMES[fate]) == fate
        assert output_folder.fate(SOURCE, "picture") == fate

        output_folder.close()
        again = open_outbox(tmp_path / "out")
        assert again.fate(SOURCE, "picture") == fate
        assert again.fate(SOURCE, "changed content") is None
        assert again.fate("another name", "picture") is None

    def test_a_release_has_a_file_a_receipt_and_a_name(self, tmp_path):
        output_folder = open_outbox(tmp_path)

        output_folder.record(SOURCE, "picture", released(7))

        file = tmp_path / "released" / f"{7:032x}.png"
        assert file.read_bytes() == b"pixels of 7"
        assert [line["release"] for line in lines(tmp_path, "receipts.jsonl")] == [file.stem]
        assert names(tmp_path) == [["source", "release"], [SOURCE, file.stem]]
        assert "score" not in (tmp_path / "receipts.jsonl").read_text()

    def test_a_review_line_says_what_and_why_and_what_would_go(self, tmp_path):
        output_folder = open_outbox(tmp_path)

        output_folder.record(SOURCE, "picture", for_review())

        (line,) = lines(tmp_path, "review.jsonl")
        assert (line["source"], line["picture"]) == (SOURCE, "picture")
        assert line["reasons"] == ["unsure: face 0.30"]
        assert line["regions"][0]["masked"] == list(MASKED)
        assert line["doubts"][0]["masked"] == [48, 48, 82, 82]
        assert line["doubts"][0]["score"] == 0.3

    def test_plans_that_wait_come_back_and_settled_ones_do_not(self, tmp_path):
        output_folder = open_outbox(tmp_path)
        output_folder.record("waits", "one", for_review("one", 0.25))
        output_folder.record("waits", "one", for_review("one", 0.35))
        output_folder.record("released since", "two", for_review("two"))
        output_folder.record("released since", "two", released(2, "two"))

        assert output_folder.plans() == {("waits", "one"): for_review("one", 0.35).plan}

        output_folder.close()
        assert open_outbox(tmp_path).plans().keys() == {("waits", "one")}

    @outcomes
    def test_a_file_that_could_be_read_later_is_in_one_list_alone(self, tmp_path, fate):
        output_folder = open_outbox(tmp_path)
        for name in ("other", SOURCE):
            output_folder.record(name, "", Quarantined("", "The file could not be read."))

        output_folder.record(SOURCE, "picture", OUTCOMES[fate])
        output_folder.close()

        unread = [
            one["source"] for one in lines(tmp_path, "quarantine.jsonl") if not one["picture"]
        ]
        assert unread == ["other"]
        assert output_folder.fate(SOURCE, "") is None
        assert output_folder.fate("other", "") == "quarantined"

    def test_what_a_kill_left_in_two_lists_is_in_one_when_opened_again(self, tmp_path):
        output_folder = open_outbox(tmp_path)
        output_folder.record(SOURCE, "picture", released())
        output_folder.close()
        line = {"source": SOURCE, "picture": "", "reason": "The file could not be read."}
        (tmp_path / "quarantine.jsonl").write_text(json.dumps(line) + "\n")

        again = open_outbox(tmp_path)

        assert not lines(tmp_path, "quarantine.jsonl")
        assert again.fate(SOURCE, "") is None

    @pytest.mark.parametrize("kind", [Postponed, Unread])
    @pytest.mark.parametrize("is_later", [False, True], ids=["in this run", "in the next run"])
    def test_what_could_not_be_done_is_asked_again_and_then_in_one_list(
        self, tmp_path, kind, is_later
    ):
        output_folder = open_outbox(tmp_path)
        output_folder.record("a.png", "picture", kind("picture", "No room."))
        assert output_folder.fate("a.png", "picture") is None
        assert [one["reason"] for one in lines(tmp_path, "quarantine.jsonl")] == ["No room."]
        if is_later:
            output_folder.close()
            output_folder = open_outbox(tmp_path)
            assert output_folder.fate("a.png", "picture") is None

        output_folder.record("a.png", "picture", released())
        output_folder.close()

        assert lines(tmp_path, "quarantine.jsonl") == []

    def test_what_can_never_be_done_is_listed_once_with_what_was_said_last(self, tmp_path):
        for reason in ("No room.", "No room.", "No memory."):
            output_folder = open_outbox(tmp_path)
            output_folder.record("a.png", "picture", Postponed("picture", reason))
            output_folder.record("b.png", "picture", Unread("picture", "Gone."))
            output_folder.close()

        listed = {one["source"]: one["reason"] for one in lines(tmp_path, "quarantine.jsonl")}
        assert listed == {"a.png": "No memory.", "b.png": "Gone."}
        assert len(lines(tmp_path, "quarantine.jsonl")) == 2
        assert open_outbox(tmp_path).fate("a.png", "") == "quarantined"

    def test_what_became_unreadable_after_its_release_is_listed(self, tmp_path):
        output_folder = open_outbox(tmp_path)
        record_one(output_folder)
        output_folder.close()

        output_folder = open_outbox(tmp_path)
        output_folder.record(SOURCE, "", Unread("", "Gone."))
        output_folder.close()

        assert [one["reason"] for one in lines(tmp_path, "quarantine.jsonl")] == ["Gone."]

    def test_a_private_list_that_cannot_be_written_costs_no_manifest(self, tmp_path, monkeypatch):
        output_folder = open_outbox(tmp_path)
        record_one(output_folder)

        def full(*_):
            raise OSError("no room")

        monkeypatch.setattr(OutputFolder, "_drop_superseded", full)
        with pytest.raises(OSError, match="no room"):
            output_folder.close()

        assert (tmp_path / "released" / "manifest.json").exists()

    def test_private_files_are_the_owners_alone_and_releases_are_not(self, tmp_path):
        output_folder = open_outbox(tmp_path)
        for fate, outcome in OUTCOMES.items():
            output_folder.record(fate, "picture", outcome)

        private = [tmp_path / name for name in ("names.csv", "receipts.jsonl", "review.jsonl")]
        private += [tmp_path / "quarantine.jsonl", *(tmp_path / ".lethe").glob("*.*")]
        assert {mode(path) for path in private if path.is_file()} == {0o600}
        assert mode(tmp_path / ".lethe") == 0o700
        assert {mode(path) for path in (tmp_path / "released").iterdir()} == {0o644}

    @pytest.mark.parametrize("name", NAMES_IN_ANY_SCRIPT)
    def test_names_in_any_script_come_back(self, tmp_path, name):
        output_folder = open_outbox(tmp_path)
        output_folder.record(name, "picture", released())
        output_folder.close()

        assert open_outbox(tmp_path).fate(name, "picture") == "released"
        assert names(tmp_path)[1][0] == name


class TestOpening:
    def test_two_runs_at_a_time_are_refused(self, tmp_path):
        first = open_outbox(tmp_path)

        with pytest.raises(UnusableFolder, match="Another Lethe run"):
            open_outbox(tmp_path)

        first.close()
        open_outbox(tmp_path).close()

    def test_of_two_that_begin_at_once_one_lays_the_folder_out(self, tmp_path, monkeypatch):
        others = []

        def late(folder):
            """Another run begins, and releases, between our look and what we do."""
            if not others:
                others.append(None)
                others[0] = open_outbox(tmp_path)
                record_one(others[0])
                others[0].close()

        monkeypatch.setattr("engine.runs.output_folder.refuse_leftovers", late)

        ours = open_outbox(tmp_path)

        assert ours.fate(SOURCE, ours.picture_id(b"data")) == "released"

    def test_one_that_is_being_laid_out_by_another_run_is_refused(self, tmp_path, monkeypatch):
        others = []

        def late(folder):
            if not others:
                others.append(None)
                others[0] = open_outbox(tmp_path)

        monkeypatch.setattr("engine.runs.output_folder.refuse_leftovers", late)

        with pytest.raises(UnusableFolder, match="Another Lethe run"):
            open_outbox(tmp_path)

        record_one(others[0])
        others[0].close()
        again = open_outbox(tmp_path)
        assert again.fate(SOURCE, again.picture_id(b"data")) == "released"

    @pytest.mark.parametrize(
        ("policy", "file_format"),
        [(Policy(), "png"), (read_policy("[removal]\nfill = 'solid'"), "same")],
        ids=["another format", "another policy"],
    )
    def test_other_settings_are_refused_and_let_the_folder_go(self, tmp_path, policy, file_format):
        open_outbox(tmp_path).close()

        with pytest.raises(UnusableFolder, match="another policy or output format"):
            OutputFolder.create(tmp_path, policy, file_format, signer(home()), lambda: DAY)

        open_outbox(tmp_path).close()

    def test_somebody_elses_releases_are_not_added_to(self, tmp_path):
        (tmp_path / "released").mkdir()
        (tmp_path / "released" / "x.jpg").touch()

        with pytest.raises(UnusableFolder, match="not of a Lethe run"):
            open_outbox(tmp_path)

    def test_a_folder_without_a_run_cannot_be_gone_on_with(self, tmp_path):
        with pytest.raises(UnusableFolder, match="not the output folder"):
            OutputFolder(tmp_path, signer(home()), lambda: DAY)

    def test_picture_ids_depend_on_the_folders_key(self, tmp_path):
        one, other = open_outbox(tmp_path / "one"), open_outbox(tmp_path / "other")

        assert one.picture_id(b"content") == one.picture_id(b"content")
        assert one.picture_id(b"content") != one.picture_id(b"Content")
        assert one.picture_id(b"content") != other.picture_id(b"content")

    @pytest.mark.parametrize("name", ["receipts.jsonl", "review.jsonl", "quarantine.jsonl"])
    @pytest.mark.parametrize(
        "torn", ['{"source": "x", "pict', "{", '{"a": "b"}'], ids=["half", "start", "no newline"]
    )
    def test_a_torn_last_line_is_cut(self, tmp_path, name, torn):
        output_folder = open_outbox(tmp_path)
        for fate, outcome in OUTCOMES.items():
            output_folder.record(fate, "picture", outcome)
        output_folder.close()
        before = (tmp_path / name).read_text()
        (tmp_path / name).write_text(before + torn)

        open_outbox(tmp_path).close()

        assert (tmp_path / name).read_text() == before

    @pytest.mark.parametrize("torn", ["so", "source,00", '"so'], ids=["half", "id", "open quote"])
    def test_a_torn_last_name_is_cut(self, tmp_path, torn):
        output_folder = open_outbox(tmp_path)
        output_folder.record(SOURCE, "picture", released())
        output_folder.close()
        before = (tmp_path / "names.csv").read_text()
        (tmp_path / "names.csv").write_text(before + torn)

        open_outbox(tmp_path).close()

        assert (tmp_path / "names.csv").read_text() == before


STEPS = {f"os.{name}" for name in ("rename", "chmod", "truncate", "remove", "mkdir", "utime")}
STEPS |= {"open"}


def _die_at(folder, step, work):
    """Do `work` and leave, as if killed, before the file operation number `step`."""
    done = 0

    def watch(event, arguments):
        nonlocal done
        if event in STEPS:
            if done == step:
                os._exit(9)
            done += 1

    sys.addaudithook(watch)
    work(folder)
    os._exit(0)


def _all_outcomes(folder):
    output_folder = open_outbox(folder)
    output_folder.record("a", "one", released(1, "one"))
    output_folder.record("b", "two", for_review("two"))
    output_folder.record("c", "three", Quarantined("three", "Held back."))
    output_folder.record("d", "four", released(4, "four"))


def killed_before(folder, step, work=_all_outcomes):
    """Whether the work was cut short."""
    child = multiprocessing.get_context("fork").Process(target=_die_at, args=(folder, step, work))
    child.start()
    child.join()
    return child.exitcode == 9


def listed(folder):
    """Releases in the manifest; None when there is none."""
    path = folder / "released" / "manifest.json"
    if not path.exists():
        return None
    told = read_document("manifest", path.read_bytes()).body
    return [one["release"] for one in told["releases"]]


def assert_consistent(folder):
    receipts = [line["release"] for line in lines(folder, "receipts.jsonl")]
    assert released_ids(folder) == certified_ids(folder) == sorted(receipts)
    assert len(set(receipts)) == len(receipts)
    assert sorted(release for _, release in names(folder)[1:]) == sorted(receipts)
    assert not list((folder / ".lethe" / "partial").iterdir())


def test_a_kill_before_any_file_operation_leaves_nothing_half_done(tmp_path):
    steps = 0
    while killed_before(folder := tmp_path / str(steps), steps):
        released_before = set(released_ids(folder))
        assert released_before <= set(certified_ids(folder))
        assert listed(folder) in (None, sorted(released_before))
        receipts_before = {line["release"] for line in lines(folder, "receipts.jsonl")}
        output_folder = open_outbox(folder)  # what the next run does

        assert released_before <= receipts_before
        assert_consistent(folder)
        assert listed(folder) == sorted(receipts_before)
        for source, picture in (("a", "one"), ("b", "two"), ("c", "three"), ("d", "four")):
            if output_folder.fate(source, picture) is None:
                number = {"one": 11, "four": 14}.get(picture)
                output_folder.record(
                    source,
                    picture,
                    released(number, picture) if number else OUTCOMES["quarantined"],
                )
        assert_consistent(folder)
        assert len(lines(folder, "receipts.jsonl")) == 2
        output_folder.close()
        assert len(listed(folder)) == 2
        steps += 1

    assert steps > 20


def test_a_kill_while_tidying_up_is_tidied_up_as_well(tmp_path):
    step = 0

    def reopen(folder):
        open_outbox(folder).close()

    while True:
        folder = tmp_path / str(step)
        output_folder = open_outbox(folder)
        output_folder.record("a", "one", released(1, "one"))
        output_folder.close()
        done = folder / "released" / f"{1:032x}.png"
        for name in (done.name, f"{done.stem}.certificate.json"):  # killed just before the move
            (folder / "released" / name).rename(folder / ".lethe" / "partial" / name)
        (folder / ".lethe" / "partial" / f"{2:032x}.png").write_bytes(b"without a receipt")
        was_killed = killed_before(folder, step, reopen)
        assert set(released_ids(folder)) <= set(certified_ids(folder))

        open_outbox(folder).close()

        assert_consistent(folder)
        assert done.exists()
        if not was_killed:
            break
        step += 1
    assert step > 3
