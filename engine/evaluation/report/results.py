"""Report sections 4 and 5: metrics by category, and causes of errors with their remedies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from engine.evaluation.scores.error_causes import FalseNegativeCause, FalsePositiveCause
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.summary import CategorySummary, Found
from engine.wording import counted

_Metric: TypeAlias = Callable[[Facts, Category], str]

_MISS_REMEDIES = {
    FalseNegativeCause.NOBODY_LOOKED: "A detector for it, or a policy that looks for it.",
    FalseNegativeCause.TOO_LARGE: (
        "It is hidden, but by a region too large to count: a finer detector."
    ),
    FalseNegativeCause.LOST_IN_MERGING: (
        "It was seen and taken for its neighbour: merge less readily."
    ),
    FalseNegativeCause.TOO_SMALL: "The mask leaves a rim: a larger grow for this category.",
    FalseNegativeCause.WRONG_CATEGORY: "It was seen as something else: training with both.",
    FalseNegativeCause.SCORE_TOO_LOW: "A lower review_at would show it to a person.",
    FalseNegativeCause.UNSEEN: (
        "No threshold finds it: a larger scale, another turn, or a better detector."
    ),
}
_FALSE_REGION_REMEDIES = {
    FalsePositiveCause.DUPLICATE: (
        "A second region on a label: merge more readily. It costs no privacy."
    ),
    FalsePositiveCause.WRONG_CATEGORY: (
        "On something labelled as another category: training with both."
    ),
    FalsePositiveCause.UNLABELLED: (
        "Removed without asking, so perhaps nobody boxed it: look at the labels."
    ),
    FalsePositiveCause.BACKGROUND: (
        "Unsure and on nothing: a higher review_at spares people the question."
    ),
}


def results(facts: Facts) -> Section:
    """Section 4: every metric of every category with its sample size, review load, margins."""
    table = Table(
        "By category. Bounds are one-sided, 95 %; intervals two-sided, 95 % (Wilson 1927). "
        "A complete picture is labelled completely for the category.",
        words("Measure") + numbers(*PLURAL.values()),
        tuple(
            Row((name, *(metric(facts, category) for category in DETECTABLE)))
            for name, metric in _METRICS.items()
        ),
    )
    caveat = Paragraph(
        "The review load of a benchmark says little about ordinary pictures: it was assembled to "
        "hold what is looked for, and pictures free of it are few. Read the loads with and "
        "without labels apart, and measure your own."
    )
    return Section("4. Results", (table, _load(facts), caveat, _over_masked(facts)))


def causes(facts: Facts) -> Section:
    """Section 5: false negatives and false positives by cause, with a remedy for each."""
    misses = _cause_rows(facts, "misses", _MISS_REMEDIES)
    false_regions = _cause_rows(facts, "false_alarms", _FALSE_REGION_REMEDIES)
    categories = numbers(*PLURAL.values()) + words("What would change it")
    blocks: tuple[Block, ...] = (
        Table(
            "Labels not found by coverage, by the first cause that applies.",
            words("Cause") + categories,
            misses,
        )
        if misses
        else Paragraph("No label was missed." if facts.labelled else "There was no label to miss."),
        Table("False regions, by kind.", words("Kind") + categories, false_regions)
        if false_regions
        else Paragraph("No false region was counted."),
    )
    return Section("5. Misses and false regions", blocks)


def _cause_rows(
    facts: Facts,
    field: Literal["misses", "false_alarms"],
    remedies: Mapping[FalseNegativeCause, str] | Mapping[FalsePositiveCause, str],
) -> tuple[Row, ...]:
    counts = {
        cause: [getattr(facts.of(category), field).get(cause, 0) for category in DETECTABLE]
        for cause in remedies
    }
    return tuple(
        Row((cause.value, *map(str, counts[cause]), remedy))
        for cause, remedy in remedies.items()
        if any(counts[cause])
    )


def _load(facts: Facts) -> Table:
    counts, audit = facts.counts, facts.summary.review_load.audit
    share = exactly(facts.policy.review.audit_share)
    return Table(
        "Review load: pictures that a person must look at, sample checks apart.",
        words("Pictures") + numbers("Share, with its interval"),
        (
            Row(("all", with_interval_up(counts.review_load))),
            Row(("with a label that counts", with_interval_up(counts.with_labels))),
            Row(("without one", with_interval_up(counts.without_labels))),
            Row((f"expected sample checks on top ({share} of what passes)", at_most(audit))),
        ),
    )


def _over_masked(facts: Facts) -> Paragraph:
    excess, margins = facts.summary.excess_masked, facts.summary.margins_masked
    if excess.mean is None or margins is None:
        return Paragraph("Masked without need was not measured: no picture is labelled completely.")
    return Paragraph(
        f"Masked without need on {counted(len(facts.counts.over_masked), 'picture')}: "
        f"{at_most(excess.mean)} of a picture on average, {at_most(margins.mean)} of it margins "
        "around what is there; 95 % of the pictures stay under "
        f"{at_most(excess.p95)}. All describe these pictures and have no interval."
    )


def _metric(count: Callable[[CategorySummary], Found]) -> _Metric:
    def metric(facts: Facts, category: Category) -> str:
        part = facts.of(category)
        return bounded(part.proportion(count(part)))

    return metric


def _bootstrap(facts: Facts, category: Category) -> str:
    bound, groups = facts.of(category).coverage.lower95_bootstrap, facts.groups(category)
    return NOTHING if bound is None else f"at least {at_least(bound)} ({groups.total} groups)"


def _false_per_picture(facts: Facts, category: Category) -> str:
    part = facts.of(category)
    if part.false_per_picture is None:
        return NOTHING
    regions = sum(part.false_alarms.values())
    return f"{part.false_per_picture:.3f} ({regions} on {part.complete_pictures})"


def _pictures_with_false_region(facts: Facts, category: Category) -> str:
    scores = [score for score in facts.scored.scores if category in score.picture.labelled_for]
    return with_interval_up(
        Proportion(sum(bool(score.false_positives(category)) for score in scores), len(scores))
    )


_METRICS: dict[str, _Metric] = {
    "Recall by coverage": lambda facts, category: found(facts.coverage(category)),
    "Recall by coverage, at least": (
        lambda facts, category: at_least(facts.coverage(category).lower())
    ),
    "Recall by coverage, at most": (
        lambda facts, category: at_most(facts.coverage(category).upper(), below=facts.target)
    ),
    "Groups found whole": lambda facts, category: bounded(facts.groups(category)),
    "Recall when groups are drawn again (bootstrap)": _bootstrap,
    "Recall by IoU": _metric(lambda part: part.iou),
    "Recall by coverage, automatic": _metric(lambda part: part.automatic),
    "False regions per complete picture": _false_per_picture,
    "Complete pictures with a false region": _pictures_with_false_region,
    "Complete pictures that show it: with a box of it to review": (
        lambda facts, category: with_interval_up(facts.counts.categories[category].review_with)
    ),
    "Complete pictures free of it: with a box of it to review": (
        lambda facts, category: with_interval_up(facts.counts.categories[category].review_without)
    ),
}
