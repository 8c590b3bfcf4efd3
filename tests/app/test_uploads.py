"""Uploads: Streamlit holds a reference, the content waits sealed, and both end together."""

from __future__ import annotations

import gc
import io
import zipfile

import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from components.app import uploads
from components.app.uploads import Incoming, UploadEnded
from components.irreversibility.picture import OWN
from store.vault.spool import CHUNK_BYTES
from tests.app.reading import UPRIGHT, said

pytestmark = pytest.mark.slow

LONG = b"synthetic " * CHUNK_BYTES
GONE = b"lethe upload " + b"0" * 64
"""What stands for an upload, of one that there is no more."""


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
    with pytest.raises(UploadEnded, match="bring it in again"):
        uploads.opened(given(UploadedFileRec("1", "a", "", said)))


def test_an_upload_that_was_taken_in_is_gone_though_streamlit_holds_on(tmp_path):
    record = held(tmp_path, LONG)
    file = given(record)

    uploads.end(file)
    uploads.end(file)

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UploadEnded):
        uploads.content(file)


def test_two_runs_of_a_page_read_one_upload_at_once_and_each_gets_all_of_it(tmp_path):
    record = held(tmp_path, LONG)

    with uploads.opened(given(record)) as older:
        read = older.read(CHUNK_BYTES + 7)
        with uploads.opened(given(record)) as newer:
            assert newer.read() == LONG
        read += older.read()

    assert read == LONG


@pytest.mark.parametrize("way", ["ended", "let go"])
@pytest.mark.parametrize("left", [1, CHUNK_BYTES + 1])
def test_an_upload_that_ends_while_it_is_read_is_read_to_its_end(tmp_path, way, left):
    record = held(tmp_path, LONG + b"the tail")
    file = given(UploadedFileRec("1", "a", "", bytes(record.data)))
    reader = uploads.opened(file)
    read = reader.read(len(LONG) + 8 - left)

    if way == "ended":
        uploads.end(file)
    else:
        del record
        gc.collect()

    with pytest.raises(UploadEnded):
        uploads.opened(file)
    assert read + reader.read() == LONG + b"the tail"
    reader.close()
    reader.close()
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_was_closed_is_read_no_further(tmp_path):
    record = held(tmp_path, LONG)
    reader = uploads.opened(given(record)).detach()
    assert isinstance(reader, io.RawIOBase)
    reader.close()

    for read in (lambda: reader.read(1), lambda: reader.seek(0, io.SEEK_END)):
        with pytest.raises(ValueError, match="closed"):
            read()


def test_an_upload_that_broke_off_leaves_nothing(tmp_path):
    spool = Incoming(tmp_path)
    spool.write(LONG)

    spool.close()

    assert list(tmp_path.iterdir()) == []


def test_nobody_gets_an_upload_by_sending_something_that_looks_like_its_name(tmp_path):
    record = held(tmp_path, LONG)
    guess = bytes(record.data[:-1]) + b"?"
    other = bytes(record.data[:-64]) + b"0" * 64

    assert uploads.content(given(UploadedFileRec("2", "b", "", guess))) == guess
    with pytest.raises(UploadEnded):
        uploads.content(given(UploadedFileRec("3", "c", "", other)))


@pytest.mark.parametrize(
    ("page", "uploader", "button"),
    [
        ("Upload", "upload_files_0", None),
        ("Upload", "upload_manifest", None),
        ("Audit", "audit_subject_file_0", "audit_subject_find"),
        ("Recall", "recall_zip_0", None),
        ("Irreversibility", "irreversibility_file", None),
    ],
)
def test_no_page_takes_what_stands_for_an_upload_for_its_content(lethe, page, uploader, button):
    app = lethe.page(page)
    if page == "Irreversibility":
        app.selectbox(key="irreversibility_picture").set_value(OWN).run()
    if uploader == "upload_manifest":
        app.file_uploader(key="upload_files_0").upload("a.png", UPRIGHT, "image/png").run()
    kinds = {"upload_manifest": "csv", "recall_zip_0": "zip"}
    name = f"given.{kinds.get(uploader, 'png')}"

    app.file_uploader(key=uploader).upload(name, GONE, "application/octet-stream").run()
    if button:
        app.button(key=button).click().run()

    assert not app.exception
    assert "bring it in again" in said(app)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_opened_where_it_waits(tmp_path, method):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for number in range(4):
            archive.writestr(f"{number}", bytes([number]) * CHUNK_BYTES * 2 + LONG[:number])
    record = held(tmp_path, made.getvalue() + b"")

    with uploads.opened(given(record)) as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.read("3") == b"\3" * CHUNK_BYTES * 2 + LONG[:3]
