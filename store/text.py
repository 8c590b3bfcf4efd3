"""Names that people and file systems give, as a column can hold them."""

from __future__ import annotations


def storable(name: str) -> str:
    """The name with what is no valid Unicode as backslash escapes; names that differ stay so."""
    return name.encode("utf-8", errors="backslashreplace").decode("utf-8")
