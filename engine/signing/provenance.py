"""Which Lethe made a release: its version, and a fingerprint of what removes.

The battery of attacks says something about one state of the removing code, and of the shipped
margins and fill, and nothing about another, so reports and certificates name it.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final

from engine import __version__
from engine.category import Category
from engine.policy import Policy, default_policy

REMOVING: Final = (
    "engine/codec/avif.py",
    "engine/codec/encode.py",
    "engine/codec/colour.py",
    "engine/codec/decoder_errors.py",
    "engine/codec/exif.py",
    "engine/redact/copying.py",
    "engine/redact/holes.py",
    "engine/redact/inpaint.py",
    "engine/codec/double_compression.py",
    "engine/geometry.py",
    "engine/codec/hdr.py",
    "engine/images.py",
    "engine/codec/jpeg.py",
    "engine/redact/masks.py",
    "engine/codec/png.py",
    "engine/codec/raw.py",
    "engine/codec/signatures.py",
    "engine/redact/removal.py",
    "engine/codec/decode.py",
    "engine/codec/tiff.py",
)
"""Modules that decide which pixels go and what takes their place: `codec`, `masks` and `removal`
with all they import, as a test derives. Of the policy, values are hashed instead."""


@cache
def pipeline_version() -> str:
    """Version and fingerprint of what removes, such as `0.1.0+1f0c2a9b`."""
    package = resources.files("engine")
    sources = [(package / name.removeprefix("engine/")).read_bytes() for name in REMOVING]
    return f"{__version__}+{fingerprint(sources, default_policy())}"


def fingerprint(sources: Iterable[bytes], policy: Policy) -> str:
    """8 hex digits that change with what any module does, and with what makes masks and fills.

    Where a module lies, in which order they come, what it imports from where, comments and
    docstrings do nothing, so they change nothing. Thresholds, of detectors and of release checks,
    decide what is looked at and not how it is removed.

    Args:
        sources: Python modules.
        policy: the one that is shipped.

    Raises:
        SyntaxError: one is no Python module.
    """
    digest = hashlib.sha256()
    for module in sorted(hashlib.sha256(_syntax(source)).digest() for source in sources):
        digest.update(module)
    removing = {
        "grow": {kind.value: policy.grow(kind).model_dump() for kind in Category},
        "removal": policy.removal.model_dump(),
        "double_compression_px": policy.codec.double_compression_px,
    }
    digest.update(json.dumps(removing, sort_keys=True).encode())
    return digest.hexdigest()[:8]


def _syntax(source: bytes) -> bytes:
    """A module's syntax tree without imports and docstrings, the same for every Python version."""
    return json.dumps(_plain(ast.parse(source))).encode()


def _plain(part: object) -> object:
    if isinstance(part, list):
        return [_plain(node) for node in part if not isinstance(node, ast.Import | ast.ImportFrom)]
    if not isinstance(part, ast.AST):
        return repr(part)
    fields = dict(ast.iter_fields(part))
    body = fields.get("body")
    if isinstance(body, list):
        fields["body"] = [statement for statement in body if not _is_docstring(statement)]
    # fields that some versions lack are empty where they are there
    return [
        type(part).__name__,
        *([name, _plain(value)] for name, value in fields.items() if value not in (None, [])),
    ]


def _is_docstring(statement: ast.stmt) -> bool:
    """True for a docstring of a module, class, function or attribute."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
