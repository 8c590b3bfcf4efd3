"""The verb `keys`: the keys that sign certificates, and those that others are trusted by."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from engine.cli import command_line, terminal
from engine.cli.exits import Exit
from engine.errors import UnusableKeys
from engine.files import atomic
from engine.files.home import home
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


def add_to(verbs: terminal.Commands) -> None:
    """Add it to the command line."""
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


def named_or_own(paths: Iterable[Path] | None) -> frozenset[bytes]:
    """The raw public keys of these files; those of this installation where none is named.

    Raises:
        UnusableKeys: they cannot be read.
    """
    if paths is None:
        return own_keys(home())
    return frozenset(key for path in paths for key in read_public(path))


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
