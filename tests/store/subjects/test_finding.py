"""A picture is found by ids, by bytes and by its whole name, and by nothing that is near."""

import hashlib
import json

import pytest

from store.subjects import correction, finding
from store.subjects.finding import Found, Means, Result
from tests.store.fakes import ACTOR, ANY

pytestmark = pytest.mark.slow


def sha256(data):
    return hashlib.sha256(data).digest()


def last_event(database):
    with database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute(
            "SELECT act, subject, details FROM events ORDER BY number DESC LIMIT 1"
        ).fetchone()


def test_a_release_or_the_picture_is_found_by_its_id(worked):
    expected = Found(Result.FOUND, Means.ID, (worked.picture_id,))

    assert finding.by_id(ACTOR, worked.database, worked.release.release_id) == expected
    assert finding.by_id(ACTOR, worked.database, worked.picture_id) == expected


def test_a_release_is_found_by_its_bytes_whatever_its_name(worked):
    found = finding.by_file(
        ACTOR, worked.database, "holiday.png", sha256(worked.release.path.read_bytes())
    )

    assert found == Found(Result.FOUND, Means.RELEASE, (worked.picture_id,))


def test_an_original_is_found_by_its_bytes(worked):
    found = finding.by_file(ACTOR, worked.database, "mine.jpg", sha256(b"two"))

    assert found == Found(Result.FOUND, Means.ORIGINAL, (worked.pictures[1],))


@pytest.mark.parametrize("ending", [".png", ".certificate.json", ""])
def test_a_changed_file_under_the_name_of_a_release_is_told_as_altered(worked, ending):
    name = worked.release.release_id + ending

    found = finding.by_file(ACTOR, worked.database, name, sha256(b"another"))

    assert found == Found(Result.ALTERED, Means.NAME, (worked.picture_id,))


def test_what_is_none_of_ours_is_unknown(worked):
    found = finding.by_file(ACTOR, worked.database, "0.jpg", sha256(b"another"))

    assert found == Found(Result.UNKNOWN, None)
    assert finding.by_id(ACTOR, worked.database, "ab" * 16) == found


@pytest.mark.parametrize(("name", "count"), [("1.jpg", 1), ("1.jp", 0), ("1.JPG", 0), ("%", 0)])
def test_a_name_must_be_the_whole_name(worked, name, count):
    found = finding.by_name(ACTOR, worked.database, name)

    assert found.picture_ids == tuple(worked.pictures[1:][:count])


def test_looking_is_on_record_without_the_name_that_was_looked_for(worked):
    finding.by_name(ACTOR, worked.database, "1.jpg")

    act, subject, details = last_event(worked.database)
    assert (act, subject) == ("find_subject", worked.pictures[1])
    assert json.loads(details) == {"result": "found", "pictures": 1, "by": "name"}
    finding.by_name(ACTOR, worked.database, "Ana Ruiz.jpg")
    assert "Ana" not in "".join(last_event(worked.database))


def test_a_withdrawn_release_is_found_still(worked):
    data, release_id = worked.release.path.read_bytes(), worked.release.release_id
    correction.corrected(
        ACTOR, worked.database, worked.picture_id, correction.Ground.MISSED, worked.now[-1]
    )

    assert finding.by_id(ACTOR, worked.database, release_id).picture_ids == (worked.picture_id,)
    found = finding.by_file(ACTOR, worked.database, "x", sha256(data))
    assert found.picture_ids == (worked.picture_id,)
