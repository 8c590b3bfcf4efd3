"""The figures as metrics: fixed words for labels, no id and no name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from store.monitoring.figures import Figures

log = logging.getLogger(__name__)


class Figured(Collector):
    """Makes the metrics anew whenever they are asked for."""

    def __init__(self, read: Callable[[], Figures]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """All metrics; one alone, which says so, where the figures cannot be read."""
        try:
            figures = self._read()
        except Exception as error:  # noqa: BLE001 - whatever it is, monitoring tells and goes on
            log.warning("no figures could be read (%s)", type(error).__name__)
            yield _gauge("up", "Whether the figures could be read.", 0)
            return
        yield _gauge("up", "Whether the figures could be read.", 1)
        yield from metrics(figures)


def registry(read: Callable[[], Figures]) -> CollectorRegistry:
    """A registry of these metrics alone: nothing of Python or the process."""
    made = CollectorRegistry(auto_describe=False)
    made.register(Figured(read))
    return made


def metrics(figures: Figures) -> Iterator[Metric]:
    """The metrics of some figures."""
    yield _gauge_of(
        "pictures",
        "Pictures by state, of batches that were started.",
        "state",
        {str(state): count for state, count in figures.pictures.items()},
    )
    yield _gauge_of(
        "oldest_seconds",
        "How long the picture waits, or is worked on, that does so longest, by state.",
        "state",
        {
            str(state): max((figures.at - since).total_seconds(), 0.0)
            for state, since in figures.oldest.items()
        },
    )
    yield _gauge("postponed_pictures", "Pictures that wait for this machine to be mended.",
                 figures.postponed)  # fmt: skip
    yield _gauge_of(
        "held_back_pictures",
        "Pictures held back now, by the kind of reason.",
        "reason",
        {str(held): count for held, count in figures.held_back.items()},
    )
    yield _gauge(
        "redaction_failures",
        "Pictures held back now since removal or a check of it failed.",
        figures.redaction_failures,
    )
    refused = CounterMetricFamily(
        "lethe_refused_accesses", "Refused accesses on record.", labels=["reason"]
    )
    for reason, count in figures.refused.items():
        refused.add_metric([reason], count)
    yield refused
    yield _gauge(
        "retention_overdue", "Pictures of which something is held past its period.", figures.overdue
    )
    yield _gauge_of(
        "sample_pictures",
        "Pictures of the random sample that people decided, by what they found.",
        "result",
        {
            "clean": figures.sample.counts.clean.found,
            "missed": figures.sample.missed,
            "rejected": figures.sample.rejected,
        },
    )


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"lethe_{name}", words, value=value)


def _gauge_of(
    name: str, words: str, label: str, values: dict[str, int] | dict[str, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"lethe_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
