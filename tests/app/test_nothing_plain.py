"""Nothing of a picture, and no name, lies in plain on the disk, from arrival to release."""

from __future__ import annotations

import base64
import errno
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from components.app import services
from components.app.access import LOCAL
from components.app.services import now
from components.release import names
from components.release.bundle import bundle
from components.upload import page as upload_page
from engine.errors import UnusableKeys
from engine.files import atomic
from engine.plan import ReviewDecision
from engine.policy import default_policy
from engine.runs.pool import ProcessPool
from store.audit.export import export
from store.audit.records import Filter
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.exchange.export_labels import export_labels
from store.review import decisions, reviews
from store.vault.vault import Vault
from tests.app.conftest import Lethe
from tests.planted import forms, holders
from tests.store.fakes import ACTOR, DRAWN

pytestmark = pytest.mark.slow

MARKER = b"nobody but the one who brought it may read this"


def planted() -> bytes:
    """A JPEG whose comment no other file has."""
    rgb = np.random.default_rng(5).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    plain = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 71])[1].tobytes()
    comment = b"\xff\xfe" + (len(MARKER) + 2).to_bytes(2) + MARKER
    return plain[:2] + comment + plain[2:]


PICTURE = planted()
PARTS = (MARKER, PICTURE[len(PICTURE) // 2 :][:64], PICTURE[-64:])
"""What would give the picture away, wherever of a file it lies."""
NAME, UNREADABLE = "Zsófia Quendel.jpg", "Köves Quendel.png"
BATCH = "Röntgen bei Dr. Quorthon"
SUBJECT, CONSENT = "Süle Qvist", "Einverständnis 4711"
TEXTS = (NAME, UNREADABLE, "Quendel", BATCH, "Quorthon", SUBJECT, CONSENT, "Qvist")
MANIFEST = (
    "filename,source,licence,attribution_needed,consent\n"
    f"{NAME},{SUBJECT},CC BY 4.0,yes,{CONSENT}\n"
)
NAMES = forms(*TEXTS)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def patiently(holds: Callable[[], bool]) -> None:
    """Wait for a worker that loads real models on a busy machine."""
    deadline = time.monotonic() + 300.0
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def plain_in(*folders: Path, parts: Iterable[bytes] = (*PARTS, *NAMES)) -> list[str]:
    """Files that hold a part of the planted picture, or a planted name."""
    return holders(folders, parts)


@pytest.mark.slow
def test_from_arrival_to_release_no_file_holds_the_picture_or_a_name(
    lethe: Lethe, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.app.services.ProcessPool", lambda _: ProcessPool(1))
    policy = default_policy().with_audit_share(1.0)
    monkeypatch.setattr(upload_page, "policy", lambda _: policy)
    folders = lethe.home, temporary

    lethe.staging.take_file(NAME, PICTURE)
    lethe.staging.take_file(UNREADABLE, b"Quendel, no picture")
    lethe.staging.keep_manifest(MANIFEST.encode())
    assert plain_in(*folders) == []

    upload = lethe.page("Upload")
    assert NAME in upload.dataframe[0].value["Name"].tolist()
    upload.text_input(key="upload_name").set_value(BATCH).run()
    upload.button(key="upload_start").click().run()
    assert not (lethe.home / "staging").exists()
    assert plain_in(*folders) == []

    patiently(lambda: lethe.counts().review == lethe.counts().quarantined == 1)
    assert plain_in(*folders) == []

    assert not lethe.page("Review").exception
    case = reviews.claim(ACTOR, lethe.database, LOCAL.name, now())
    assert case is not None
    verdict = ReviewDecision.on(case.plan, (*case.plan.proposed, DRAWN), LOCAL.name)
    decisions.settle(ACTOR, lethe.database, case.picture_id, verdict, now())
    assert plain_in(*folders) == []

    patiently(lambda: lethe.counts().released == 1)
    page = lethe.page("Release")
    assert not page.exception
    assert set(page.dataframe[0].value["Name"]) == {NAME, UNREADABLE}
    (batch,) = batches.newest(ACTOR, lethe.database)
    assert batch.name == BATCH
    assert NAME in names.listing(ACTOR, lethe.database, batch)
    with zipfile.ZipFile(bundle(ACTOR, lethe.database, batch, now())) as archive:
        assert SUBJECT in archive.read("attribution.csv").decode()
    export_labels(ACTOR, lethe.database, tmp_path / "labels")
    export(ACTOR, lethe.database, Filter(), "csv").close()
    assert plain_in(*folders) == []
    # what trains asks for the consent, so that goes out; no name of a file, batch or person does
    assert plain_in(tmp_path / "labels", parts=forms("Quendel", "Quorthon", "Qvist")) == []
    lethe.close()
    assert plain_in(*folders) == []


def test_no_worker_gets_the_master_key(lethe: Lethe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETHE_MASTER_KEY", base64.b64encode(bytes(range(32))).decode())

    assert lethe.database.vault.status().origin == "LETHE_MASTER_KEY"

    assert "LETHE_MASTER_KEY" not in os.environ


@pytest.mark.parametrize("source", ["LETHE_PASSPHRASE", "LETHE_PASSPHRASE_FD"])
def test_an_opening_that_failed_is_tried_again_with_the_key_of_the_first(
    lethe: Lethe, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    phrase = "five words drawn at random"
    reading, writing = os.pipe()
    os.write(writing, phrase.encode())
    os.close(writing)
    monkeypatch.setenv(source, phrase if source == "LETHE_PASSPHRASE" else str(reading))

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as first:
        first.setattr(services.staging, "recover", broken)
        with pytest.raises(OSError, match="Input/output"):
            services.services()
    assert source not in os.environ

    assert lethe.database.vault.status().origin == source


def test_a_descriptor_that_could_not_be_read_is_not_tried_again(
    lethe: Lethe, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = os.dup(0)
    os.close(free)
    with monkeypatch.context() as patch:
        patch.setenv("LETHE_PASSPHRASE_FD", str(free))
        with pytest.raises(UnusableKeys):
            services.services()

        with pytest.raises(UnusableKeys, match=f"file descriptor {free}"):
            services.services()
        assert not (lethe.home / "keys").exists()
    services.named_keys.clear()


def unsealed(vault: Vault, item: object, path: Path, content: bytes) -> bytes:
    atomic.write(path, content)
    return bytes(32)


def test_the_search_finds_what_was_not_sealed_on_arrival(
    lethe: Lethe, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vault, "seal_file", unsealed)

    lethe.staging.take_file("a.jpg", PICTURE)

    assert len(plain_in(lethe.home, temporary)) == 1


def test_a_listed_folder_and_its_manifest_tell_no_name(
    lethe: Lethe, temporary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "Quendel"
    folder.mkdir()
    (folder / NAME).write_bytes(PICTURE)

    lethe.staging.take_folder(str(folder))
    lethe.staging.keep_manifest(MANIFEST.encode())

    assert [file.name for file in lethe.staging.files()] == [NAME]
    assert lethe.staging.manifest() == MANIFEST.encode()
    assert plain_in(lethe.home, temporary) == []


def test_the_search_finds_a_name_that_was_not_sealed(
    lethe: Lethe, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vault, "seal_text", lambda *arguments: arguments[-1].encode())
    batch = batches.create(ACTOR, lethe.database, Request(BATCH, ""), now())
    intake.add(ACTOR, lethe.database, batch.id, [Incoming(NAME, PICTURE)], now())
    found = str(lethe.database.files.database)
    lethe.close()

    assert plain_in(lethe.home, temporary) == [found]


def test_the_search_finds_what_was_not_sealed_at_intake(
    lethe: Lethe, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vault, "seal_file", unsealed)
    batch = batches.create(ACTOR, lethe.database, Request("a batch", ""), now())

    intake.add(ACTOR, lethe.database, batch.id, [Incoming("a.jpg", PICTURE)], now())

    assert len(plain_in(lethe.home, temporary)) == 1
