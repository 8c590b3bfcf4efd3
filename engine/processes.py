"""Pools of processes of one thread each, one process a core.

Libraries start a thread a core of their own unless they are told; those of OpenBLAS spin between
calls, which made a worker take half as much time again and its neighbours wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cv2
import loky

ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""For the environment of a process: LibRaw's threads, NumPy's and PyTorch's."""


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
