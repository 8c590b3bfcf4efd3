"""Figures for Prometheus that cannot be read."""

from __future__ import annotations

import duckdb
import pytest
from prometheus_client import generate_latest

from components.monitoring import metrics
from engine.errors import UnusableFolder


@pytest.mark.parametrize(
    "error", [UnusableFolder("in use"), OSError(5, "no"), duckdb.IOException("/home/ana/x")]
)
def test_whatever_keeps_them_from_being_read_is_told_as_down_and_quotes_nothing(error, caplog):
    def fails():
        raise error

    told = generate_latest(metrics.registry(fails)).decode()

    samples = [line for line in told.splitlines() if not line.startswith("#")]
    assert samples == ["lethe_up 0.0"]
    assert "ana" not in caplog.text
