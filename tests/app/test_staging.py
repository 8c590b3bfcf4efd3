"""What is brought in is on disk at once, complete, and bounded."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections import namedtuple
from pathlib import Path

import cv2
import numpy as np
import pytest

from components.app import unzip
from components.upload import staging
from components.upload.staging import Staged, Staging, Taken, UnusableUpload, _append, recover
from engine.errors import UnusableFolder, UnusableKeys
from engine.metadata.header import PreCheck
from store.originals import SealedFile
from store.vault.errors import MissingKey
from store.vault.vault import Vault

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


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def listing(folder: Path) -> Path:
    """The list of the one thing that was brought in."""
    (found,) = folder.rglob("list.jsonl")
    return found


def plain_line(file: Staged) -> dict[str, object]:
    """A line of a list from before lists were sealed."""
    return {
        "id": file.id,
        "name": file.name,
        "path": str(file.path),
        "bytes": file.bytes,
        "fitness": file.checked.to_json(),
    }


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


def vault_of(folder: Path) -> Vault:
    return Vault.open(folder.parent, {})


def read(staging: Staging, kept: Staged) -> bytes:
    """What intake would take in."""
    content = staging.content(kept)
    if isinstance(content, Path):
        return content.read_bytes()
    return vault_of(content.path.parents[2]).source(content.item, content.path).read()


@pytest.fixture
def waiting(folder: Path) -> Staging:
    return Staging(folder, "ada", vault_of(folder))


def test_nothing_waits_at_first_and_nothing_is_made(waiting, folder):
    assert waiting.files() == ()
    assert not folder.exists()


def test_a_file_is_kept_byte_by_byte_under_a_path_that_says_nothing(waiting, folder):
    waiting.take_file("Müller beach.png", png())

    (kept,) = waiting.files()
    assert kept.name == "Müller beach.png"
    assert read(waiting, kept) == png()
    assert kept.bytes == len(png())
    assert (kept.checked.format, kept.checked.width, kept.checked.height) == ("PNG", 9, 8)
    assert "ller" not in str(kept.path.relative_to(folder))


def test_only_the_owner_can_read_what_waits(waiting, folder):
    waiting.take_file("a.png", png())

    (kept,) = waiting.files()
    assert folder.stat().st_mode & 0o077 == 0
    assert kept.path.stat().st_mode & 0o077 == 0


def test_a_zip_is_opened_and_names_in_any_script_are_kept(waiting):
    contents = {name: png(index) for index, name in enumerate(NAMES)}

    waiting.take_file("All of it.ZIP", zipped(contents))

    assert {kept.name: read(waiting, kept) for kept in waiting.files()} == contents


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
    assert all(path.is_relative_to(folder) for path in paths)
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
    with pytest.raises(UnusableUpload, match=r"^pictures\.zip could not be unpacked.*\.$"):
        waiting.take_file("pictures.zip", content)

    assert waiting.files() == ()


def test_what_came_out_of_a_zip_before_it_broke_is_kept(waiting):
    data = bytearray(zipped({"good.png": png(), "bad.png": bytes(5000)}))
    at = data.index(b"bad.png") + len(b"bad.png")
    data[at : at + 8] = b"\xff" * 8

    with pytest.raises(UnusableUpload, match="kept"):
        waiting.take_file("pictures.zip", bytes(data))

    assert [kept.name for kept in waiting.files()] == ["good.png"]


@pytest.mark.parametrize("head", [1, staging._HEAD_BYTES], ids=["large", "small"])
def test_a_file_that_ends_early_is_not_taken_in(waiting, folder, monkeypatch, head):
    monkeypatch.setattr(staging, "_HEAD_BYTES", head)

    class Short(io.BytesIO):
        def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
            return super().seek(offset, whence) + (whence == io.SEEK_END)

    with pytest.raises(UnusableUpload, match=rf"a\.png ended after {len(png())} bytes"):
        waiting.take_file("a.png", Short(png()))

    assert waiting.files() == ()
    assert not folder.exists()


def test_what_of_a_zip_was_not_taken_in_leaves_no_key(waiting, folder):
    data = bytearray(zipped({"good.png": png(), "bad.png": bytes(5000)}))
    at = data.index(b"bad.png") + len(b"bad.png")
    data[at : at + 8] = b"\xff" * 8

    with pytest.raises(UnusableUpload):
        waiting.take_file("pictures.zip", bytes(data))

    assert vault_of(folder).status().pictures == 1


def test_too_many_entries_are_refused_before_one_is_taken(waiting, monkeypatch):
    monkeypatch.setattr(unzip, "MOST_FILES", 2)

    with pytest.raises(UnusableUpload, match="holds 3 files; at most 2"):
        waiting.take_file("a.zip", zipped({f"{index}.png": png() for index in range(3)}))

    assert waiting.files() == ()


def test_an_entry_that_is_too_large_is_refused_before_one_is_taken(waiting, monkeypatch):
    monkeypatch.setattr(unzip, "LARGEST_FILE", 2_000_000)

    with pytest.raises(UnusableUpload, match="a file of 3 MB; at most 2 MB"):
        waiting.take_file("a.zip", zipped({"a.png": png(), "b.png": bytes(3_000_000)}))

    assert waiting.files() == ()


def test_an_entry_larger_than_its_header_says_is_not_unpacked_whole(waiting, monkeypatch):
    monkeypatch.setattr(unzip, "LARGEST_FILE", 1000)
    size, said = (count.to_bytes(4, "little") for count in (3000, 10))

    with pytest.raises(UnusableUpload, match="could not be unpacked"):
        waiting.take_file("a.zip", zipped({"b.png": bytes(3000)}).replace(size, said))

    assert waiting.files() == ()


def test_what_waits_survives_a_restart_in_the_order_it_came(waiting, folder):
    waiting.take_file("b.png", png(1))
    waiting.take_file("a.zip", zipped({"z.png": png(2), "y.png": png(3)}))

    again = Staging(folder, "ada", vault_of(folder)).files()

    assert again == waiting.files()
    assert [kept.name for kept in again] == ["b.png", "z.png", "y.png"]


def test_two_files_of_one_name_are_two_files(waiting):
    waiting.take_file("a.png", png(1))
    waiting.take_file("a.png", png(2))

    assert [read(waiting, kept) for kept in waiting.files()] == [png(1), png(2)]


def test_a_folder_is_listed_and_its_files_stay_where_they_are(waiting, folder, tmp_path):
    source = tmp_path / "pictures"
    (source / "内").mkdir(parents=True)
    for name in ("b.png", "内/a.png"):
        (source / name).write_bytes(png())
    (source / "readme.txt").write_text("no picture")

    taken = waiting.take_folder(str(source))

    assert taken.count == 2
    kept = {one.name: one.path for one in waiting.files()}
    assert set(kept) == {"b.png", "内/a.png"}
    assert kept["b.png"] == source / "b.png"
    assert {path.name for path in files_in(folder)} == {"list.jsonl", "whole"}


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
    assert read(waiting, kept) == png()


def test_a_file_that_is_no_picture_waits_with_its_problem(waiting):
    waiting.take_file("notes.png", b"words")
    waiting.take_file("nothing.png", b"")

    assert [bool(kept.checked.problem) for kept in waiting.files()] == [True, True]


def test_what_a_file_carries_is_remembered_and_an_older_list_still_read(waiting, folder):
    waiting.take_file("a.png", png() + b"left over")

    (kept,) = Staging(folder, "ada", vault_of(folder)).files()
    assert kept.checked.metadata == ("trailing bytes",)
    assert kept.checked.findings[0].offset == len(png())

    fitness = {"format": "PNG", "width": 9, "height": 8, "metadata": [], "problem": ""}
    listing(folder).write_text(json.dumps(plain_line(kept) | {"fitness": fitness}) + "\n")
    assert Staging(folder, "ada", vault_of(folder)).files()[0].checked.findings == ()


def test_a_file_too_large_for_a_first_look_is_not_called_clean(waiting, tmp_path, monkeypatch):
    monkeypatch.setattr("components.upload.staging._HEAD_BYTES", 10)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(png())

    waiting.take_folder(str(tmp_path / "in"))

    assert waiting.files()[0].checked.metadata == ("not checked",)


def test_clear_forgets_what_waits_but_no_folder_of_the_person(waiting, folder, tmp_path):
    source = tmp_path / "pictures"
    source.mkdir()
    (source / "a.png").write_bytes(png())
    waiting.take_folder(str(source))
    waiting.take_file("b.png", png())

    waiting.forget([kept.id for kept in waiting.files()])

    assert waiting.files() == ()
    assert not folder.exists()
    assert (source / "a.png").exists()


def test_clear_of_nothing_is_harmless(waiting):
    waiting.forget(["nothing"])

    assert waiting.files() == ()


def test_the_broken_zip_of_these_tests_breaks_while_inflating():
    with zipfile.ZipFile(io.BytesIO(with_broken_content())) as archive, pytest.raises(zlib.error):
        archive.read("a.png")


def test_a_torn_line_is_passed_over_and_the_next_begins_on_its_own(folder):
    staging = Staging(folder, "ada", vault_of(folder))
    staging.take_file("a.png", png())
    with (listing(folder)).open("ab") as file:
        file.write(b'{"name": "torn.png", "pa')

    assert [one.name for one in staging.files()] == ["a.png"]
    staging.take_file("b.png", png())

    assert [one.name for one in staging.files()] == ["a.png", "b.png"]


@pytest.mark.parametrize(
    "content", [b"", b'["torn', b"5", b"null", b"[[1]]", b"[" * 100_000], ids=range(6)
)
def test_a_damaged_list_of_what_is_gone_keeps_nobody_out(waiting, folder, content):
    waiting.take_file("a.png", png())
    (listing(folder).parent / "gone.json").write_bytes(content)
    (listing(folder).parents[1] / "0.claim").write_bytes(content)

    waiting.settle(lambda token: True)

    assert [one.name for one in waiting.files()] == ["a.png"]
    assert not list(folder.rglob("*.claim"))


@pytest.mark.parametrize("line", [b"rubbish", b"[]", b"{}", b"\xff", b"[" * 100_000, b""])
def test_a_damaged_line_is_a_file_with_a_problem(folder, line):
    staging = Staging(folder, "ada", vault_of(folder))
    staging.take_file("a.png", png())
    with (listing(folder)).open("ab") as file:
        file.write(line + b"\n")
    staging.take_file("b.png", png())

    first, damaged, last = staging.files()

    assert (first.name, last.name) == ("a.png", "b.png")
    assert "damaged" in damaged.checked.problem
    assert not damaged.path.exists()


class FullDisk:
    """A file of which the disk takes ten bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: bytes) -> int:
        with self.path.open("ab") as file:
            return file.write(line[:10])


def test_a_line_that_the_disk_does_not_take_whole_is_a_sentence(folder):
    staging = Staging(folder, "ada", vault_of(folder))
    staging.take_file("a.png", png())

    with pytest.raises(UnusableUpload, match=r"could not be listed \(No space left on device\)"):
        _append(FullDisk(listing(folder)), b'{"name": "torn.png"}\n')
    staging.take_file("b.png", png())

    assert [one.name for one in staging.files()] == ["a.png", "b.png"]


def test_each_person_has_what_they_brought_in_and_nothing_of_others(folder):
    ada, ben = Staging(folder, "ada", vault_of(folder)), Staging(folder, "../ben", vault_of(folder))
    ada.take_file("a.png", png())
    ben.take_file("b.png", png())

    ben.forget([one.id for one in (*ada.files(), *ben.files())])

    assert [one.name for one in ada.files()] == ["a.png"]
    assert ben.files() == ()


def test_what_is_listed_while_a_zip_is_still_unpacking_can_go_and_the_rest_comes(
    waiting, monkeypatch
):
    seen = []

    def look(content):
        seen.append([one.name for one in waiting.files()])
        if len(seen) == 2:
            waiting.forget([one.id for one in waiting.files()])
        return PreCheck()

    monkeypatch.setattr(staging, "pre_check", look)

    waiting.take_file("a.zip", zipped({"1.png": png(1), "2.png": png(2), "3.png": png(3)}))

    assert seen == [[], ["1.png"], ["2.png"]]
    assert [one.name for one in waiting.files()] == ["2.png", "3.png"]


def test_files_are_claimed_once_and_by_all_or_none(waiting):
    waiting.take_file("a.png", png(1))
    waiting.take_file("b.png", png(2))
    a, b = (one.id for one in waiting.files())

    with waiting.claimed([a]) as (_, files):
        assert [read(waiting, one) for one in files] == [png(1)]

    with pytest.raises(UnusableUpload, match="another window"), waiting.claimed([a, b]):
        pass
    assert [one.name for one in waiting.files()] == ["b.png"]


def failing(waiting: Staging) -> str:
    """Claims everything and fails; gives the token."""
    with waiting.claimed([one.id for one in waiting.files()]) as (token, _):
        seen = token
        raise OSError(28, seen)


@pytest.mark.parametrize(("is_started", "left"), [(True, []), (False, ["a.png"])])
def test_files_of_a_start_that_failed_go_only_if_the_batch_had_begun(waiting, is_started, left):
    waiting.take_file("a.png", png())

    tokens = []
    for _ in range(2):
        with pytest.raises(OSError, match="28") as caught:
            failing(waiting)
        tokens.append(caught.value.strerror)
    asked = []
    waiting.settle(lambda token: bool(asked.append(token)) or is_started)

    assert tokens[0] == tokens[1] == asked[0]
    assert [one.name for one in waiting.files()] == left


def test_a_list_from_before_there_were_owners_is_taken_over(waiting, folder):
    waiting.take_file("a.png", png())
    line = plain_line(waiting.files()[0])
    kept = folder / "0123456789abcdef"
    kept.write_bytes(png(2))
    del line["id"]
    (folder / "list.jsonl").write_text(json.dumps(line | {"name": "old", "path": str(kept)}) + "\n")

    assert [one.name for one in waiting.files()] == ["a.png", "old"]
    waiting.forget([one.id for one in waiting.files()])
    assert not folder.exists()


def overlapping() -> bytes:
    """A zip whose table names the same packed bytes under two names."""
    data = bytearray(zipped({"a.png": png(1), "b.png": png(2)}))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = bytes(4)
    return bytes(data)


def test_a_zip_that_names_the_same_bytes_twice_is_refused(waiting, folder):
    with pytest.raises(UnusableUpload, match="lie over one another"):
        waiting.take_file("a.zip", overlapping())

    assert not files_in(folder)


def test_a_zip_that_swells_beyond_belief_is_refused(waiting, monkeypatch):
    monkeypatch.setattr(unzip, "_ALWAYS_TAKEN", 1_000_000)

    with pytest.raises(UnusableUpload, match="which no pictures do"):
        waiting.take_file("a.zip", zipped({"a.bmp": bytes(3_000_000)}))
    waiting.take_file("b.zip", zipped({"a.bmp": bytes(900_000)}))

    assert [one.name for one in waiting.files()] == ["a.bmp"]


@pytest.mark.parametrize("name", ["b.png", "b.zip"])
def test_all_that_waits_of_everybody_shares_one_room(waiting, folder, monkeypatch, name):
    usage = namedtuple("Usage", "free")
    monkeypatch.setattr(staging.shutil, "disk_usage", lambda _: usage(2 * len(png()) + 200))
    Staging(folder, "ben", vault_of(folder)).take_file("a.png", png())

    content = png() if name == "b.png" else zipped({"b.png": png()})
    with pytest.raises(UnusableUpload, match="too much for the disk"):
        waiting.take_file(name, content)

    assert waiting.files() == ()


def test_hidden_files_of_a_zip_are_counted(waiting):
    taken = waiting.take_file(
        "a.zip", zipped({"a.png": png(), ".IMG_1.png": png(), "__MACOSX/x": b""})
    )

    assert taken == Taken(1, "Left out of a.zip: 2 hidden files.")


@pytest.mark.parametrize("entries", [{}, {".IMG_1.png": b"x"}, {"folder/": b""}])
def test_a_zip_with_nothing_to_take_says_so(waiting, entries):
    with pytest.raises(UnusableUpload, match=r"There is no file to take in a\.zip"):
        waiting.take_file("a.zip", zipped(entries))


def test_names_of_windows_and_of_macs_are_read_as_they_were_meant(waiting):
    data = bytearray(zipped({"..\\x.png": png(1), "Mu\u0308ller/猫.png": png(2)}))
    for start in (b"PK\x03\x04", b"PK\x01\x02"):  # nothing says that the names are UTF-8
        at = 0
        while (at := data.find(start, at)) >= 0:
            data[at + (7 if start == b"PK\x03\x04" else 9)] &= ~8
            at += 4

    waiting.take_file("a.zip", bytes(data))

    assert [one.name for one in waiting.files()] == ["../x.png", "Mu\u0308ller/猫.png"]


def unmarked(names: dict[bytes, bytes], extra: bytes = b"") -> bytes:
    """A zip whose names are these bytes, without a word on their alphabet."""
    stand_ins = {f"{number:0{len(raw)}}": raw for number, raw in enumerate(names)}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for stand_in, raw in stand_ins.items():
            entry = zipfile.ZipInfo(stand_in)
            entry.extra = extra
            archive.writestr(entry, names[raw])
    data = out.getvalue()
    for stand_in, raw in stand_ins.items():
        assert data.count(stand_in.encode()) == 2
        data = data.replace(stand_in.encode(), raw)
    return data


def test_names_in_an_alphabet_that_nobody_tells_lose_nothing_and_stay_apart(waiting):
    raws = [one.encode("cp932") for one in ("写真一枚.png", "写真二枚.png", "表紙の絵.png")]
    data = unmarked({raw: png(number) for number, raw in enumerate(raws)})

    taken = waiting.take_file("a.zip", data)

    names = [one.name for one in waiting.files()]
    assert (taken.count, taken.left_out) == (3, "")
    assert len(set(names)) == 3
    assert names[0] == r"\x8e\xca\x90^\x88\xea\x96\x87.png"
    assert [read(waiting, one) for one in waiting.files()] == [png(0), png(1), png(2)]


def test_a_name_in_unicode_beside_the_old_one_is_taken(waiting):
    raw, name = "写真の一枚目.png".encode("cp932"), "写真の一枚目.png".encode()
    body = b"\x01" + zlib.crc32(raw).to_bytes(4, "little") + name

    waiting.take_file("a.zip", unmarked({raw: png()}, struct.pack("<HH", 0x7075, len(body)) + body))

    assert [one.name for one in waiting.files()] == ["写真の一枚目.png"]


def test_a_name_that_was_guessed_is_said(waiting):
    taken = waiting.take_file("a.zip", unmarked({"Müller-Meier.png".encode("cp437"): png()}))

    assert [one.name for one in waiting.files()] == ["Müller-Meier.png"]
    assert "The names of 1 file in it do not say their alphabet" in taken.left_out


def test_a_folder_without_a_picture_says_so(waiting, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("words")

    with pytest.raises(UnusableFolder, match=r"There are no pictures .*: 1\."):
        waiting.take_folder(str(tmp_path / "in"))


def keyring_of(folder: Path) -> Path:
    return folder.parent / "keyring"


def test_what_has_no_key_is_never_taken_in_as_it_lies(waiting, folder):
    waiting.take_file("a.png", png())
    (kept,) = waiting.files()
    next(keyring_of(folder).glob(f"*/{kept.path.name}*")).unlink()

    content = waiting.content(kept)

    assert isinstance(content, SealedFile)
    with pytest.raises(MissingKey):
        vault_of(folder).source(content.item, content.path).read()


def test_what_waits_is_found_where_its_folder_was_moved_to(waiting, folder, tmp_path):
    waiting.take_file("a.png", png())
    moved = tmp_path.with_name(f"{tmp_path.name} moved")
    shutil.copytree(tmp_path, moved)
    shutil.rmtree(folder)

    again = Staging(moved / folder.name, "ada", Vault.open(moved, {}))

    (kept,) = again.files()
    assert read(again, kept) == png()


def test_what_was_let_go_when_the_program_ended_does_not_open_any_more(
    waiting, folder, monkeypatch
):
    waiting.take_file("a.png", png(1))
    waiting.take_file("b.png", png(2))
    first, second = waiting.files()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Vault, "destroy_picture", killed)
        with pytest.raises(KeyboardInterrupt):
            waiting.forget([first.id])
    assert first.path.exists()

    recover(folder, vault_of(folder))

    assert not first.path.parent.exists()
    assert not list(keyring_of(folder).glob(f"*/{first.path.name}*"))
    assert [file.id for file in waiting.files()] == [second.id]


def test_what_arrived_and_was_not_listed_when_the_program_ended_waits(waiting, folder, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(staging, "_append", killed)
        patch.setattr(Staging, "_drop", lambda *_: None)  # nothing runs after a kill
        with pytest.raises(KeyboardInterrupt):
            waiting.take_file("a.png", png())
    assert waiting.files() == ()

    recover(folder, vault_of(folder))

    (kept,) = waiting.files()
    assert kept.name.startswith("found after a stop")
    assert read(waiting, kept) == png()


def test_a_line_that_was_cut_short_is_not_merged_with_that_of_its_file(waiting, folder):
    waiting.take_file("a.png", png())
    with listing(folder).open("r+b") as file:
        file.truncate(listing(folder).stat().st_size - 9)

    recover(folder, vault_of(folder))

    (kept,) = waiting.files()
    assert kept.name.startswith("found after a stop")
    assert read(waiting, kept) == png()


def test_lists_and_manifests_from_before_they_were_sealed_are_sealed_at_the_start(waiting, folder):
    waiting.take_file("a.png", png())
    files = waiting.files()
    where = listing(folder)
    where.write_text("".join(json.dumps(plain_line(file)) + "\n" for file in files))
    manifest = where.parents[1] / "manifest.csv"
    manifest.write_bytes(b"filename,licence\na.png,CC0\n")

    recover(folder, vault_of(folder))

    assert Staging(folder, "ada", vault_of(folder)).files() == files
    assert waiting.manifest() == b"filename,licence\na.png,CC0\n"
    assert b"a.png" not in where.read_bytes() + manifest.read_bytes()


def test_what_waits_without_its_key_is_listed_and_says_so(waiting, folder):
    waiting.take_file("a.png", png())
    waiting.keep_manifest(b"filename,licence\na.png,CC0\n")
    (file,) = waiting.files()
    vault = vault_of(folder)
    upload, name = file.id.split("/")
    vault.destroy_picture(upload, name)
    vault.destroy_batch(listing(folder).parents[1].name)

    (lost,) = Staging(folder, "ada", vault).files()

    assert (lost.id, lost.name) == (file.id, "name destroyed")
    assert "is gone" in lost.checked.problem
    with pytest.raises(UnusableKeys):
        waiting.manifest()
    waiting.forget([lost.id])
    assert not folder.exists()


def test_a_name_is_not_remembered_once_its_file_waits_no_longer(tmp_path):
    made = Staging(tmp_path / "staging", "ada", Vault.open(tmp_path, {}))
    made.take_file("Zsófia Quendel.png", png())
    made.take_file("b.png", png(2))
    first, _ = made.files()

    made.forget([first.id])

    (left,) = made.files()
    assert left.name == "b.png"
    assert staging._opened.cache_info().currsize == 1
