"""The key ring of this installation: the signing key, public keys, and the secret of pseudonyms.

Under `$LETHE_HOME/keys`, readable by their owner alone::

    signing.pem          the private key that signs now (Ed25519, PKCS 8)
    public/<id>.pem      every public key that is or was our own
    public/distrusted/   those among them that somebody else may have signed with
    pseudonym            32 random bytes; turn names into pseudonyms
    made                 empty: there was a whole ring, so that what is missing was lost
    lock                 held while keys are made or rotated

All is made at the first need. `signing.pem` comes last but for `made`; a kill before that leaves a
public key that never signs anything. Rotation replaces the private key and keeps the
public one, so that what was signed before still verifies; distrusting a key ends that.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from engine.errors import UnreadableFile, UnusableKeys
from engine.files import atomic
from engine.files.lock import lock
from engine.files.real_path import real
from engine.files.safe_read import content
from engine.signing.envelope import key_id, public_bytes

PSEUDONYM_BYTES = 32
LONGEST_KEY_FILE = 65_536
_DISTRUSTED = "distrusted"
_MADE = "made"
_END = b"-----END PUBLIC KEY-----"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys as they were when the ring was opened."""

    signing: Ed25519PrivateKey
    secret: bytes
    """Keys the pseudonyms."""
    public_keys: frozenset[bytes]
    """Raw public keys, the present one and earlier ones that are not distrusted."""

    @property
    def id(self) -> str:
        """Of the key that signs."""
        return key_id(public_bytes(self.signing))

    def pseudonym(self, kind: str, name: str) -> str:
        """16 hex digits that stand for a name and mean nothing without this ring.

        Args:
            kind: what is named; equal names of different kinds get different pseudonyms.
            name: stays inside.
        """
        return pseudonym(self.secret, kind, name)

    def sample_draw(self, digest: bytes) -> float:
        """Where a picture falls in 0..1, for the random share that a person checks.

        It follows from the content and the secret alone: whoever ends a run, or begins another,
        draws the same again, and nobody without the secret can tell beforehand.

        Args:
            digest: SHA-256 of the file.
        """
        return self._draw(b"sample\0" + digest)

    def original_digest(self, digest: bytes) -> str:
        """Keyed digest of an original, in hex; tells nobody else who holds a candidate.

        Args:
            digest: SHA-256 of the file.
        """
        return hmac.new(self.secret, b"original\0" + digest, hashlib.sha256).hexdigest()

    def second_review_draw(self, original: str) -> float:
        """Where a picture falls in 0..1, for the random share that a second person decides.

        As `sample_draw`, and independent of it.

        Args:
            original: `original_digest` of the file.
        """
        return self._draw(b"second review\0" + original.encode())

    def _draw(self, message: bytes) -> float:
        drawn = hmac.new(self.secret, message, hashlib.sha256).digest()
        return int.from_bytes(drawn[:8]) / 2**64


def pseudonym(secret: bytes, kind: str, name: str) -> str:
    """As `KeyRing.pseudonym`, for whoever has no more than the secret."""
    message = f"{kind}\0{name}".encode("utf-8", "surrogatepass")
    return hmac.new(secret, message, hashlib.sha256).hexdigest()[:16]


def own_secret(home: Path) -> bytes | None:
    """What keys the pseudonyms of this installation; None, and nothing is made, when it has none.

    Raises:
        UnusableKeys: others can read it, or it is broken.
    """
    folder = home / "keys"
    if not (folder / "pseudonym").exists():
        return None
    _refuse_open(folder)
    return _secret(folder)


def open_key_ring(home: Path) -> KeyRing:
    """Open the key ring under `home`, made when there is none.

    Raises:
        UnusableKeys: others can read it, or a part of it is missing or broken.
    """
    folder = home / "keys"
    if not (folder / "signing.pem").exists():
        if (folder / _MADE).exists():
            raise _broken(folder, "signing.pem")
        _make(home, rotate=False)
    _refuse_open(folder)
    signing, secret = _private_key(folder), _secret(folder)
    _restore_public(folder, public_bytes(signing))
    if not (folder / _MADE).exists():
        (folder / _MADE).touch(mode=atomic.PRIVATE_FILE)
    return KeyRing(signing, secret, _public_keys(folder / "public"))


def _restore_public(folder: Path, public: bytes) -> None:
    """Have the public half of the key that signs among our own: it follows from the private one.

    Raises:
        UnusableKeys: it is distrusted, or all of our own are others.
    """
    name = f"{key_id(public)}.pem"
    if (folder / "public" / _DISTRUSTED / name).exists():
        raise UnusableKeys(
            f"The key that signs, {key_id(public)}, is among those that are distrusted; nothing "
            f"was signed. Put {folder} back from a copy."
        )
    if (folder / "public" / name).exists():
        return
    if any((folder / "public").glob("*.pem")):
        raise UnusableKeys(
            f"{folder / 'signing.pem'} belongs to none of the keys in {folder / 'public'}, so what "
            "it signs would be unknown here; nothing was signed. Put it back from a copy."
        )
    descriptor = lock(folder / "lock", wait=True)
    try:
        (folder / "public").mkdir(mode=atomic.PRIVATE_FOLDER, exist_ok=True)
        atomic.write(folder / "public" / name, public_pem(public))
    finally:
        os.close(descriptor)


def rotate(home: Path) -> KeyRing:
    """Sign with a new key from now on; the old private key is deleted, the public one stays.

    Raises:
        UnusableKeys: as for `open_key_ring`.
    """
    open_key_ring(home)
    _make(home, rotate=True)
    return open_key_ring(home)


def distrust(home: Path, key: str) -> KeyRing:
    """Trust nothing any more that one of our keys signed; if it signs now, rotate first.

    Args:
        home: where the ring is.
        key: its id, 16 hex digits.

    Raises:
        UnusableKeys: as for `open_key_ring`, or there is no such key.
    """
    keys = open_key_ring(home)
    if key not in map(key_id, keys.public_keys):
        raise UnusableKeys(
            f"There is no trusted key {key} here; nothing was changed. lethe keys show lists them."
        )
    if key == keys.id:
        rotate(home)
    public = home / "keys" / "public"
    (public / _DISTRUSTED).mkdir(mode=atomic.PRIVATE_FOLDER, exist_ok=True)
    atomic.move(public / f"{key}.pem", public / _DISTRUSTED / f"{key}.pem")
    return open_key_ring(home)


def own_keys(home: Path) -> frozenset[bytes]:
    """Raw public keys of this installation; empty, and nothing is made, when it has none.

    Raises:
        UnusableKeys: others could have put theirs among them, or one cannot be read.
    """
    return _read(home / "keys", "public")


def distrusted_keys(home: Path) -> frozenset[bytes]:
    """Raw public keys that were this installation's own until it distrusted them.

    Raises:
        UnusableKeys: as for `own_keys`.
    """
    return _read(home / "keys", f"public/{_DISTRUSTED}")


def _read(folder: Path, name: str) -> frozenset[bytes]:
    try:
        if not (folder / name).is_dir():
            return frozenset()
        _refuse_open(folder)
        return _public_keys(folder / name)
    except OSError as error:
        raise UnusableKeys(
            f"The keys in {folder} cannot be read ({error.strerror}); name the signer's public key "
            "with --key."
        ) from error


def public_pem(public_key: bytes) -> bytes:
    """A raw public key as PEM (SubjectPublicKeyInfo), as other programs take it."""
    return Ed25519PublicKey.from_public_bytes(public_key).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def read_public(path: Path) -> frozenset[bytes]:
    """The raw public keys in a PEM file: one, or several after one another.

    Raises:
        UnusableKeys: it cannot be read, or holds anything but Ed25519 public keys.
    """
    try:
        pem = content(real(path), LONGEST_KEY_FILE)
    except (UnreadableFile, OSError, ValueError) as error:
        raise UnusableKeys(f"The public key {path} cannot be read: it {error}.") from error
    return public_keys(pem, str(path))


def public_keys(pem: bytes, name: str) -> frozenset[bytes]:
    """The raw public keys that PEM text holds.

    Raises:
        UnusableKeys: it holds none, or anything else; `name` says where.
    """
    if b"PRIVATE KEY" in pem:
        raise UnusableKeys(
            f"{name} holds a private key; the public one is needed (lethe keys export)."
        )
    *blocks, rest = pem.split(_END)
    if not blocks or rest.strip() or len(pem) > LONGEST_KEY_FILE:
        raise UnusableKeys(f"{name} is not a public key in PEM form (BEGIN PUBLIC KEY).")
    return frozenset(_public(block + _END + b"\n", name) for block in blocks)


def _public(pem: bytes, name: str) -> bytes:
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnusableKeys(f"{name} holds what is not a public key in PEM form.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UnusableKeys(f"{name} holds a key of another kind; Lethe signs with Ed25519.")
    return public_bytes(key)


def _make(home: Path, *, rotate: bool) -> None:
    folder = home / "keys"
    try:
        for needed in (home, folder, folder / "public"):
            needed.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = lock(folder / "lock", wait=True)
    except OSError as error:
        raise UnusableKeys(
            f"No signing key can be made in {folder} ({error.strerror}). "
            "Choose another folder with LETHE_HOME."
        ) from error
    try:
        if rotate or not (folder / "signing.pem").exists():  # another process may have been quicker
            _refuse_open(folder)
            _write_keys(folder)
    finally:
        os.close(descriptor)


def _write_keys(folder: Path) -> None:
    if not (folder / "pseudonym").exists():
        atomic.write(folder / "pseudonym", secrets.token_bytes(PSEUDONYM_BYTES))
    key = Ed25519PrivateKey.generate()
    public = public_bytes(key)
    atomic.write(folder / "public" / f"{key_id(public)}.pem", public_pem(public))
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    atomic.write(folder / "signing.pem", pem)


def _refuse_open(folder: Path) -> None:
    """Refuse keys that others may read, or, as bad, add to."""
    for path in (folder, *sorted(folder.rglob("*"))):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # the unfinished file of a process that rotates just now
        is_link = stat.S_ISLNK(status.st_mode)
        if is_link or status.st_mode & 0o077 or status.st_uid not in (os.geteuid(), 0):
            what = "is a link" if is_link else "can be reached by others"
            raise UnusableKeys(
                f"{path} {what}, so its keys were not used. Close it (chmod -R go= {folder}); if "
                "somebody may have read it, then trust it no more: lethe keys distrust "
                "ID, and lethe keys show for the ID. What it signed fails from then on."
            )


def _private_key(folder: Path) -> Ed25519PrivateKey:
    try:
        content = (folder / "signing.pem").read_bytes()
        key = serialization.load_pem_private_key(content, password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _broken(folder, "signing.pem") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _broken(folder, "signing.pem")
    return key


def _secret(folder: Path) -> bytes:
    try:
        secret = (folder / "pseudonym").read_bytes()
    except OSError as error:
        raise _broken(folder, "pseudonym") from error
    if len(secret) != PSEUDONYM_BYTES:
        raise _broken(folder, "pseudonym")
    return secret


def _public_keys(folder: Path) -> frozenset[bytes]:
    files = sorted(folder.glob("*.pem"))
    return frozenset(key for file in files for key in read_public(file))


def _broken(folder: Path, name: str) -> UnusableKeys:
    return UnusableKeys(
        f"{folder / name} is missing or broken; nothing was signed. Put it back from a copy, or "
        f"move {folder} away to begin with new keys: what the old ones signed is then unknown here."
    )
