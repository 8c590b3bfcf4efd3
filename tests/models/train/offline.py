"""What comes before torch in tests."""

from __future__ import annotations

import importlib.util

from models.train.offline import go_offline


def bring_torch() -> None:
    """Import torch and ultralytics, which must be told to stay offline before anything does.

    It costs seconds, so only the folders call it in which everything needs them.
    """
    if importlib.util.find_spec("torch") is None:
        return
    go_offline()
    import torch

    torch.set_num_threads(1)  # the network is small: threads that wait for each other cost more
