"""The fingerprint of what removes: it changes with that, and with nothing else."""

from __future__ import annotations

import pytest

from engine.policy import default_policy, read_policy
from engine.signing.provenance import REMOVING, fingerprint, pipeline_version
from tests.test_boundaries import ROOT, imported, modules, tree

REMOVERS = (
    "engine.codec.decode",
    "engine.codec.encode",
    "engine.redact.masks",
    "engine.redact.removal",
)
ONLY_NAMED = {"engine.errors", "engine.plan", "engine.policy"}
"""Values that these are handed: they carry what was decided, and decide no pixel; what of the
policy does is in the fingerprint by value."""
SOURCES = (b"def mask(box):\n    return box", b"STEPS = 3\n")


def reached(names):
    """File names of the modules of `engine` that importing `names` runs."""
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules("engine")}
    found, left = set(), list(names)
    while left:
        name = left.pop()
        if name in known and name not in found | ONLY_NAMED:
            found.add(name)
            left += imported(tree(ROOT / f"{name.replace('.', '/')}.py"))
    return {f"{name.replace('.', '/')}.py" for name in found}


def test_every_module_that_removing_imports_is_in_the_fingerprint():
    assert reached(REMOVERS) == set(REMOVING)


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        (SOURCES[0], b"def mask(box):\n    return None"),
        (SOURCES[0], b"def mask(box, more):\n    return box"),
        (SOURCES[0], b"def mask(box):\n    return crate"),
        (SOURCES[1], b"STEPS = 4\n"),
        (SOURCES[1], b"STEPS = 3.0\n"),
        (SOURCES[1], b"STEPS = '3'\n"),
        (SOURCES[1], b"TURNS = 3\n"),
    ],
)
def test_the_fingerprint_changes_with_what_any_module_does(source, changed):
    others = [one for one in SOURCES if one != source]

    assert fingerprint([*others, changed], default_policy()) != fingerprint(
        SOURCES, default_policy()
    )


@pytest.mark.parametrize(
    "same",
    [
        b'"""Masks."""\ndef mask(box):\n    """The mask of a box."""\n    return box',
        b"from engine.geometry import Box\nimport numpy as np\ndef mask(box):\n    return box",
        b"def mask( box ):  # of a box\n    return (box)\n",
    ],
    ids=["docstrings", "imports", "comments and layout"],
)
def test_the_fingerprint_does_not_change_with_what_does_nothing(same):
    expected = fingerprint(SOURCES, default_policy())

    assert fingerprint([SOURCES[1], same], default_policy()) == expected


@pytest.mark.parametrize(
    "words",
    [
        "[categories.face]\ngrow = { left = 0.0 }",
        "[categories.other]\ngrow = { top = 0.3 }",
        "[removal]\nfill = 'solid'",
        "[removal]\nmin_grow_px = 0",
        "[codec]\ndouble_compression_px = 0",
    ],
)
def test_the_fingerprint_changes_with_what_makes_masks_and_fills(words):
    assert fingerprint(SOURCES, read_policy(words)) != fingerprint(SOURCES, default_policy())


@pytest.mark.parametrize(
    "words",
    [
        "[witness]\nface = 0.1",
        "[categories.face]\nauto_redact_at = 0.9",
        "[detection]\nscales = [320]",
        "[review]\naudit_share = 0.5",
    ],
)
def test_the_fingerprint_does_not_change_with_what_is_only_looked_for(words):
    assert fingerprint(SOURCES, read_policy(words)) == fingerprint(SOURCES, default_policy())


@pytest.mark.slow
def test_the_version_names_the_release_and_the_fingerprint_of_what_is_here():
    version, _, digits = pipeline_version().partition("+")

    sources = [(ROOT / name).read_bytes() for name in REMOVING]
    assert version
    assert digits == fingerprint(sources, default_policy())
