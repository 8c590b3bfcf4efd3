"""Everything counted, side by side, and what would have to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from engine.category import DETECTABLE, Category
from engine.evaluation.report.document import Block, Paragraph, Row, Section, Table, numbers, words
from engine.evaluation.report.facts import Facts
from engine.evaluation.report.numbers import (
    NOTHING,
    PLURAL,
    at_least,
    at_most,
    bounded,
    exactly,
    found,
    with_interval_up,
)
from engine.evaluation.scores.misses import FalsePositive, MissCause
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.summary import CategorySummary, Found
from engine.wording import counted

_Cell: TypeAlias = Callable[[Facts, Category], str]
_Kinds: TypeAlias = Literal["misses", "false_alarms"]

_MISS_REMEDIES = {
    MissCause.NOBODY_LOOKED: "A detector for it, or a policy that looks for it.",
    MissCause.TOO_LARGE: "It is hidden, but by a region too large to count: a finer detector.",
    MissCause.LOST_IN_MERGING: "It was seen and taken for its neighbour: merge less readily.",
    MissCause.TOO_SMALL: "The mask leaves a rim: a larger grow for this category.",
    MissCause.WRONG_CATEGORY: "It was seen as something else: training with both.",
    MissCause.SCORE_TOO_LOW: "A lower review_at would show it to a person.",
    MissCause.UNSEEN: "No threshold finds it: a larger scale, another turn, or a better detector.",
}
_ALARM_REMEDIES = {
    FalsePositive.DUPLICATE: "A second region on a label: merge more readily. It costs no privacy.",
    FalsePositive.WRONG_CATEGORY: "On something labelled as another category: training with both.",
    FalsePositive.UNLABELLED: (
        "The detector is sure, so perhaps nobody boxed it: look at the labels."
    ),
    FalsePositive.BACKGROUND: (
        "Unsure and on nothing: a higher review_at spares people the question."
    ),
}


def results(facts: Facts) -> Section:
    """Every figure of every category, with how many it is of."""
    rows = [
        Row((name, *(cell(facts, category) for category in DETECTABLE)))
        for name, cell in _MEASURES.items()
    ]
    return Section(
        "4. Results",
        (
            Table(
                "By category. Bounds are one-sided, 95 %; intervals two-sided, 95 % (Wilson 1927). "
                "A complete picture is labelled completely for the category.",
                words("Measure") + numbers(*(PLURAL[one] for one in DETECTABLE)),
                tuple(rows),
            ),
            _load(facts),
            Paragraph(
                "The review load of a benchmark says little about ordinary pictures: it was "
                "assembled to hold what is looked for, and pictures free of it are few. Read the "
                "loads with and without labels apart, and measure your own."
            ),
            _over_masked(facts),
        ),
    )


def causes(facts: Facts) -> Section:
    """Why labels were missed and what false regions are, with what would change each."""
    misses = Table(
        "Labels not found by coverage, by the first cause that applies.",
        words("Cause") + numbers(*_titles()) + words("What would change it"),
        tuple(
            Row((kind.value, *_numbers(facts, "misses", kind), remedy))
            for kind, remedy in _MISS_REMEDIES.items()
            if _any(facts, "misses", kind)
        ),
    )
    alarms = Table(
        "False regions, by kind.",
        words("Kind") + numbers(*_titles()) + words("What would change it"),
        tuple(
            Row((kind.value, *_numbers(facts, "false_alarms", kind), remedy))
            for kind, remedy in _ALARM_REMEDIES.items()
            if _any(facts, "false_alarms", kind)
        ),
    )
    return Section("5. Misses and false regions", (_misses_or(facts, misses), _alarms_or(alarms)))


def _misses_or(facts: Facts, table: Table) -> Block:
    if table.rows:
        return table
    return Paragraph("No label was missed." if facts.labelled else "There was no label to miss.")


def _alarms_or(table: Table) -> Block:
    return table if table.rows else Paragraph("No false region was counted.")


def _load(facts: Facts) -> Table:
    counts, audit = facts.counts, facts.summary.review_load.audit
    share = exactly(facts.policy.review.audit_share)
    return Table(
        "Review load: pictures that a person must look at, sample checks apart.",
        words("Pictures") + numbers("Share, with its interval"),
        (
            Row(("all", with_interval_up(counts.asked))),
            Row(("with a label that counts", with_interval_up(counts.with_labels))),
            Row(("without one", with_interval_up(counts.without_labels))),
            Row((f"expected sample checks on top ({share} of what passes)", at_most(audit))),
        ),
    )


def _over_masked(facts: Facts) -> Paragraph:
    part, pictures = facts.summary.excess_masked, len(facts.counts.over_masked)
    margins = facts.summary.margins_masked
    if part.mean is None or margins is None:
        return Paragraph("Excess masked area was not measured: no picture is labelled completely.")
    return Paragraph(
        f"Excess masked area on {counted(pictures, 'picture')}: {at_most(part.mean)} of a "
        f"picture on average, {at_most(margins.mean)} of it margins around what is there; 95 % "
        f"of the pictures stay under {at_most(part.p95)}. All describe these pictures and have "
        "no interval."
    )


def _titles() -> tuple[str, ...]:
    return tuple(PLURAL[category] for category in DETECTABLE)


def _numbers(facts: Facts, part: _Kinds, kind: str) -> list[str]:
    return [str(getattr(facts.of(category), part).get(kind, 0)) for category in DETECTABLE]


def _any(facts: Facts, part: _Kinds, kind: str) -> bool:
    return any(getattr(facts.of(category), part).get(kind) for category in DETECTABLE)


def _by(rule: Callable[[CategorySummary], Found]) -> _Cell:
    def cell(facts: Facts, category: Category) -> str:
        part = facts.of(category)
        return bounded(part.proportion(rule(part)))

    return cell


def _upper(facts: Facts, category: Category) -> str:
    return at_most(facts.coverage(category).upper(), below=facts.target)


def _group_bound(facts: Facts, category: Category) -> str:
    return bounded(facts.groups(category))


def _bootstrap(facts: Facts, category: Category) -> str:
    bound, groups = facts.of(category).coverage.lower95_bootstrap, facts.groups(category)
    return NOTHING if bound is None else f"at least {at_least(bound)} ({groups.total} groups)"


def _false(facts: Facts, category: Category) -> str:
    part = facts.of(category)
    if part.false_per_picture is None:
        return NOTHING
    regions = sum(part.false_alarms.values())
    return f"{part.false_per_picture:.3f} ({regions} on {part.complete_pictures})"


def _with_false(facts: Facts, category: Category) -> str:
    complete = [one for one in facts.scored.scores if category in one.picture.labelled_for]
    return with_interval_up(
        Proportion(sum(bool(one.false_positives(category)) for one in complete), len(complete))
    )


def _review_with(facts: Facts, category: Category) -> str:
    return with_interval_up(facts.counts.categories[category].asked_with)


def _review_without(facts: Facts, category: Category) -> str:
    return with_interval_up(facts.counts.categories[category].asked_without)


def _found(facts: Facts, category: Category) -> str:
    return found(facts.coverage(category))


def _lower(facts: Facts, category: Category) -> str:
    return at_least(facts.coverage(category).lower())


_MEASURES: dict[str, _Cell] = {
    "Recall by coverage": _found,
    "Recall by coverage, at least": _lower,
    "Recall by coverage, at most": _upper,
    "Groups found whole": _group_bound,
    "Recall when groups are drawn again (bootstrap)": _bootstrap,
    "Recall by IoU": _by(lambda part: part.iou),
    "Recall by coverage, automatic": _by(lambda part: part.automatic),
    "False regions per complete picture": _false,
    "Complete pictures with a false region": _with_false,
    "Complete pictures that show it: with a doubt of it": _review_with,
    "Complete pictures free of it: with a doubt of it": _review_without,
}
