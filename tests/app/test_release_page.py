"""Release, over the real store and the real line with made-up detectors."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from components.app import row_choice, services, session
from components.app.access import Role, User
from components.app.permission import NotPermitted
from components.release import (
    approval,
    certificate,
    names,
    page,
    picture_table,
    revocation,
    thumbnails,
)
from components.release.bundle import bundle
from engine.errors import UnsafeRelease
from engine.policy import Policy
from store.accounts.actor import Actor
from store.accounts.role import PEOPLE
from store.batches import batches, pictures
from store.batches.pictures import PictureState
from store.releases import approvals, receipts, revocations
from store.releases.revocations import Reason
from store.retention.shredding import shred
from tests.app.conftest import Eyes
from tests.app.reading import UPRIGHT, WIDE, labels, offered, outcomes, said
from tests.store.fakes import ACTOR, ANY

pytestmark = pytest.mark.slow

ZIP = "Download the released pictures (zip)"


def test_release_lists_every_picture_with_outcome_and_reason(lethe):
    lethe.batch(UPRIGHT, WIDE, b"no picture")

    app = lethe.page("Release")

    table = app.dataframe[0].value.set_index("Name")
    assert list(table["Outcome"]) == ["Released", "Needs review", "Held back"]
    assert table["Details"]["picture 0.png"] == "21\u00a0% removed"
    assert table["Details"]["picture 1.png"] == "unsure"
    assert table["Details"]["picture 2.png"].endswith(".")
    assert outcomes(app) == {"released": 1, "needs review": 1, "held back": 1}
    assert "Review 1 picture" in [link.label for link in app.main.get("page_link")]


def test_the_batch_that_was_chosen_stays_chosen_as_time_goes_by(lethe, monkeypatch):
    first, second = lethe.batch(UPRIGHT), lethe.batch(UPRIGHT, WIDE)
    app = lethe.page("Release")
    options = app.selectbox(key="release_batch").options
    assert app.selectbox(key="release_batch").value == second
    app.selectbox(key="release_batch").set_value(first).run()

    later = services.now() + timedelta(hours=1)
    monkeypatch.setattr(page, "now", lambda: later)
    app.run()

    assert app.selectbox(key="release_batch").value == first
    assert app.selectbox(key="release_batch").options == options
    assert len(set(options)) == 2  # of the same name and minute, mostly
    assert "of 1 picture in this batch" in said(app)


def columns(table) -> list[str]:
    """Those that a table shows, in order."""
    return list(table.proto.column_order)


def test_what_is_held_back_has_room_for_why_and_no_empty_columns(lethe):
    lethe.batch(UPRIGHT, b"no picture")
    app = lethe.page("Release")
    everything = columns(app.dataframe[0])

    app.segmented_control(key="release_filter").set_value([PictureState.QUARANTINED]).run()

    assert everything == [
        "Release picture", "Name", "Outcome", "Details", "Changed", "Release"
    ]  # fmt: skip
    assert columns(app.dataframe[0]) == ["Name", "Outcome", "Details", "Changed"]
    widths = {name: one.get("width") for name, one in
              json.loads(app.dataframe[0].proto.columns).items()}  # fmt: skip
    assert widths["Details"] == "large"
    assert widths["Release"] == "small"
    assert all(width < 150 for width in widths.values() if isinstance(width, int))


def test_the_first_release_is_shown_at_first_not_a_picture_with_nothing_to_see(lethe):
    lethe.batch(WIDE, b"no picture", UPRIGHT)

    app = lethe.page("Release")

    assert "picture 2.png" in [caption.value.replace("\\", "") for caption in app.caption]
    assert len(app.image) == 2


def test_other_rows_are_another_table_in_which_nothing_was_clicked_yet(lethe):
    lethe.batch(UPRIGHT, b"no picture", UPRIGHT)
    app = lethe.page("Release")
    before = app.dataframe[0].proto.id

    app.segmented_control(key="release_filter").set_value([PictureState.RELEASED]).run()

    assert app.dataframe[0].proto.id != before


@pytest.mark.parametrize("cells", [[(2, "Name")], []], ids=["a cell", "the box of a row"])
def test_a_click_on_any_cell_chooses_its_row(monkeypatch, cells):
    chosen = {"selection": {"rows": [1], "columns": [], "cells": cells}}
    state = {"table": chosen}
    monkeypatch.setattr(session, "widget_value", state.get)
    monkeypatch.setattr(session, "keep", state.__setitem__)

    row_choice.follow_cell("table")

    assert state["table"] == (row_choice.row(2) if cells else chosen)


def test_another_try_says_what_came_of_it(lethe, monkeypatch):
    lethe.batch(b"no picture")
    with monkeypatch.context() as broken:
        broken.setattr(Eyes, "detect", failing)
        lethe.batch(b"no picture", UPRIGHT, WIDE)
    app = lethe.page("Release")
    assert "Tried again" not in said(app)

    app.button(key="release_try_held_back").click().run()
    lethe.settle()
    app.run()

    assert re.search(
        r"Tried again .+: 1 released, 1 to review, 1 held back for the same reason\.", said(app)
    )
    other = batches.newest(ACTOR, lethe.database)[-1]
    app.selectbox(key="release_batch").set_value(other.id).run()
    assert "Tried again" not in said(app)  # of the other batch


def test_another_try_that_ends_otherwise_says_so(lethe, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(Eyes, "detect", failing)
        lethe.batch(UPRIGHT)
    app = lethe.page("Release")

    monkeypatch.setattr(Eyes, "detect", unsafe)
    app.button(key="release_try_held_back").click().run()
    lethe.settle()
    app.run()

    assert "0 released, 1 held back for another reason." in said(app)


def test_another_try_stands_below_the_table_and_not_above_the_download(lethe):
    lethe.batch(UPRIGHT, b"no picture")

    app = lethe.page("Release")

    keys = [getattr(element, "key", None) for element in app.main]
    assert keys.index("release_try_held_back") > keys.index(app.dataframe[0].key)
    assert keys.index("release_try_held_back") > keys.index("release_download")


def failing(*_, **__):
    raise ZeroDivisionError


def unsafe(*_, **__):
    raise UnsafeRelease("A check failed.")


def test_the_download_is_called_after_its_day_and_number_and_no_name(lethe, monkeypatch):
    made = {}
    real = page.download_link.button
    monkeypatch.setattr(
        page.download_link, "button",
        lambda label, make, **more: made.update({label: more["name"]}) or real(label, make, **more),
    )  # fmt: skip
    lethe.batch(UPRIGHT, UPRIGHT)

    lethe.page("Release")

    now = services.now()
    assert made[ZIP] == f"released-{now:%Y-%m-%d}-2-pictures.zip"
    private = made["Names and releases (private)"]
    assert re.fullmatch(rf"private-names-{now:%Y-%m-%d}-\d{{4}}\.csv", private)


def test_release_shows_before_and_after_and_what_was_checked(lethe):
    lethe.batch(UPRIGHT)

    app = lethe.page("Release")

    before, after = (image.value[0] for image in app.image)
    assert before.startswith("data:image/jpeg;base64,")  # an original is at no address
    assert not after.startswith("data:")
    assert "Removed: face in 1 place." in said(app)
    assert "After · 21\u00a0% removed" in said(app)
    for check in (
        "the removed pixels have no influence on the file (T1)",
        "nothing outside the masks changed (T3)",
        "the file holds pixels and nothing else (T4)",
    ):
        assert f"Checked: {check}." in said(app)


def test_the_download_holds_the_release_and_no_name(lethe):
    batch_id = lethe.batch(UPRIGHT, WIDE)

    app = lethe.page("Release")

    assert offered(app)[ZIP]
    with bundle(
        ACTOR, lethe.database, batches.batch(ACTOR, lethe.database, batch_id), services.now()
    ) as file:
        raw = file.read()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        (line,) = archive.read("receipts.jsonl").splitlines()
        assert f"released/{json.loads(line)['release']}.png" in archive.namelist()
    ids = [row.id for row in pictures.of_batch(ACTOR, lethe.database, batch_id)]
    assert not [secret for secret in (*ids, "picture 0", batch_id) if secret.encode() in raw]


def test_nothing_can_be_downloaded_before_something_is_released(lethe):
    lethe.batch(WIDE)

    assert not offered(lethe.page("Release"))[ZIP]


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
    assert list(offered(app)) == [ZIP, "Names and releases (private)"]
    labels = [button.label for button in app.get("download_button")]
    assert labels == ["Download the public key", "Download its certificate"]


def test_a_release_whose_file_was_changed_is_said_not_to_fit(lethe):
    batch_id = lethe.batch(UPRIGHT)
    (kept,) = receipts.newest(ACTOR, lethe.database, batch_id)
    kept.path.write_bytes(kept.path.read_bytes() + b"more")

    app = lethe.page("Release")

    assert "is not the picture that was released. Do not hand it out." in said(app)
    assert "Certificate verified" not in said(app)
    assert f"Nothing of this batch is handed out: of release {kept.release_id}" in said(app)
    assert not offered(app)[ZIP]


def test_a_changed_release_that_was_put_back_can_be_downloaded_again(lethe):
    batch_id = lethe.batch(UPRIGHT)
    (kept,) = receipts.newest(ACTOR, lethe.database, batch_id)
    content = kept.path.read_bytes()
    app = lethe.page("Release")
    assert offered(app)[ZIP]

    kept.path.unlink()
    app.run()
    assert not offered(app)[ZIP]
    kept.path.write_bytes(content)
    app.run()

    assert offered(app)[ZIP]


def test_a_release_from_before_certificates_is_said_to_have_none(lethe):
    lethe.batch(UPRIGHT)
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("DELETE FROM certificates")

    app = lethe.page("Release")

    assert "was made before certificates" in said(app)
    assert "add its original to a new batch" in said(app)
    assert "Checked: the removed pixels have no influence on the file (T1)." in said(app)
    assert "Certificate verified" not in said(app)
    assert len(app.get("download_button")) == 1


def test_each_release_has_its_thumbnail_and_how_much_was_removed(lethe):
    lethe.batch(UPRIGHT, WIDE)

    table = lethe.page("Release").dataframe[0].value.set_index("Name")

    released, waiting = table.loc["picture 0.png"], table.loc["picture 1.png"]
    assert released["Release picture"].startswith("data:image/jpeg;base64,")
    assert released["Details"] == "21\u00a0% removed"
    # no original is ever in the table; nor is the word that stands for an empty cell
    assert waiting["Release picture"] == picture_table.NOTHING_OUT
    assert waiting["Details"] == "unsure"


def test_a_long_batch_is_shown_a_page_at_a_time(lethe, monkeypatch):
    monkeypatch.setattr(picture_table, "PAGE", 2)
    lethe.batch(UPRIGHT, b"no picture", UPRIGHT)
    app = lethe.page("Release")
    first = list(app.dataframe[0].value["Name"])

    app.get("pagination")[0].set_value(2).run()

    assert first == ["picture 0.png", "picture 1.png"]
    assert list(app.dataframe[0].value["Name"]) == ["picture 2.png"]


def test_counts_add_up_after_a_cancel(lethe):
    batch_id = lethe.batch(UPRIGHT, WIDE, UPRIGHT)
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute(
            "UPDATE pictures SET state = 'cancelled' "
            "WHERE number = (SELECT max(number) FROM pictures)"
        )
    batches.cancel(ACTOR, lethe.database, batch_id, services.now())

    app = lethe.page("Release")

    assert outcomes(app) == {"released": 1, "needs review": 1, "cancelled": 1}
    assert "of 3 pictures in this batch" in said(app)
    assert list(app.dataframe[0].value["Outcome"]) == ["Released", "Needs review", "Cancelled"]


def test_the_private_list_names_every_picture_and_its_release(lethe):
    batch_id = lethe.batch(UPRIGHT, b"no picture")
    batch = batches.batch(ACTOR, lethe.database, batch_id)
    (kept,) = receipts.newest(ACTOR, lethe.database, batch_id)

    rows = list(csv.DictReader(io.StringIO(names.listing(ACTOR, lethe.database, batch))))

    assert [row["name"] for row in rows] == ["picture 0.png", "picture 1.png"]
    assert [row["release"] for row in rows] == [kept.release_id, ""]
    assert [row["outcome"] for row in rows] == ["Released", "Held back"]


def test_the_private_list_is_for_managers_alone(lethe, monkeypatch):
    batch_id = lethe.batch(UPRIGHT)
    batch = batches.batch(ACTOR, lethe.database, batch_id)
    monkeypatch.setattr(session, "user", lambda: User("ann", frozenset({Role.ANALYST})))

    assert list(offered(lethe.page("Release"))) == [ZIP]
    with pytest.raises(NotPermitted):
        names.made(batch)


def test_a_release_file_that_is_no_picture_has_no_thumbnail(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")

    assert thumbnails.thumbnail(str(tmp_path / "a.png"), "0") is None
    assert thumbnails.thumbnail(str(tmp_path / "gone.png"), "0") is None


def test_thumbnails_are_gone_once_a_picture_ended(lethe):
    batch = lethe.batch(UPRIGHT)
    (kept,) = receipts.newest(ACTOR, lethe.database, batch)
    assert thumbnails.thumbnail(str(kept.path), kept.sha256) is not None

    shred(ACTOR, lethe.database, kept.picture_id, services.now())

    assert thumbnails.thumbnail(str(kept.path), kept.sha256) is None


def test_a_batch_whose_release_file_is_gone_is_shown_all_the_same(lethe):
    batch = lethe.batch(UPRIGHT)
    (kept,) = receipts.newest(ACTOR, lethe.database, batch)
    kept.path.unlink()
    thumbnails.clear()

    assert not lethe.page().exception
    app = lethe.page("Release")
    assert not app.exception
    assert "The file of this release is gone" in said(app)


def test_a_manager_revokes_a_release_for_a_reason_and_it_leaves_the_download(lethe):
    batch_id = lethe.batch(UPRIGHT)
    (kept,) = receipts.newest(ACTOR, lethe.database, batch_id)
    app = lethe.page("Release")
    button = f"release_revoke_{kept.release_id}"
    assert app.button(key=button).disabled
    assert "Download the list of revocations" not in labelled(app)

    app.selectbox(key=f"release_reason_{kept.release_id}").set_value(Reason.SHOWS).run()
    app.button(key=button).click().run()

    assert "Revoked on" in said(app)
    assert ":red-badge[:material/block: Revoked]" in said(app)
    assert "Released]" not in said(app)
    assert "1 release of this batch is revoked: left out of the download" in said(app)
    assert list(app.dataframe[0].value["Outcome"]) == ["Revoked"]
    assert "Download the list of revocations" in labelled(app)
    assert not offered(app)[ZIP]
    assert receipts.newest(ACTOR, lethe.database, batch_id)[0].revoked_at is not None


def labelled(app):
    return [button.label for button in app.get("download_button")]


def test_an_analyst_downloads_and_revokes_nothing_and_a_manager_the_other_way_round(
    lethe, monkeypatch
):
    lethe.batch(UPRIGHT)

    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({Role.ANALYST})))
    app = lethe.page("Release")
    assert list(offered(app)) == [ZIP]
    assert "Revoke for good" not in labels(app)

    monkeypatch.setattr(session, "user", lambda: User("mo", frozenset({Role.MANAGER})))
    app = lethe.page("Release")
    assert list(offered(app)) == ["Names and releases (private)"]
    assert "Revoke for good" in labels(app)


def test_a_revocation_is_a_step_on_the_pictures_way(lethe):
    batch_id = lethe.batch(UPRIGHT)
    (kept,) = receipts.newest(ACTOR, lethe.database, batch_id)
    revocations.revoke(ACTOR, lethe.database, [kept.release_id], Reason.SHOWS, services.now())

    app = lethe.page("Audit")
    app.text_input(key="audit_word").set_value(kept.picture_id).run()

    (way,) = [table.value for table in app.table if "Step" in table.value]
    assert any("Revoke a release" in step for step in way["Step"])
    assert any("reason shows" in told for told in way["Details"])


def test_under_four_eyes_it_is_said_who_is_waited_for_and_a_second_person_opens_the_download(
    lethe, monkeypatch
):
    ana = Actor("ana", "ana", PEOPLE, is_signed_in=True)
    batch_id = lethe.batch(UPRIGHT, policy=Policy(review={"four_eyes": True}), actor=ana)
    at_screen(monkeypatch, ana)

    app = lethe.page("Release")
    assert "1 released picture waits for a second person." in said(app)
    assert "You did, so ask an analyst, a manager or an admin who did not." in said(app)
    assert "Approve 1 picture for download" not in labels(app)
    assert not offered(app)[ZIP]

    at_screen(monkeypatch, replace(ana, id="bo", name="bo"))
    app = lethe.page("Release")
    assert "You did" not in said(app)
    assert not offered(app)[ZIP]
    app.button(key="release_approve").click().run()

    assert "waits for a second person" not in said(app)
    assert offered(app)[ZIP]
    assert approvals.waiting(ana, lethe.database, batch_id).releases == 0


def at_screen(monkeypatch, somebody):
    """Every module that asks who is there hears of this one."""
    for module in (approval, page, names, picture_table, certificate, revocation):
        monkeypatch.setattr(module, "actor", lambda: somebody)


def test_a_large_batch_is_compared_when_asked_for_and_offered_once_that_fits(lethe, monkeypatch):
    monkeypatch.setattr(page, "COMPARED_AT_ONCE", 1)
    batch_id = lethe.batch(UPRIGHT, UPRIGHT)
    kept = receipts.newest(ACTOR, lethe.database, batch_id)[0]
    content = kept.path.read_bytes()
    app = lethe.page("Release")
    assert not offered(app)[ZIP]

    kept.path.write_bytes(content + b"more")
    app.button(key="release_compare").click().run()
    assert f"Nothing of this batch is handed out: of release {kept.release_id}" in said(app)
    assert not offered(app)[ZIP]

    kept.path.write_bytes(content)
    app.button(key="release_compare").click().run()
    assert offered(app)[ZIP]
    app.run()
    assert offered(app)[ZIP]
    assert "release_compare" not in [button.key for button in app.button]
