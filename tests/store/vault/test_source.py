"""A sealed original as a job's source: what a worker makes of it."""

from __future__ import annotations

import cv2
import pytest

from engine.detect.ensemble import Ensemble
from engine.policy import read_policy
from engine.runs.jobs import Job, Quarantined, Released, Unread
from engine.runs.pool import run_job
from tests.engine.in_process import only_finding
from tests.scenes import FakeDetector, picture, seen
from tests.store.vault.conftest import ORIGINAL

QUICK = read_policy(
    "[categories.face]\nauto_redact_at = 0.5\nreview_at = 0.2\n"
    "[detection]\nscales = [160]\nturns = [0]\n[review]\naudit_share = 0\nmost_removed = 1"
).only(["face"])


@pytest.fixture
def source(vault, path, rng):
    encoded = cv2.imencode(".png", picture(rng, 60, 80))[1]
    vault.seal_file(ORIGINAL, path, encoded.tobytes())
    return vault.source(ORIGINAL, path)


def outcome_of(source):
    job = Job("0" * 32, source, QUICK, "same", "f" * 32, seed=1, draw=1.0)
    return run_job(job, only_finding(Ensemble([FakeDetector([seen(0.9)], ["face"])])))


def test_a_sealed_original_is_redacted_as_a_plain_one_is(source):
    assert isinstance(outcome_of(source), Released)


def test_a_changed_original_is_held_back_with_a_sentence(source, path):
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)

    outcome = outcome_of(source)

    assert isinstance(outcome, Quarantined)
    assert "was changed, cut or swapped" in outcome.reason


def test_an_original_that_is_gone_is_told_apart_from_a_changed_one(source, path):
    path.unlink()

    assert isinstance(outcome_of(source), Unread)
