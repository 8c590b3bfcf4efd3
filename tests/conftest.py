import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "lethe",
    deadline=None,  # the machine decides how long a case takes, and no test asserts a time
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("quick", settings.get_profile("lethe"), max_examples=20)
settings.register_profile(  # for `make fuzz`: other cases each time, and a failing one is kept
    "fuzz",
    deadline=None,
    max_examples=int(os.environ.get("LETHE_FUZZ_EXAMPLES", "2000")),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("lethe")

_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there
_ROOM_BYTES = 4 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker one thread, since they are as many as the cores, and files in memory.

    Each database and each picture is flushed to the disk many times, for which tests would wait
    longer than they compute. Workers inherit the environment.
    """
    if config.getoption("numprocesses", None):
        os.environ |= dict.fromkeys(_ONE_THREAD, "1")
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep together what shares something."""
    from tests.scheduling import ByFile

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest where workers share the work."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from tests.scheduling import longest_first

        longest_first(items)


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys that commands make lie in a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LETHE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261122)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Take back what a program that was run in this process did for its logs."""
    before = logging.getLogRecordFactory(), threading.excepthook, sys.unraisablehook
    yield
    logging.setLogRecordFactory(before[0])
    threading.excepthook, sys.unraisablehook = before[1:]
