"""Folders of the server: those an admin named, and nothing that leads out of them."""

from __future__ import annotations

import threading

import pytest

from components.app import access, accounts, server_folders
from components.app.server_folders import ClosedFolder
from components.upload.staging import Staging
from store.vault.vault import Vault
from tests.app.reading import UPRIGHT
from tests.app.test_accounts import ACCESS, AUTH, written


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("LETHE_HOME", str(folder))
    monkeypatch.setattr(access, "_accounts", threading.Event())
    access.stand_guard(with_accounts=True)
    return folder


def test_where_nobody_signs_in_every_folder_is_open(home, monkeypatch, tmp_path):
    monkeypatch.setattr(access, "_accounts", threading.Event())

    assert server_folders.are_open()
    server_folders.refuse_closed([tmp_path])


def test_no_folder_is_open_unless_one_was_named(home, tmp_path):
    written(home, AUTH + ACCESS)

    assert not server_folders.are_open()
    with pytest.raises(ClosedFolder):
        server_folders.refuse_closed([tmp_path])


def test_only_what_lies_below_a_named_folder_is_open_and_links_are_followed(home, tmp_path):
    opened, closed = tmp_path / "open", tmp_path / "open but not"
    for folder in (opened, closed):
        folder.mkdir()
        (folder / "a.png").write_bytes(UPRIGHT)
    (opened / "link.png").symlink_to(closed / "a.png")
    written(home, f'{AUTH}{ACCESS}folders = ["{opened}"]\n')

    assert server_folders.are_open()
    server_folders.refuse_closed([opened, opened / "a.png", opened / "*.png"])
    for path in (closed, opened / ".." / "open but not", opened / "link.png", tmp_path):
        with pytest.raises(ClosedFolder):
            server_folders.refuse_closed([path])
    staging = Staging(home / "staging", "ana", Vault.open(home, {}))
    with pytest.raises(ClosedFolder):
        staging.take_folder(str(opened), server_folders.refuse_closed)
    assert staging.files() == ()
    (opened / "link.png").unlink()
    assert staging.take_folder(str(opened), server_folders.refuse_closed).count == 1


def test_a_sign_in_file_that_cannot_be_read_opens_nothing(home, tmp_path):
    with pytest.raises(accounts.UnusableSignIn):
        server_folders.refuse_closed([tmp_path])
