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

_FIRST_NAMES: Mapping[str, str] = {
    "detect": "look",
    "auto_redact_at": "accept_at",
    "review_at": "doubt_at",
    "rotations": "turns",
    "tattoo_jewelry_scales": "adornment_scales",
    "release_check": "witness",
}
"""What keys were called before: such files are read, and fingerprints are made of those names."""
_NAMES_NOW = {first: now for now, first in _FIRST_NAMES.items()}
_ADDED: Mapping[str, Any] = {
    "review": {"second_review_share": 0.0, "four_eyes": False},
    "retention": dict.fromkeys(
        ("originals_days", "previews_days", "names_days", "releases_days", "reviews_days"), 0
    ),
}
"""Keys that came later, with the value that does what was done before they came."""


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
    own = _renamed(tomllib.loads(text.removeprefix("\ufeff")), _NAMES_NOW)
    shipped = tomllib.loads(file_of(DEFAULT).read_text(encoding="utf-8"))
    both = _over(_over(shipped, _LEFT_OUT), own)
    if isinstance(both[SUMMARY], str):
        del both[SUMMARY]
    return both


def with_first_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """A policy's values as they were written first: other names, and no key that changes nothing.

    A key that was added later is among them once it has another value than in `_ADDED`.
    """
    return _renamed(_without(values, _ADDED), _FIRST_NAMES)


def _without(values: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    """The same table of tables without the keys that have the values in `added`.

    A table that has no others is left out too.
    """
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            others = _without(value, added.get(key, {}))
            if others or not value:
                kept[key] = others
        elif key not in added or value != added[key]:
            kept[key] = value
    return kept


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The same table of tables under other keys; one that stands there already wins."""
    renamed: dict[str, Any] = {}
    for key, value in values.items():
        name = names.get(key, key)
        if name == key or name not in values:
            renamed[name] = _renamed(value, names) if isinstance(value, dict) else value
    return renamed


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
