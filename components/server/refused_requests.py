"""Refused requests in the log: the first at once, then their counts, a line a minute at most."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

PAUSE_S = 60.0

log = logging.getLogger(__name__)


class RefusedRequests:
    """Counts what is refused before anybody is known, and logs it without who asked or for what."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._quiet_until = -PAUSE_S

    def add(self, cause: str) -> None:
        """One more request of this cause."""
        self._counts[cause] += 1
        moment = self._clock()
        if moment >= self._quiet_until:
            self._quiet_until = moment + PAUSE_S
            counts = ", ".join(f"{count} {cause}" for cause, count in sorted(self._counts.items()))
            log.warning("refused requests since the last such line: %s", counts)
            self._counts.clear()
