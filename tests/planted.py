"""Searches every byte below folders for planted texts, however they may be written down."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus


def forms(*texts: str) -> tuple[bytes, ...]:
    """How texts may be written down: UTF-8 and UTF-16, plain, or escaped for URL, JSON and HTML."""
    return tuple(sorted({form for text in texts for form in _forms(text)}))


def _forms(text: str) -> set[bytes]:
    escaped = {quote(text), quote_plus(text), json.dumps(text)[1:-1], html.escape(text)}
    utf_16 = {text.encode("utf-16-le"), text.encode("utf-16-be")}
    return {form.encode() for form in {text, *escaped}} | utf_16


def holders(folders: Iterable[Path], parts: Iterable[bytes]) -> list[str]:
    """Files whose content or path holds one of the parts."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    wanted = tuple(parts)
    searched = {str(path): b"\0".join([str(path).encode(), path.read_bytes()]) for path in files}
    return [name for name, content in searched.items() if any(part in content for part in wanted)]
