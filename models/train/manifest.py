"""Model registry entries: write a model file, its card, and its manifest entry.

Each is written whole. A stop in between leaves a manifest whose SHA-256 does not fit the file, and
such a file is refused, so a half-entered model is never used.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from models.train.errors import TrainingRefused
from models.train.files import write_whole

MANIFEST = "manifest.toml"


def enter(models: Path, name: str, entry: Mapping[str, Any], data: bytes, card: str) -> None:
    """Write a model, its card and its entry, replacing those of the same name.

    Args:
        models: the folder that holds the manifest.
        name: of the entry; the card is `cards/<name>.md`.
        entry: what the manifest says; `file` is the name of the model file.
        data: the model file.
        card: Markdown.

    Raises:
        TrainingRefused: the manifest is missing or cannot be read.
    """
    manifest = models / MANIFEST
    try:
        text = with_entry(manifest.read_text(encoding="utf-8"), name, entry)
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise TrainingRefused(f"{manifest} cannot be read: {error}.") from error
    write_whole(models / str(entry["file"]), data)
    write_whole(models / "cards" / f"{name}.md", card.encode())
    write_whole(manifest, text.encode())


def with_entry(text: str, name: str, entry: Mapping[str, Any]) -> str:
    """A manifest with one entry replaced or added; all else, comments too, stays as it is."""
    document = tomlkit.parse(text)
    table = tomlkit.table()
    for key, value in entry.items():
        table.add(key, _sources(value) if key == "sources" else value)
    if name in document:
        for part in _behind(document[name]):
            table.add(part)
        document[name] = table
    else:
        document.add(tomlkit.nl())
        document.add(name, table)
    return str(tomlkit.dumps(document)).rstrip("\n") + "\n"


def _behind(table: Any) -> list[Any]:  # noqa: ANN401 - tomlkit is not typed here
    """Comments and empty lines behind a table's last key: they speak of what comes next."""
    parts = reversed(table.value.body)
    return [item for _, item in takewhile(lambda part: part[0] is None, parts)][::-1]


def _sources(sources: list[Mapping[str, Any]]) -> tomlkit.items.Array:
    """One source a line."""
    array = tomlkit.array()
    for source in sources:
        table = tomlkit.inline_table()
        table.update(source)
        array.append(table)
    return array.multiline(multiline=True)
