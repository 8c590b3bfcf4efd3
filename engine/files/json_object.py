"""JSON parsing of untrusted files: text in, one object out."""

from __future__ import annotations

import json
from typing import Any


def json_object(data: bytes | str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        ValueError: it is none; the text goes on after "it is".
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
