"""Uploads: Streamlit holds a reference, the content waits sealed, and both end together."""

from __future__ import annotations

import gc
import io
import zipfile

import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from components.app import uploads
from components.app.uploads import Incoming
from store.vault.spool import CHUNK_BYTES

LONG = b"synthetic " * CHUNK_BYTES


def held(folder, data, name="a.zip"):
    """What Streamlit keeps of an upload."""
    spool = Incoming(folder)
    for start in range(0, len(data), 64 * 1024):
        spool.write(data[start : start + 64 * 1024])
    spool.seek(0)
    try:
        return UploadedFileRec("1", name, "application/zip", spool.read())
    finally:
        spool.close()


def given(record):
    """What a page is given of it."""
    return UploadedFile(record, FileURLs())


def test_streamlit_holds_a_few_bytes_of_a_long_upload_and_the_page_reads_all_of_it(tmp_path):
    record = held(tmp_path, LONG)

    assert len(record.data) < 200
    assert uploads.content(given(record)) == LONG
    assert uploads.opened(given(record)).read(9) == b"synthetic"
    (path,) = tmp_path.iterdir()
    assert b"synthetic" not in path.read_bytes()


def test_a_short_upload_is_what_it_is(tmp_path):
    record = held(tmp_path, b"short")

    assert record.data == b"short"
    assert uploads.content(given(record)) == b"short"
    assert list(tmp_path.iterdir()) == []


def test_an_upload_is_gone_once_streamlit_lets_go_of_it(tmp_path):
    record = held(tmp_path, LONG)
    said = bytes(record.data)

    del record
    gc.collect()

    assert list(tmp_path.iterdir()) == []
    assert uploads.content(given(UploadedFileRec("1", "a", "", said))) == said


def test_an_upload_that_was_taken_in_is_gone_though_streamlit_holds_on(tmp_path):
    record = held(tmp_path, LONG)
    file = given(record)

    uploads.end(file)
    uploads.end(file)

    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_broke_off_leaves_nothing(tmp_path):
    spool = Incoming(tmp_path)
    spool.write(LONG)

    spool.close()

    assert list(tmp_path.iterdir()) == []


def test_nobody_gets_an_upload_by_sending_something_that_looks_like_its_name(tmp_path):
    record = held(tmp_path, LONG)
    guess = bytes(record.data[:-1]) + b"?"

    assert uploads.content(given(UploadedFileRec("2", "b", "", guess))) == guess


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_opened_where_it_waits(tmp_path, method):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for number in range(4):
            archive.writestr(f"{number}", bytes([number]) * CHUNK_BYTES * 2 + LONG[:number])
    record = held(tmp_path, made.getvalue() + b"")

    with zipfile.ZipFile(uploads.opened(given(record))) as archive:
        assert archive.testzip() is None
        assert archive.read("3") == b"\3" * CHUNK_BYTES * 2 + LONG[:3]
