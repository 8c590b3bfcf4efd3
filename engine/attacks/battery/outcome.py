"""Outcome of a battery run: pass, fail or invalid, from attack results and proofs.

A run that could not have noticed a leak is invalid, whatever it found; a run that found one fails,
whatever else it could have noticed. Similarity as such never decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from engine.attacks.battery.methods import Kind
from engine.attacks.battery.non_interference import Changed
from engine.attacks.battery.score import CAUGHT_AT, most_hits_by_chance

WANTED_SENSITIVITY: Final = 0.1
"""A run that misses this share of the original in the fill proves too little."""


class BatteryOutcome(StrEnum):
    """Outcome of a run for Lethe's fills."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Row:
    """One attack on one method in one category."""

    category: str
    method: str
    kind: Kind
    attack: str
    is_learned: bool
    is_identity: bool
    hits: int
    n: int
    rank1: float
    upper99: float
    p_corrected: float
    bits: float
    amount: float = 0.0
    """Share of the original, for leak-injected controls."""

    is_found: bool | None = None
    """Whether the attack told what was hidden; `judge` decides it, once for every reader."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, rounded so that a last bit of arithmetic changes nothing.

        `verdict` is whether the *method* held: `fail` for a control is what should happen.

        Raises:
            ValueError: `judge` has not seen this row.
        """
        if self.is_found is None:
            raise ValueError(f"{self.attack} on {self.method} was not judged")
        return {
            "category": self.category,
            "method": self.method,
            "kind": self.kind.value,
            "attack": self.attack,
            "learned": self.is_learned,
            "hits": self.hits,
            "n": self.n,
            "rank1": round(self.rank1, 4),
            "upper99": round(self.upper99, 4),
            "p_corrected": round(self.p_corrected, 5),
            "bits": max(round(self.bits, 2), 0.0),
            "verdict": "fail" if self.is_found else "pass",
        }


@dataclass(frozen=True, slots=True)
class Proofs:
    """Results of the deterministic tests T1 to T4 and T6."""

    t1: dict[str, Changed]
    """By method: patterns under the mask that changed the release."""
    t2_blind: Changed
    """Changes outside the mask that went unnoticed."""
    t3: dict[str, Changed]
    """By fill: pictures that changed outside the mask."""
    t4: Changed
    """Files that hold more than pixels."""
    t6: Changed
    """Ways to save an original after which candidates could be told apart."""
    t6_control: Changed
    """The same with masks that forget the file's blocks: must be told apart."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "T1": {name: changed.to_json() for name, changed in self.t1.items()},
            "T2": self.t2_blind.to_json(),
            "T3": {name: changed.to_json() for name, changed in self.t3.items()},
            "T4": self.t4.to_json(),
            "T6": self.t6.to_json(),
            "T6_control": self.t6_control.to_json(),
        }


@dataclass(frozen=True, slots=True)
class BatteryResult:
    """Outcome of a run, with its reasons."""

    outcome: BatteryOutcome
    rows: tuple[Row, ...]
    """Those given, each with `is_found` decided."""
    reasons: tuple[str, ...]
    """Sentences; empty when everything is as it should be."""
    sensitivity: float | None
    """The smallest share of the original that is noticed in every category; None: not even the
    largest that was tried."""
    by_category: dict[str, float | None]


def decide_outcome(rows: Sequence[Row], proofs: Proofs) -> BatteryResult:
    """Decide a run's outcome from every attack's result and the proofs.

    Args:
        rows: every attack that was run.
        proofs: what T1 to T4 and T6 gave.
    """
    rows = _with_found(rows)
    by_category = {name: _sensitivity(rows, name) for name in _unique(r.category for r in rows)}
    shares = [share for share in by_category.values() if share is not None]
    sensitivity = max(shares) if shares and len(shares) == len(by_category) else None
    leaks = (*_leaks_in_results(rows), *_leaks_in_proofs(rows, proofs))
    flaws = (*_flaws_in_results(rows, sensitivity), *_flaws_in_proofs(rows, proofs))
    outcome = (
        BatteryOutcome.FAIL if leaks else BatteryOutcome.INVALID if flaws else BatteryOutcome.PASS
    )
    return BatteryResult(outcome, rows, (*leaks, *flaws), sensitivity, by_category)


def _with_found(rows: Sequence[Row]) -> tuple[Row, ...]:
    limits = identity_limits(rows)
    return tuple(replace(row, is_found=any(_evidence(row, limits))) for row in rows)


def _evidence(row: Row, limits: dict[tuple[str, str, str], int]) -> Iterator[str]:
    """Sentences on how an attack told what was hidden; none when it did not.

    The limit on trained classifiers is for fills alone: a control counts as broken
    only by its p, the stricter of the two where something has to break.
    """
    if row.p_corrected < CAUGHT_AT:
        yield (
            f"{row.attack} found the {row.category} under {row.method} better than chance "
            f"(p {row.p_corrected:.2g}, {row.hits} of {row.n})."
        )
    most = limits.get((row.category, row.method, row.attack), row.n)
    if row.kind is Kind.FILL and row.hits > most:
        yield (
            f"{row.attack}, trained on {row.method}, named {row.hits} of {row.n} "
            f"({row.category}); chance allows {most}."
        )


def identity_limits(rows: Iterable[Row]) -> dict[tuple[str, str, str], int]:
    """Upper limits of rank-1 hits by chance, by category, method and learned attack.

    99 % for all classifiers on one method together.
    """
    trained = [row for row in rows if row.is_identity]
    tests = {name: sum(row.method == name for row in trained) for name in _unique_methods(trained)}
    return {
        (row.category, row.method, row.attack): most_hits_by_chance(row.n, tests[row.method])
        for row in trained
    }


def _leaks_in_results(rows: Sequence[Row]) -> list[str]:
    limits = identity_limits(rows)
    return [
        sentence
        for row in rows
        if row.kind is Kind.FILL and row.is_found
        for sentence in _evidence(row, limits)
    ]


def _leaks_in_proofs(rows: Sequence[Row], proofs: Proofs) -> list[str]:
    fills = _unique_methods(row for row in rows if row.kind is Kind.FILL)
    leaks = [
        f"Hidden pixels changed what {name} makes, {proofs.t1[name].changed} of "
        f"{proofs.t1[name].of} times (T1)."
        for name in fills
        if proofs.t1[name].changed
    ]
    leaks += [
        f"{name} changed pixels outside its mask (T3)." for name in fills if proofs.t3[name].changed
    ]
    if proofs.t4.changed:
        leaks.append("A released file held more than pixels (T4).")
    if proofs.t6.changed:
        leaks.append(
            f"The source file's codec let candidates be told apart, {proofs.t6.changed} of "
            f"{proofs.t6.of} ways to save it (T6)."
        )
    return leaks


def _flaws_in_results(rows: Sequence[Row], sensitivity: float | None) -> list[str]:
    flaws = []
    if not any(row.kind is Kind.FILL for row in rows):
        flaws.append("No fill of Lethe's own was attacked.")
    for family in ("blur", "pixelate"):
        family_rows = [row for row in rows if row.method.startswith(family)]
        if not family_rows:
            flaws.append(f"No {family} control was run.")
        for method in _unique_methods(family_rows):
            flaws += _unbroken_control([row for row in family_rows if row.method == method])
    if sensitivity is None or sensitivity > WANTED_SENSITIVITY:
        noticed = "nothing that was tried" if sensitivity is None else f"only {sensitivity:.0%}"
        flaws.append(
            f"Mixed into the fill, {noticed} of the original would have been noticed in every "
            f"category, and {WANTED_SENSITIVITY:.0%} is the least that is worth something."
        )
    return flaws


def _unbroken_control(rows: Sequence[Row]) -> list[str]:
    """Sentences on positive controls that no attack broke, by category."""
    flaws = []
    for category in _unique(row.category for row in rows):
        for is_learned, words in ((False, "classical"), (True, "learned")):
            category_rows = [row for row in rows if row.category == category]
            if not any(row.is_found for row in category_rows if row.is_learned is is_learned):
                flaws.append(
                    f"No {words} attack broke the control {rows[0].method} ({category}), so the "
                    "attacks are too weak to say anything."
                )
    return flaws


def _flaws_in_proofs(rows: Sequence[Row], proofs: Proofs) -> list[str]:
    controls = _unique_methods(row for row in rows if row.kind is not Kind.FILL)
    flaws = [
        f"T1 found nothing in {name}, which does hold the original (T2)."
        for name in controls
        if not proofs.t1[name].changed
    ]
    if proofs.t2_blind.changed or not proofs.t2_blind.of:
        flaws.append("A pixel changed outside the mask left the released bytes equal (T2).")
    if not proofs.t6_control.changed:
        flaws.append("Masks that forget the file's blocks passed T6, so T6 sees nothing.")
    return flaws


def _sensitivity(rows: Sequence[Row], category: str) -> float | None:
    """The smallest share noticed, with every larger one noticed too."""
    smallest = None
    leak_controls = [row for row in rows if row.kind is Kind.MIX and row.category == category]
    for share in sorted({row.amount for row in leak_controls}, reverse=True):
        if not any(row.is_found for row in leak_controls if row.amount == share):
            break
        smallest = share
    return smallest


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _unique_methods(rows: Iterable[Row]) -> tuple[str, ...]:
    return _unique(row.method for row in rows)
