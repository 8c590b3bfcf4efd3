"""Verify a received folder: pictures, certificates and manifest against one another and keys.

Everything that is read may come from an attacker. Names are made from ids that were checked and
never taken from a file, links are not followed, and whatever cannot be read counts as wrong.

A certificate shows that its picture is the one that was released. That none is missing, or was
added, only the manifest shows. That both are genuine depends on trusting the key that signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

from engine.codec.signatures import is_picture
from engine.errors import InvalidSignature, UnreadableFile, UnusableFolder, UnusableKeys
from engine.files.safe_read import content, measured, printable
from engine.signing.envelope import key_id, read_document
from engine.signing.keys import LONGEST_KEY_FILE, public_keys
from engine.signing.schema import (
    ENDING,
    MANIFEST,
    REVOCATIONS,
    SUFFIXES,
    Beside,
    BesideName,
    Manifest,
    read_signed_manifest,
)
from engine.signing.verification.findings import (
    FileFinding,
    SignedCertificate,
    Verification,
    VerificationResult,
    describe_distrust,
    describe_error,
    read_certificate_file,
    verify_file,
)
from engine.signing.verification.received import OUTSIDE, PRIVATE, ReceivedFolder, received_folder
from engine.signing.verification.unlisted import is_harmless

PUBLIC_KEY: Final = "public-key.pem"
LONGEST_MANIFEST: Final = 2**26
"""In bytes. One takes 130 for each release, so this is enough for 500,000."""


def verify_folder(
    folder: Path,
    trusted: frozenset[bytes],
    *,
    distrusted: frozenset[bytes] = frozenset(),
    needs_manifest: bool = True,
) -> Verification:
    """Verify a folder of releases: `released`, or the folder around it.

    Args:
        folder: as handed out, an unpacked zip, or the output folder of a run.
        trusted: raw public keys whose signatures count.
        distrusted: raw public keys that make wrong whatever they signed, trusted or not.
        needs_manifest: whether a missing manifest is wrong, or only worth saying.

    Raises:
        UnusableFolder: it holds no certificate and no picture, and no manifest that lists one.
    """
    received = received_folder(folder)
    verification = _Folder(received, trusted, distrusted, needs_manifest=needs_manifest).verify()
    files = [
        finding.file
        for finding in verification.findings
        if finding.result is not VerificationResult.NOTE
    ]
    if MANIFEST not in received.files and all(file.endswith(MANIFEST) for file in files):
        raise UnusableFolder(
            f"{printable(str(folder))} holds no certificate and no picture that could be verified."
        )
    if not verification.pictures and verification.result is not VerificationResult.WRONG:
        raise UnusableFolder(
            f"{printable(str(folder))} holds no picture, and its manifest lists none: "
            "there is nothing that could be verified."
        )
    return verification


def verify_one(
    picture: Path,
    certificate: Path,
    trusted: frozenset[bytes],
    *,
    distrusted: frozenset[bytes] = frozenset(),
) -> Verification:
    """Verify one picture against its certificate."""
    try:
        signed = read_certificate_file(certificate)
    except (UnreadableFile, InvalidSignature) as error:
        wrong = FileFinding(certificate.name, VerificationResult.WRONG, describe_error(error))
        return Verification((wrong,), 0, frozenset())
    finding = verify_file(picture, picture.name, signed, trusted, {}, distrusted=distrusted)
    fits = finding.result is not VerificationResult.WRONG
    return Verification(
        (finding,),
        int(fits),
        frozenset({signed.document.public_key}),
        certificate=signed.certificate,
        days={certificate.name: signed.certificate.day},
    )


@dataclass(slots=True)
class _Folder:
    """A folder under examination; files are taken off `left` as they are accounted for."""

    received: ReceivedFolder
    trusted: frozenset[bytes]
    distrusted: frozenset[bytes]
    needs_manifest: bool = field(kw_only=True)
    findings: list[FileFinding] = field(default_factory=list)
    signers: set[bytes] = field(default_factory=set)
    certificates: dict[str, SignedCertificate] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    """What is wrong with the certificates that could not be opened, by release."""
    outputs: dict[tuple[str, int], str] = field(default_factory=dict)
    """Releases by the SHA-256 and the length of their pictures."""
    listed: dict[str, str] = field(default_factory=dict)
    """SHA-256 of its certificate by release, as the manifest has it."""
    bare: frozenset[str] = frozenset()
    """Releases that the manifest says were made before certificates."""
    left: set[str] = field(default_factory=set)
    manifest: Manifest | None = None
    pictures: int = 0

    def verify(self) -> Verification:
        """Compare certificates, manifest, pictures and key files with one another."""
        self.left = set(self.received.files)
        self._open_certificates()
        fingerprint = self._open_manifest()
        for release in sorted(self._releases()):
            self._examine(release)
        self._check_beside()
        self._check_key_files()
        self._check_unlisted()
        return Verification(
            tuple(self.findings),
            self.pictures,
            frozenset(self.signers),
            self.manifest,
            fingerprint,
            days=self._days(),
        )

    def _days(self) -> dict[str, str]:
        days = {
            release + ENDING: signed.certificate.day
            for release, signed in self.certificates.items()
        }
        if self.manifest is not None:
            days[MANIFEST] = self.manifest.day
        return {self.received.name_from_root(name): day for name, day in days.items()}

    def _say(self, name: str, result: VerificationResult, words: str) -> None:
        self.findings.append(FileFinding(self.received.name_from_root(name), result, words))

    def _open_certificates(self) -> None:
        for name in sorted(self.left):
            if name.endswith(ENDING) and "/" not in name:
                self._open_certificate(name)

    def _open_certificate(self, name: str) -> None:
        release = name.removesuffix(ENDING)
        self.left.discard(name)
        try:
            signed = read_certificate_file(self.received.files[name])
            if signed.certificate.release != release:
                raise InvalidSignature(f"it is that of {signed.certificate.release}, renamed")
        except (UnreadableFile, InvalidSignature) as error:
            self.unusable[release] = describe_error(error)
            return
        self.certificates[release] = signed
        output = signed.certificate.output
        self.outputs[output.sha256, output.bytes] = release
        self.signers.add(signed.document.public_key)

    def _open_manifest(self) -> str | None:
        """Read the manifest if there is one; gives its fingerprint."""
        if MANIFEST not in self.left:
            result = VerificationResult.WRONG if self.needs_manifest else VerificationResult.NOTE
            words = "is missing: nobody can tell whether pictures are missing too"
            if self.received.has_private:
                words += "; if a run was cut short or still goes on, run it again or wait"
            self._say(MANIFEST, result, words)
            return None
        self.left.discard(MANIFEST)
        try:
            data = content(self.received.files[MANIFEST], LONGEST_MANIFEST)
            document = read_document("manifest", data)
            self.manifest = read_signed_manifest(document.body)
        except (UnreadableFile, InvalidSignature) as error:
            self._say(MANIFEST, VerificationResult.WRONG, describe_error(error))
            return None
        self.listed = {entry.release: entry.certificate for entry in self.manifest.releases}
        self.bare = frozenset(self.manifest.without_certificate)
        self.signers.add(document.public_key)
        lists = f"lists {self.manifest.count} releases, signed on {self.manifest.day}"
        if document.public_key in self.distrusted:
            self._say(MANIFEST, VerificationResult.WRONG, f"is {describe_distrust(document)}")
        elif document.public_key in self.trusted:
            self._say(MANIFEST, VerificationResult.FITS, lists)
        else:
            words = f"{lists} by an unknown signer (key {document.key_id})"
            self._say(MANIFEST, VerificationResult.UNKNOWN, words)
        return document.sha256[:16]

    def _releases(self) -> set[str]:
        return {*self.certificates, *self.unusable, *self.listed, *self.bare}

    def _examine(self, release: str) -> None:
        certificate = release + ENDING
        if release in self.unusable:
            self._take_pictures(release)
            self._say(certificate, VerificationResult.WRONG, self.unusable[release])
        elif release in self.certificates:
            self._examine_picture(release, self.certificates[release])
        elif release in self.bare:
            names = self._take_pictures(release) or [release]
            words = "was made before certificates: nothing is known of it but that it was released"
            self._say(names[0], VerificationResult.WRONG, words)
        else:
            has_picture = bool(self._take_pictures(release))
            words = "is missing" if has_picture else "is missing, and so is its picture"
            self._say(certificate, VerificationResult.WRONG, f"{words}; the manifest lists it")

    def _examine_picture(self, release: str, signed: SignedCertificate) -> None:
        name = signed.certificate.picture
        self.left.discard(name)
        finding = verify_file(
            self.received.path(name),
            self.received.name_from_root(name),
            signed,
            self.trusted,
            self.outputs,
            distrusted=self.distrusted,
        )
        problem = self._problem_with_listing(release, signed)
        if finding.result is VerificationResult.WRONG or problem is None:
            self.findings.append(finding)
            self.pictures += finding.result is not VerificationResult.WRONG
        else:
            self._say(release + ENDING, VerificationResult.WRONG, problem)

    def _problem_with_listing(self, release: str, signed: SignedCertificate) -> str | None:
        if self.manifest is None:
            return None
        listed = self.listed.get(release)
        if listed is None:
            return "was added: the manifest does not list it"
        if listed != signed.document.sha256:
            signer = signed.document.key_id
            return f"is not the one that the manifest lists; it was signed anew with key {signer}"
        return None

    def _take_pictures(self, release: str) -> list[str]:
        """Pictures that carry the release's name; nothing else is known to look for."""
        names = [release + suffix for suffix in SUFFIXES.values() if release + suffix in self.left]
        self.left -= set(names)
        return names

    def _check_beside(self) -> None:
        """Compare what lies around the releases with what the manifest lists of it.

        A list of revocations that it does not list may have been put there: it has a signature of
        its own, which `revoked` looks at.
        """
        listed = () if self.manifest is None else self.manifest.beside
        self.left -= {REVOCATIONS}
        if REVOCATIONS not in {file.name for file in listed}:
            self.left -= {OUTSIDE + REVOCATIONS}
        if self.received.base == self.received.root:
            if listed:
                names = ", ".join(file.name for file in listed)
                words = f"lists {names} around it too: name that folder to have them compared"
                self._say(MANIFEST, VerificationResult.NOTE, words)
            return
        for file in listed:
            name = OUTSIDE + file.name
            self.left.discard(name)
            problem = _problem_with(self.received.path(name), file)
            if problem is not None:
                self._say(name, VerificationResult.WRONG, problem)
        for added in (
            {OUTSIDE + name for name in get_args(BesideName)} & self.left if listed else ()
        ):
            self.left.discard(added)
            self._say(added, VerificationResult.WRONG, "was added: the manifest does not list it")

    def _check_key_files(self) -> None:
        for name in (PUBLIC_KEY, OUTSIDE + PUBLIC_KEY):
            if name in self.left:
                self.left.discard(name)
                self._say(name, *self._key_file(self.received.files[name]))

    def _key_file(self, path: Path) -> tuple[VerificationResult, str]:
        try:
            keys = public_keys(content(path, LONGEST_KEY_FILE), "It")
        except UnusableKeys as error:
            return VerificationResult.WRONG, f"is not valid: {error}"
        except UnreadableFile as error:
            return VerificationResult.WRONG, str(error)
        if not self.signers:
            return (
                VerificationResult.NOTE,
                "could not be compared: nothing here has a signature that fits",
            )
        if keys & self.signers and keys <= self.signers | self.trusted:
            return (
                VerificationResult.NOTE,
                "signed what is here; whose it is, it does not say",
            )
        ids = ", ".join(sorted(map(key_id, keys)))
        return VerificationResult.WRONG, f"is not the key that signed what is here: it holds {ids}"

    def _check_unlisted(self) -> None:
        for name in sorted(self.left):
            result, words = self._unlisted_file(name, self.received.files[name])
            if result is VerificationResult.WRONG or not name.startswith(OUTSIDE):
                self._say(name, result, words)
        if self.received.has_private:
            words = "and all else around the releases is private; hand out released alone"
            self._say(OUTSIDE + PRIVATE, VerificationResult.NOTE, words)

    def _unlisted_file(self, name: str, path: Path) -> tuple[VerificationResult, str]:
        """The result of a file that neither a certificate nor the manifest accounts for."""
        if name.endswith(ENDING):
            return VerificationResult.WRONG, "is a certificate where none belongs"
        try:
            release = self.outputs.get(measured(path, {length for _, length in self.outputs}))
        except UnreadableFile as error:
            return VerificationResult.WRONG, str(error)
        if release is not None:
            return (
                VerificationResult.WRONG,
                f"is the picture of {release} under a name that is not its own",
            )
        if is_picture(path):
            return VerificationResult.WRONG, "was added: no certificate speaks of this picture"
        if not is_harmless(name, path):
            return (
                VerificationResult.WRONG,
                "was added, and is no short text: anything can be in it",
            )
        return VerificationResult.NOTE, "is vouched for by nothing here"


def _problem_with(path: Path, listed: Beside) -> str | None:
    try:
        if measured(path, {listed.bytes}) == (listed.sha256, listed.bytes):
            return None
    except UnreadableFile as error:
        return f"{error}; the manifest lists it"
    return "was changed: it is not the one that the manifest lists"
