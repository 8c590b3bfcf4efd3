"""`lethe`: every command under one name; in a checkout, `python -m lethe`.

A wheel puts `engine`, `store`, `components` and what they read beside this file instead of at the
top of site-packages, where such names are anybody's: this folder is then made the first to import
from. docs/decisions/0019-one-wheel-one-folder.md says why.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_PARSERS = {
    "app": ("components.server", "serve the app on this machine alone"),
    "audit": ("store.audit", "the app's audit trail: tell whether it is whole"),
    "backup": ("store.backup", "copy the app's data, its keyring and its secrets, each apart"),
    "restore": ("store.backup", "make the app's data of a backup"),
    "retention": ("store.retention", "what is held, until when, and its end"),
    "revoke": ("store.releases", "revoke releases of the app, and write the signed list"),
    "store": ("store", "the app's data: take in a run, export labels, count"),
    "subject": ("store.subjects", "what people ask about pictures of them: find, export, delete"),
    "vault": ("store.vault", "the keys that seal originals: look, rotate the master key"),
}
"""Commands with a parser of their own: its package, and their lines in the list of commands."""
_OF_ONE_PARSER = {"backup", "restore"}

if (_HERE / "engine").is_dir() and str(_HERE) not in sys.path:
    sys.path.insert(0, str(_HERE))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # each is imported only when it is asked for: DuckDB and Streamlit take a while
    if not words or words[0] not in _PARSERS:
        apart = {word: line for word, (_, line) in _PARSERS.items()}
        return int(import_module("engine.__main__").main(words, program="lethe", apart=apart))
    command = import_module(f"{_PARSERS[words[0]][0]}.__main__")
    if words[0] in _OF_ONE_PARSER:
        return int(command.main(words, program="lethe"))
    return int(command.main(words[1:], program=f"lethe {words[0]}"))


if __name__ == "__main__":
    sys.exit(main())
