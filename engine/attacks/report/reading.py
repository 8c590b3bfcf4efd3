"""Read battery reports: JSON in, a report with a valid schema and id out.

The page shows reports that were made on this installation, so what is read may be anything.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from engine.attacks.battery.run import report_id
from engine.category import DetectableName
from engine.errors import LetheError

LARGEST_BYTES: Final = 8_000_000
"""A report of everything has about 200 kB."""

_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0)]


class InvalidReport(LetheError):
    """The file is no report of the battery."""


class _Row(BaseModel):
    category: DetectableName
    method: str
    kind: Literal["fill", "control", "mix"]
    attack: str
    hits: _Count
    n: Annotated[int, Field(gt=0)]
    rank1: _Share
    upper99: _Share
    p_corrected: _Share
    verdict: Literal["pass", "fail"]


class _Subjects(BaseModel):
    count: _Count
    source: str


class _Changed(BaseModel):
    changed: _Count
    of: _Count


class _Tests(BaseModel):
    T1: dict[str, _Changed]
    T2: _Changed
    T3: dict[str, _Changed]
    T4: _Changed
    T6: _Changed
    T6_control: _Changed


class _Report(BaseModel):
    """What the page reads of a report; the rest is covered by its id."""

    id: str
    verdict: Literal["pass", "fail", "invalid"]
    words: str
    reasons: list[str]
    pipeline: str
    quick: bool
    sensitivity: _Share | None
    subjects: dict[str, _Subjects]
    tests: _Tests
    results: Annotated[list[_Row], Field(min_length=1)]


def read_report(path: Path) -> dict[str, Any]:
    """The report in a file, as `battery.run_battery` gave it.

    Raises:
        InvalidReport: it cannot be read, is no report, or was changed after it was made.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise InvalidReport(f"{path.name} cannot be read ({error.strerror}).") from error
    if len(data) > LARGEST_BYTES:
        raise InvalidReport(f"{path.name} is far too large for a report of the battery.")
    return parse_report(data, path.name)


def parse_report(data: bytes, name: str) -> dict[str, Any]:
    """The report in `data`; see `read_report`."""
    try:
        report = json.loads(data)
        _Report.model_validate(report)
    except (ValueError, RecursionError) as error:  # of pydantic too
        raise InvalidReport(
            f"{name} is not a report of the battery; `lethe attack --json` makes one."
        ) from error
    if report["id"] != report_id(report):
        raise InvalidReport(
            f"{name} was changed after it was made: its contents do not give its id. It is not "
            "shown; make it again with `lethe attack --json`."
        )
    valid_report: dict[str, Any] = report
    return valid_report
