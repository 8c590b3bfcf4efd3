"""The master key, and where it comes from.

| set | the master key is |
|---|---|
| `LETHE_MASTER_KEY` | those 32 bytes in base64 |
| `LETHE_MASTER_KEY_FILE` | what that file holds, in base64 |
| `LETHE_PASSPHRASE`, or `LETHE_PASSPHRASE_FD` to read it from | made from it by scrypt |
| nothing | in `keys/master`, made at the first start |

At most one may be set. `LETHE_MASTER_KEY_OLD` and `LETHE_PASSPHRASE_OLD` name the key before, until
`lethe vault rotate` is done; so does `keys/master` where another source is set. Only a rotation has
a keyring go over to another key: one that is set by mistake wraps nothing. While the own file is
rotated there is `keys/master.next`, and both open.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import UnusableKeys
from engine.files import atomic
from store.vault.passphrase import ScryptParameters
from store.vault.shredding import shred
from store.vault.wrapping import Key

KEY, KEY_FILE, KEY_OLD = "LETHE_MASTER_KEY", "LETHE_MASTER_KEY_FILE", "LETHE_MASTER_KEY_OLD"
PASSPHRASE, PASSPHRASE_FD, PASSPHRASE_OLD = (
    "LETHE_PASSPHRASE", "LETHE_PASSPHRASE_FD", "LETHE_PASSPHRASE_OLD",
)  # fmt: skip
_SOURCES: Final = (KEY, KEY_FILE, PASSPHRASE, PASSPHRASE_FD)
_READ: Final = f"what {PASSPHRASE_FD} gave"
"""Beside the variables that `take` gives: no variable's name has a space."""
_OWN: Final = "keys/master"
_LONGEST: Final = 4096


def forget(environment: MutableMapping[str, str]) -> None:
    """Take away whatever names a key, so that programs started from now on do not have it."""
    for name in (*_SOURCES, KEY_OLD, PASSPHRASE_OLD):
        environment.pop(name, None)


def take(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Take away whatever names a key, and give it, to open a vault with as often as needed.

    A passphrase is read from its descriptor here: later the number may be another file's.

    Raises:
        UnusableKeys: the descriptor cannot be read; what names a key is taken away all the same.
    """
    names = (*_SOURCES, KEY_OLD, PASSPHRASE_OLD)
    taken = {name: environment[name] for name in names if environment.get(name)}
    forget(environment)
    if PASSPHRASE_FD in taken:
        taken[_READ] = _read_descriptor(taken[PASSPHRASE_FD])
    return taken


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One, and where it comes from: the name of a variable, or `keys/master`."""

    key: Key
    origin: str


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """Those that are there now; at least one."""

    found: tuple[MasterKey, ...]

    @property
    def target(self) -> MasterKey:
        """Wraps everything after the next rotation, and until then what it wraps already."""
        return self.found[0]

    def find(self, key_id: str) -> MasterKey | None:
        """The one with an id."""
        return next((one for one in self.found if one.key.id == key_id), None)


class MasterSource:
    """Where master keys come from, for one data folder.

    Args:
        home: the data folder.
        environment: read once; what it names is kept in memory from then on. Whoever may open the
            same folder again gives what `take` gave.

    Raises:
        UnusableKeys: what is set cannot be used.
    """

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._file = home / _OWN
        self._next = self._file.with_name("master.next")
        self._over = self._file.with_name("master.over")
        self._scrypt = home / "keyring" / "scrypt.json"
        self._parameters: ScryptParameters | None = None
        self._given = self._current_of(environment)
        self._given_earlier = self._earlier_of(environment)

    def load(self) -> MasterKeys:
        """The usable keys, files read anew.

        Raises:
            UnusableKeys: there is none, or a key file is readable by others or broken.
        """
        found = self._found()
        if not found:
            raise UnusableKeys(
                f"The master key is missing: there is no {self._file}, and none of "
                f"{', '.join(_SOURCES)} is set. Nothing was changed and no new key was made, for "
                "what the old one wraps would be lost. Put it back from a copy, or set it again."
            )
        return MasterKeys(found)

    def make(self) -> MasterKeys:
        """The usable keys for a new keyring: with a key file of our own where nothing is set.

        Raises:
            UnusableKeys: no file can be made.
        """
        if not self._found():
            _write(self._file, Key.new())
        self._keep_parameters()
        return self.load()

    def begin_rotation(self) -> MasterKeys:
        """The keys, the target being the one to rotate to: made where it is a file of our own.

        Raises:
            UnusableKeys: there is none, or no file can be made.
        """
        if not self._given and not self._next.exists():
            _write(self._next, Key.new())
        self._keep_parameters()
        return self.load()

    def end_rotation(self) -> None:
        """Destroy the file of the key before, once nothing is wrapped by it.

        Raises:
            OSError: the disk does not take it; both keys are usable still.
        """
        if self._file.exists():
            atomic.move(self._file, self._over)  # whoever reads meanwhile never finds zeros
        if self._given:
            shred(self._next)
        elif self._next.exists():
            atomic.move(self._next, self._file)
        self.tidy()

    def tidy(self) -> None:
        """Destroy the key that a rotation was done with and, in a kill, did not destroy.

        Raises:
            OSError: the disk does not take it.
        """
        if self._over.exists():
            shred(self._over)

    def _keep_parameters(self) -> None:
        if self._parameters is not None and not self._scrypt.exists():
            self._parameters.write(self._scrypt)

    def _found(self) -> tuple[MasterKey, ...]:
        own = ((path, _own_key(path)) for path in (self._next, self._file))
        return (
            *self._given,
            *(MasterKey(key, f"keys/{path.name}") for path, key in own if key is not None),
            *self._given_earlier,
        )

    def _current_of(self, environment: Mapping[str, str]) -> tuple[MasterKey, ...]:
        """The one that is set; empty when none is."""
        named = [name for name in _SOURCES if environment.get(name)]
        if len(named) > 1:
            raise UnusableKeys(
                f"{' and '.join(named)} are set, and the master key can come from one alone; "
                "nothing was opened. Name the key before with "
                f"{KEY_OLD} or {PASSPHRASE_OLD}."
            )
        if not named:
            return ()
        (name,) = named
        value = environment[name]
        if name == KEY:
            return (MasterKey(_decoded(value, KEY), KEY),)
        if name == KEY_FILE:
            return (MasterKey(_named_key(Path(value)), KEY_FILE),)
        if name == PASSPHRASE_FD:
            value = environment[_READ] if _READ in environment else _read_descriptor(value)
        return (MasterKey(self._from_passphrase(value), name),)

    def _earlier_of(self, environment: Mapping[str, str]) -> tuple[MasterKey, ...]:
        key, phrase = environment.get(KEY_OLD), environment.get(PASSPHRASE_OLD)
        return (
            *([MasterKey(_decoded(key, KEY_OLD), KEY_OLD)] if key else []),
            *([MasterKey(self._from_passphrase(phrase), PASSPHRASE_OLD)] if phrase else []),
        )

    def _from_passphrase(self, passphrase: str) -> Key:
        if self._parameters is None:
            self._parameters = ScryptParameters.read(self._scrypt) or ScryptParameters.new()
        return self._parameters.key(passphrase)


def _own_key(path: Path) -> Key | None:
    """The key in a file of ours; None when there is no file."""
    try:
        path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror) from error
    if path.is_symlink():
        raise UnusableKeys(f"{path} is a link, so the master key was not read from it.")
    return _named_key(path)


def _named_key(path: Path) -> Key:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            _refuse_open(path, status)
            text = file.read(_LONGEST).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, getattr(error, "strerror", None)) from error
    return _decoded(text, str(path))


def _refuse_open(path: Path, status: os.stat_result) -> None:
    is_ours = status.st_uid in (os.geteuid(), 0)
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or not is_ours:
        raise UnusableKeys(
            f"The master key in {path} can be reached by others, so it was not used. Close it "
            f"(chmod 600 {path}); if somebody may have read it, then lethe vault rotate."
        )


def _decoded(text: str, where: str) -> Key:
    try:
        return Key.of(base64.b64decode(text.strip(), validate=True))
    except ValueError as error:  # of base64, too
        raise UnusableKeys(
            f"{where} holds no master key: 32 bytes in base64 are needed, as "
            "`openssl rand -base64 32` prints; nothing was opened."
        ) from error


def _read_descriptor(number: str) -> str:
    try:
        with os.fdopen(int(number), "rb") as file:
            return file.read(_LONGEST).decode().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise UnusableKeys(
            f"No passphrase can be read from the file descriptor {number} that {PASSPHRASE_FD} "
            "names; nothing was opened."
        ) from error


def _write(path: Path, key: Key) -> None:
    try:
        path.parent.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True, exist_ok=True)
        atomic.write(path, base64.b64encode(key.secret) + b"\n")
    except OSError as error:
        raise UnusableKeys(
            f"No master key can be made in {path} ({error.strerror}); nothing was changed."
        ) from error


def _unreadable(path: Path, reason: str | None) -> UnusableKeys:
    return UnusableKeys(
        f"The master key in {path} cannot be read ({reason or 'it is no text'}); nothing was "
        "changed."
    )
