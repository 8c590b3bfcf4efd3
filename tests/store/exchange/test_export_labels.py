"""Verdicts as a data set, read back by what measures and trains."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import DETECTABLE, Category
from engine.errors import UnusableFolder
from engine.evaluation.data.datasets import read_dataset
from engine.files import atomic
from engine.geometry import Box, Size
from engine.plan import Origin, Region, ReviewDecision
from engine.runs.jobs import NeedsReview
from engine.runs.licences import Entry, LicenceList
from store.__main__ import main
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.errors import NothingToExport
from store.exchange import export_labels as export_labels_module
from store.exchange.export_labels import export_labels
from store.retention.holding import Holding
from store.retention.shredding import shred
from store.review import decisions, reviews
from store.vault.errors import BrokenSeal
from store.worker import tasks
from tests.store.fakes import ACTOR, ANY, DRAWN, FACE, MINUTE, NOW, OVERLOOKED, object_to, plan

pytestmark = pytest.mark.slow

PLATE = Region(Box(5, 5, 9, 9), Category.OTHER, Origin.REVIEWER)
RING = Region(Box(90, 90, 130, 96), Category.JEWELRY, Origin.REVIEWER)
"""Reaches beyond the picture."""


def in_review(database, *plans, names=(), entry=None):
    """A batch with a picture in review for each plan; gives the batch's id and the pictures'."""
    batch = batches.create(ACTOR, database, Request("private name", ""), NOW)
    sources = names or [f"private {index}.JPG" for index in range(len(plans))]
    incoming = [Incoming(name, b"v" + str(index).encode()) for index, name in enumerate(sources)]
    manifest = LicenceList({} if entry is None else dict.fromkeys(sources, entry))
    intake.add(ACTOR, database, batch.id, incoming, NOW, manifest=manifest)
    batches.start(ACTOR, database, batch.id, NOW)
    ids = []
    for made in plans:
        task = tasks.take(ACTOR, database, NOW)
        own = replace(made, image_id=task.picture_id)
        tasks.record(ACTOR, database, NeedsReview(task.picture_id, own), NOW)
        ids.append(task.picture_id)
    return batch.id, ids


def settle(database, picture_id, *regions, now=NOW, by="ada", decide=decisions.settle):
    case = reviews.claim_picture(ACTOR, database, picture_id, by, now)
    decide(ACTOR, database, picture_id, ReviewDecision.on(case.plan, regions, by), now)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "exports" / "labels"


def killed(*_):
    raise KeyboardInterrupt


def contents(folder):
    """What is where, and when it was written; not when it was last read."""
    return {
        path: (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


def test_what_was_settled_comes_back_as_labels(database, out):
    batch, (first, second) = in_review(database, plan(), plan())
    settle(database, first, FACE, DRAWN)
    settle(database, second)

    exported = export_labels(ACTOR, database, out)

    dataset = read_dataset(out)
    assert exported == export_labels_module.Exported(pictures=2, labels=2, without_original=0)
    assert not dataset.problems
    by_id = {picture.path.stem: picture for picture in dataset.pictures}
    assert by_id.keys() == {first, second}
    assert [(one.box, one.category) for one in by_id[first].labels] == [
        (FACE.box, Category.FACE),
        (DRAWN.box, Category.TATTOO),
    ]
    assert [dict(one.attributes)["label_origin"] for one in by_id[first].labels] == [
        "model",
        "reviewer",
    ]
    assert by_id[second].labels == ()
    for picture in dataset.pictures:
        assert picture.labelled_for == set(DETECTABLE)
        assert picture.partial_for == frozenset()
        assert picture.group == batch
        assert picture.size == Size(100, 100)
        assert dict(picture.attributes)["source"] == "reviewed"
    assert by_id[first].path.read_bytes() == b"v0"
    assert by_id[first].path.suffix == ".jpg"


@pytest.mark.slow
@given(
    corners=st.lists(
        st.tuples(st.floats(-50, 150), st.floats(-50, 150), st.floats(0.5, 90), st.floats(0.5, 90)),
        max_size=6,
    ),
    kinds=st.lists(st.sampled_from(list(Category)), min_size=6, max_size=6),
)
def test_any_verdict_that_is_accepted_survives_the_round_trip(tmp_path_factory, corners, kinds):
    folder = tmp_path_factory.mktemp("round")
    size = Size(100, 100)
    regions = [
        Region(Box.from_xywh(*corner), kind, Origin.REVIEWER)
        for corner, kind in zip(corners, kinds, strict=False)
    ]
    regions = [one for one in regions if one.box.clipped(size).area > 0.01]
    database = Database.open(folder / "home", NOW)
    _, (picture_id,) = in_review(database, plan())
    settle(database, picture_id, *regions)

    export_labels(ACTOR, database, folder / "out")

    database.close()
    (picture,) = read_dataset(folder / "out").pictures
    wanted = [one for one in regions if one.category is not Category.OTHER]
    assert [one.category for one in picture.labels] == [one.category for one in wanted]
    for label, region in zip(picture.labels, wanted, strict=True):
        expected = region.box.clipped(size).corners
        assert label.box.corners == pytest.approx(expected, abs=0.011)  # kept to two decimals
    assert picture.labelled_for == set(DETECTABLE)


def test_a_box_ends_where_the_picture_ends(database, out):
    _, (picture_id,) = in_review(database, plan())
    settle(database, picture_id, RING)

    export_labels(ACTOR, database, out)

    ((label,),) = (picture.labels for picture in read_dataset(out).pictures)
    assert label.box == Box(90, 90, 100, 96)


def test_a_category_nobody_looked_for_is_labelled_in_part_where_somebody_drew_it(database, out):
    faces_only = replace(plan(), not_looked_for=(Category.TATTOO, Category.JEWELRY))
    _, ids = in_review(database, faces_only, faces_only)
    settle(database, ids[0], FACE, DRAWN)
    settle(database, ids[1], FACE)

    export_labels(ACTOR, database, out)

    drawn, plain = sorted(read_dataset(out).pictures, key=lambda one: ids.index(one.path.stem))
    assert drawn.labelled_for == plain.labelled_for == {Category.FACE}
    assert drawn.partial_for == {Category.TATTOO}
    assert plain.partial_for == frozenset()


def test_what_has_no_category_of_ours_is_left_out(database, out):
    _, (picture_id,) = in_review(database, plan())
    settle(database, picture_id, PLATE, FACE)

    assert export_labels(ACTOR, database, out).labels == 1
    assert {one.category for one in read_dataset(out).pictures[0].labels} == {Category.FACE}


def test_only_standing_verdicts_count(database, out):
    _, (kept, undone, rejected, _waiting) = in_review(database, plan(), plan(), plan(), plan())
    settle(database, kept, FACE)
    settle(database, rejected, FACE, decide=decisions.reject)
    settle(database, undone, FACE)
    decisions.reopen_last(ACTOR, database, "ada", NOW + MINUTE)

    assert export_labels(ACTOR, database, out).pictures == 1
    assert [one.path.stem for one in read_dataset(out).pictures] == [kept]


@pytest.mark.parametrize(
    "decide", [decisions.settle, decisions.reject], ids=["settled", "rejected"]
)
def test_a_picture_that_a_witness_contested_has_its_last_verdict_alone(database, out, decide):
    _, (contested, other) = in_review(database, plan(), plan())
    settle(database, contested, FACE)
    object_to(database, OVERLOOKED)
    settle(database, contested, FACE, OVERLOOKED, decide=decide)
    settle(database, other)

    export_labels(ACTOR, database, out)

    pictures = {one.path.stem: one.labels for one in read_dataset(out).pictures}
    labelled = {name: [one.box for one in labels] for name, labels in pictures.items()}
    again = {contested: [FACE.box, OVERLOOKED.box]} if decide is decisions.settle else {}
    assert labelled == {other: [], **again}
    named = json.loads((out / "labels.json").read_text())["images"]
    assert len(named) == len(labelled)


def test_a_verdict_given_again_replaces_the_one_taken_back(database, out):
    _, (picture_id,) = in_review(database, plan())
    settle(database, picture_id, FACE)
    decisions.reopen_last(ACTOR, database, "ada", NOW + MINUTE)
    settle(database, picture_id, DRAWN, now=NOW + 2 * MINUTE)

    export_labels(ACTOR, database, out)

    (picture,) = read_dataset(out).pictures
    assert [one.category for one in picture.labels] == [Category.TATTOO]


def test_the_licence_and_its_limits_come_along_and_names_do_not(database, out):
    entry = Entry("press", "CC BY 4.0", allowed_use="research", consent="yes")
    _, (licensed,) = in_review(database, plan(), entry=entry)
    _, (plain,) = in_review(database, plan())
    settle(database, licensed, FACE, by="ada lovelace")
    settle(database, plain)

    export_labels(ACTOR, database, out)

    said = {one.path.stem: dict(one.attributes) for one in read_dataset(out).pictures}
    assert said[licensed]["licence"] == "CC BY 4.0"
    assert (said[licensed]["allowed_use"], said[licensed]["consent"]) == ("research", "yes")
    assert not {"licence", "allowed_use", "consent"} & said[plain].keys()
    text = (out / "labels.json").read_text(encoding="utf-8")
    assert "private" not in text.replace("keep private", "")
    assert "lovelace" not in text


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.PNG", ".png"), ("a", ""), ("a.b/c.exe", ""), ("a.jpg/..", ""), ("x.tiff", ".tiff")],
)
def test_only_the_ending_of_a_pictures_name_is_kept(database, out, name, suffix):
    _, (picture_id,) = in_review(database, plan(), names=[name])
    settle(database, picture_id)

    export_labels(ACTOR, database, out)

    assert [path.name for path in (out / "images").iterdir()] == [picture_id + suffix]


def test_since_leaves_out_what_was_settled_before(database, out):
    _, (old, new) = in_review(database, plan(), plan())
    settle(database, old, now=NOW)
    settle(database, new, now=NOW + timedelta(days=1))

    export_labels(ACTOR, database, out, since=NOW + timedelta(days=1))

    assert [one.path.stem for one in read_dataset(out).pictures] == [new]


class TestPictures:
    def test_a_picture_whose_original_is_gone_is_left_out_and_counted(self, database, out):
        _, (gone, there) = in_review(database, plan(), plan())
        settle(database, gone, FACE)
        settle(database, there, DRAWN)
        database.files.original(gone).unlink()

        assert export_labels(ACTOR, database, out) == export_labels_module.Exported(
            1, 1, without_original=1
        )
        assert [one.path.stem for one in read_dataset(out).pictures] == [there]

    def test_nothing_is_written_where_no_original_is_left(self, database, out):
        _, (gone,) = in_review(database, plan())
        settle(database, gone, FACE)
        database.files.original(gone).unlink()

        with pytest.raises(NothingToExport, match=r"originals of all settled pictures \(1\)"):
            export_labels(ACTOR, database, out)

        assert not out.parent.exists()

    def test_one_whose_key_was_destroyed_is_left_out(self, database, out):
        batch, (gone, kept) = in_review(database, plan(), plan())
        settle(database, gone, FACE)
        settle(database, kept, FACE)
        database.vault.destroy_picture(batch, gone)

        exported = export_labels(ACTOR, database, out)

        assert (exported.pictures, exported.without_original) == (1, 1)

    def test_one_that_is_not_the_file_that_came_in_ends_the_export(self, database, out):
        """A plain file in the place of a sealed one, under a person's labels."""
        _, ids = in_review(database, plan(), plan())
        for picture_id in ids:
            settle(database, picture_id, FACE)
        database.files.original(ids[1]).write_bytes(b"another")

        with pytest.raises(BrokenSeal, match="not the file that came in"):
            export_labels(ACTOR, database, out)

        assert list(out.parent.iterdir()) == []

    def test_one_from_before_there_were_digests_is_left_out(self, database, out):
        _, (old, new) = in_review(database, plan(), plan())
        settle(database, old, FACE)
        settle(database, new, FACE)
        with database.transaction(ACTOR, ANY) as cursor:
            cursor.execute("UPDATE pictures SET original = NULL WHERE id = ?", [old])

        exported = export_labels(ACTOR, database, out)

        assert (exported.pictures, exported.without_original) == (1, 1)

    def test_nobody_else_can_read_them(self, database, out):
        _, (picture_id,) = in_review(database, plan())
        settle(database, picture_id)

        export_labels(ACTOR, database, out)

        modes = {stat.S_IMODE(path.stat().st_mode) for path in [out, *out.rglob("*")]}
        assert modes == {0o700, 0o600}


class TestPlace:
    @pytest.fixture(autouse=True)
    def settled(self, database):
        _, (picture_id,) = in_review(database, plan())
        settle(database, picture_id, FACE)

    def test_an_empty_folder_will_do(self, database, out):
        out.mkdir(parents=True)

        assert export_labels(ACTOR, database, out).pictures == 1

    def test_what_is_there_is_never_written_over(self, database, out):
        export_labels(ACTOR, database, out)
        before = contents(out)

        with pytest.raises(UnusableFolder, match="is there already"):
            export_labels(ACTOR, database, out)

        assert contents(out) == before

    @pytest.mark.parametrize("kind", ["file", "link", "dangling"])
    def test_nor_is_a_file_or_what_a_link_points_to(self, database, out, tmp_path, kind):
        out.parent.mkdir()
        (tmp_path / "else").mkdir()
        if kind == "file":
            out.write_text("mine")
        else:
            out.symlink_to(tmp_path / ("else" if kind == "link" else "nothing"))

        with pytest.raises(UnusableFolder, match="is there already"):
            export_labels(ACTOR, database, out)

        assert list((tmp_path / "else").iterdir()) == []

    @pytest.mark.parametrize("part", ["originals", "releases/mine"])
    def test_lethes_own_folders_are_no_place(self, database, home, part):
        with pytest.raises(UnusableFolder, match="keeps its own files"):
            export_labels(ACTOR, database, home / part)

    def test_what_a_killed_export_left_is_gone_after_the_next(self, database, out, monkeypatch):
        with monkeypatch.context() as killing:
            killing.setattr(export_labels_module.shutil, "rmtree", lambda *_, **__: None)
            killing.setattr(export_labels_module.json, "dumps", killed)
            with pytest.raises(KeyboardInterrupt):
                export_labels(ACTOR, database, out)
        assert list(out.parent.rglob("*.jpg"))

        export_labels(ACTOR, database, out)

        assert list(out.parent.iterdir()) == [out]

    def test_what_a_killed_export_left_is_gone_also_where_nothing_is_left_to_export(
        self, database, out
    ):
        left = atomic.temporary_name(out) / "images"
        left.mkdir(parents=True)
        (left / "a.jpg").write_bytes(b"readable")
        later = NOW + timedelta(days=1)

        with pytest.raises(NothingToExport):
            export_labels(ACTOR, database, out, since=later)

        assert list(out.parent.iterdir()) == []

    def test_a_failure_half_way_leaves_nothing(self, database, out, monkeypatch):
        def full(path, content):
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(export_labels_module.atomic, "write", full)

        with pytest.raises(UnusableFolder, match="No space left"):
            export_labels(ACTOR, database, out)

        assert list(out.parent.iterdir()) == []


class TestCommand:
    def run(self, home, *words):
        return main(["export-labels", *map(str, words), "--home", str(home)])

    @pytest.fixture
    def settled(self, home):
        database = Database.open(home, NOW)
        _, (gone, there) = in_review(database, plan(), plan())
        settle(database, gone)
        settle(database, there, FACE)
        database.files.original(gone).unlink()
        database.close()

    @pytest.mark.usefixtures("settled")
    def test_it_says_what_it_wrote(self, home, out, capsys):
        assert self.run(home, out) == 0

        assert capsys.readouterr().out == (
            f"1 picture with 1 label written to {out}.\n"
            "Left out, because the original is gone or unknown: 1 picture.\n"
        )
        assert len(read_dataset(out).pictures) == 1

    @pytest.mark.usefixtures("settled")
    @pytest.mark.parametrize(("day", "status"), [("2026-11-22", 0), ("2026-11-23", 2)])
    def test_since_a_day(self, home, out, day, status):
        assert self.run(home, out, "--since", day) == status
        assert out.exists() is (status == 0)

    def test_nothing_settled_is_a_sentence(self, home, out, capsys):
        Database.open(home, NOW).close()

        assert self.run(home, out) == 2
        assert "No picture was settled" in capsys.readouterr().err

    def test_a_day_that_is_none_is_refused(self, home, out, capsys):
        with pytest.raises(SystemExit):
            self.run(home, out, "--since", "yesterday")

        assert "must be a day like 2026-11-22" in capsys.readouterr().err

    def test_the_help_says_what_complete_labels_assume(self, home, out, capsys):
        with pytest.raises(SystemExit):
            self.run(home, out, "--help")

        said = " ".join(capsys.readouterr().out.split())
        assert "labelled completely for every category" in said
        assert "no use without pixels" in said


@pytest.mark.parametrize("holding", [Holding.PREVIEW, Holding.ORIGINAL])
def test_what_nobody_may_see_any_more_is_left_out(database, out, monkeypatch, holding):
    """From the moment that it is to end: its key may still be there."""
    _, (ended, kept) = in_review(database, plan(), plan())
    settle(database, ended, DRAWN)
    settle(database, kept, DRAWN)
    with monkeypatch.context() as killed_there:
        killed_there.setattr("store.retention.steps.destroy_keys", killed)
        with pytest.raises(KeyboardInterrupt):
            shred(ACTOR, database, ended, NOW, holdings={holding})

    exported = export_labels(ACTOR, database, out)

    assert (exported.pictures, exported.without_original) == (1, 1)
    assert [path.stem for path in (out / export_labels_module.PICTURES).iterdir()] == [kept]
