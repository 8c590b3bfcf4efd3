"""The verbs `verify`, `sign-decisions` and `keys`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.cli import command_line, terminal
from engine.cli.exits import Exit
from engine.errors import InvalidSignature, UnreadableFile, UnusableFolder, UnusableKeys
from engine.files import atomic
from engine.files.home import home
from engine.files.real_path import real
from engine.files.safe_read import printable
from engine.signing.decisions import signature, signature_path
from engine.signing.envelope import key_id, public_bytes
from engine.signing.keys import (
    KeyRing,
    distrust,
    distrusted_keys,
    open_key_ring,
    own_keys,
    public_pem,
    read_public,
    rotate,
)
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
_DECISIONS = """\
Sign a file of decisions for lethe release with the key of this installation; the signature is put
beside it. Do it where you decide, with a LETHE_HOME of your own. Whoever releases gets your public
key (lethe keys export) by another way, and names it with --reviewer-key.
"""
_KEYS = """\
The keys that sign certificates, in $LETHE_HOME/keys (default: var/keys). They are made at first
need and only their owner can read them.

show    every public key that is or was this installation's own
export  the public key as PEM, to hand to whoever verifies; --all with earlier ones
rotate  sign with a new key from now on; what the old one signed still verifies
distrust ID  trust nothing any more that this key signed, since somebody may have read it; if it
        signs now, rotate first. Whoever verifies elsewhere must be told

An app that is running goes on with the old key until it is started again.
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


def add_verbs(verbs: terminal.Commands) -> None:
    """Add them to the command line."""
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
    decisions = terminal.add_command(
        verbs,
        "sign-decisions",
        _sign_decisions,
        description=_DECISIONS,
        short="stand for a file of decisions by a signature",
        when_stopped=command_line.NOTHING_WRITTEN,
    )
    decisions.add_argument("file", metavar="FILE.jsonl", type=Path)
    keys = terminal.add_command(
        verbs,
        "keys",
        _keys,
        description=_KEYS,
        short="show, export, rotate, distrust",
        when_stopped=command_line.NOTHING_WRITTEN,
    )
    keys.add_argument("action", choices=("show", "export", "rotate", "distrust"))
    keys.add_argument("id", metavar="ID", nargs="?", help="for distrust: of the key")
    keys.add_argument("--out", type=Path, metavar="FILE", help="for export; default: stdout")
    keys.add_argument("--all", action="store_true", help="for export: earlier keys too")


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


def _sign_decisions(options: argparse.Namespace) -> int:
    file: Path = options.file
    path = signature_path(file)
    keys = open_key_ring(home())
    atomic.write(path, signature(file.read_bytes(), keys.signing), "public")
    terminal.say(f"Signed with key {keys.id}: {path}. The file must stay as it is now.")
    return Exit.DONE


def named_or_own(paths: Iterable[Path] | None) -> frozenset[bytes]:
    """The raw public keys of these files; those of this installation where none is named.

    Raises:
        UnusableKeys: they cannot be read.
    """
    if paths is None:
        return own_keys(home())
    return frozenset(key for path in paths for key in read_public(path))


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


def _keys(options: argparse.Namespace) -> int:
    if (options.id is None) is (options.action == "distrust"):
        raise UnusableKeys("An ID belongs to distrust, and to it alone; nothing was changed.")
    if options.action == "distrust":
        keys = distrust(home(), options.id)
    else:
        keys = rotate(home()) if options.action == "rotate" else open_key_ring(home())
    if options.action == "export":
        _export(keys, options.out, everything=options.all)
        return Exit.DONE
    present = public_bytes(keys.signing)
    for public in sorted(keys.public_keys, key=lambda key: (key != present, key_id(key))):
        use = "signs now" if key_id(public) == keys.id else "earlier; what it signed still verifies"
        terminal.say(f"{key_id(public)}  {use}")
    for public in sorted(distrusted_keys(home()), key=key_id):
        terminal.say(f"{key_id(public)}  distrusted; what it signed does not verify")
    return Exit.DONE


def _export(keys: KeyRing, out: Path | None, *, everything: bool) -> None:
    present = public_bytes(keys.signing)
    chosen = [present, *sorted(keys.public_keys - {present})] if everything else [present]
    pem = b"".join(map(public_pem, chosen))
    if out is None:
        terminal.say(pem.decode().rstrip())
        return
    atomic.write(out, pem, "public")
    terminal.say(f"Public key {keys.id} written to {out}.")
