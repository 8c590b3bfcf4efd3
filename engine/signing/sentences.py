"""A certificate as plain sentences, for the app and `lethe verify`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from engine.category import Category
from engine.coverage import percent, share_removed
from engine.geometry import PixelRect, Size
from engine.signing.certificate import GRID_PX
from engine.signing.schema import Certificate
from engine.wording import counted, listed

CHECKS: Final = {
    "T1": "the removed pixels have no influence on the file",
    "T3": "nothing outside the masks changed",
    "T4": "the file holds pixels and nothing else",
    "T7": "the release check saw nothing left in the finished picture but what a person chose to "
    "leave",
}
"""What each check on a release shows when it passes."""

_PLURALS: Final = {category.value: category.traits.plural for category in Category}
_SOURCES: Final = {
    "none": "a lossless file, which spreads no hidden pixel",
    "block": "a JPEG; what it spreads stays within its blocks, which the masks cover",
    "twice": "a JPEG that looks saved twice; its masks were widened for that",
    "unbounded": "a file of a kind for which nobody knows how far hidden pixels spread",
}
_FROM_FILE: Final = {
    None: "",
    True: "; the decision came in a file that somebody signed whose key the sender knows",
    False: "; the decision came in a file that nobody signed, so the name is what the file said",
}
_TESTIMONIES: Final = {
    "independent": "The detector of the release check took no part in finding",
    "not independent": "The detector of the release check also searched",
    "did not look": "Nobody looked at the finished picture again",
}


def sentences(certificate: Certificate) -> tuple[str, ...]:
    """Put a certificate into sentences, one for each thing it says."""
    return (
        _removed(certificate),
        *_checks(certificate),
        *_release_check(certificate),
        _not_looked_for(certificate),
        _battery(certificate),
        f"The source was {_SOURCES[certificate.source.leakage]}.",
        _reviewer(certificate),
        f"Made by pipeline {certificate.pipeline} with {_models(certificate)}.",
        f"Signed on {certificate.day} (UTC) with key {certificate.key}.",
        *([certificate.notice] if certificate.notice else []),
    )


def removed(categories: Iterable[str]) -> str:
    """Say how many places of each category were removed, from the category of each.

    Places, since several things under one rectangle of a certificate are one place.
    """
    counts = Counter(categories)
    if not counts:
        return "Nothing was removed."
    places = (f"{kind} in {counted(counts[kind], 'place')}" for kind in sorted(counts))
    return f"Removed: {', '.join(places)}."


def check_passed(name: str) -> str:
    """Say what a check showed; its short name comes last, for whoever looks it up."""
    return f"Checked: {CHECKS[name]} ({name})." if name in CHECKS else f"Check passed: {name}."


def _removed(certificate: Certificate) -> str:
    what = removed(region.category for region in certificate.regions)
    if not certificate.regions:
        return what
    return (
        f"{what} These places, rounded outwards to a grid of {GRID_PX} px, are "
        f"{percent(_share(certificate))} of the picture."
    )


def _share(certificate: Certificate) -> float:
    """From the public boxes, which anybody has: a figure from finer ones would tell of those."""
    size = Size(certificate.output.width, certificate.output.height)
    return share_removed((PixelRect(*region.box) for region in certificate.regions), size)


def _checks(certificate: Certificate) -> list[str]:
    outcomes: Mapping[str, str] = {str(name): how for name, how in certificate.checks.items()}
    return [
        check_passed(name)
        if outcomes.get(name) == "passed"
        else f"Not shown that {meaning} ({name}: {outcomes.get(name, 'not run')})."
        for name, meaning in CHECKS.items()
    ]


def _release_check(certificate: Certificate) -> list[str]:
    by_answer: dict[str, list[str]] = {}
    for category, how in sorted(certificate.release_check.items()):
        by_answer.setdefault(how, []).append(category)
    return [
        f"{words} for: {', '.join(by_answer[how])}."
        for how, words in _TESTIMONIES.items()
        if how in by_answer
    ]


def _not_looked_for(certificate: Certificate) -> str:
    if not certificate.not_looked_for:
        names = sorted(certificate.looked_for, key=[*_PLURALS, *certificate.looked_for].index)
        words = listed([_PLURALS.get(name, name) for name in names])
        return f"{words.capitalize()} were looked for; hair, clothes and surroundings stay."
    return f"Nobody looked for: {', '.join(certificate.not_looked_for)}."


def _battery(certificate: Certificate) -> str:
    battery = certificate.battery
    if battery == "none":
        return "No report of attacks stands behind it."
    line = f"Attacks on this kind of removal (report {battery.report}): {battery.words}"
    if battery.pipeline == certificate.pipeline:
        return line
    return f"{line} They were run on another pipeline, {battery.pipeline}."


def _reviewer(certificate: Certificate) -> str:
    if certificate.reviewer is None:
        return "No person looked at it."
    if certificate.second_reviewer is None:
        who = f"A person decided, known to the sender under the pseudonym {certificate.reviewer}"
        return f"{who}{_FROM_FILE[certificate.reviewer_authenticated]}."
    return (
        "Two people decided, the second without seeing what the first had decided, and what either "
        "marked was removed; they are known to the sender under the pseudonyms "
        f"{certificate.reviewer} and {certificate.second_reviewer}."
    )


def _models(certificate: Certificate) -> str:
    return ", ".join(certificate.models) or "no model"
