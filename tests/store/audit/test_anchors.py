"""Deliveries know how far the trail had come, and a whole folder put back does not change them."""

import shutil
import zipfile

import pytest

from engine.errors import UnusableFolder
from engine.signing.schema import TrailHead
from store.audit import __main__ as command
from store.audit import anchors
from store.batches import batches
from store.database import Database
from tests.store.fakes import ACTOR, NOW

pytestmark = pytest.mark.slow


def work(home, *, delivers_to=None):
    """One more batch, and a manifest as it goes out with the releases."""
    database = Database.open(home, NOW)
    batches.create(ACTOR, database, batches.Request("a batch", ""), NOW)
    if delivers_to is not None:
        delivers_to.parent.mkdir(parents=True, exist_ok=True)
        head = TrailHead(number=database.head.number, hash=database.head.hash)
        delivers_to.write_bytes(database.signer.manifest("00", {}, "2026-11-22", trail=head))
    database.close()


def verify(home, capsys, *manifests):
    options = [word for one in manifests for word in ("--manifest", str(one))]
    status = command.main(["verify", "--home", str(home), *options])
    return status, capsys.readouterr().out


@pytest.fixture
def delivery(tmp_path):
    return tmp_path / "sent" / "first" / "manifest.json"


def test_a_delivery_of_this_trail_fits(home, delivery, capsys):
    work(home, delivers_to=delivery)
    work(home)

    status, said = verify(home, capsys, delivery)
    assert status == 0
    assert said.endswith("Compared with 1 manifest.\n")


def test_a_whole_folder_put_back_is_found_by_the_delivery_alone(home, delivery, tmp_path, capsys):
    work(home)
    shutil.copytree(home, tmp_path / "yesterday")
    work(home, delivers_to=delivery)
    shutil.rmtree(home)
    shutil.move(tmp_path / "yesterday", home)

    assert verify(home, capsys)[0] == 0
    status, said = verify(home, capsys, delivery)
    assert status == 1
    assert "was made when the trail had come to event 4, and it ends with event 2" in said


def test_it_is_found_too_when_work_went_on_in_the_older_copy(home, delivery, tmp_path, capsys):
    work(home)
    shutil.copytree(home, tmp_path / "yesterday")
    work(home, delivers_to=delivery)
    shutil.rmtree(home)
    shutil.move(tmp_path / "yesterday", home)
    work(home)
    work(home)

    assert verify(home, capsys)[0] == 0
    status, said = verify(home, capsys, delivery)
    assert status == 1
    assert "knows another event 4: the trail was written anew" in said


def test_a_folder_of_deliveries_is_read_zips_too(home, delivery, tmp_path, capsys):
    work(home, delivers_to=delivery)
    work(home, delivers_to=tmp_path / "second.json")
    with zipfile.ZipFile(tmp_path / "sent" / "released.zip", "w") as archive:
        archive.write(tmp_path / "second.json", "released/manifest.json")

    status, said = verify(home, capsys, tmp_path / "sent")
    assert (status, said.splitlines()[-1]) == (0, "Compared with 2 manifests.")


def test_a_manifest_of_another_installation_does_not_count(home, delivery, tmp_path, capsys):
    work(home)
    work(tmp_path / "other", delivers_to=delivery)

    status, said = verify(home, capsys, delivery)
    assert status == 1
    assert "which is no trusted key of this installation" in said


def test_a_manifest_from_before_says_nothing_and_that_is_said(home, delivery, capsys):
    work(home)
    with_keys = Database.open(home, NOW)
    delivery.parent.mkdir(parents=True)
    delivery.write_bytes(with_keys.signer.manifest("00", {}, "2026-11-22"))
    with_keys.close()

    status, said = verify(home, capsys, delivery)
    assert status == 0
    assert said.endswith("Compared with 1 manifest. 1 manifest of them tells nothing of a trail.\n")


@pytest.mark.parametrize("content", [b"", b"{}", b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["manifest.json", "released.zip"])
def test_what_is_no_manifest_is_refused_with_a_sentence(home, tmp_path, content, name):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(UnusableFolder, match="is no manifest of a delivery"):
        anchors.read([tmp_path / name])


def test_a_changed_manifest_is_refused(home, delivery, capsys):
    work(home, delivers_to=delivery)
    delivery.write_bytes(delivery.read_bytes().replace(b'"number":2', b'"number":1'))

    assert command.main(["verify", "--home", str(home), "--manifest", str(delivery)]) == 2
    assert "it was changed after it was signed" in capsys.readouterr().err


def test_a_folder_without_a_delivery_and_a_missing_file_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UnusableFolder, match=r"holds no|is no manifest"):
            anchors.read([path])
