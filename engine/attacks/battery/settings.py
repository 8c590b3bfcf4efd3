"""Settings of a battery run: methods, attacks, subjects and seeds, in full or quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.attacks.algorithms import network
from engine.attacks.algorithms.catalogue import CLASSICAL, LEARNED
from engine.attacks.battery.methods import METHODS, MIXED_SHARES, Method, leak_injected
from engine.attacks.battery.trial import Preparation

NEEDED_METHODS: Final = ("pushpull", "blur-12", "pixelate")
"""Always run: the fill that sensitivity is measured on, and controls that must break."""
NEEDED_ATTACKS: Final = ("raw", "ridge-identity")
"""Always run: a control must be broken by one classical and one learned attack."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Methods, attacks and sizes of a run; `full` and `quick` make one."""

    methods: tuple[Method, ...]
    shares: tuple[float, ...]
    """Of the original, in the leak-injected controls."""
    attacks: tuple[str, ...]
    n: int
    side_px: int
    spare: int
    copies: int
    spare_copies: int
    permutations: int
    template_step: int
    """1 tries every template of T6, 5 every fifth."""
    seed: int
    is_quick: bool = False

    @property
    def preparation(self) -> Preparation:
        """Parameters of the attack sets."""
        return Preparation(self.copies, self.spare_copies, self.seed)

    @property
    def tried(self) -> tuple[Method, ...]:
        """Every method, leak-injected controls last.

        Each meets every attack: p is corrected for their number, so what fewer attacks notice in a
        control says nothing of what more would notice in a fill.
        """
        return (*self.methods, *(leak_injected(share) for share in self.shares))


def full(
    *, n: int, seed: int, methods: Sequence[str] = (), attacks: Sequence[str] = ()
) -> Settings:
    """Settings of the published report.

    Args:
        n: subjects a category.
        seed: equal seeds give equal reports.
        methods: names or beginnings of names; empty for all.
        attacks: likewise; networks take part where torch is installed.

    Raises:
        ValueError: a name fits nothing.
    """
    return Settings(
        methods=_methods(methods or tuple(METHODS)),
        shares=MIXED_SHARES,
        attacks=_attacks(attacks or possible_attacks()),
        n=n,
        side_px=96,
        spare=60,
        copies=6,
        spare_copies=2,
        permutations=19_999,
        template_step=1,
        seed=seed,
    )


def quick(
    *, n: int, seed: int, methods: Sequence[str] = (), attacks: Sequence[str] = ()
) -> Settings:
    """Settings of a run in under a minute: smaller patches, fewer attacks, no networks."""
    few = (
        *(name for name, attack in CLASSICAL.items() if attack.is_quick),
        *(name for name, attack in LEARNED.items() if not attack.needs_torch),
    )
    return Settings(
        methods=_methods(methods or (*NEEDED_METHODS, "feather")),
        shares=tuple(share for share in MIXED_SHARES if share in (0.5, 0.1, 0.05, 0.02)),
        attacks=_attacks(attacks or few),
        n=n,
        side_px=64,
        spare=24,
        copies=4,
        spare_copies=2,
        permutations=19_999,
        template_step=5,
        seed=seed,
        is_quick=True,
    )


def possible_attacks() -> tuple[str, ...]:
    """Names of the attacks that can run here; networks need torch."""
    has_torch = network.is_installed()
    learned = (name for name, attack in LEARNED.items() if has_torch or not attack.needs_torch)
    return (*CLASSICAL, *learned)


def named(words: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The names that are one of `words` or begin with it, `unsharp` for every unsharp mask.

    Raises:
        ValueError: a word fits no name.
    """
    for word in words:
        if not any(_fits(word, name) for name in names):
            raise ValueError(f"{word!r} is unknown; choose from {', '.join(names)}")
    return tuple(name for name in names if any(_fits(word, name) for word in words))


def _fits(word: str, name: str) -> bool:
    return name == word or name.startswith(f"{word}-")


def _methods(words: Sequence[str]) -> tuple[Method, ...]:
    names = named((*words, *NEEDED_METHODS), tuple(METHODS))
    return tuple(METHODS[name] for name in names)


def _attacks(words: Sequence[str]) -> tuple[str, ...]:
    return named((*words, *NEEDED_ATTACKS), possible_attacks())
