"""What is brought in is on disk at once, complete, and bounded."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from components import staging
from components.staging import Staging, UnusableUpload, _append
from engine.errors import UnusableFolder

NAMES = ["a.png", "Ferien/Müller.png", "相册/猫.png", "ألبوم/صورة.png", "x/y/z/👩‍🚀.png"]


def png(seed: int = 1) -> bytes:
    rgb = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    return cv2.imencode(".png", rgb)[1].tobytes()


def zipped(entries: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def encrypted() -> bytes:
    """A zip whose flags say that its entry is encrypted."""
    data = bytearray(zipped({"a.png": png()}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def with_broken_content() -> bytes:
    """A zip whose table is fine and whose compressed bytes are not."""
    data = bytearray(zipped({"a.png": bytes(5000)}))
    start = data.index(b"a.png") + len(b"a.png")
    data[start : start + 8] = b"\xff" * 8
    return bytes(data)


def cut_short() -> bytes:
    return zipped({"a.png": png()})[:-30]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "staging"


@pytest.fixture
def waiting(folder: Path) -> Staging:
    return Staging(folder)


def test_nothing_waits_at_first_and_nothing_is_made(waiting, folder):
    assert waiting.files() == ()
    assert not folder.exists()


def test_a_file_is_kept_byte_by_byte_under_a_path_that_says_nothing(waiting, folder):
    waiting.take_file("Müller beach.png", png())

    (kept,) = waiting.files()
    assert kept.name == "Müller beach.png"
    assert kept.path.read_bytes() == png()
    assert kept.bytes == len(png())
    assert (kept.fitness.format, kept.fitness.width, kept.fitness.height) == ("PNG", 9, 8)
    assert "ller" not in str(kept.path.relative_to(folder))


def test_only_the_owner_can_read_what_waits(waiting, folder):
    waiting.take_file("a.png", png())

    (kept,) = waiting.files()
    assert folder.stat().st_mode & 0o077 == 0
    assert kept.path.stat().st_mode & 0o077 == 0


def test_a_zip_is_opened_and_names_in_any_script_are_kept(waiting):
    contents = {name: png(index) for index, name in enumerate(NAMES)}

    waiting.take_file("All of it.ZIP", zipped(contents))

    assert {kept.name: kept.path.read_bytes() for kept in waiting.files()} == contents


def test_what_a_zip_puts_beside_the_pictures_is_left_out_and_nothing_else(waiting):
    entries = {
        "__MACOSX/._a.png": b"fork",
        ".DS_Store": b"finder",
        "holiday/.hidden.png": b"hidden",
        "./b.png": png(),
        "../c.png": png(),
        "notes.txt": b"not a picture",
        "empty/": b"",
    }

    waiting.take_file("a.zip", zipped(entries))

    assert [kept.name for kept in waiting.files()] == ["./b.png", "../c.png", "notes.txt"]


def test_no_name_in_a_zip_decides_where_a_file_lies(waiting, folder, tmp_path):
    waiting.take_file("a.zip", zipped({"../../evil.png": png(), "/etc/evil.png": png()}))

    paths = [kept.path for kept in waiting.files()]
    assert len(paths) == 2
    assert all(path.parent == folder for path in paths)
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not a zip", id="no zip"),
        pytest.param(cut_short(), id="cut short"),
        pytest.param(with_broken_content(), id="broken inside"),
        pytest.param(encrypted(), id="encrypted"),
    ],
)
def test_a_zip_that_cannot_be_opened_is_refused_with_a_sentence(waiting, content):
    with pytest.raises(UnusableUpload, match=r"^pictures\.zip could not be opened .*\.$"):
        waiting.take_file("pictures.zip", content)

    assert waiting.files() == ()


def test_what_came_out_of_a_zip_before_it_broke_is_kept(waiting):
    data = bytearray(zipped({"good.png": png(), "bad.png": bytes(5000)}))
    at = data.index(b"bad.png") + len(b"bad.png")
    data[at : at + 8] = b"\xff" * 8

    with pytest.raises(UnusableUpload, match="kept"):
        waiting.take_file("pictures.zip", bytes(data))

    assert [kept.name for kept in waiting.files()] == ["good.png"]


def test_too_many_entries_are_refused_before_one_is_taken(waiting, monkeypatch):
    monkeypatch.setattr(staging, "MOST_ENTRIES", 2)

    with pytest.raises(UnusableUpload, match="holds 3 files; at most 2"):
        waiting.take_file("a.zip", zipped({f"{index}.png": png() for index in range(3)}))

    assert waiting.files() == ()


def test_an_entry_that_is_too_large_is_refused_before_one_is_taken(waiting, monkeypatch):
    monkeypatch.setattr(staging, "LARGEST_ENTRY", 2_000_000)

    with pytest.raises(UnusableUpload, match="a file of 3 MB; at most 2 MB"):
        waiting.take_file("a.zip", zipped({"a.png": png(), "b.png": bytes(3_000_000)}))

    assert waiting.files() == ()


def test_an_entry_larger_than_its_header_says_is_not_unpacked_whole(waiting, monkeypatch):
    monkeypatch.setattr(staging, "LARGEST_ENTRY", 1000)
    monkeypatch.setattr(staging, "_refuse_bombs", lambda name, entries, free: None)

    with pytest.raises(UnusableUpload, match="more than it says"):
        waiting.take_file("a.zip", zipped({"b.png": bytes(3000)}))


def test_what_waits_survives_a_restart_in_the_order_it_came(waiting, folder):
    waiting.take_file("b.png", png(1))
    waiting.take_file("a.zip", zipped({"z.png": png(2), "y.png": png(3)}))

    again = Staging(folder).files()

    assert again == waiting.files()
    assert [kept.name for kept in again] == ["b.png", "z.png", "y.png"]


def test_two_files_of_one_name_are_two_files(waiting):
    waiting.take_file("a.png", png(1))
    waiting.take_file("a.png", png(2))

    assert [kept.path.read_bytes() for kept in waiting.files()] == [png(1), png(2)]


def test_a_folder_is_listed_and_its_files_stay_where_they_are(waiting, folder, tmp_path):
    source = tmp_path / "pictures"
    (source / "内").mkdir(parents=True)
    for name in ("b.png", "内/a.png"):
        (source / name).write_bytes(png())
    (source / "readme.txt").write_text("no picture")

    count = waiting.take_folder(str(source))

    assert count == 2
    kept = {one.name: one.path for one in waiting.files()}
    assert set(kept) == {"b.png", "内/a.png"}
    assert kept["b.png"] == source / "b.png"
    assert [path.name for path in folder.iterdir()] == ["list.jsonl"]


def test_a_folder_that_is_not_there_is_refused_with_a_sentence(waiting, tmp_path):
    with pytest.raises(UnusableFolder, match="There is no file or folder"):
        waiting.take_folder(str(tmp_path / "nowhere"))


def test_a_file_name_that_is_no_text_can_be_listed(waiting, tmp_path):
    source = tmp_path / "pictures"
    source.mkdir()
    path = os.fsencode(source) + b"/caf\xe9.png"
    Path(os.fsdecode(path)).write_bytes(png())

    waiting.take_folder(str(source))

    (kept,) = waiting.files()
    assert kept.path.read_bytes() == png()


def test_a_file_that_is_no_picture_waits_with_its_problem(waiting):
    waiting.take_file("notes.png", b"words")
    waiting.take_file("nothing.png", b"")

    assert all(kept.fitness.problem for kept in waiting.files())


def test_what_a_file_carries_is_remembered_and_an_older_list_still_read(waiting, folder):
    waiting.take_file("a.png", png() + b"left over")

    (kept,) = Staging(folder).files()
    assert kept.fitness.metadata == ("trailing bytes",)
    assert kept.fitness.findings[0].offset == len(png())

    line = json.loads((folder / "list.jsonl").read_text())
    line["fitness"] = {"format": "PNG", "width": 9, "height": 8, "metadata": [], "problem": ""}
    (folder / "list.jsonl").write_text(json.dumps(line) + "\n")
    assert Staging(folder).files()[0].fitness.findings == ()


def test_a_file_too_large_for_a_first_look_is_not_called_clean(waiting, tmp_path, monkeypatch):
    monkeypatch.setattr("components.staging._HEAD_BYTES", 10)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(png())

    waiting.take_folder(str(tmp_path / "in"))

    assert waiting.files()[0].fitness.metadata == ("not checked",)


def test_clear_forgets_what_waits_but_no_folder_of_the_person(waiting, folder, tmp_path):
    source = tmp_path / "pictures"
    source.mkdir()
    (source / "a.png").write_bytes(png())
    waiting.take_folder(str(source))
    waiting.take_file("b.png", png())

    waiting.clear()

    assert waiting.files() == ()
    assert not folder.exists()
    assert (source / "a.png").exists()


def test_clear_of_nothing_is_harmless(waiting):
    waiting.clear()

    assert waiting.files() == ()


def test_the_broken_zip_of_these_tests_breaks_while_inflating():
    with zipfile.ZipFile(io.BytesIO(with_broken_content())) as archive, pytest.raises(zlib.error):
        archive.read("a.png")


def test_a_torn_line_is_passed_over_and_the_next_begins_on_its_own(folder):
    staging = Staging(folder)
    staging.take_file("a.png", png())
    with (folder / "list.jsonl").open("ab") as file:
        file.write(b'{"name": "torn.png", "pa')

    assert [one.name for one in staging.files()] == ["a.png"]
    staging.take_file("b.png", png())

    assert [one.name for one in staging.files()] == ["a.png", "b.png"]


@pytest.mark.parametrize("line", [b"rubbish", b"[]", b"{}", b"\xff", b"[" * 100_000, b""])
def test_a_damaged_line_is_a_file_with_a_problem(folder, line):
    staging = Staging(folder)
    staging.take_file("a.png", png())
    with (folder / "list.jsonl").open("ab") as file:
        file.write(line + b"\n")
    staging.take_file("b.png", png())

    first, damaged, last = staging.files()

    assert (first.name, last.name) == ("a.png", "b.png")
    assert "damaged" in damaged.fitness.problem
    assert not damaged.path.exists()


class FullDisk:
    """A file of which the disk takes ten bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: bytes) -> int:
        with self.path.open("ab") as file:
            return file.write(line[:10])


def test_a_line_that_the_disk_does_not_take_whole_is_a_sentence(folder):
    staging = Staging(folder)
    staging.take_file("a.png", png())

    with pytest.raises(UnusableUpload, match=r"could not be listed \(No space left on device\)"):
        _append(FullDisk(folder / "list.jsonl"), b'{"name": "torn.png"}\n')
    staging.take_file("b.png", png())

    assert [one.name for one in staging.files()] == ["a.png", "b.png"]
