"""Forgetting: whoever keeps something made of pictures is told when one, or a release, ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeAlias

Forget: TypeAlias = Callable[[str], None]
"""Lets go of all that is kept of a picture, by its id."""

log = logging.getLogger(__name__)


class Forgetting:
    """Caches that are told. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._caches: list[Forget] = []

    def add(self, cache: Forget) -> None:
        """Have a cache told of every picture that ends, or loses its release, from now on."""
        with self._lock:
            self._caches.append(cache)

    def forget(self, picture_id: str) -> None:
        """Have every cache let go of a picture; one that fails does not keep the others from it."""
        with self._lock:
            caches = tuple(self._caches)
        for cache in caches:
            try:
                cache(picture_id)
            except Exception as error:  # noqa: BLE001 - what a cache raises is anybody's guess
                log.error("a cache kept picture %s (%s)", picture_id, type(error).__name__)  # noqa: TRY400
