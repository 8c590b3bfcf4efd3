"""A release's certificate in words, with what verifying it says, and downloads for auditors."""

from __future__ import annotations

import streamlit as st

from components.app.palette import plain
from components.app.services import database
from components.app.session import actor
from engine.signing.envelope import public_bytes
from engine.signing.keys import distrusted_keys, public_pem
from engine.signing.schema import ENDING
from engine.signing.sentences import check_passed, removed, sentences
from engine.signing.verification.findings import (
    VerificationResult,
    read_signed_certificate,
    verify_file,
)
from store.releases import certificates
from store.releases.receipts import StoredReceipt


def show(receipt: StoredReceipt) -> None:
    """What is certified of a release; of one made before certificates, what its receipt says.

    Raises:
        InvalidSignature: the certificate was changed since it was kept.
    """
    document = certificates.of_release(actor(), database(), receipt.release_id)
    if document is None:
        st.info(
            "This picture was made before certificates: it has none, and `verify` will say so. "
            "To get one, add its original to a new batch on *Upload*.",
            icon=":material/info:",
        )
        _bullets(_facts(receipt))
        return
    certified = read_signed_certificate(document)
    trusted, distrusted = database().signer.keys.public_keys, distrusted_keys(database().files.home)
    finding = verify_file(receipt.path, "The file", certified, trusted, {}, distrusted=distrusted)
    if finding.result is VerificationResult.FITS:
        st.badge("Certificate verified", icon=":material/verified:", color="green")
    else:
        st.error(f"The file {plain(finding.words)}. Do not hand it out.", icon=":material/error:")
    _bullets([_line(sentence) for sentence in sentences(certified.certificate)])
    st.download_button(
        "Download its certificate",
        document,
        file_name=receipt.release_id + ENDING,
        mime="application/json",
        icon=":material/license:",
        key=f"release_certificate_{receipt.release_id}",
        on_click="ignore",
    )


def download_public_key() -> None:
    """The key that verifies what this installation signs."""
    keys = database().signer.keys
    st.download_button(
        "Download the public key",
        public_pem(public_bytes(keys.signing)),
        file_name="public-key.pem",
        mime="application/x-pem-file",
        icon=":material/key:",
        key="release_public_key",
        help="Send it to whoever verifies your pictures, by another way than the pictures.",
        on_click="ignore",
    )


def _facts(receipt: StoredReceipt) -> list[str]:
    facts = receipt.receipt
    lines = [removed(region["category"] for region in facts["regions"])]
    lines += map(check_passed, facts["checks"])
    if facts["not_looked_for"]:
        lines.append(f"**Nobody looked for: {', '.join(facts['not_looked_for'])}.**")
    return lines


def _line(sentence: str) -> str:
    is_warning = sentence.startswith("Nobody looked for")
    return f"**{plain(sentence)}**" if is_warning else plain(sentence)


def _bullets(lines: list[str]) -> None:
    st.markdown("\n".join(f"- {line}" for line in lines))
