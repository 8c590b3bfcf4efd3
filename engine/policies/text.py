"""Policy files as plain values: what one says over what the shipped one says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NAMES = ("cautious", "balanced", "fast")
"""From the one that asks people most to the one that asks least."""
DEFAULT = "balanced"
SUMMARY = "summary"
"""A sentence for people in a policy file; it decides nothing and is in no fingerprint."""
_LEFT_OUT: Mapping[str, Any] = {"review": {"nothing_found": True}}
"""Not as in the shipped file: who says nothing about pictures with nothing found is asked."""


def file_of(name: str) -> Path:
    """Where a policy of `NAMES` lies."""
    return FOLDER / f"{name}.toml"


def summary_of(name: str) -> str:
    """What a policy of `NAMES` promises and costs, in a sentence."""
    return str(tomllib.loads(file_of(name).read_text(encoding="utf-8"))[SUMMARY])


def values_in(text: str) -> dict[str, Any]:
    """What a policy file says, completed from the shipped one.

    Raises:
        tomllib.TOMLDecodeError, RecursionError: it is no TOML, or nested without end.
    """
    own = tomllib.loads(text.removeprefix("\ufeff"))
    shipped = tomllib.loads(file_of(DEFAULT).read_text(encoding="utf-8"))
    both = _over(_over(shipped, _LEFT_OUT), own)
    if isinstance(both[SUMMARY], str):
        del both[SUMMARY]
    return both


def _over(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Both together, table by table; the own values win."""
    both = dict(shipped)
    for key, value in own.items():
        below = both.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            both[key] = _over(below, value)
        else:
            both[key] = value
    return both
