"""Files that an evaluation writes: refused before the work, and written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.errors import UnusableFolder
from engine.files import atomic
from engine.files.real_path import real


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """See to it that each output can be written and destroys nothing that is read or written.

    Raises:
        UnusableFolder: names the file and says why.
    """
    taken = dict.fromkeys((real(path) for path in inputs), "it is what this command reads")
    for file in outputs:
        where = real(file)
        if file.is_dir():
            raise UnusableFolder(f"{file} cannot be written: it is a folder.")
        if where in taken:
            raise UnusableFolder(f"{file} cannot be written: {taken[where]}.")
        taken[where] = "it is another output of this command"
        if _is_special(file):
            continue
        try:
            probe = atomic.temporary_name(file)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise _refused(file, error) from error


def write_all(texts: Mapping[Path, str]) -> None:
    """Write each file; a crash leaves the old one or the new one, never half of it.

    Raises:
        UnusableFolder: names the files that could not be written; the others were.
    """
    refusals = []
    for file, text in texts.items():
        try:
            _write(file, text)
        except OSError as error:
            refusals.append(str(_refused(file, error)))
    if refusals:
        raise UnusableFolder(" ".join(refusals))


def _write(file: Path, text: str) -> None:
    if _is_special(file):
        file.write_text(text, encoding="utf-8")
    else:
        atomic.write(file, text.encode(), "umask")


def _is_special(file: Path) -> bool:
    """True for a pipe or a device such as `/dev/stdout`, which must not be replaced by a file."""
    return file.exists() and not file.is_file()


def _refused(file: Path, error: OSError) -> UnusableFolder:
    return UnusableFolder(f"{file} cannot be written: {error.strerror or type(error).__name__}.")
