"""Verification of one released picture against its certificate: results and findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from engine.errors import InvalidSignature, LetheError, UnreadableFile
from engine.files.safe_read import content, measured
from engine.signing.envelope import SignedDocument, read_document
from engine.signing.schema import Certificate, Manifest, Revocations, read_certificate
from engine.wording import counted

LONGEST_CERTIFICATE = 2**20
"""In bytes; one takes some 2,000."""


class VerificationResult(StrEnum):
    """Of one file, or of all."""

    FITS = "fits"
    UNKNOWN = "signer unknown"
    REVOKED = "revoked"
    """As it was released, and its maker wants nobody to use it any more."""
    WRONG = "wrong"
    NOTE = "note"
    """Worth saying, and neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class FileFinding:
    """The verification result of one file, with the reason."""

    file: str
    """Path from where was asked, with forward slashes."""
    result: VerificationResult
    words: str
    """Go on after the file's name."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The verification result of a folder or a picture, with a finding for each file."""

    findings: tuple[FileFinding, ...]
    pictures: int
    """How many fit their certificates, whoever signed those."""
    signers: frozenset[bytes]
    """Raw public keys of all documents whose signatures fit."""
    manifest: Manifest | None = None
    fingerprint: str | None = None
    """First 16 hex digits of the manifest's SHA-256, to compare over another channel."""
    certificate: Certificate | None = None
    """Where one picture was asked about."""
    days: Mapping[str, str] = field(default_factory=dict)
    """On which each document was signed, by its file."""
    revocations: Revocations | None = None
    """The newest list that counts."""

    def on(self, today: str) -> Verification:
        """The same, with a note on each document whose day is still to come."""
        words = "says that it was signed on {}, which is still to come: the signer's clock was "
        words += "ahead, or this machine's is behind"
        notes = [
            FileFinding(file, VerificationResult.NOTE, words.format(day))
            for file, day in sorted(self.days.items())
            if day > today
        ]
        return replace(self, findings=(*self.findings, *notes))

    @property
    def result(self) -> VerificationResult:
        """The worst of all: wrong, else revoked, else signer unknown, else fits."""
        results = {finding.result for finding in self.findings}
        worst = (
            VerificationResult.WRONG,
            VerificationResult.REVOKED,
            VerificationResult.UNKNOWN,
        )
        return next((result for result in worst if result in results), VerificationResult.FITS)


@dataclass(frozen=True, slots=True)
class SignedCertificate:
    """A certificate whose signature fits."""

    document: SignedDocument
    certificate: Certificate


def read_signed_certificate(data: bytes) -> SignedCertificate:
    """Read a certificate and check its signature, whoever signed it.

    Raises:
        InvalidSignature: they are none, or were changed.
    """
    document = read_document("certificate", data)
    return SignedCertificate(document, read_certificate(document.body))


def read_certificate_file(path: Path) -> SignedCertificate:
    """`read_signed_certificate` of a file.

    Raises:
        UnreadableFile: it cannot be read.
        InvalidSignature: it is no certificate, or was changed.
    """
    return read_signed_certificate(content(path, LONGEST_CERTIFICATE))


def verify_file(
    path: Path,
    name: str,
    signed: SignedCertificate,
    trusted: frozenset[bytes],
    outputs: Mapping[tuple[str, int], str],
    *,
    distrusted: frozenset[bytes] = frozenset(),
) -> FileFinding:
    """Compare a picture with its certificate, and the certificate's signer with trusted keys.

    Args:
        path: of the picture.
        name: for the finding.
        signed: its certificate.
        trusted: raw public keys whose signatures count.
        outputs: releases by SHA-256 and length of their pictures, to tell which one was put here.
        distrusted: raw public keys whose signatures count against it, trusted or not.
    """
    output = signed.certificate.output
    try:
        sha256, length = measured(path, {output.bytes, *(length for _, length in outputs)})
    except UnreadableFile as error:
        return FileFinding(name, VerificationResult.WRONG, f"{error}; its certificate is there")
    if (sha256, length) != (output.sha256, output.bytes):
        release = outputs.get((sha256, length))
        empty = "is empty, and so it " if length == 0 else ""
        holds = "" if release is None else f": it holds the picture of {release}"
        words = f"{empty}is not the picture that was released{holds}"
        return FileFinding(name, VerificationResult.WRONG, words)
    if signed.document.public_key in distrusted:
        return FileFinding(
            name, VerificationResult.WRONG, f"is {describe_distrust(signed.document)}"
        )
    if signed.document.public_key not in trusted:
        words = f"signature fits, signer unknown (key {signed.document.key_id})"
        return FileFinding(name, VerificationResult.UNKNOWN, words)
    return FileFinding(
        name, VerificationResult.FITS, f"is as released; {_summary(signed.certificate)}"
    )


def describe_distrust(document: SignedDocument) -> str:
    """What is wrong with a document whose signature fits, but by a key that may be stolen."""
    return f"signed with a key that its owner distrusts (key {document.key_id})"


def describe_error(error: LetheError) -> str:
    """What is wrong with a document, as it goes on after the file's name."""
    return f"is not valid: {error}" if isinstance(error, InvalidSignature) else str(error)


def _summary(certificate: Certificate) -> str:
    passed = [name for name, outcome in sorted(certificate.checks.items()) if outcome == "passed"]
    places = counted(len(certificate.regions), "place")
    return f"{places} removed, {' '.join(passed) or 'no check'} passed"
