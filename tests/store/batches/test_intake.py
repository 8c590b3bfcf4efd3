import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest

import store
from engine.errors import InvalidPolicy
from engine.files import atomic
from engine.runs.licences import Entry, read_licence_list
from store.batches import batches, intake, pictures, progress
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.batches.pictures import PictureState
from store.errors import BatchClosed, UnknownRecord
from tests.store.fakes import ACTOR, MINUTE, NOW, a_batch
from tests.store.sealed import opened

pytestmark = pytest.mark.slow

STRICT = "[manifest]\nrequire_licence = true\n"
MANIFEST = read_licence_list("filename,licence,retain_days\na.jpg,CC0,30\nb.jpg,,\n")


@pytest.fixture
def batch(database):
    return batches.create(ACTOR, database, Request("spring", ""), NOW)


def test_pictures_keep_their_names_in_any_script_and_their_order(database, batch):
    names = ["图片.jpg", "صورة.png", "👩‍🦰/a b.jpg", "same.jpg", "same.jpg", "", "x" * 4000]

    intake.add(ACTOR, database, batch.id, [Incoming(name, b"1") for name in names], NOW)

    assert [one.source for one in pictures.of_batch(ACTOR, database, batch.id)] == names


def test_a_name_that_is_no_unicode_is_kept_readable(database, batch):
    intake.add(ACTOR, database, batch.id, [Incoming("gr\udcfcn.jpg", b"1")], NOW)

    assert pictures.of_batch(ACTOR, database, batch.id)[0].source == r"gr\udcfcn.jpg"


def test_bytes_and_paths_come_in_alike(database, batch, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"from a file")

    ids = intake.add(
        ACTOR,
        database,
        batch.id,
        [Incoming("a", tmp_path / "a.jpg"), Incoming("b", b"from memory")],
        NOW,
    )

    contents = [opened(database.files.home, database.files.original(one)) for one in ids]
    assert contents == [b"from a file", b"from memory"]


def test_no_pictures_are_no_trouble_but_cannot_be_started(database, batch):
    assert intake.add(ACTOR, database, batch.id, [], NOW) == ()
    with pytest.raises(BatchClosed, match="no pictures yet"):
        batches.start(ACTOR, database, batch.id, NOW)


def test_a_file_that_is_gone_is_quarantined_and_the_others_come_in(database, batch, tmp_path):
    incoming = [Incoming("gone.jpg", tmp_path / "gone.jpg"), Incoming("b.jpg", b"1")]

    intake.add(ACTOR, database, batch.id, incoming, NOW)

    gone, there = pictures.of_batch(ACTOR, database, batch.id)
    assert (gone.state, there.state) == ("quarantined", "waiting")
    assert gone.reason.startswith("The file could not be read")


def test_a_picture_without_licence_is_quarantined_at_once_where_policy_asks(database):
    strict = batches.create(ACTOR, database, Request("strict", STRICT), NOW)
    incoming = [Incoming(name, b"1") for name in ("a.jpg", "b.jpg", "c.jpg")]

    intake.add(ACTOR, database, strict.id, incoming, NOW, manifest=MANIFEST)

    a, b, c = pictures.of_batch(ACTOR, database, strict.id)
    assert (a.state, a.licence) == ("waiting", Entry(licence="CC0", retain_days=30))
    assert (b.state, c.state) == ("quarantined", "quarantined")
    assert "gives no licence" in b.reason
    assert "has no line" in c.reason
    assert all(database.files.original(one.id).is_file() for one in (a, b, c))


def test_a_policy_that_is_not_accepted_makes_no_batch(database):
    with pytest.raises(InvalidPolicy):
        batches.create(ACTOR, database, Request("bad", "[review]\naudit_share = 7\n"), NOW)

    assert batches.newest(ACTOR, database) == ()


def test_a_full_disk_leaves_no_original_without_a_row(database, batch, monkeypatch):
    write = atomic.write
    sealed = []

    def failing_write(path, content):
        if path.parent == database.files.originals:
            sealed.append(path)
        if len(sealed) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(atomic, "write", failing_write)

    with pytest.raises(OSError, match="No space"):
        intake.add(
            ACTOR, database, batch.id, [Incoming("a", b"1"), Incoming("b", b"too much")], NOW
        )

    assert pictures.of_batch(ACTOR, database, batch.id) == ()
    assert not list(database.files.originals.iterdir())
    assert database.vault.status().pictures == 0


def test_an_interrupted_copy_leaves_nothing_in_place(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic.os, "fsync", lambda descriptor: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        atomic.write(tmp_path / "kept", b"half")

    assert not list(tmp_path.iterdir())


def test_a_cancelled_batch_takes_nothing_more(database):
    batch_id = a_batch(database, [b"r", b"r"])

    assert batches.cancel(ACTOR, database, batch_id, NOW) == 2
    assert batches.cancel(ACTOR, database, batch_id, NOW) == 0

    with pytest.raises(BatchClosed):
        intake.add(ACTOR, database, batch_id, [Incoming("late", b"1")], NOW)
    with pytest.raises(BatchClosed):
        batches.start(ACTOR, database, batch_id, NOW)
    assert len(list(database.files.originals.iterdir())) == 2


def test_a_cancelled_batch_is_finished(database):
    batch_id = a_batch(database, [b"r"])

    batches.cancel(ACTOR, database, batch_id, NOW + MINUTE)

    seen = progress.progress(ACTOR, database, batch_id, NOW + 2 * MINUTE)
    assert seen.finished_at == NOW + MINUTE
    assert seen.seconds_left == 0.0
    assert seen.counts == progress.Counts(cancelled=1)


def test_starting_again_keeps_the_first_time(database):
    batch_id = a_batch(database, [b"r"])

    batches.start(ACTOR, database, batch_id, NOW + MINUTE)

    assert batches.batch(ACTOR, database, batch_id).started_at == NOW


def test_batches_are_listed_the_newest_first_with_counts_that_add_up(database):
    first = a_batch(database, [b"r"] * 3, name="first")
    second = a_batch(database, [b"r"] * 2, name="second")
    batches.cancel(ACTOR, database, first, NOW)

    seen = progress.overview(ACTOR, database, NOW)

    assert [one.batch.id for one in seen] == [second, first]
    assert [one.counts.total for one in seen] == [2, 3]
    assert progress.totals(ACTOR, database) == progress.Counts(waiting=2, cancelled=3)


def test_pictures_are_filtered_by_state_and_paged(database):
    batch_id = a_batch(database, [b"r"] * 5)
    batches.cancel(ACTOR, database, batch_id, NOW)

    assert pictures.of_batch(ACTOR, database, batch_id, [PictureState.WAITING]) == ()
    page = pictures.of_batch(ACTOR, database, batch_id, [PictureState.CANCELLED], limit=2, offset=3)
    assert [one.source for one in page] == ["3.jpg", "4.jpg"]


def test_what_does_not_exist_is_said_so(database):
    with pytest.raises(UnknownRecord):
        pictures.picture(ACTOR, database, "00")
    with pytest.raises(UnknownRecord):
        batches.batch(ACTOR, database, "00")
    with pytest.raises(UnknownRecord):
        batches.start(ACTOR, database, "00", NOW)
    with pytest.raises(UnknownRecord):
        batches.cancel(ACTOR, database, "00", NOW)


def test_names_that_are_no_ids_never_become_paths(database):
    for name in ("../../etc/passwd", "ABCDEF" * 4, "", "a/b"):
        with pytest.raises(ValueError, match="hex digits"):
            database.files.original(name)
    with pytest.raises(ValueError, match="png or jpeg"):
        database.files.release("ab" * 16, "exe")


def test_five_hundred_pictures_come_in_within_two_seconds(database, batch):
    began = time.process_time()

    intake.add(
        ACTOR, database, batch.id, (Incoming(f"{n}.jpg", b"x" * 50_000) for n in range(500)), NOW
    )

    assert time.process_time() - began < 2.0
    assert progress.totals(ACTOR, database).waiting == 500


def test_uploads_are_taken_one_at_a_time(database, batch):
    originals = database.files.originals

    def uploads():
        for number in range(3):
            assert len(list(originals.iterdir())) == number
            yield Incoming(f"{number}.jpg", b"1")

    intake.add(ACTOR, database, batch.id, uploads(), NOW)


def test_the_store_imports_nothing_of_the_screen_or_the_models():
    folder = Path(store.__file__).parent
    modules = [
        ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        for path in folder.rglob("[a-z]*.py")
    ]
    forbidden = {"streamlit", "plotly", "components", "pages", "cv2", "onnxruntime", "PIL"}
    script = f"import sys, {', '.join(modules)}; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not forbidden & {name.partition(".")[0] for name in loaded}


def test_a_start_that_failed_can_be_done_again(database, home):
    request = Request("holiday", "", run="token")
    failed = batches.create(ACTOR, database, request, NOW)
    intake.add(ACTOR, database, failed.id, [Incoming("a.png", b"a")], NOW)  # then the disk was full

    again = batches.create(ACTOR, database, Request("holiday, again", "", run="token"), NOW)
    intake.add(ACTOR, database, again.id, [Incoming("a.png", b"a"), Incoming("b.png", b"b")], NOW)
    batches.start(ACTOR, database, again.id, NOW)

    assert [one.name for one in batches.newest(ACTOR, database)] == ["holiday, again"]
    assert sorted(opened(home, path) for path in (home / "originals").iterdir()) == [b"a", b"b"]
    assert progress.totals(ACTOR, database).total == 2


@pytest.mark.parametrize("end", [batches.start, batches.cancel])
def test_what_became_a_batch_already_is_told_and_stays(database, end):
    request = Request("holiday", "", run="token")
    batch = batches.create(ACTOR, database, request, NOW)
    intake.add(ACTOR, database, batch.id, [Incoming("a.png", b"a")], NOW)
    end(ACTOR, database, batch.id, NOW)

    with pytest.raises(BatchClosed, match="became the batch holiday already"):
        batches.create(ACTOR, database, request, NOW)

    assert progress.totals(ACTOR, database).total == 1
