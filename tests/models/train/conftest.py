"""Ultralytics must be told to stay offline before anything imports it."""

from __future__ import annotations

import importlib.util

import pytest

from models.train.offline import go_offline
from tests.models.train.shapes import write_shapes

if importlib.util.find_spec("torch"):
    go_offline()
    import torch

    torch.set_num_threads(1)  # the network is small: threads that wait for each other cost more


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """A COCO file of nine small pictures with one drawn shape each."""
    return write_shapes(tmp_path_factory.mktemp("shapes"))
