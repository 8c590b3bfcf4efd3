"""Folders of the server: who signs in reaches only those that an admin named.

The server's user reads more than the people who use the app may. In `single` mode whoever is at the
screen started the program, and reads what it reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from components.app import accounts
from components.app.access import has_accounts
from components.app.services import home
from engine.errors import LetheError
from engine.files.real_path import real

CLOSED = (
    "Folders of the server are closed here. An admin names those that are open in sign-in.toml, as "
    "folders under [access]."
)


class ClosedFolder(LetheError):
    """The folder lies below none that an admin named."""


def are_open() -> bool:
    """Whether there is any folder of the server to choose."""
    return not has_accounts() or bool(accounts.read(home()).access.folders)


def refuse_closed(paths: Iterable[Path]) -> None:
    """Refuse paths that lie, links followed, outside the folders that an admin named.

    Raises:
        ClosedFolder: one of them does; does not say whether there is such a file.
    """
    if not has_accounts():
        return
    roots = [real(root) for root in accounts.read(home()).access.folders]
    for path in paths:
        actual = real(path.expanduser())
        if not any(actual.is_relative_to(root) for root in roots):
            raise ClosedFolder(
                "That is, or leads to, no folder that is open here, so nothing of it was read. "
                "Ask an admin which folders of the server are."
            )
