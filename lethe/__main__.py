"""`lethe`: every command under one name; in a checkout, `python -m lethe`.

A wheel puts `engine`, `store`, `components` and what they read beside this file instead of at the
top of site-packages, where such names are anybody's: this folder is then made the first to import
from. docs/decisions/0019-one-wheel-one-folder.md says why.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_APART = {
    "app": "serve the app on this machine alone",
    "audit": "the app's audit trail: tell whether it is whole",
    "revoke": "revoke releases of the app, and write the signed list",
    "store": "the app's data: take in a run, export labels, count",
    "vault": "the keys that seal originals: look, rotate the master key",
}
"""Commands with a parser of their own, and their lines in the list of commands."""

if (_HERE / "engine").is_dir() and str(_HERE) not in sys.path:
    sys.path.insert(0, str(_HERE))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # each is imported only when it is asked for: DuckDB and Streamlit take a while
    if words[:1] == ["app"]:
        from components.server.__main__ import main as serve

        return serve(words[1:], os.environ, program="lethe app")
    if words[:1] == ["audit"]:
        from store.audit.__main__ import main as look_into_trail

        return look_into_trail(words[1:], program="lethe audit")
    if words[:1] == ["revoke"]:
        from store.releases.__main__ import main as revoke

        return revoke(words[1:], program="lethe revoke")
    if words[:1] == ["store"]:
        from store.__main__ import main as look_into_store

        return look_into_store(words[1:], program="lethe store")
    if words[:1] == ["vault"]:
        from store.vault.__main__ import main as open_vault

        return open_vault(words[1:], os.environ, program="lethe vault")
    from engine.__main__ import main as run

    return run(words, program="lethe", apart=_APART)


if __name__ == "__main__":
    sys.exit(main())
