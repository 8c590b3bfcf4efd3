"""Pools of processes of one thread each, one process a core.

Libraries start a thread a core of their own unless they are told; those of OpenBLAS spin between
calls, which made a worker take half as much time again and its neighbours wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol, TypeVar

import cv2
import loky

Item = TypeVar("Item")
Result = TypeVar("Result")

ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""For the environment of a process: LibRaw's threads, NumPy's and PyTorch's."""


class Mapped(Protocol):
    """Something that applies a function to items in worker processes."""

    def __call__(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        workers: int,
        start: Callable[[], object],
    ) -> Iterator[Result]:
        """The results, in any order.

        Args:
            function: can be pickled, as items and results can.
            items: what it is applied to.
            workers: how many.
            start: called once in each, before the first item.
        """
        ...


def mapped(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    start: Callable[[], object],
) -> Iterator[Result]:
    """`Mapped` by processes of this machine, in the items' order."""
    with new_pool(workers, start) as pool:
        yield from pool.map(function, items)


def new_pool(
    workers: int,
    start: Callable[..., object] = lambda: None,
    *arguments: Any,  # noqa: ANN401
) -> loky.ProcessPoolExecutor:
    """A pool of fresh processes.

    Args:
        workers: how many.
        start: called once in each, with the arguments.
        arguments: can be pickled.
    """
    return loky.ProcessPoolExecutor(
        max_workers=workers, initializer=_start, initargs=(start, arguments), env=ONE_THREAD
    )


def _start(start: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    cv2.setNumThreads(1)
    start(*arguments)
