import errno
import os
import tomllib
from datetime import timedelta

import pytest

from engine.category import Category
from engine.errors import InvalidPolicy, UnusableFolder
from engine.files import atomic
from engine.policy import Policy, default_policy, read_policy
from store.database import Database
from store.errors import UnknownRecord
from store.policies import file, versions
from store.policies.versions import CHANGED_OUTSIDE, UNKNOWN, Activation
from tests.store.fakes import ACTOR, ANY, NOW

LATER = NOW + timedelta(days=1)
EAGER = Policy().with_thresholds(Category.TATTOO, review_at=0.1, auto_redact_at=0.6)
CALM = Policy().with_thresholds(Category.TATTOO, review_at=0.3, auto_redact_at=0.6)


def policy_at(path):
    toml = file.text(path)
    return default_policy() if toml is None else read_policy(toml, name=str(path))


def draft(database, policy=EAGER, note="find more tattoos", **given):
    return versions.draft(ACTOR, database, policy.to_toml(), note, "ada", NOW, **given)


def test_without_a_file_the_built_in_policy_is_in_force_and_there_is_no_history(database):
    assert policy_at(database.files.policy) == default_policy()
    assert versions.noticed(ACTOR, database, NOW) is None
    assert versions.versions(ACTOR, database) == ()
    assert versions.activations(ACTOR, database) == ()


def test_a_draft_is_kept_and_changes_nothing(database):
    made = draft(database, evaluation_id="ab" * 16)

    assert versions.versions(ACTOR, database) == (made,)
    assert (made.number, made.policy, made.note) == (1, EAGER.fingerprint, "find more tattoos")
    assert read_policy(made.toml) == EAGER
    assert (made.evaluation_id, made.made_by, made.made_at) == ("ab" * 16, "ada", NOW)
    assert (made.activated_by, made.activated_at) == (None, None)
    assert policy_at(database.files.policy) == default_policy()
    assert not database.files.policy.exists()


def test_a_draft_that_is_no_policy_is_refused(database):
    with pytest.raises(InvalidPolicy, match="typo"):
        versions.draft(ACTOR, database, "typo = 1", "a note", "ada", NOW)

    assert versions.versions(ACTOR, database) == ()


def test_activating_writes_a_private_file_that_says_what_it_is(database):
    draft(database)

    made = versions.activate(ACTOR, database, 1, "bo", LATER)

    path = database.files.policy
    first, *_ = path.read_text(encoding="utf-8").split("\n")
    assert first == (
        "# Lethe policy, version 1, put in force by bo on 2026-11-23: find more tattoos"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert policy_at(database.files.policy) == EAGER
    assert (made.activated_by, made.activated_at) == ("bo", LATER)
    assert versions.noticed(ACTOR, database, LATER) == made
    assert [path.name for path in database.files.home.glob("policy*")] == ["policy.toml"]


def test_comments_of_a_hand_written_policy_stay_in_the_file(database):
    versions.draft(
        ACTOR, database, "[review]\naudit_share = 0.2  # the board wants 20 %", "x", "ada", NOW
    )

    versions.activate(ACTOR, database, 1, "ada", NOW)

    assert "# the board wants 20 %" in database.files.policy.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "note",
    [
        "two\nlines\r\n[review]\naudit_share = 0",
        "bell \a, null \0, delete \x7f, escape \x1b[31m",
        "line separator \u2028[review]",
        "undecodable \udcff",
        "図 für „Ünïcode“",
        "",
    ],
    ids=["line breaks", "control", "separator", "surrogate", "any script", "empty"],
)
def test_no_note_or_name_can_write_into_the_policy(database, note):
    versions.draft(ACTOR, database, EAGER.to_toml(), note, "ada", NOW)

    versions.activate(ACTOR, database, 1, note or "ada", NOW)

    assert policy_at(database.files.policy) == EAGER
    text = database.files.policy.read_text(encoding="utf-8")
    assert tomllib.loads(text) == tomllib.loads(EAGER.to_toml())
    assert text.partition("\n")[2] == EAGER.to_toml()


def test_a_version_can_be_activated_again_and_every_time_is_kept(database):
    draft(database, EAGER)
    draft(database, CALM, note="fewer questions")
    for number, by, at in [(1, "ada", NOW), (2, "bo", NOW), (1, "cy", LATER)]:
        versions.activate(ACTOR, database, number, by, at)

    newest, oldest = versions.versions(ACTOR, database)

    assert policy_at(database.files.policy) == EAGER
    assert [newest.number, oldest.number] == [2, 1]
    assert (newest.activated_by, newest.activated_at) == ("bo", NOW)
    assert (oldest.activated_by, oldest.activated_at) == ("cy", LATER)
    assert versions.activations(ACTOR, database) == (
        Activation(1, "cy", LATER),
        Activation(2, "bo", NOW),
        Activation(1, "ada", NOW),
    )
    assert versions.noticed(ACTOR, database, LATER) == oldest


def test_a_version_that_is_not_there_is_refused(database):
    with pytest.raises(UnknownRecord, match="version 7"):
        versions.activate(ACTOR, database, 7, "ada", NOW)

    assert not database.files.policy.exists()


def test_a_version_that_is_no_longer_accepted_is_refused_and_the_file_stays(database):
    draft(database)
    versions.activate(ACTOR, database, 1, "ada", NOW)
    before = database.files.policy.read_bytes()
    draft(database, CALM)
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE policy_versions SET toml = 'old_key = 1' WHERE number = 2")

    with pytest.raises(InvalidPolicy, match=r"Version 2 was not accepted\. old_key"):
        versions.activate(ACTOR, database, 2, "ada", NOW)

    assert database.files.policy.read_bytes() == before
    assert len(versions.activations(ACTOR, database)) == 1


def test_a_file_that_cannot_be_written_changes_nothing_and_says_why(database, monkeypatch):
    draft(database)

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic, "write", full)
    with pytest.raises(UnusableFolder, match="No space left on device"):
        versions.activate(ACTOR, database, 1, "ada", NOW)

    assert versions.activations(ACTOR, database) == ()
    assert policy_at(database.files.policy) == default_policy()


def test_an_edit_from_outside_becomes_a_version_of_its_own_once(database):
    draft(database)
    versions.activate(ACTOR, database, 1, "ada", NOW)
    path = database.files.policy
    edited = path.read_text(encoding="utf-8").replace("review_at = 0.1", "review_at = 0.15")
    path.write_text(edited, encoding="utf-8")

    found = versions.noticed(ACTOR, database, LATER)

    assert versions.noticed(ACTOR, database, LATER) == found
    assert versions.versions(ACTOR, database)[0] == found
    assert len(versions.versions(ACTOR, database)) == 2
    assert (found.number, found.note, found.made_by) == (2, CHANGED_OUTSIDE, UNKNOWN)
    assert (found.activated_by, found.activated_at) == (UNKNOWN, LATER)
    assert found.policy == policy_at(database.files.policy).fingerprint
    assert found.toml == edited.partition("\n")[2]
    assert path.read_text(encoding="utf-8") == edited


def test_a_file_that_was_there_before_any_version_begins_the_history(database):
    database.files.policy.write_text(CALM.to_toml(), encoding="utf-8")

    found = versions.noticed(ACTOR, database, NOW)

    assert (found.number, found.policy, found.toml) == (1, CALM.fingerprint, CALM.to_toml())


def test_a_change_of_comments_alone_is_none(database):
    draft(database)
    made = versions.activate(ACTOR, database, 1, "ada", NOW)
    with database.files.policy.open("a", encoding="utf-8") as file:
        file.write("# a remark\n")

    assert versions.noticed(ACTOR, database, LATER) == made


def test_a_removed_file_is_refused_while_another_policy_was_in_force(database):
    draft(database)
    versions.activate(ACTOR, database, 1, "ada", NOW)
    database.files.policy.unlink()

    for ask in (
        versions.in_force,
        lambda actor, database: versions.noticed(ACTOR, database, LATER),
    ):
        with pytest.raises(InvalidPolicy, match="is gone, while version 1 of the policy is in"):
            ask(ACTOR, database)
    assert len(versions.activations(ACTOR, database)) == 1

    versions.activate(ACTOR, database, 1, "ada", LATER)
    assert versions.in_force(ACTOR, database) == EAGER


def test_a_removed_file_is_the_built_in_policy_while_that_was_in_force(database):
    draft(database, default_policy())
    made = versions.activate(ACTOR, database, 1, "ada", NOW)
    database.files.policy.unlink()

    assert versions.in_force(ACTOR, database) == default_policy()
    assert versions.noticed(ACTOR, database, LATER) == made


def test_without_a_file_and_a_version_the_built_in_policy_is_in_force(database):
    assert versions.in_force(ACTOR, database) == default_policy()


def a_folder(path):
    path.mkdir()


def a_dangling_link(path):
    path.symlink_to(path.parent / "share that is offline" / "policy.toml")


def a_pipe(path):
    os.mkfifo(path)


@pytest.mark.parametrize("put", [a_folder, a_dangling_link, a_pipe])
def test_what_is_no_file_is_refused_and_never_the_built_in_policy(database, put):
    put(database.files.policy)

    with pytest.raises(InvalidPolicy, match="nobody knows the policy in force"):
        versions.in_force(ACTOR, database)
    with pytest.raises(InvalidPolicy, match="nobody knows the policy in force"):
        versions.noticed(ACTOR, database, NOW)


def test_going_back_to_an_earlier_policy_by_hand_makes_no_new_version(database):
    for policy in (EAGER, CALM):
        versions.activate(ACTOR, database, draft(database, policy).number, "ada", NOW)
    database.files.policy.write_text(EAGER.to_toml(), encoding="utf-8")

    found = versions.noticed(ACTOR, database, LATER)

    assert found.number == 1
    assert len(versions.versions(ACTOR, database)) == 2
    assert versions.activations(ACTOR, database)[0] == Activation(1, UNKNOWN, LATER)


class Killed(BaseException):
    """Stands in for the end of the process."""


def test_a_crash_between_the_file_and_its_record_heals(home, monkeypatch):
    database = Database.open(home, NOW)
    for policy in (CALM, EAGER):
        draft(database, policy)
    versions.activate(ACTOR, database, 1, "ada", NOW)
    write = atomic.write

    def write_and_die(path, content):
        write(path, content)
        raise Killed

    monkeypatch.setattr(atomic, "write", write_and_die)
    with pytest.raises(Killed):
        versions.activate(ACTOR, database, 2, "ada", NOW)
    monkeypatch.undo()
    database.close()

    database = Database.open(home, LATER)
    unhealed = versions.activations(ACTOR, database)
    found = versions.noticed(ACTOR, database, LATER)

    assert unhealed == (Activation(1, "ada", NOW),)
    assert policy_at(database.files.policy) == EAGER
    assert (found.number, found.note) == (2, "find more tattoos")
    assert versions.activations(ACTOR, database)[0] == Activation(2, UNKNOWN, LATER)
    assert len(versions.versions(ACTOR, database)) == 2
    database.close()


def test_a_newer_lethe_whose_fingerprints_differ_sees_no_edit(database):
    draft(database)
    made = versions.activate(ACTOR, database, 1, "ada", NOW)
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE policy_versions SET policy = '0123456789ab'")

    assert versions.noticed(ACTOR, database, LATER).number == made.number
    assert len(versions.activations(ACTOR, database)) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"typo = 1", "typo is not a key"),
        (b"[removal", "not valid TOML"),
        (b"\xff\xfe", "cannot be read as text"),
    ],
    ids=["unknown key", "no TOML", "no text"],
)
def test_a_file_that_is_no_policy_is_refused_and_never_recorded(database, content, says):
    database.files.policy.write_bytes(content)

    for ask in (
        lambda given: policy_at(given.files.policy),
        lambda given: versions.noticed(ACTOR, given, NOW),
    ):
        with pytest.raises(InvalidPolicy, match=says):
            ask(database)

    assert versions.versions(ACTOR, database) == ()
