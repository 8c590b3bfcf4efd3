"""The report of the battery that comes with Lethe: what its release checks rest on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

FILE: Final = "battery.json"
"""Written by `make battery`; beside this module, since certificates quote it."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What a certificate says of the battery."""

    report: str
    """Id of the report, from its content."""
    verdict: str
    """pass, fail or invalid."""
    pipeline: str
    """The state of the removing code it was run on (`engine.provenance`)."""
    words: str
    """One sentence."""


def shipped_report() -> dict[str, Any] | None:
    """The whole report; None when this copy of Lethe has none."""
    path = resources.files("engine.attacks") / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def headline() -> Headline | None:
    """The report in one sentence; None when there is none."""
    report = shipped_report()
    if report is None:
        return None
    return Headline(report["id"], report["verdict"], report["pipeline"], report["words"])
