"""Hold what was verified against lists of revocations: one beside it, and one that was named.

A list only ever makes a result worse, so one of a signer that nobody knows counts too where the
same key signed what it revokes. A list of any other key could be anybody's and is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.errors import InvalidSignature, UnreadableFile
from engine.signing.revocations import SignedRevocations, read_revocations_file
from engine.signing.schema import REVOCATIONS
from engine.signing.verification.findings import (
    FileFinding,
    Verification,
    VerificationResult,
    describe_distrust,
    describe_error,
)
from engine.signing.verification.received import RELEASED
from engine.wording import counted

_REVOCABLE = (VerificationResult.FITS, VerificationResult.UNKNOWN)


def beside(what: Path) -> dict[str, Path]:
    """Lists beside what is verified, by how they are called there.

    Args:
        what: a folder as handed out, or one picture or certificate.
    """
    if what.is_dir():
        places = (what / REVOCATIONS, what / RELEASED / REVOCATIONS)
        return {str(path.relative_to(what)): path for path in places if _is_there(path)}
    folders = [what.parent]
    if what.absolute().parent.name == RELEASED:
        folders.append(what.absolute().parent.parent)
    found = [path for folder in folders if _is_there(path := folder / REVOCATIONS)]
    return {str(path): path for path in found}


def with_revocations(
    verification: Verification,
    lists: Mapping[str, Path],
    trusted: frozenset[bytes],
    distrusted: frozenset[bytes] = frozenset(),
) -> Verification:
    """The same, with a finding for each list, and revoked what one that counts revokes.

    Args:
        verification: of a folder or a picture.
        lists: files by name.
        trusted: raw public keys whose signatures count.
        distrusted: raw public keys that make wrong whatever they signed, trusted or not.
    """
    findings: list[FileFinding] = []
    newest: SignedRevocations | None = None
    for name, path in lists.items():
        try:
            signed = read_revocations_file(path)
            _refuse_signer(signed, verification.signers, trusted, distrusted)
            shorter, longer = sorted([signed, newest or signed], key=lambda one: one.list.number)
            if not shorter.begins(longer):
                raise InvalidSignature("it contradicts the other list: neither goes on the other")
        except (UnreadableFile, InvalidSignature) as error:
            findings.append(FileFinding(name, VerificationResult.WRONG, describe_error(error)))
            continue
        newest = longer
        findings += _on(name, signed, verification, trusted)
    if newest is not None:
        verification = _revoked(verification, newest)
    return replace(
        verification,
        findings=(*verification.findings, *findings),
        revocations=None if newest is None else newest.list,
    )


def _refuse_signer(
    signed: SignedRevocations,
    signers: frozenset[bytes],
    trusted: frozenset[bytes],
    distrusted: frozenset[bytes],
) -> None:
    document = signed.document
    if document.public_key in distrusted:
        raise InvalidSignature(f"it is {describe_distrust(document)}")
    if document.public_key not in trusted | signers:
        raise InvalidSignature(
            f"it is signed with a key that signed nothing here and is not trusted (key "
            f"{document.key_id})"
        )


def _on(
    name: str, signed: SignedRevocations, verification: Verification, trusted: frozenset[bytes]
) -> list[FileFinding]:
    number = counted(signed.list.number, "revoked release")
    words = f"lists {number}, signed at {signed.list.at}"
    if signed.document.public_key in trusted:
        found = [FileFinding(name, VerificationResult.FITS, words)]
    else:
        words += f" by an unknown signer (key {signed.document.key_id})"
        found = [FileFinding(name, VerificationResult.UNKNOWN, words)]
    newest = max(verification.days.values(), default="")
    if signed.list.at[: len(newest)] < newest:
        words = f"is older than what it stands for, of {newest}: ask the sender for a newer one"
        found.append(FileFinding(name, VerificationResult.NOTE, words))
    return found


def _revoked(verification: Verification, signed: SignedRevocations) -> Verification:
    alone = verification.certificate
    days = {entry.release: entry.day for entry in signed.list.releases}

    def judged(finding: FileFinding) -> FileFinding:
        release = Path(finding.file).stem if alone is None else alone.release
        day = days.get(release)
        if day is None or finding.result not in _REVOCABLE:
            return finding
        words = f"was revoked on {day}: its maker wants nobody to use it any more, so delete it"
        return FileFinding(finding.file, VerificationResult.REVOKED, words)

    return replace(verification, findings=tuple(map(judged, verification.findings)))


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()
