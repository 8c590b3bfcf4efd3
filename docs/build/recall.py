"""Recall as `docs/evaluation.md` states it, read back from its tables.

That report is made by a command and names its data set and policy. Nothing here rounds or chooses:
cells are copied as they stand, and a report of another shape is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from docs.build.errors import StaleSource

HEADER = "| Category | Target | Found | At least | Labels | Groups | Verdict |"
AUTOMATIC = "| Recall by coverage, automatic |"
NEEDS_A_LOOK = "| all |"
_BASIS = re.compile(r"^Evaluation of (\S+)\. Data set (\S+), policy (\S+)\.", re.MULTILINE)
_MEASURED = re.compile(r"^Data set (.+), fingerprint \S+: (\d+) pictures", re.MULTILINE)
_GROUPS = re.compile(r"^(\w+): the target is met when .* prove only ([\d.]+.%)", re.MULTILINE)
_PERCENT = re.compile(r"[\d.]+.%")


@dataclass(frozen=True, slots=True)
class Line:
    """One category."""

    category: str
    target: str
    found: str
    at_least: str
    labels: str
    verdict: str
    automatic: str
    """Removed with no person, as the report says it."""

    @property
    def is_met(self) -> bool:
        """Whether the report calls the target met."""
        return self.verdict == "met"


@dataclass(frozen=True, slots=True)
class Recall:
    """What the report says of every category."""

    made_on: str
    dataset: str
    policy: str
    pictures: str
    lines: tuple[Line, ...]
    by_groups: tuple[tuple[str, str], ...]
    """Category and the lower bound that groups of alike pictures prove, where that is less."""
    needs_a_look: str
    """Share of the benchmark's pictures that went to a person."""


def read(report: str) -> Recall:
    """The figures of a report.

    Raises:
        StaleSource: it is not of the shape that `engine evaluate --report` writes.
    """
    made_on, dataset, policy = _one(_BASIS, report, "the line that names data set and policy")
    _, pictures = _one(_MEASURED, report, "the number of pictures")
    rows = _rows(report, HEADER)
    automatic = _cells(_line(report, AUTOMATIC))[1:]
    if not rows or len(automatic) != len(rows):
        raise StaleSource("docs/evaluation.md: the tables do not name the same categories")
    lines = tuple(
        Line(category, target, found, at_least, labels, verdict, _one(_PERCENT, auto, auto)[0])
        for (category, target, found, at_least, labels, _, verdict), auto in zip(
            rows, automatic, strict=True
        )
    )
    by_groups = tuple((found[1], found[2]) for found in _GROUPS.finditer(report))
    look = _one(_PERCENT, _line(report, NEEDS_A_LOOK), "the review load")[0]
    return Recall(made_on, dataset, policy, pictures, lines, by_groups, look)


def _rows(report: str, header: str) -> list[list[str]]:
    _, found, after = report.partition(header + "\n")
    if not found:
        raise StaleSource(f"docs/evaluation.md has no table {header}")
    rows = after.splitlines()[1:]
    count = next((at for at, row in enumerate(rows) if not row.startswith("|")), len(rows))
    return [_cells(row) for row in rows[:count]]


def _line(report: str, start: str) -> str:
    found = [line for line in report.splitlines() if line.startswith(start)]
    if len(found) != 1:
        raise StaleSource(f"docs/evaluation.md has {len(found)} lines that start with {start}")
    return found[0]


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _one(pattern: re.Pattern[str], text: str, what: str) -> tuple[str, ...]:
    found = pattern.search(text)
    if found is None:
        raise StaleSource(f"docs/evaluation.md does not say {what}")
    return found.groups() or (found[0],)
