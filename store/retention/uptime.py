"""The clock that nobody sets: how long the machine has been on, to hold the other one against."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Uptime:
    """How long the machine has been on, sleep included."""

    boot: str
    """Changes with every start of the machine; empty where it cannot be told."""
    seconds: float

    @classmethod
    def now(cls) -> Self:
        """Of this machine; of another system than Linux, one that is like no other."""
        try:
            return cls(_BOOT.read_text().strip(), time.clock_gettime(time.CLOCK_BOOTTIME))
        except (OSError, AttributeError):
            return cls("", 0.0)

    def since(self, earlier: Uptime) -> float | None:
        """Seconds that passed; None where the machine was started in between."""
        is_same = bool(self.boot) and self.boot == earlier.boot
        return self.seconds - earlier.seconds if is_same else None
