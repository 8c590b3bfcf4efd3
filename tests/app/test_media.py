"""Whom a report that shows people is given to, and what stays of it in the server."""

from __future__ import annotations

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from components.app import media, permission, session
from components.app.access import LOCAL, Role, User
from components.recall import downloads
from store.accounts.role import PEOPLE

REPORT = b"<html>people</html>"


@pytest.fixture
def storage():
    return MemoryMediaFileStorage("/media")


@pytest.fixture
def files(storage):
    return MediaFileManager(storage)


def kept(storage, url):
    """Whether the file is still served at its address."""
    try:
        return storage.get_file(url.rpartition("/")[2]).content == REPORT
    except MediaFileStorageError:
        return False


def test_a_report_that_was_handed_out_is_in_no_media_store_afterwards(files, storage):
    button = files.add_deferred(lambda: REPORT, "text/html", "1.2", "report.html")
    url = files.execute_deferred(button)
    assert kept(storage, url)

    media.delete_later(files, pause_s=0.0).join()

    assert not kept(storage, url)


def test_what_a_page_still_shows_stays(files, storage):
    url = files.add(REPORT, "text/html", "1.2", "report.html", is_for_static_download=True)

    media.delete_later(files, pause_s=0.0).join()

    assert kept(storage, url)


def test_a_download_is_deleted_soon_after_it_was_made(monkeypatch):
    asked = []
    monkeypatch.setattr(permission, "is_guarded", lambda: True)
    monkeypatch.setattr(media, "delete_soon", lambda: asked.append("deleted soon"))

    assert permission.download(Role.MANAGER)(lambda: REPORT)() == REPORT
    assert asked == ["deleted soon"]


@pytest.mark.parametrize("with_crops", [False, True])
def test_no_report_is_made_for_somebody_without_the_role(monkeypatch, with_crops):
    monkeypatch.setattr(permission, "is_guarded", lambda: True)
    roles = PEOPLE - {Role.MANAGER}
    monkeypatch.setattr(session, "user", lambda: User(LOCAL.name, roles))

    with pytest.raises(permission.NotPermitted, match=Role.MANAGER.value):
        downloads.report_html("an evaluation", with_crops=with_crops)
