"""A master key from a passphrase: scrypt (RFC 7914), with parameters kept beside the keyring.

The cost is what OWASP's Password Storage Cheat Sheet asks first: N = 2^17, r = 8, p = 1, 128 MiB
for some tenths of a second. Parameters are no secret; they are bounded when they are read, so that
a changed file cannot ask for all of the memory.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from engine.errors import UnusableKeys
from engine.files import atomic
from engine.files.json_object import json_object
from store.vault.sealing import KEY_BYTES
from store.vault.wrapping import Key

COST: Final = 2**17
"""N, the CPU and memory cost of new parameters."""
LEAST_CHARACTERS: Final = 12
_SALT_BYTES: Final = 16
_MOST_COST, _MOST_BLOCKS, _MOST_PARALLEL = 2**20, 32, 16


@dataclass(frozen=True, slots=True)
class ScryptParameters:
    """What a passphrase becomes a key with."""

    salt: str
    """In hex."""
    n: int
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        is_power = self.n > 1 and self.n & (self.n - 1) == 0
        in_bounds = self.n <= _MOST_COST and 1 <= self.r <= _MOST_BLOCKS
        if not (is_power and in_bounds and 1 <= self.p <= _MOST_PARALLEL):
            raise ValueError(f"scrypt parameters out of bounds: {self.n}, {self.r}, {self.p}")

    @classmethod
    def new(cls) -> Self:
        """With a random salt, at the cost of today."""
        return cls(secrets.token_hex(_SALT_BYTES), COST)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Those in a file; None when there is none.

        Raises:
            UnusableKeys: it cannot be read.
        """
        try:
            value = json_object(path.read_bytes())
            bytes.fromhex(value["salt"])
            return cls(value["salt"], int(value["n"]), int(value["r"]), int(value["p"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UnusableKeys(
                f"{path} does not say how the passphrase becomes a key; nothing was changed. Put "
                "it back from a copy of the keyring."
            ) from error

    def write(self, path: Path) -> None:
        """Keep them.

        Raises:
            OSError: the disk does not take them.
        """
        atomic.write(path, json.dumps(asdict(self)).encode())

    def key(self, passphrase: str) -> Key:
        """The key of a passphrase.

        Raises:
            UnusableKeys: it is too short to be one.
        """
        if len(passphrase) < LEAST_CHARACTERS:
            raise UnusableKeys(
                f"The passphrase of the master key has {len(passphrase)} characters; it needs "
                f"{LEAST_CHARACTERS} or more, such as five words drawn at random."
            )
        derivation = Scrypt(
            salt=bytes.fromhex(self.salt), length=KEY_BYTES, n=self.n, r=self.r, p=self.p
        )
        return Key.of(derivation.derive(passphrase.encode("utf-8", "surrogatepass")))
