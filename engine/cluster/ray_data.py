"""Ray and Ray Data, set up for a run: no telemetry, no dashboard, no progress bars.

A Ray that is started here listens on every interface, as Ray always does, and answers nobody who
does not have its token: that is Ray's own choice for clusters of one machine, and tested.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import MissingPackage, UnreachableCluster
from engine.logs import keep_names_out

Item = TypeVar("Item")
Result = TypeVar("Result")
Columns: TypeAlias = "dict[str, NDArray[np.object_]]"

RETRIES = 5
"""How often a block is begun anew, each time because its actor died."""
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


def over_actors(
    ray: ModuleType,
    new_work: Callable[[], Callable[[Sequence[Item]], Iterable[Result]]],
    items: Sequence[Item],
    *,
    block: int,
    workers: int,
) -> Iterator[Result]:
    """Results for items, in blocks, through a pool of actors of Ray Data.

    Args:
        ray: as `connected` gives it.
        new_work: called once in each actor, for what makes results of items there.
        items: can be pickled, as results can.
        block: items that go to an actor together, and are done again together when it dies.
        workers: actors at most.

    Yields:
        Results in any order; none of blocks whose actor died each time, or whose work raised.
    """
    starts = range(0, len(items), block)
    blocks = [{"block": _Block(tuple(items[start : start + block]))} for start in starts]
    # a block that waits at an actor would lose its retries to one that takes the actor down
    actors = ray.data.ActorPoolStrategy(
        size=min(workers, len(blocks)), max_tasks_in_flight_per_actor=1
    )
    with warnings.catch_warnings():
        # Ray means to rename how restarts are limited; its version is pinned
        warnings.simplefilter("ignore", DeprecationWarning)
        batches = ray.data.from_items(blocks, override_num_blocks=len(blocks)).map_batches(
            _Actor,
            fn_constructor_args=(new_work,),
            batch_size=1,
            batch_format="numpy",
            compute=actors,
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=RETRIES,
        )
    for columns in batches.iter_batches(batch_size=None, batch_format="numpy"):
        yield from (result.value for result in columns["result"])


@dataclass(frozen=True, slots=True)
class _Block:
    """Items that go to an actor together."""

    items: tuple[Any, ...] = field(repr=False)  # Ray logs what it carries, and they have names


@dataclass(frozen=True, slots=True)
class _Result:
    """What an item came to."""

    value: Any = field(repr=False)


class _Actor:
    """A worker that Ray Data starts on some machine."""

    def __init__(self, new_work: Callable[[], Callable[[Sequence[Any]], Iterable[Any]]]) -> None:
        keep_names_out()
        self._work = new_work()

    def __call__(self, columns: Columns) -> Columns:
        """The results of the items in blocks."""
        found = [_Result(value) for block in columns["block"] for value in self._work(block.items)]
        results = np.empty(len(found), dtype=object)
        results[:] = found
        return {"result": results}


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
