"""Report sections 6 to 8: recall by group, calibration, and the threshold sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath

from engine.category import DETECTABLE, Category
from engine.evaluation.report.answer import categories_listed
from engine.evaluation.report.document import Block, Paragraph, Row, Section, Table, numbers, words
from engine.evaluation.report.facts import Facts
from engine.evaluation.report.figures import Curve, reliability_figure, threshold_figure
from engine.evaluation.report.numbers import (
    PLURAL,
    at_least,
    bounded,
    of,
    with_interval,
    with_interval_up,
)
from engine.evaluation.scores.calibration import Bin, bins_by_slice, expected_error, reliability
from engine.evaluation.scores.counts import SIZES_PX, Slice, size_class
from engine.evaluation.scores.prediction_record import FLOOR
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import is_enough
from engine.evaluation.scores.summary import GroupSummary
from engine.evaluation.scores.tradeoff import Point, curve
from engine.wording import counted

MOST_ATTRIBUTES = 16
"""Per category in a report, ranked by the labels in large enough groups."""
_TOO_FEW = "too few to say"
_SIZE_ORDER = {size_class(side): index for index, side in enumerate((0, *SIZES_PX))}
_TABLE_STEPS = frozenset({0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9})


def groups(facts: Facts) -> Section:
    """Section 6: recall by attribute of labels and pictures, and by box size."""
    is_identifying = _identifying_attributes(facts)
    tables: list[Block] = []
    for category in facts.detected:
        lines = [
            line
            for line in facts.summary.groups
            if line.category is category and not is_identifying(line.by, line.value)
        ]
        tables += _category_groups(category, lines)
    tables += _undetected(facts, "groups of them say no more")
    introduction = "The labels fall into no groups to compare."
    if any(isinstance(block, Table) for block in tables):
        introduction = (
            "Groups are what the data set's own labels say, and the size of each box; nothing is "
            "inferred about people. Where a group is so small that even with no miss it could not "
            f"prove 95 %, the report says “{_TOO_FEW}”. The order is not a ranking, and bounds "
            "count labels one by one. Of many groups some look bad by chance alone, so a "
            "difference seen here is a question for new data, not a finding."
        )
    return Section("6. Groups", (Paragraph(introduction), *tables))


def calibration(facts: Facts) -> Section:
    """Section 7: reliability of scores and expected calibration error by category and group."""
    title = "7. Calibration"
    bins = {
        category: category_bins
        for category in DETECTABLE
        if (category_bins := reliability(facts.scored.scores, category))
    }
    if not bins:
        text = "There was no detection on a completely labelled picture, so nothing to calibrate."
        return Section(title, (Paragraph(text),))
    return Section(
        title,
        (
            Paragraph(
                "Whether of detections with a score of 0.7 seven in ten are on a label. The "
                "expected calibration error is the mean gap between score and share over tenths "
                "of the score, weighted by detections (Guo et al. 2017); it is hardly ever 0, and "
                f"few detections push it up. Detections count from a score of {FLOOR} up."
            ),
            reliability_figure(bins),
            _calibration_errors(bins),
            *_calibration_by_group(facts, tuple(bins)),
        ),
    )


def thresholds(facts: Facts) -> Section:
    """Section 8: recall and review load over a sweep of `review_at`."""
    title = "8. Other thresholds"
    curves = {
        category: _curve(facts, category)
        for category in facts.detected
        if category in facts.labelled
    }
    if not curves:
        return Section(title, (Paragraph("No labelled category was looked for."),))
    return Section(
        title,
        (
            Paragraph(
                "What another review_at would do, with auto_redact_at as it is. Computed from "
                f"what was found down to {FLOOR}, without looking again. Evaluate a changed policy "
                "again before trusting it, on pictures that did not choose the threshold."
            ),
            threshold_figure(curves, facts.target),
            *[_threshold_table(category, curve) for category, curve in curves.items()],
            *_undetected(facts, "no threshold changes that"),
        ),
    )


def _undetected(facts: Facts, consequence: str) -> tuple[Paragraph, ...]:
    """Note on labelled categories without detection; empty when every one has it."""
    categories = [category for category in facts.labelled if category not in facts.detected]
    if not categories:
        return ()
    return (Paragraph(f"Nobody looked for {categories_listed(categories)}; {consequence}."),)


def _identifying_attributes(facts: Facts) -> Callable[[str, str], bool]:
    """Predicate on attribute and value: True when they reveal a picture's or group's name.

    Data sets may carry a file's name or a person's as an attribute. Numbers are names only where
    the attribute mostly repeats those of its own pictures; else class 1 would pass for `1.jpg`.
    """
    names: set[str] = set()
    matches: Counter[tuple[str, bool]] = Counter()
    for picture, _ in facts.pairs:
        aliases = {*_name_forms(picture.name), picture.group} - {""}
        names |= aliases
        attributes = {*picture.attributes}.union(*(label.attributes for label in picture.labels))
        matches.update((by, not aliases.isdisjoint(_name_forms(value))) for by, value in attributes)
    identifying = {
        by for by, is_match in matches if is_match and matches[by, True] > matches[by, False]
    }

    def is_identifying(by: str, value: str) -> bool:
        return by in identifying or (
            not value.isdigit() and not names.isdisjoint(_name_forms(value))
        )

    return is_identifying


def _name_forms(name: str) -> set[str]:
    path = PurePath(name)
    return {name, path.name, path.stem}


def _category_groups(category: Category, lines: Sequence[GroupSummary]) -> Iterator[Block]:
    by: dict[str, list[GroupSummary]] = {}
    for line in lines:
        by.setdefault(line.by, []).append(line)
    if not by:
        return
    largest = sorted(by, key=lambda name: (*_weight(by[name]), name))[:MOST_ATTRIBUTES]
    rows = tuple(
        _group_row(category, line)
        for name in sorted(largest, key=lambda name: (name != "size", name))
        for line in sorted(by[name], key=value_order)
    )
    yield Table(
        f"{PLURAL[category]}: recall by coverage in groups of labels.",
        words("By", "Group") + numbers("Found", "Recall"),
        rows,
    )
    if len(by) > len(largest):
        yield Paragraph(
            f"{PLURAL[category]}: {counted(len(by) - len(largest), 'attribute')} with fewer labels "
            "in large enough groups left out."
        )


def _weight(lines: Sequence[GroupSummary]) -> tuple[int, int]:
    """Sort key by labels in large enough groups, then by all labels; never by the result."""
    enough = sum(line.labels for line in lines if line.enough)
    return -enough, -sum(line.labels for line in lines)


def value_order(line: GroupSummary) -> tuple[int, str]:
    """Sort key of a group within its attribute: sizes from small to large, others by name."""
    return _SIZE_ORDER.get(line.value, 0) * (line.by == "size"), line.value


def _group_row(category: Category, line: GroupSummary) -> Row:
    proportion = line.proportion
    share, lower = at_least(proportion.share), at_least(proportion.lower())
    recall = f"{share}, at least {lower}" if line.enough else _TOO_FEW
    return Row((line.by, line.value, of(proportion), recall), category)


def _calibration_errors(bins: Mapping[Category, Sequence[Bin]]) -> Table:
    rows = []
    for category, category_bins in bins.items():
        on_labels = sum((part.on_labels for part in category_bins), Proportion())
        error = f"{expected_error(category_bins) or 0.0:.3f}"
        rows.append(Row((PLURAL[category], str(on_labels.total), error, of(on_labels)), category))
    return Table(
        "Expected calibration error, 0 to 1.",
        words("Category") + numbers("Detections", "Error", "On labels"),
        tuple(rows),
    )


def _calibration_by_group(facts: Facts, categories: Sequence[Category]) -> Iterator[Table]:
    is_identifying = _identifying_attributes(facts)
    for category in categories:
        rows = tuple(
            _calibration_row(group, group_bin, category)
            for group, group_bin in sorted(bins_by_slice(facts.scored.scores, category).items())
            if not is_identifying(group.by, group.value)
        )
        if rows:
            yield Table(
                f"{PLURAL[category]}: calibration in groups of pictures.",
                words("By", "Group") + numbers("Detections", "Mean score", "On labels, interval"),
                rows,
            )


def _calibration_row(group: Slice, group_bin: Bin, category: Category) -> Row:
    on_labels = group_bin.on_labels
    values = (_TOO_FEW, _TOO_FEW)
    if is_enough(on_labels.total):
        values = f"{group_bin.mean_score:.2f}", with_interval(on_labels)
    return Row((group.by, group.value, str(on_labels.total), *values), category)


def _curve(facts: Facts, category: Category) -> Curve:
    counts = facts.counts.categories[category]
    now = Point(
        facts.policy.thresholds(category).review_at,
        facts.coverage(category),
        counts.review_with,
        counts.review_without,
    )
    return Curve(curve(facts.pairs, facts.policy, category), now)


def _threshold_table(category: Category, curve: Curve) -> Table:
    rows = tuple(
        Row(
            (
                f"{point.review_at:g}" + ", as evaluated" * (point is curve.now),
                bounded(point.detection),
                with_interval_up(point.review_with),
                with_interval_up(point.review_without),
            ),
            category,
        )
        for point in curve.steps
        if point is curve.now or point.review_at in _TABLE_STEPS
    )
    return Table(
        f"{PLURAL[category]}: recall by coverage, and completely labelled pictures to review.",
        words("review_at") + numbers("Recall", "With it: asked about", "Free of it: asked about"),
        rows,
    )
