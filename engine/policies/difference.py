"""What changes from one policy to another, value by value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from engine.policy import Policy


@dataclass(frozen=True, slots=True)
class Difference:
    """One value in which two policies differ."""

    key: str
    """As the file nests it: `categories.face.doubt_at`."""
    before: Any
    after: Any


def differences(old: Policy, new: Policy) -> tuple[Difference, ...]:
    """Every value that changes from one policy to the other, in the order of the file."""
    after = dict(_values(new))
    return tuple(
        Difference(key, before, after[key]) for key, before in _values(old) if before != after[key]
    )


def _values(part: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key in type(part).model_fields:
        value = getattr(part, key)
        if isinstance(value, BaseModel):
            yield from _values(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
