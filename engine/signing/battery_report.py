"""Read the attack report that ships with Lethe, and its summary for certificates."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from engine.signing.schema import Battery

FILE: Final = "battery.json"
"""Written by `make battery`; beside this module, since certificates quote it."""


def shipped_report() -> dict[str, Any] | None:
    """The whole report; None when this copy of Lethe has none."""
    path = resources.files("engine.attacks") / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def battery_summary() -> Battery | None:
    """Summarise the report for certificates; None when there is none."""
    report = shipped_report()
    if report is None:
        return None
    return Battery(
        report=report["id"],
        verdict=report["verdict"],
        pipeline=report["pipeline"],
        words=report["words"],
    )
