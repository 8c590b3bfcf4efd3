"""Release, over the real store and the real line with made-up detectors."""

from __future__ import annotations

import io
import json
import zipfile

from components.app import services
from components.release.bundle import bundle
from store.batches import batches, pictures
from store.batches.pictures import PictureState
from store.releases import receipts
from tests.app.reading import UPRIGHT, WIDE, numbers, said


def test_release_lists_every_picture_with_outcome_and_reason(lethe):
    lethe.batch(UPRIGHT, WIDE, b"no picture")

    app = lethe.page("Release")

    table = app.dataframe[0].value.set_index("Name")
    assert list(table["Outcome"]) == ["Released", "Needs review", "Held back"]
    assert table["Why"]["picture 0.png"] == ""
    assert table["Why"]["picture 1.png"] == "unsure"
    assert table["Why"]["picture 2.png"].endswith(".")
    assert numbers(app) == {"Released": 1, "Needs review": 1, "Held back": 1, "Waiting": 0}
    assert "Review 1 picture" in [link.label for link in app.main.get("page_link")]


def test_release_shows_before_and_after_and_what_was_checked(lethe):
    lethe.batch(UPRIGHT)

    app = lethe.page("Release")

    before, after = (image.value[0] for image in app.image)
    assert before.startswith("data:image/jpeg;base64,")  # an original is at no address
    assert not after.startswith("data:")
    assert "Removed: face in 1 place." in said(app)
    assert "After · what goes out · 21\u00a0% of it removed" in said(app)
    for check in ("T1", "T3", "T4"):
        assert f"Check {check} passed" in said(app)


def test_the_download_holds_the_release_and_no_name(lethe):
    batch_id = lethe.batch(UPRIGHT, WIDE)

    app = lethe.page("Release")

    assert not app.get("download_button")[0].disabled
    with bundle(lethe.database, batches.batch(lethe.database, batch_id), services.now()) as file:
        raw = file.read()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        (line,) = archive.read("receipts.jsonl").splitlines()
        assert f"released/{json.loads(line)['release']}.png" in archive.namelist()
    ids = [row.id for row in pictures.of_batch(lethe.database, batch_id)]
    assert not [secret for secret in (*ids, "picture 0", batch_id) if secret.encode() in raw]


def test_nothing_can_be_downloaded_before_something_is_released(lethe):
    lethe.batch(WIDE)

    assert lethe.page("Release").get("download_button")[0].disabled


def test_the_filter_shows_one_outcome_alone(lethe):
    lethe.batch(UPRIGHT, WIDE, b"no picture")
    app = lethe.page("Release")

    app.segmented_control(key="release_filter").set_value([PictureState.QUARANTINED]).run()

    assert list(app.dataframe[0].value["Outcome"]) == ["Held back"]
    assert "Held back because" in said(app)


def test_a_release_whose_original_is_gone_is_still_shown(lethe):
    lethe.batch(UPRIGHT)
    for original in (lethe.home / "originals").iterdir():
        original.unlink()

    app = lethe.page("Release")

    assert not app.exception
    assert any("original cannot be read" in error.value for error in app.error)
    assert len(app.image) == 1


def test_a_release_shows_its_certificate_in_words_and_hands_it_out(lethe):
    lethe.batch(UPRIGHT)

    app = lethe.page("Release")

    assert "Certificate verified" in said(app)
    assert f"with key {lethe.database.signer.keys.id}." in said(app)
    assert "No person looked at it." in said(app)
    labels = [button.label for button in app.get("download_button")]
    assert labels[1:] == ["Download the public key", "Download its certificate"]


def test_a_release_whose_file_was_changed_is_said_not_to_fit(lethe):
    batch_id = lethe.batch(UPRIGHT)
    (kept,) = receipts.newest(lethe.database, batch_id)
    kept.path.write_bytes(kept.path.read_bytes() + b"more")

    app = lethe.page("Release")

    assert "is not the picture that was released. Do not hand it out." in said(app)
    assert "Certificate verified" not in said(app)
    assert f"Nothing of this batch is handed out: of release {kept.release_id}" in said(app)
    assert app.get("download_button")[0].disabled


def test_a_changed_release_that_was_put_back_can_be_downloaded_again(lethe):
    batch_id = lethe.batch(UPRIGHT)
    (kept,) = receipts.newest(lethe.database, batch_id)
    content = kept.path.read_bytes()
    app = lethe.page("Release")
    assert not app.get("download_button")[0].disabled

    kept.path.unlink()
    app.run()
    assert app.get("download_button")[0].disabled
    kept.path.write_bytes(content)
    app.run()

    assert not app.get("download_button")[0].disabled


def test_a_release_from_before_certificates_is_said_to_have_none(lethe):
    lethe.batch(UPRIGHT)
    with lethe.database.transaction() as cursor:
        cursor.execute("DELETE FROM certificates")

    app = lethe.page("Release")

    assert "was made before certificates" in said(app)
    assert "add its original to a new batch" in said(app)
    assert "Check T1 passed" in said(app)
    assert "Certificate verified" not in said(app)
    assert len(app.get("download_button")) == 2
