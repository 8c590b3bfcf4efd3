"""Ray and Ray Data, set up for a run: no telemetry, no dashboard, no progress bars.

A Ray that is started here listens on every interface, as Ray always does, and answers nobody who
does not have its token: that is Ray's own choice for clusters of one machine, and tested.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.errors import MissingPackage, UnreachableCluster

_CODE = Path(__file__).parents[2]
_MISSING = (
    "Ray is not installed, so nothing can run on a cluster. Install it with "
    "pip install 'lethe[cluster]', or in a checkout pip install -r requirements-cluster.txt."
)


def ray_data() -> ModuleType:
    """The module `ray` with `ray.data`, telling nobody that it is used.

    Raises:
        MissingPackage: Ray is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # nothing of it is a sentence
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingPackage(_MISSING) from error
    module: ModuleType = ray
    for name in ("ray", "ray.data"):  # the latter writes a file at its level, and says what it does
        logging.getLogger(name).setLevel(logging.ERROR)
    return module


@contextmanager
def connected(address: str | None, cpus: int) -> Iterator[ModuleType]:
    """The module `ray`, connected to a cluster while inside.

    A connection that this process has already is used and kept.

    Args:
        address: of a cluster, as `ray.init` takes it; None for one of this machine alone.
        cpus: how many this machine is to lend, where there is no address.

    Raises:
        MissingPackage: Ray is not installed.
        UnreachableCluster: there is no cluster at that address.
    """
    ray = ray_data()
    is_ours = not ray.is_initialized()
    if is_ours:
        _connect(ray, address, cpus)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.enable_fallback_to_arrow_object_ext_type = True  # jobs and outcomes are such objects
    context.max_errored_blocks = -1  # one that fails for good is told of, and stops no other
    try:
        yield ray
    finally:
        if is_ours:
            ray.shutdown()


def _connect(ray: ModuleType, address: str | None, cpus: int) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        ray.init(
            num_cpus=cpus,
            include_dashboard=False,
            runtime_env={"env_vars": {"PYTHONPATH": str(_CODE)}},
            **quiet,
        )
        return
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        raise UnreachableCluster(
            f"There is no Ray cluster at {address} that could be reached; is its head running, "
            "with the Ray and the Python that are installed here?"
        ) from error
