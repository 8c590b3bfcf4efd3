"""Subject requests on the audit page: find, export, correct, note, close, and who may."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest

from components.app import services, session
from components.app.access import Role, User
from components.audit import subjects
from engine.errors import LetheError
from store.batches import pictures
from store.batches.pictures import PictureState
from store.errors import NotAllowed
from store.releases import receipts
from store.subjects import correction, requests
from store.subjects.correction import Ground
from store.subjects.requests import Kind, Outcome
from tests.app.reading import UPRIGHT, labels, offered, said
from tests.store.fakes import ACTOR

pytestmark = pytest.mark.slow

FIND = "audit_subject_find"


@pytest.fixture
def release(lethe):
    """Of the one picture, `picture 0.png`."""
    batch_id = lethe.batch(UPRIGHT)
    (found,) = receipts.newest(ACTOR, lethe.database, batch_id)
    return found


def found_by(lethe, word):
    app = lethe.page("Audit")
    app.text_input(key="audit_subject_word").set_value(word)
    return app.button(key=FIND).click().run()


def only(lethe):
    (request,) = requests.listed(ACTOR, lethe.database)
    return request


@pytest.mark.parametrize("by", ["release", "picture", "name"])
def test_a_picture_is_found_and_what_is_held_is_told(lethe, release, by):
    words = {
        "release": release.release_id.upper(),
        "picture": release.picture_id,
        "name": "picture 0.png",
    }

    app = found_by(lethe, words[by])

    assert not app.exception
    text = said(app)
    assert f"Picture `{release.picture_id}`" in text
    assert "Original: **held, sealed**" in text
    assert f"Release that stands: **`{release.release_id}`**" in text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("sent.png", "is a release of it, byte for byte"), ("{}.png", "Altered."),
     ("other.png", "Nothing of ours.")],
)  # fmt: skip
def test_a_file_is_known_by_its_bytes_or_said_to_be_altered_or_unknown(
    lethe, release, name, sentence
):
    data = release.path.read_bytes() if name == "sent.png" else b"others"
    app = lethe.page("Audit")

    app.file_uploader(key="audit_subject_file_0").set_value(
        (name.format(release.release_id), data, "image/png")
    )
    app.button(key=FIND).click().run()

    assert not app.exception
    assert sentence in said(app)
    assert app.file_uploader(key="audit_subject_file_1").value is None


def test_nothing_to_find_by_is_a_sentence(lethe):
    app = found_by(lethe, " ")

    assert "Type an id or a name" in said(app)


def test_correcting_withdraws_and_leads_to_review(lethe, release):
    app = found_by(lethe, release.release_id)
    ground = app.radio(key=f"audit_ground_{release.picture_id}")
    correct = f"audit_correct_{release.picture_id}"
    assert app.button(key=correct).disabled

    ground.set_value(Ground.MISSED).run()
    app.button(key=correct).click().run()

    assert f"Release {release.release_id} is withdrawn" in said(app)
    picture = pictures.picture(ACTOR, lethe.database, release.picture_id)
    assert picture.state is PictureState.REVIEW
    assert only(lethe).outcome is Outcome.DONE
    assert "somebody objected: something was missed" in said(lethe.page("Review"))


def test_an_auditor_finds_and_exports_and_changes_no_picture(lethe, release, monkeypatch):
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({Role.AUDITOR})))

    app = found_by(lethe, release.release_id)

    assert offered(app)["Export what is held (zip)"]
    assert "Withdraw and review again" not in labels(app)
    assert not app.checkbox
    with pytest.raises(NotAllowed):
        correction.corrected(
            session.actor(), lethe.database, release.picture_id, Ground.MISSED, services.now()
        )
    picture = pictures.picture(ACTOR, lethe.database, release.picture_id)
    assert picture.state is PictureState.RELEASED


def test_somebody_who_is_no_auditor_any_more_gets_no_export(lethe, release, monkeypatch):
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({Role.ANALYST})))

    with pytest.raises(LetheError):
        subjects._export(release.picture_id, with_original=False)

    assert requests.listed(ACTOR, lethe.database) == ()


def test_an_export_is_the_zip_of_the_picture(lethe, release):
    data = subjects._export(release.picture_id, with_original=True)

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (picture,) = json.loads(archive.read("pictures.json"))
        assert archive.read("original.png") == UPRIGHT
    assert picture["id"] == release.picture_id
    assert only(lethe).kind is Kind.ACCESS


def test_a_request_is_noted_with_its_deadline_and_closed(lethe, release):
    app = found_by(lethe, release.release_id)
    app.radio(key=f"audit_kind_{release.picture_id}").set_value(Kind.DELETION)

    app.button(key=f"audit_open_{release.picture_id}").click().run()

    request = only(lethe)
    assert (request.kind, request.picture_id) == (Kind.DELETION, release.picture_id)
    assert f"{request.due_at:%Y-%m-%d}" in shown(app)["Due"].to_list()
    assert shown(app)["State"].item().startswith("Open, ")


def test_overdue_requests_are_said_and_marked(lethe, release):
    came = services.now() - timedelta(days=32)
    for kind in (Kind.ACCESS, Kind.DELETION):
        requests.opened(
            ACTOR, lethe.database, kind, release.picture_id, services.now(), received_at=came
        )

    app = lethe.page("Audit")

    assert "2 requests are overdue." in said(app)
    assert list(shown(app)["State"]) == ["⚠ Overdue by 2 days"] * 2


def shown(app):
    (table,) = [one.value for one in app.dataframe if "Request" in one.value]
    return table


def test_deleting_asks_first_and_leaves_a_whole_trail(lethe, release):
    app = found_by(lethe, release.release_id)
    delete = f"audit_delete_{release.picture_id}"
    assert app.button(key=delete).disabled

    app.checkbox(key=f"audit_sure_{release.picture_id}").check().run()
    app.button(key=delete).click().run()

    assert f"Release {release.release_id} is withdrawn" in said(app)
    assert "Original: **destroyed or gone**" in said(app)
    assert not release.path.exists()
    assert only(lethe).kind is Kind.DELETION
    app.button(key="audit_verify").click().run()
    assert "The trail is whole: " in said(app)


def test_a_release_may_be_let_stand(lethe, release):
    app = found_by(lethe, release.release_id)

    app.checkbox(key=f"audit_keep_release_{release.picture_id}").check()
    app.checkbox(key=f"audit_sure_{release.picture_id}").check().run()
    app.button(key=f"audit_delete_{release.picture_id}").click().run()

    assert release.path.exists()
    assert pictures.picture(ACTOR, lethe.database, release.picture_id).source != "picture 0.png"
