"""A signed document has one spelling, and its signature fits that alone."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidSignature
from engine.signing.envelope import canonical, key_id, public_bytes, read_document, sign

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
BODY = {
    "key": key_id(public_bytes(KEY)),
    "text": "ünï 顔 \n",
    "number": 2**53 - 1,
    "list": [True, None, ""],
}
SIGNED = sign("certificate", BODY, KEY)


def test_what_was_signed_comes_back_with_its_signer():
    signed = read_document("certificate", SIGNED)

    assert signed.body == BODY
    assert (signed.public_key, signed.key_id) == (public_bytes(KEY), key_id(public_bytes(KEY)))


def test_the_same_is_signed_to_the_same_bytes_in_any_order():
    turned = dict(reversed(BODY.items()))

    assert sign("certificate", turned, KEY) == SIGNED


def test_a_canonical_form_sorts_keys_and_leaves_no_space():
    assert canonical({"b": 1, "a": [1, "€"]}) == '{"a":[1,"€"],"b":1}'.encode()


@given(place=st.integers(0, len(SIGNED) - 1), flip=st.integers(1, 255))
def test_any_single_byte_changed_is_refused(place, flip):
    changed = bytearray(SIGNED)
    changed[place] ^= flip

    with pytest.raises(InvalidSignature):
        read_document("certificate", bytes(changed))


@given(place=st.integers(0, len(SIGNED)), more=st.sampled_from([b" ", b"\n", b"\t", b"0"]))
def test_any_byte_added_is_refused(place, more):
    with pytest.raises(InvalidSignature):
        read_document("certificate", SIGNED[:place] + more + SIGNED[place:])


@given(end=st.integers(0, len(SIGNED) - 1))
def test_a_document_cut_short_is_refused(end):
    with pytest.raises(InvalidSignature):
        read_document("certificate", SIGNED[:end])


@given(content=st.binary(max_size=200))
def test_any_bytes_at_all_are_refused_with_a_reason(content):
    with pytest.raises(InvalidSignature, match=r"^it "):
        read_document("certificate", content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(body=JSON, key=JSON, signature=JSON)
def test_any_json_in_the_right_members_is_refused_with_a_reason(body, key, signature):
    document = {"certificate": body, "public_key": key, "signature": signature}

    with pytest.raises(InvalidSignature, match=r"^it"):
        read_document("certificate", json.dumps(document).encode())


def test_a_manifest_is_not_taken_for_a_certificate():
    with pytest.raises(InvalidSignature, match="not a signed certificate"):
        read_document("certificate", sign("manifest", BODY, KEY))


def test_a_signature_by_another_key_does_not_fit():
    document = json.loads(SIGNED)
    document["public_key"] = json.loads(sign("certificate", BODY, STRANGER))["public_key"]

    with pytest.raises(InvalidSignature, match="does not fit"):
        read_document("certificate", canonical(document) + b"\n")


def test_a_document_that_names_another_key_than_its_signers_is_refused():
    with pytest.raises(InvalidSignature, match="another key"):
        read_document("certificate", sign("certificate", BODY, STRANGER))


def test_a_member_said_twice_is_refused():
    twice = SIGNED.replace(b'{"key":', b'{"key":"","key":', 1)

    with pytest.raises(InvalidSignature, match="twice"):
        read_document("certificate", twice)


@pytest.mark.parametrize(
    "body", [{"x": 0.5}, {"x": [{"y": 1.0}]}, {"x": 2**53}], ids=["half", "one", "too large"]
)
def test_numbers_that_readers_may_spell_differently_are_never_signed(body):
    with pytest.raises(ValueError, match=r"whole|exceeds|domain|safe|range"):
        sign("certificate", body, KEY)
