"""Zips of data sets: what is refused, and that nothing of it stays."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from components.app import unzip
from components.recall import archive as recall_archive
from components.recall.archive import discard, sweep, unpacked
from engine.errors import InvalidDataset
from store.vault.errors import BrokenSeal
from tests.app.labelled import evaluated, labelled_set


def archive(*members: tuple[str | zipfile.ZipInfo, bytes]) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    content.seek(0)
    return content


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def kept(home: Path) -> list[Path]:
    folder = home / recall_archive.FOLDER
    return list(folder.iterdir()) if folder.is_dir() else []


def test_a_zip_is_unpacked_privately_past_a_lone_folder(tmp_path):
    content = archive(("set/a.json", b"{}"), ("set/images/b.png", b"b"), ("__MACOSX/c", b""))

    folder = unpacked(tmp_path, "set.zip", content)

    assert folder.name == "set"
    assert (folder / "images/b.png").read_bytes() == b"b"
    assert not list(tmp_path.rglob("c"))
    assert stat.S_IMODE((folder / "a.json").stat().st_mode) == 0o600


def test_nothing_stays_of_a_zip_that_is_let_go_while_it_is_unpacked(tmp_path, monkeypatch):
    def let_go(*_):
        raise BrokenSeal("Let go.")

    monkeypatch.setattr(recall_archive.shutil, "copyfileobj", let_go)
    with pytest.raises(BrokenSeal):
        unpacked(tmp_path, "set.zip", archive(("a.json", b"{}")))

    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        pytest.param("../out", "outside of its folder", id="up"),
        pytest.param("a/../../out", "outside of its folder", id="up inside"),
        pytest.param("/etc/out", "outside of its folder", id="absolute"),
        pytest.param("C:/out", "outside of its folder", id="drive"),
        pytest.param("a\\..\\..\\out", "outside of its folder", id="up with backslashes"),
        pytest.param("C:\\out", "outside of its folder", id="drive with a backslash"),
        pytest.param("x" * 300, "A name in it is too long", id="long name"),
        pytest.param("fine.json/a", "as a file and as a folder", id="file and folder"),
        pytest.param("fine.json", "holds 'fine.json' twice", id="twice"),
        pytest.param(link("a"), "a link or a device", id="link"),
    ],
)
def test_a_member_that_could_harm_refuses_the_whole_zip(tmp_path, member, sentence):
    content = archive(("fine.json", b"{}"), (member, b"/etc/passwd"))

    with pytest.raises(InvalidDataset, match=sentence):
        unpacked(tmp_path, "set.zip", content)

    assert kept(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == [recall_archive.FOLDER]


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unzip, "MOST_FILES", 1)

    with pytest.raises(InvalidDataset, match="holds 2 files; at most 1"):
        unpacked(tmp_path, "set.zip", archive(("a", b""), ("b", b"")))

    assert kept(tmp_path) == []


def test_too_many_bytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unzip, "MOST_BYTES", 1000)

    with pytest.raises(InvalidDataset, match="unpacks to 0 MB; at most 0 MB"):
        unpacked(tmp_path, "set.zip", archive(("a", bytes(600)), ("b", bytes(600))))

    assert kept(tmp_path) == []


def test_what_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    usage = namedtuple("Usage", "free")
    monkeypatch.setattr(recall_archive.shutil, "disk_usage", lambda _: usage(2_000_000))

    with pytest.raises(InvalidDataset, match="more than the 1 MB that are left"):
        unpacked(tmp_path, "set.zip", archive(("a", bytes(1_100_000))))

    assert kept(tmp_path) == []


def test_a_size_that_lies_is_no_way_around_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(unzip, "MOST_BYTES", 1000)
    content = archive(("a", bytes(100_000)))  # zeros: a bomb of some hundred bytes
    lied = content.getvalue().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))

    with pytest.raises(InvalidDataset):
        unpacked(tmp_path, "set.zip", io.BytesIO(lied))

    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no zip", id="text"),
        pytest.param(archive(("a", bytes(999))).getvalue()[:-30], id="cut off"),
    ],
)
def test_what_is_no_zip_is_a_sentence(tmp_path, content):
    with pytest.raises(InvalidDataset, match="could not be unpacked"):
        unpacked(tmp_path, "set.zip", io.BytesIO(content))

    assert kept(tmp_path) == []


def changed(content: io.BytesIO, central: int, local: int, value: int) -> io.BytesIO:
    """The zip with a 16-bit field set in the headers of its first member."""
    data = bytearray(content.getvalue())
    at = data.index(b"PK\1\2")
    data[at + central : at + central + 2] = value.to_bytes(2, "little")
    data[local : local + 2] = value.to_bytes(2, "little")
    return io.BytesIO(data)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(changed(archive(("a", b"1")), 8, 6, 1), "has a password", id="locked"),
        pytest.param(
            changed(archive(("a", b"1")), 10, 8, 9), "in a way that is not known", id="way"
        ),
        pytest.param(archive(), "holds no file", id="nothing"),
        pytest.param(archive(("__MACOSX/a", b""), ("b/", b"")), "holds no file", id="clutter"),
    ],
)
def test_a_zip_that_cannot_be_taken_says_truly_why(tmp_path, content, sentence):
    with pytest.raises(InvalidDataset, match=sentence):
        unpacked(tmp_path, "set.zip", content)

    assert kept(tmp_path) == []


class Unmarked(zipfile.ZipInfo):
    """A member whose name is written as these bytes, without the mark for UTF-8."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw.decode("cp437"))
        self.raw = raw

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.raw, 0


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        pytest.param("für 写真.jpg".encode(), "für 写真.jpg", id="UTF-8, as macOS writes it"),
        pytest.param("für.jpg".encode("cp437"), "für.jpg", id="IBM PC"),
        pytest.param(b"plain.jpg", "plain.jpg", id="plain"),
        pytest.param("写真.jpg".encode("cp932"), r"\x8e\xca\x90^.jpg", id="Japanese Windows"),
        pytest.param("表.jpg".encode("cp932"), r"\x95\x5c.jpg", id="a letter with a backslash"),
        pytest.param("Ø.jpg".encode("cp850"), r"\x9d.jpg", id="Western European Windows"),
    ],
)
def test_names_without_the_mark_for_utf8_are_read_as_they_were_meant(tmp_path, raw, name):
    content = archive(("a.json", b"{}"), (Unmarked(raw), b"x"))

    folder = unpacked(tmp_path, "set.zip", content)

    assert sorted(path.name for path in folder.iterdir()) == sorted(["a.json", name])


def test_a_backslash_is_between_folders(tmp_path):
    folder = unpacked(tmp_path, "set.zip", archive(("a.json", b"{}"), ("images\\b.png", b"b")))

    assert (folder / "images" / "b.png").read_bytes() == b"b"


def test_only_unpacked_zips_that_nothing_uses_are_deleted(tmp_path):
    home, own = tmp_path / "home", tmp_path / "own"
    own.mkdir()
    folder = unpacked(home, "set.zip", archive(("set/a", b"")))

    discard(home, str(own))
    discard(home, str(home / recall_archive.FOLDER))
    discard(home, str(folder), still_used=[str(folder)])
    assert own.exists()
    assert folder.exists()

    discard(home, str(folder), still_used=[str(own)])
    assert kept(home) == []


def test_a_sweep_takes_what_serves_no_evaluation(tmp_path):
    left, used = (unpacked(tmp_path, "set.zip", archive(("a", b""))) for _ in range(2))

    sweep(tmp_path, [str(used)])

    assert left not in kept(tmp_path)
    assert kept(tmp_path) == [used]


def test_a_sweep_leaves_folders_that_nobody_unpacked_here(tmp_path):
    own = tmp_path / "datasets" / "my own labels"
    own.mkdir(parents=True)

    sweep(tmp_path, [])

    assert own.is_dir()


def a_zip_of(folder: Path) -> io.BytesIO:
    return archive(*((one.name, one.read_bytes()) for one in folder.iterdir()))


@pytest.mark.slow
def test_a_zip_that_became_no_evaluation_goes_when_the_app_is_started_again(lethe, tmp_path):
    lethe.page("Recall")
    left = unpacked(lethe.home, "set.zip", a_zip_of(labelled_set(tmp_path / "set")))
    lethe.page("Recall")
    assert left.is_dir()

    lethe.restart()
    lethe.page("Recall")

    assert not left.exists()


@pytest.mark.slow
def test_a_zip_of_an_evaluation_stays_however_old_it_looks(lethe, tmp_path):
    lethe.page("Recall")
    folder = unpacked(lethe.home, "set.zip", a_zip_of(labelled_set(tmp_path / "set")))
    evaluated(lethe, folder)
    os.utime(folder, (0, 0))

    lethe.restart()
    lethe.page("Recall")

    assert folder.is_dir()


@pytest.mark.slow
def test_a_database_that_knows_no_run_lets_no_zip_go(lethe, tmp_path):
    lethe.page("Recall")
    folder = unpacked(lethe.home, "set.zip", a_zip_of(labelled_set(tmp_path / "set")))
    evaluated(lethe, folder)
    lethe.close()
    for name in ("lethe.duckdb", "lethe.generation"):
        (lethe.home / name).unlink()

    lethe.page("Recall")

    assert folder.is_dir()
