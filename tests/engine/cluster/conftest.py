"""A Ray of this machine, with room for two actors."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from engine.cluster.ray_data import connected


@pytest.fixture(scope="package")
def ray_of_two() -> Iterator[ModuleType]:
    pytest.importorskip("ray", reason="Ray comes with requirements-cluster.txt")
    with connected(None, 2) as ray:
        yield ray
