"""The verb `verify`: whether pictures are the ones that were released, and by whom."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.cli import command_line, terminal
from engine.cli.exits import Exit
from engine.cli.keys import named_or_own
from engine.errors import InvalidSignature, UnreadableFile, UnusableFolder
from engine.files.home import home
from engine.files.real_path import real
from engine.files.safe_read import printable
from engine.signing.envelope import key_id
from engine.signing.keys import distrusted_keys
from engine.signing.schema import ENDING, MANIFEST
from engine.signing.sentences import sentences
from engine.signing.verification.delivery import verify_folder, verify_one
from engine.signing.verification.findings import (
    Verification,
    VerificationResult,
    read_certificate_file,
)
from engine.signing.verification.revoked import beside, with_revocations
from engine.wording import counted

_VERIFY = """\
Tell whether pictures are the ones that were released, and by whom. WHAT is a folder that was handed
out (an unpacked zip, OUT of a run, or OUT/released), one certificate, or one picture that has its
certificate beside it. Each line names a file and what was found. A folder is compared with its
signed manifest, so that a missing or added picture shows; one picture alone cannot show that.

What a list of revocations names that lies there, or that --revocations names, is REVOKED. A list
that is not as it was signed, out of order or of another signer is WRONG.

Without --key only the keys of this installation are trusted. Get the sender's public key from the
sender, not from the folder: whoever can change the pictures can change that file too.
"""
_MARKS = {
    VerificationResult.FITS: "good",
    VerificationResult.UNKNOWN: "UNKNOWN",
    VerificationResult.REVOKED: "REVOKED",
    VerificationResult.WRONG: "WRONG",
    VerificationResult.NOTE: "note",
}
_STATUS = {
    VerificationResult.FITS: Exit.DONE,
    VerificationResult.UNKNOWN: Exit.UNKNOWN_SIGNER,
    VerificationResult.REVOKED: Exit.REVOKED,
}


def add_to(verbs: terminal.Commands) -> None:
    """Add it to the command line."""
    verify = terminal.add_command(
        verbs,
        "verify",
        _verify,
        description=_VERIFY,
        short="tell whether pictures are as released",
        when_stopped=command_line.NOTHING_WRITTEN,
    )
    verify.add_argument("what", metavar="WHAT", type=Path, help="a folder, certificate or picture")
    verify.add_argument(
        "--key",
        dest="keys",
        action="append",
        type=Path,
        metavar="PUB",
        help="trust this public key (PEM), and no other; may be given again",
    )
    verify.add_argument(
        "--certificate", type=Path, metavar="FILE", help="of the one picture, where it lies apart"
    )
    verify.add_argument(
        "--no-manifest",
        action="store_true",
        help="let a missing manifest pass; missing pictures then go unnoticed",
    )
    verify.add_argument(
        "--revocations",
        type=Path,
        metavar="FILE",
        help="the sender's newest list of revoked releases; one beside WHAT counts too",
    )
    command_line.add_json(verify)


def _verify(options: argparse.Namespace) -> int:
    distrusted = distrusted_keys(home())
    trusted = named_or_own(options.keys) - distrusted
    verification = with_revocations(
        _verification(options, trusted, distrusted).on(command_line.today()),
        _revocation_lists(options),
        trusted,
        distrusted,
    )
    if options.json:
        terminal.say(json.dumps(_as_json(verification, trusted)))
    else:
        for line in _lines(verification, trusted):
            terminal.say(printable(line))
    return _STATUS.get(verification.result, Exit.FOUND)


def _revocation_lists(options: argparse.Namespace) -> dict[str, Path]:
    """The lists to hold it against: the one that was named, and those beside it."""
    named: Path | None = options.revocations
    if named is None:
        return beside(options.what)
    if not named.is_file():
        raise UnusableFolder(f"There is no list of revocations {printable(str(named))}.")
    others = beside(options.what).items()
    return {
        str(named): named,
        **{name: path for name, path in others if real(path) != real(named)},
    }


def _verification(
    options: argparse.Namespace, trusted: frozenset[bytes], distrusted: frozenset[bytes]
) -> Verification:
    """Verify the folder or file that was named.

    Raises:
        UnusableFolder: nothing there can be verified.
    """
    what: Path = options.what
    if options.certificate is not None and (what.is_dir() or what.suffix.lower() == ".json"):
        raise UnusableFolder(
            "--certificate names that of one picture; name the picture, or leave it out."
        )
    if what.is_dir():
        return verify_folder(
            what, trusted, distrusted=distrusted, needs_manifest=not options.no_manifest
        )
    if not what.exists() and not what.is_symlink():
        raise UnusableFolder(f"There is no file or folder {printable(str(what))}.")
    if what.name == MANIFEST or what.suffix.lower() == ".zip":
        advice = "unpack it, and name" if what.suffix.lower() == ".zip" else "name"
        raise UnusableFolder(f"{printable(what.name)} is not verified alone; {advice} its folder.")
    if what.suffix.lower() == ".json":
        return verify_one(_picture_of(what), what, trusted, distrusted=distrusted)
    beside = what.with_name(what.stem + ENDING)
    return verify_one(what, options.certificate or beside, trusted, distrusted=distrusted)


def _picture_of(certificate: Path) -> Path:
    """Where the picture of a certificate should lie; a name made of its id, never taken from it."""
    try:
        return certificate.with_name(read_certificate_file(certificate).certificate.picture)
    except (UnreadableFile, InvalidSignature):
        return certificate  # the finding about the certificate says what is wrong


def _lines(verification: Verification, trusted: frozenset[bytes]) -> Iterable[str]:
    width = max((len(finding.file) for finding in verification.findings), default=0)
    for finding in verification.findings:
        yield f"{_MARKS[finding.result]:<8}{finding.file:<{width}}  {finding.words}"
    if verification.certificate is not None:
        yield ""
        yield from (f"  {sentence}" for sentence in sentences(verification.certificate))
    yield ""
    yield _summary(verification)
    if verification.manifest is not None:
        yield (
            f"Manifest {verification.fingerprint} of {verification.manifest.day}: compare this "
            "with the sender, since an older one of the same batch would fit an older state of it."
        )
    elif verification.certificate is not None:
        yield "Whether other pictures were handed out with it, one picture cannot tell."
    if verification.revocations is None:
        yield (
            "Whether something was revoked since, only the sender's newest list of revocations "
            "can tell: name it with --revocations."
        )
    for signer in sorted(verification.signers, key=key_id):
        trust = "trusted" if signer in trusted else "unknown: name it with --key if you know it"
        yield f"Signed with key {key_id(signer)} ({trust})."


def _summary(verification: Verification) -> str:
    wrong = sum(finding.result is VerificationResult.WRONG for finding in verification.findings)
    pictures = counted(verification.pictures, "picture")
    if wrong:
        return f"{pictures} as released, {counted(wrong, 'problem')}: do not rely on this."
    revoked = sum(finding.result is VerificationResult.REVOKED for finding in verification.findings)
    if revoked:
        return f"{pictures} as released, of which {revoked} revoked since: do not use those."
    if verification.result is VerificationResult.UNKNOWN:
        return f"{pictures}: every signature fits, but who signed is unknown here."
    return f"{pictures}, all as released."


def _as_json(verification: Verification, trusted: frozenset[bytes]) -> dict[str, Any]:
    manifest = verification.manifest
    return {
        "verdict": verification.result.value,
        "pictures": verification.pictures,
        "findings": [
            {"file": finding.file, "verdict": finding.result.value, "words": finding.words}
            for finding in verification.findings
        ],
        "manifest": None
        if manifest is None
        else {
            "fingerprint": verification.fingerprint,
            "count": manifest.count,
            "day": manifest.day,
        },
        "revocations": None
        if verification.revocations is None
        else {"number": verification.revocations.number, "at": verification.revocations.at},
        "signers": [
            {"key": key_id(signer), "trusted": signer in trusted}
            for signer in sorted(verification.signers, key=key_id)
        ],
    }
