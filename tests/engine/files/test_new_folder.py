import os

import pytest

from engine.errors import UnusableFolder
from engine.files.new_folder import new_folder


def filled(path, name="file"):
    with new_folder(path) as folder:
        (folder / name).write_text("content")


def test_it_appears_whole_and_closed_to_others(tmp_path):
    before = os.umask(0)
    try:
        filled(tmp_path / "new")
    finally:
        os.umask(before)

    assert [path.name for path in tmp_path.rglob("*")] == ["new", "file"]
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_it_takes_the_place_of_an_empty_folder_and_of_nothing_else(tmp_path):
    (tmp_path / "empty").mkdir()
    filled(tmp_path / "empty")
    assert (tmp_path / "empty" / "file").exists()

    with pytest.raises(OSError, match="not empty"):
        filled(tmp_path / "empty", "other")

    assert [path.name for path in tmp_path.rglob("*")] == ["empty", "file"]


def test_a_block_that_raises_leaves_nothing(tmp_path):
    def fail():
        with new_folder(tmp_path / "new") as folder:
            (folder / "file").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_try_left_is_gone(tmp_path):
    (tmp_path / ".new.part" / "below").mkdir(parents=True)
    (tmp_path / ".new.part" / "old").write_text("old")

    filled(tmp_path / "new")

    assert [path.name for path in tmp_path.rglob("*")] == ["new", "file"]


def test_two_never_fill_one_folder(tmp_path):
    with new_folder(tmp_path / "new") as folder:
        (folder / "file").write_text("of the first")
        with pytest.raises(UnusableFolder, match="another program"):
            filled(tmp_path / "new", "of the second")

    assert [path.name for path in tmp_path.rglob("*")] == ["new", "file"]


def test_a_link_in_the_place_of_what_was_left_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").write_text("kept")
    (tmp_path / ".new.part").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError):  # noqa: PT011 - the system's words
        filled(tmp_path / "new")

    assert (tmp_path / "elsewhere" / "kept").exists()


def test_a_file_system_that_keeps_nothing_to_its_owner_is_refused(tmp_path, monkeypatch):
    (tmp_path / ".new.part").mkdir(mode=0o755)
    monkeypatch.setattr("pathlib.Path.chmod", lambda path, mode: None)

    with pytest.raises(UnusableFolder, match="lets everybody read"):
        filled(tmp_path / "new")

    assert list(tmp_path.iterdir()) == []
