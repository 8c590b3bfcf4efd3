"""Which tests go to one worker, where several run beside each other.

xdist's own way, `--dist=loadgroup` with a mark, does nothing under pytest 9.2, and says nothing
(pytest-xdist issue 1386): hence a scheduler of our own, of one method.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "tests/browser": "servers",
    "tests/server": "servers",
    "tests/test_wheel.py": "servers",
    "tests/reliability": "reliability",
    "tests/engine/cluster": "cluster",
}
"""Servers look for a free port, so no two may at once; the last test of reliability compares the
document with what the others saw; one Ray is started for all that need one."""


def unit_of(nodeid: str) -> str:
    """What a test is sent to a worker with: its file, whose fixtures are then made once."""
    file = nodeid.split("::")[0]
    (unit,) = [name for start, name in TOGETHER.items() if f"{file}/".startswith(f"{start}/")] or [
        file
    ]
    return unit


class ByFile(LoadScopeScheduling):
    """Files, those with the most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
