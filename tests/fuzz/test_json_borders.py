"""Whatever JSON from strangers says: a value, or the error that its reader names; never another."""

from __future__ import annotations

import contextlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from engine.attacks.report import reading
from engine.attacks.report.reading import InvalidReport
from engine.cli import release
from engine.errors import InvalidDecision, InvalidSignature, UnreadableFile
from engine.files import safe_read
from engine.runs.journal import UNREADABLE_PLAN
from engine.signing.envelope import read_document, sign
from engine.signing.schema import read_certificate, read_signed_manifest
from store.exchange import import_run
from tests.fuzz.mutations import cuts, damaged
from tests.store.fakes import plan

DEEP = b"[" * 100_000
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
_BODY = {"schema": "lethe/certificate", "version": 1, "release": "00", "key": "x", "removed": []}
_LINE = json.dumps(
    plan().to_json() | {"picture": "00", "source": "a.png", "accept": True, "plan": "x"}
).encode()

damage = st.lists(cuts, min_size=1, max_size=4)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def _cut(content: bytes, cuts: list[tuple[str, float, int, bytes]]) -> bytes:
    for cut in cuts:
        content = damaged(content, cut)
    return content


@given(damage=damage)
@example(damage=[("insert", 0.0, 0, DEEP)])
def test_a_damaged_signed_document_is_refused(damage):
    whole = sign("certificate", _BODY, _KEY)
    data = _cut(whole, damage)

    if data != whole:
        with pytest.raises(InvalidSignature):
            read_document("certificate", data)


@pytest.mark.parametrize("read", [read_certificate, read_signed_manifest])
@given(body=st.dictionaries(st.sampled_from([*_BODY, "day", "files", "batch"]), anything))
def test_any_signed_body_is_read_or_refused(read, body):
    try:
        read(_BODY | body)
    except InvalidSignature as refusal:
        str(refusal).encode("utf-8", "backslashreplace")


@given(damage=damage)
@example(damage=[("insert", 0.0, 0, DEEP)])
def test_a_damaged_verdict_is_read_or_refused(damage):
    line = _cut(_LINE, damage).decode("utf-8", "replace")

    with contextlib.suppress(InvalidDecision):
        release._read_decision(release._read_line(line))


@given(damage=damage)
def test_a_damaged_line_of_a_run_folder_is_a_plan_or_none(damage):
    try:
        value = json.loads(_cut(_LINE, damage))
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return

    try:
        line = import_run._line(1, value)
    except UNREADABLE_PLAN:
        return
    assert line.plan.size.width > 0


@given(damage=damage)
@example(damage=[("insert", 0.0, 0, DEEP)])
def test_a_damaged_report_of_the_battery_is_refused(damage):
    with pytest.raises(InvalidReport):
        reading.parse_report(
            _cut(b'{"id": "x", "verdict": "pass", "results": []}', damage), "r.json"
        )


@given(content=st.binary(max_size=64), most=st.integers(0, 64))
def test_a_file_is_whole_or_refused(tmp_path_factory, content, most):
    file = tmp_path_factory.mktemp("any") / "file"
    file.write_bytes(content)

    try:
        assert safe_read.content(file, most) == content
    except UnreadableFile:
        assert len(content) > most
