"""The passages of the process document that no hand writes: figures, and what is built.

Each stands in `docs/process.md` between a line `<!-- made by make docs: NAME -->` and a line
`<!-- end -->`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docs.build import recall
from docs.build.errors import StaleSource
from docs.build.recall import Evaluation
from engine.evaluation.report.numbers import PLURAL, at_least, at_most, exactly, found
from engine.evaluation.scores.proportion import Proportion

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"(<!-- made by make docs: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_MEASURED = "## What it detects"
_MEANING = "The release check (T7) notices a part of what is left in, not all."
_CONTROLS = {"blur": "the strongest blur", "pixelate": "the coarsest mosaic"}
"""What the names of controls begin with; of several, the one that held best counts."""


def fill(document: str, blocks: Mapping[str, str]) -> str:
    """The document with every block made anew.

    Raises:
        StaleSource: it has a block that is not known, or lacks one.
    """
    names = [found[2] for found in _BLOCK.finditer(document)]
    if sorted(names) != sorted(blocks):
        raise StaleSource(f"docs/process.md has blocks {sorted(names)}, not {sorted(blocks)}")
    return _BLOCK.sub(lambda found: f"{found[1]}\n{blocks[found[2]]}\n\n{found[3]}", document)


def blocks(
    evaluation: str,
    battery: Mapping[str, Any] | None,
    release_check: str,
    *,
    pipeline: str,
    fill_name: str,
    policy: str,
) -> dict[str, str]:
    """Every block by name.

    Args:
        evaluation: the text of `docs/evaluation.json`.
        battery: the shipped report of attacks, if there is one.
        release_check: the text of `models/cards/witness.md`.
        pipeline: the state that the removing code is in now.
        fill_name: the fill that the default policy uses.
        policy: that policy's fingerprint.
    """
    measured = recall.read(evaluation)
    return {
        "recall": _recall(measured, policy),
        "witness": _release_check(release_check),
        "misses": _misses(measured),
        "attacks": _attacks(battery, pipeline, fill_name),
    }


def _recall(measured: Evaluation, policy: str) -> str:
    head = (
        "| Category | Target | Removed or shown to a person | At least | Removed with no person |"
    )
    rows = [
        f"| {PLURAL[category]} ({part.labels} labels) | {exactly(measured.target)} | "
        f"{found(part.recall)} | {at_least(part.recall.lower())} | "
        f"{at_least(Proportion(part.automatic.found, part.labels).share)} |"
        for category, part in measured.categories.items()
    ]
    words = (
        f"Measured {measured.made_on} on {measured.pictures} labelled pictures (data set "
        f"{measured.dataset}, policy {measured.policy}); {at_most(measured.review_load.all)} of "
        "them went to a person. *At least* is the one-sided 95 % bound (Clopper and Pearson 1934)."
    )
    bounds = {category: measured.group_bound(category) for category in measured.categories}
    caveats = [
        f"{PLURAL[category]}: counted by groups of alike pictures, only {at_least(bound)} is "
        "proven."
        for category, bound in bounds.items()
        if bound is not None
    ]
    if measured.policy != policy:
        caveats.append(f"**The default policy is another one now** ({policy}): measure again.")
    table = "\n".join([head, "| --- | ---: | ---: | ---: | ---: |", *rows])
    return "\n\n".join([table, " ".join([words, *caveats])])


def _release_check(card: str) -> str:
    """How much the release check notices, as measured at the end of its card.

    Raises:
        StaleSource: nothing was measured.
    """
    _, _, told = card.partition(f"\n{_MEASURED}\n")
    lines = [line.removeprefix("- ") for line in told.splitlines() if line.startswith("- ")]
    if not lines:
        raise StaleSource(f"models/cards/witness.md has nothing under {_MEASURED!r}")
    return " ".join([_MEANING, *(line[0].upper() + line[1:] for line in lines)])


def _misses(measured: Evaluation) -> str:
    short = {
        category: part for category, part in measured.categories.items() if part.verdict != "met"
    }
    if not short:
        return (
            "Every category met its target in that benchmark; some labels were missed all the same."
        )
    listed = " and ".join(
        f"{PLURAL[category].lower()} ({at_least(part.recall.share)}, "
        f"target {exactly(measured.target)})"
        for category, part in short.items()
    )
    return (
        f"**Measured recall lies below the target for {listed}.** Do not release pictures that may "
        "show these unless a person has looked at each."
    )


def _attacks(report: Mapping[str, Any] | None, pipeline: str, fill_name: str) -> str:
    if report is None:
        return (
            "**No battery report yet:** this copy of Lethe holds no report of the attacks, so no "
            "figure is given here. T1, T3, T4 and T7 are checked on each release all the same."
        )
    state = "the removing code as it is now"
    if report["pipeline"] != pipeline:
        state = (
            f"another state of the removing code ({report['pipeline']}), **not the present one**"
        )
    words = f"Outcome **{report['verdict']}**, report {report['id']}, on {state}. {report['words']}"
    categories = list(dict.fromkeys(row["category"] for row in report["results"]))
    head = "| Share named right by the best attack | " + " | ".join(
        [f"our fill ({fill_name})", "at most", *_CONTROLS.values()]
    )
    rows = [_attack_row(report, category, fill_name) for category in categories]
    table = "\n".join([f"{head} |", "| --- |" + " ---: |" * (2 + len(_CONTROLS)), *rows])
    return f"{words}\n\n{table}"


def _attack_row(report: Mapping[str, Any], category: str, fill_name: str) -> str:
    best: dict[str, Mapping[str, Any]] = {}
    for row in report["results"]:
        if row["category"] == category:
            known = best.setdefault(row["method"], row)
            best[row["method"]] = max(known, row, key=lambda one: one["rank1"])
    ours = best.get(fill_name, {"rank1": None, "upper99": None})
    cells = [at_most(ours["rank1"]), at_most(ours["upper99"])]
    for family in _CONTROLS:
        named = [row["rank1"] for method, row in best.items() if method.startswith(family)]
        cells.append(at_least(min(named, default=None)))  # flatter nobody
    return f"| {category.capitalize()} | {' | '.join(cells)} |"
