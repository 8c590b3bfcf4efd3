from __future__ import annotations

import pytest

from tests.models.train.shapes import write_shapes


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """A COCO file of nine small pictures with one drawn shape each."""
    return write_shapes(tmp_path_factory.mktemp("shapes"))
