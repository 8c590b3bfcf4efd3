"""Beside each other: what shares something goes to one worker, and a worker takes one core."""

import os

import cv2
import pytest

TOGETHER = ("tests/browser", "tests/server", "tests/reliability")


def group(item):
    return [mark.args[0] for mark in item.iter_markers("xdist_group")]


@pytest.mark.parametrize("folder", TOGETHER)
def test_a_folder_that_shares_something_is_one_group(folder, request):
    items = [item for item in request.session.items if item.nodeid.startswith(f"{folder}/")]

    if not items:
        pytest.skip(f"{folder} was not collected")
    assert len({tuple(group(item)) for item in items}) == 1
    assert group(items[0])


def test_a_worker_has_one_thread():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("tests run one after the other")

    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert cv2.getNumThreads() == 1
