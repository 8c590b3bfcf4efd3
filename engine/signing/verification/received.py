"""List the files of a received folder without following a link."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

RELEASED: Final = "released"
PRIVATE: Final = ".lethe"
RUN: Final = "run.json"
"""In the private part of every run."""
OUTSIDE: Final = "../"


@dataclass(frozen=True, slots=True)
class ReceivedFolder:
    """A folder with releases, and what lies around them."""

    root: Path
    """The folder that was named."""
    base: Path
    """Where the releases lie: `root/released` where there is one, else `root`."""
    files: dict[str, Path] = field(default_factory=dict)
    """By name: relative to `base`, with forward slashes, and behind `../` for what lies around it.
    Links and folders that cannot be opened stand here too, so that they are not passed over."""
    has_private: bool = False
    """Whether `root` is the output folder of a run, whose private part is left out here."""

    def path(self, name: str) -> Path:
        """Where a file lies, or would lie."""
        return self.files.get(name, self.base / name)

    def name_from_root(self, name: str) -> str:
        """A name as seen from `root`."""
        if name.startswith(OUTSIDE):
            return name.removeprefix(OUTSIDE)
        return name if self.base == self.root else f"{RELEASED}/{name}"


def received_folder(root: Path) -> ReceivedFolder:
    """List every file below a folder, but for the private part of a run.

    A folder of that name anywhere but beside `released` is none, and so is listed: a picture put
    into one must not go unseen.
    """
    base = root / RELEASED
    if base.is_symlink() or not base.is_dir():
        base = root
    private = root / PRIVATE
    has_private = base != root and not private.is_symlink() and (private / RUN).is_file()
    files: dict[str, Path] = {}

    def add_unreadable(error: OSError) -> None:
        files[_name(Path(error.filename), root, base)] = Path(error.filename)

    for folder, folders, names in os.walk(root, onerror=add_unreadable):
        here = Path(folder)
        if here == root and has_private:
            folders.remove(PRIVATE)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*names, *links):
            files[_name(here / name, root, base)] = here / name
    return ReceivedFolder(root, base, files, has_private)


def _name(path: Path, root: Path, base: Path) -> str:
    if path.is_relative_to(base):
        return path.relative_to(base).as_posix()
    return OUTSIDE + path.relative_to(root).as_posix()
