"""What was seen of each fault, and `docs/reliability.md` made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
_HEAD = """\
# What happens when something breaks

Made by `make reliability`: each row is a test in `tests/reliability` that breaks one part while
three small made-up pictures, two with a face the detector is sure of and one that a person must
look at, go down the line that everybody's pictures go. After each it is asserted that no release
shows what was to be removed, that each release's certificate verifies, that nothing went out which
a person was to look at, and that the sentence was shown; then the fault is mended, and the pictures
reach their ends. *Lost* counts pictures whose original is no longer there byte for byte, or that
are in no state, before and after mending. An ordinary run of the tests fails when this document
differs from what was seen. How, and what is not played: `docs/decisions/0017-broken-on-purpose.md`.

**Where**: *app* is the store with its dispatcher, *shell* is `lethe redact` and
`release`. What a person is asked instead of told is the reason that is shown in review.
"""


@dataclass(frozen=True)
class Row:
    """One fault."""

    part: str
    fault: str
    where: str
    happened: str
    said: str
    lost: int
    then: str


def text(rows: Sequence[Row]) -> str:
    """The document; `rows` in the order in which the tests ran."""
    parts = sorted({row.part for row in rows})
    sections = [_section(part, [row for row in rows if row.part == part]) for part in parts]
    faults = {(row.part, row.fault) for row in rows}
    lost = sum(row.lost for row in rows)
    total = f"{len(faults)} faults in {len(parts)} parts; pictures lost: {lost}.\n"
    return "\n".join([_HEAD, total, *sections])


def _section(part: str, rows: Sequence[Row]) -> str:
    head = (
        f"## {part.capitalize()}\n\n"
        "| Fault | Where | What happened | What was said | Lost | Once mended |\n"
        "|---|---|---|---|---|---|\n"
    )
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault((row.fault, row.happened, row.said, str(row.lost)), []).append(row)
    return head + "".join(_line(key, same) for key, same in alike.items())


def _line(key: tuple[str, ...], same: Sequence[Row]) -> str:
    fault, happened, said, lost = (part.replace("|", "\\|").replace("\n", " ") for part in key)
    where = " and ".join(row.where for row in same)
    then = dict.fromkeys(row.then for row in same)
    ends = " · ".join(f"{row.where}: {row.then}" for row in same) if len(then) > 1 else same[0].then
    return f"| {fault} | {where} | {happened} | {said} | {lost} | {ends} |\n"
