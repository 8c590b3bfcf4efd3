"""What is to be thought of a file that claims to be a release, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from engine.errors import InvalidSignature, LetheError, UnreadableFile
from engine.files.safe_read import content, measured
from engine.signing.envelope import Signed, opened
from engine.signing.schema import Certificate, Manifest, read_certificate
from engine.wording import counted

LONGEST_CERTIFICATE = 2**20
"""In bytes; one takes some 2,000."""


class VerificationResult(StrEnum):
    """Of one file, or of all."""

    FITS = "fits"
    UNKNOWN = "signer unknown"
    WRONG = "wrong"
    NOTE = "note"
    """Worth saying, and neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class FileFinding:
    """What was found out about one file."""

    file: str
    """Path from where was asked, with forward slashes."""
    judgement: VerificationResult
    words: str
    """Go on after the file's name."""


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was found out."""

    remarks: tuple[FileFinding, ...]
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

    def on(self, today: str) -> Verification:
        """The same, with a note on each document whose day is still to come."""
        words = "says that it was signed on {}, which is still to come: the signer's clock was "
        words += "ahead, or this machine's is behind"
        notes = [
            FileFinding(file, VerificationResult.NOTE, words.format(day))
            for file, day in sorted(self.days.items())
            if day > today
        ]
        return replace(self, remarks=(*self.remarks, *notes))

    @property
    def judgement(self) -> VerificationResult:
        """The worst of all: wrong, else signer unknown, else fits."""
        have = {remark.judgement for remark in self.remarks}
        worst = (VerificationResult.WRONG, VerificationResult.UNKNOWN)
        return next((one for one in worst if one in have), VerificationResult.FITS)


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate whose signature fits."""

    signed: Signed
    certificate: Certificate


def held(data: bytes) -> Held:
    """The certificate that a file's bytes are, whoever signed it.

    Raises:
        InvalidSignature: they are none, or were changed.
    """
    signed = opened("certificate", data)
    return Held(signed, read_certificate(signed.body))


def held_at(path: Path) -> Held:
    """The certificate in a file, whoever signed it.

    Raises:
        UnreadableFile: it cannot be read.
        InvalidSignature: it is no certificate, or was changed.
    """
    return held(content(path, LONGEST_CERTIFICATE))


def verified_file(
    path: Path,
    shown: str,
    kept: Held,
    trusted: frozenset[bytes],
    outputs: Mapping[tuple[str, int], str],
    *,
    distrusted: frozenset[bytes] = frozenset(),
) -> FileFinding:
    """A picture against its certificate.

    Args:
        path: of the picture.
        shown: its name for the remark.
        kept: its certificate.
        trusted: raw public keys whose signatures count.
        outputs: releases by SHA-256 and length of their pictures, to tell which one was put here.
        distrusted: raw public keys whose signatures count against it, trusted or not.
    """
    output = kept.certificate.output
    try:
        sha256, length = measured(path, {output.bytes, *(length for _, length in outputs)})
    except UnreadableFile as error:
        return FileFinding(shown, VerificationResult.WRONG, f"{error}; its certificate is there")
    if (sha256, length) != (output.sha256, output.bytes):
        other = outputs.get((sha256, length))
        empty = "is empty, and so it " if length == 0 else ""
        holds = "" if other is None else f": it holds the picture of {other}"
        words = f"{empty}is not the picture that was released{holds}"
        return FileFinding(shown, VerificationResult.WRONG, words)
    if kept.signed.public_key in distrusted:
        return FileFinding(shown, VerificationResult.WRONG, f"is {words_of_distrust(kept.signed)}")
    if kept.signed.public_key not in trusted:
        words = f"signature fits, signer unknown (key {kept.signed.key_id})"
        return FileFinding(shown, VerificationResult.UNKNOWN, words)
    return FileFinding(
        shown, VerificationResult.FITS, f"is as released; {_summary(kept.certificate)}"
    )


def words_of_distrust(signed: Signed) -> str:
    """What is wrong with a document whose signature fits, but by a key that may be stolen."""
    return f"signed with a key that its owner distrusts (key {signed.key_id})"


def words_of(error: LetheError) -> str:
    """What is wrong with a document, as it goes on after the file's name."""
    return f"is not valid: {error}" if isinstance(error, InvalidSignature) else str(error)


def _summary(certificate: Certificate) -> str:
    passed = [name for name, outcome in sorted(certificate.checks.items()) if outcome == "passed"]
    places = counted(len(certificate.regions), "place")
    return f"{places} removed, {' '.join(passed) or 'no check'} passed"
