"""The tables of limits, data, keys and logs, beside the code that they speak of."""

from __future__ import annotations

import re
import tomllib

import pytest
from pydantic import ValidationError

from components.app import accounts, identity, unzip
from components.app.accounts import Access
from components.server import __main__ as launcher
from docs.build.blocks import ROOT
from engine.errors import InvalidPolicy
from engine.evaluation.data import raw
from engine.policy import default_policy, read_policy
from engine.runs import pool
from engine.runs.sources import LARGEST_ORIGINAL
from store.accounts.role import PEOPLE
from store.files import Files
from store.review import reviews
from store.schema import MIGRATIONS
from tests.docs.test_security import known_tests

TEXT = (ROOT / "docs" / "safeguards.md").read_text(encoding="utf-8")
HOW_TO = ROOT / "docs" / "how-to"
SIGN_IN = (HOW_TO / "sign-in.md").read_text(encoding="utf-8")
MB = 1024 * 1024
LONGEST_SESSION_H = int(identity.LONGEST_SESSION.total_seconds() // 3600)


def section(name: str) -> str:
    """Text below a heading, up to the next."""
    return TEXT.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]


def first_cells(text: str) -> set[str]:
    """What stands in backticks in the first cells of tables."""
    firsts = re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)
    return {one for cell in firsts for one in re.findall(r"`([^`]+)`", cell)}


def test_every_limit_is_the_codes():
    limits = section("What comes in")
    upload = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())["server"]["maxUploadSize"]
    largest = 1000

    for figure in (
        f"| {upload:,} MB | one upload",
        f"| {unzip.MOST_FILES:,} files, {unzip.LARGEST_FILE // MB} MB each",
        f"{unzip.MOST_BYTES // 1_000_000:,} MB together |",
        {0.5: "| half of what is free |"}[unzip.FREE_SHARE],
        f"| {default_policy().codec.max_megapixels:.0f} megapixels, by the policy; {largest:,} at",
        f"| {LARGEST_ORIGINAL // MB:,} MB | one file of a folder",
        f"| {raw.LARGEST_FILE // MB} MB | one file of labels",
        f"| {accounts._MOST_BYTES // 1024} KB | the sign-in file",
        f"| {pool.PATIENCE_S / 60:.0f} minutes, and {pool.PATIENCE_PER_MEGAPIXEL_S:.0f} seconds",
        f"| {reviews.CLAIM_MINUTES:.0f} minutes without a sign | a reviewer's claim",
        f"| {LONGEST_SESSION_H} hours | a session",
    ):
        assert figure in limits, figure
    with pytest.raises(InvalidPolicy):
        read_policy(f"[codec]\nmax_megapixels = {largest + 1}\n")
    assert read_policy(f"[codec]\nmax_megapixels = {largest}\n").codec.max_megapixels == largest


def test_every_rule_names_a_test_that_exists():
    rows = [line for line in section("What must fit together").splitlines() if "`" in line]
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row)}

    assert rows
    assert all("`test_" in row for row in rows)
    assert named - set(known_tests().values()) == set()


def test_every_place_below_the_home_is_listed(tmp_path):
    kept = section("What is kept, and how it is protected")
    files = Files(tmp_path)
    properties = [name for name, one in vars(Files).items() if isinstance(one, property)]
    places = {getattr(files, name).relative_to(tmp_path).parts[0] for name in properties}
    others = {"staging", "datasets", "keyring", "keys", accounts.NAME, identity.SIGNED_OUT}

    assert len(places) >= 8
    assert first_cells(kept) == places | others
    assert all(f"| {level} |" in kept for level in ("A", "B", "C", "out"))


def test_every_kind_of_log_is_listed():
    logs = section("Logs")
    tables = " ".join(path.read_text() for path in MIGRATIONS.glob("*.sql"))

    for table in ("events", "audit_names", "verdicts"):
        assert f"CREATE TABLE {table} (" in tables
        assert f"`{table}`" in logs
    assert "standard error" in logs
    assert "UTC" in logs


def test_what_is_said_of_sessions_is_true():
    told = section("Sessions")

    assert "any number of sessions" in told
    assert "no end for inactivity" in told
    assert f"{LONGEST_SESSION_H} at most" in told
    assert "## When a session ends" in SIGN_IN
    emails = {"analyst": frozenset({"ana@example.org"})}
    assert Access(emails=emails, session_hours=LONGEST_SESSION_H)
    with pytest.raises(ValidationError):
        Access(emails=emails, session_hours=LONGEST_SESSION_H + 1)


def test_every_role_is_documented():
    table = SIGN_IN.split("## Roles\n", 1)[1].split("\n\nSomebody", 1)[0]
    rows = re.findall(r"^\| (\w+) \| \S", table, re.MULTILINE)

    assert set(rows) - {"role"} == {role.value for role in PEOPLE}


def test_both_ways_in_are_documented():
    proxy = (HOW_TO / "reverse-proxy.md").read_text(encoding="utf-8")

    assert launcher._MODES == ("single", "oidc")
    assert all(f"LETHE_AUTH={mode}" in SIGN_IN for mode in launcher._MODES)
    assert "LETHE_TOKEN" in proxy
