"""Zips of data sets: what is refused, and that nothing of it stays."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components import recall_archive
from components.recall_archive import discard, sweep, unpacked
from engine.errors import InvalidDataset

NOW = datetime(2026, 1, 1, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        pytest.param("../out", "outside of its folder", id="up"),
        pytest.param("a/../../out", "outside of its folder", id="up inside"),
        pytest.param("/etc/out", "outside of its folder", id="absolute"),
        pytest.param("C:/out", "outside of its folder", id="drive"),
        pytest.param("a\\..\\..\\out", "outside of its folder", id="backslash"),
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
    monkeypatch.setattr(recall_archive, "MOST_MEMBERS", 1)

    with pytest.raises(InvalidDataset, match="holds 2 files; at most 1"):
        unpacked(tmp_path, "set.zip", archive(("a", b""), ("b", b"")))

    assert kept(tmp_path) == []


def test_too_many_bytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(recall_archive, "MOST_BYTES", 1000)

    with pytest.raises(InvalidDataset, match="unpacks to more than"):
        unpacked(tmp_path, "set.zip", archive(("a", bytes(600)), ("b", bytes(600))))

    assert kept(tmp_path) == []


def test_a_size_that_lies_is_no_way_around_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(recall_archive, "MOST_BYTES", 1000)
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


def test_a_name_that_is_file_and_folder_at_once_is_a_sentence(tmp_path):
    with pytest.raises(InvalidDataset, match="could not be unpacked"):
        unpacked(tmp_path, "set.zip", archive(("a", b""), ("a/b", b"")))

    assert kept(tmp_path) == []


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


def test_a_sweep_takes_what_was_abandoned_a_day_ago(tmp_path):
    old, used, fresh = (unpacked(tmp_path, "set.zip", archive(("a", b""))) for _ in range(3))
    for folder in (old, used):
        moment = (NOW - timedelta(days=2)).timestamp()
        os.utime(folder, (moment, moment))
    moment = (NOW - timedelta(hours=1)).timestamp()
    os.utime(fresh, (moment, moment))

    sweep(tmp_path, [str(used)], NOW)

    assert sorted(kept(tmp_path)) == sorted([used, fresh])


def test_a_sweep_leaves_folders_that_nobody_unpacked_here(tmp_path):
    own = tmp_path / "datasets" / "my own labels"
    own.mkdir(parents=True)
    os.utime(own, (0, 0))

    sweep(tmp_path, [], NOW)

    assert own.is_dir()
