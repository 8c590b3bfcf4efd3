"""Accounts: what the sign-in file accepts, and whom a provider's claims make of somebody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.app import accounts
from components.app.access import NOBODY
from components.app.accounts import Access, UnusableSignIn
from components.app.identity import SignedOut, person, signed_out
from engine.files import atomic
from store.accounts.role import Role

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "s3cret-" * 8
AUTH = f"""
[auth]
redirect_uri = "https://lethe.example.org/oauth2callback"
cookie_secret = "{SECRET}"
client_id = "lethe"
client_secret = "x"
server_metadata_url = "https://id.example.org/.well-known/openid-configuration"
"""
ACCESS = '[access]\nemails = {reviewer = ["bo@example.org"]}\n'
CLAIMS = {
    "is_logged_in": True,
    "iss": "https://id.example.org",
    "sub": "7",
    "iat": NOW.timestamp(),
    "exp": (NOW + timedelta(hours=1)).timestamp(),
    "email": "Bo@Example.org",
    "email_verified": True,
    "name": "Bo",
}
BY_EMAIL = Access(emails={Role.REVIEWER: frozenset({"bo@example.org"})})


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    (folder / accounts.NAME).write_text(text)
    (folder / accounts.NAME).chmod(mode)
    return folder


def test_a_whole_sign_in_file_is_read(tmp_path):
    sign_in = accounts.read(written(tmp_path, AUTH + ACCESS))

    assert sign_in.auth.origin == "https://lethe.example.org"
    assert sign_in.access.emails == {Role.REVIEWER: {"bo@example.org"}}
    assert sign_in.access.folders == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (AUTH, "access"),
        (AUTH + "[access]\n", "nobody has a role"),
        (AUTH + "[access]\nrole_claim = 'x'\n", "role_claim"),
        (AUTH + '[access]\nemails = {machine = ["a@b.c"]}\n', "no person has the role machine"),
        (AUTH + '[access]\nemails = {boss = ["a@b.c"]}\n', "boss"),
        (AUTH + '[access]\nclaim_values = {admin = ["a"]}\n', "needs roles_claim"),
        (AUTH + ACCESS + "session_hours = 0\n", "session_hours"),
        (AUTH + ACCESS + "session_hours = inf\n", "session_hours"),
        (AUTH + ACCESS + 'folders = ["data"]\n', "absolute"),
        (AUTH.replace(SECRET, "short") + ACCESS, "cookie_secret"),
        (AUTH.replace("/oauth2callback", "") + ACCESS, "oauth2callback"),
        (AUTH.replace("https://id", "http://id") + ACCESS, "https"),
        (AUTH.replace("https://lethe", "http://lethe") + ACCESS, "https"),
        ("\x00", "no TOML"),
    ],
)
def test_what_is_wrong_with_a_sign_in_file_is_said_without_its_secrets(tmp_path, text, says):
    with pytest.raises(UnusableSignIn) as refusal:
        accounts.read(written(tmp_path, text))

    assert says in str(refusal.value)
    assert SECRET not in str(refusal.value)
    assert "short" not in str(refusal.value)


def test_a_sign_in_file_that_others_may_open_is_refused(tmp_path):
    with pytest.raises(UnusableSignIn, match="chmod 600"):
        accounts.read(written(tmp_path, AUTH + ACCESS, mode=0o640))


def test_without_a_sign_in_file_nobody_is_let_in(tmp_path):
    with pytest.raises(UnusableSignIn, match="cannot be read"):
        accounts.read(tmp_path)


def test_a_verified_address_gives_role_and_name():
    bo = person(CLAIMS, BY_EMAIL, NOW)

    assert (bo.name, bo.label, bo.roles) == ("bo@example.org", "Bo", {Role.REVIEWER})


@pytest.mark.parametrize("verified", [False, None, "false", 1, "yes"])
def test_an_address_that_is_not_verified_gives_neither(verified):
    somebody = person({**CLAIMS, "email_verified": verified}, BY_EMAIL, NOW)

    assert (somebody.name, somebody.roles) == ("7", frozenset())


@pytest.mark.parametrize(
    ("claim", "roles"),
    [
        (["lethe-admins", "all"], {Role.ADMIN}),
        ("lethe-admins", {Role.ADMIN}),
        (["admin"], set()),
        ("x lethe-admins", set()),
        ({"lethe-admins": 1}, set()),
        (None, set()),
    ],
)
def test_a_claim_gives_the_roles_its_words_stand_for(claim, roles):
    access = Access(roles_claim="groups", claim_values={Role.ADMIN: frozenset({"lethe-admins"})})

    assert person({**CLAIMS, "groups": claim}, access, NOW).roles == roles


def test_without_a_list_of_words_a_claim_names_the_roles_and_never_the_machine():
    access = Access(roles_claim="roles")

    somebody = person({**CLAIMS, "roles": ["analyst", "machine", "boss"]}, access, NOW)

    assert somebody.roles == {Role.ANALYST}


@pytest.mark.parametrize(
    ("hours", "changes", "ends"),
    [
        (None, {}, NOW + timedelta(hours=1)),
        (8, {}, NOW + timedelta(hours=8)),
        (None, {"exp": None}, None),
        (None, {"exp": "tomorrow"}, None),
        (None, {"exp": True}, None),
        (None, {"exp": 1e300}, None),
        (8, {"iat": None}, None),
    ],
)
def test_a_session_ends_when_the_file_or_the_token_says_so_and_else_at_once(hours, changes, ends):
    access = BY_EMAIL.model_copy(update={"session_hours": hours})
    claims = {**CLAIMS, **changes}

    if ends is None:
        assert person(claims, access, NOW).roles == frozenset()
        return
    assert person(claims, access, ends - timedelta(seconds=1)).roles == {Role.REVIEWER}
    over = person(claims, access, ends)
    assert (over.name, over.roles, over.expires) == ("bo@example.org", frozenset(), ends)


@pytest.mark.parametrize(
    "changes", [{"is_logged_in": False}, {"is_logged_in": 1}, {"iss": None}, {"sub": " "}]
)
def test_claims_of_nobody_are_nobody(changes):
    assert person({**CLAIMS, **changes}, BY_EMAIL, NOW) == NOBODY
    assert person({}, BY_EMAIL, NOW) == NOBODY


def test_a_session_that_was_ended_is_nobodys_and_the_next_one_is_not():
    claims = {**CLAIMS, "nonce": "first"}
    signed_out.add(person(claims, BY_EMAIL, NOW), NOW)

    assert person(claims, BY_EMAIL, NOW) == NOBODY
    assert person({**claims, "nonce": "second"}, BY_EMAIL, NOW).roles == {Role.REVIEWER}


def user(nonce: str):
    return person({**CLAIMS, "nonce": nonce}, BY_EMAIL, NOW)


def test_what_was_ended_is_known_after_a_restart_for_as_long_as_it_could_count(tmp_path):
    file = tmp_path / "signed-out.json"
    before = SignedOut()
    before.keep_in(file)
    before.add(user("first"), NOW)

    after = SignedOut()
    after.keep_in(file)

    assert user("first").session in after
    assert user("other").session not in after
    assert file.stat().st_mode & 0o077 == 0
    assert "example" not in file.read_text()
    after.add(user("second"), NOW + timedelta(days=6))
    assert user("first").session in after  # its hours may be made more
    after.add(user("third"), NOW + timedelta(days=8))
    later = SignedOut()
    later.keep_in(file)
    assert [user(one).session in later for one in ("first", "second", "third")] == [
        False, True, True
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": "2026-11-22T12:00:00"}', "{"])
def test_where_nobody_knows_who_signed_out_nobody_is_let_in(tmp_path, text):
    file = tmp_path / "signed-out.json"
    file.write_text(text)

    with pytest.raises(UnusableSignIn, match="nobody knows who signed out"):
        SignedOut().keep_in(file)


def test_a_disk_that_does_not_take_it_ends_the_session_all_the_same(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    ended = SignedOut()
    ended.keep_in(tmp_path / "signed-out.json")
    monkeypatch.setattr(atomic, "write", full)

    ended.add(user("first"), NOW)

    assert user("first").session in ended
