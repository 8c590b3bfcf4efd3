"""Which tests go to one worker, where several run beside each other.

xdist's own way, `--dist=loadgroup` with a mark, does nothing under pytest 9.2, and says nothing
(pytest-xdist issue 1386): hence a scheduler of our own, of one method.
"""

from __future__ import annotations

from collections import Counter

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = {"tests/reliability": "reliability", "tests/engine/cluster": "cluster"}
"""The last test of reliability compares the document with what the others saw; one Ray is started
for all that need one."""
LONGEST = ("tests/reliability", "tests/browser", "tests/test_wheel.py", "tests/engine/cluster")
"""These begin, or one worker would still be at them when the others have nothing left."""


def unit_of(nodeid: str) -> str:
    """What a test is sent to a worker with: its file, whose fixtures are then made once."""
    file = nodeid.split("::")[0]
    units = [unit for start, unit in TOGETHER.items() if _is_under(file, start)]
    return units[0] if units else file


def longest_first(items: list[pytest.Item]) -> None:
    """Put the longest first, then files by the number of their tests."""
    sizes = Counter(unit_of(item.nodeid) for item in items)

    def place(item: pytest.Item) -> tuple[bool, int]:
        is_long = any(_is_under(item.nodeid.split("::")[0], start) for start in LONGEST)
        return not is_long, -sizes[unit_of(item.nodeid)]

    items.sort(key=place)


def _is_under(file: str, start: str) -> bool:
    return f"{file}/".startswith(f"{start}/")


class ByFile(LoadScopeScheduling):
    """Files, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
