"""Beside each other: what shares something goes to one worker, and a worker takes one core."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
CONFTEST = """
from tests.scheduling import ByFile, longest_first

def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log)

def pytest_collection_modifyitems(items):
    longest_first(items)
"""
NAMES = ("browser/test_a", "other/test_b", "reliability/test_c", "reliability/test_d")
FOUR = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_nothing(number):
    pass
"""


def test_what_shares_something_goes_to_one_worker(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    for name in NAMES:
        file = tmp_path / "tests" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(FOUR)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-n", "2", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    workers = defaultdict(set)
    for worker, file in re.findall(r"\[(gw\d)\].*PASSED tests/(\w+/\w+)\.py", done.stdout):
        workers[file].add(worker)
    assert set(workers) == set(NAMES), done.stdout
    assert [name for name, seen in workers.items() if len(seen) > 1] == []
    assert workers["reliability/test_c"] == workers["reliability/test_d"]
    assert workers["browser/test_a"] != workers["reliability/test_c"]  # the longest begin


def test_a_worker_has_one_thread():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("tests run one after the other")

    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert cv2.getNumThreads() == 1
