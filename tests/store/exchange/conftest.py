from __future__ import annotations

from pathlib import Path

import pytest

from engine.policy import Policy


@pytest.fixture(autouse=True)
def _in_force(home: Path) -> None:
    """The policy in force is the one that runs were made under, so that none is less strict."""
    home.mkdir(exist_ok=True)
    (home / "policy.toml").write_text(Policy().to_toml())
