"""A function over items by actors of Ray Data: `Mapped`, on one machine or many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from engine.cluster.ray_data import connected, over_actors
from engine.errors import LostWork
from engine.processes import Item, Result, new_pool

ITEMS_PER_BLOCK = 8


def mapped_by_ray(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    start: Callable[[], object],
    address: str | None = None,
) -> Iterator[Result]:
    """Apply a function to items; see `Mapped`.

    Args:
        function: as for `Mapped`, as are the others.
        items: nothing is started where there are none.
        workers: actors.
        start: called in the process that each actor starts.
        address: of a cluster, as `ray.init` takes it; None for this machine alone.

    Raises:
        MissingPackage: Ray is not installed.
        UnreachableCluster: there is no cluster at that address.
        LostWork: some items gave no result; those of the others were yielded.
    """
    waiting = list(items)
    if not waiting:
        return
    done = 0
    with connected(address, workers) as ray:
        new_work = partial(_new_work, function, start)
        for result in over_actors(ray, new_work, waiting, block=ITEMS_PER_BLOCK, workers=workers):
            done += 1
            yield result
    if done < len(waiting):
        raise LostWork(
            f"{len(waiting) - done} of {len(waiting)} pictures gave no result, for their machines "
            "went away or failed over them each time; run the command again."
        )


def _new_work(
    function: Callable[[Item], Result], start: Callable[[], object]
) -> Callable[[Sequence[Item]], Iterator[Result]]:
    return partial(new_pool(1, start).map, function)
