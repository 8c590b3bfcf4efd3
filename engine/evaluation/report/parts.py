"""Parts of the whole: groups of labels, tenths of the score, and other thresholds."""

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
from engine.evaluation.scores.counts import SIZES_PX, size_class
from engine.evaluation.scores.findings import FLOOR
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import is_enough
from engine.evaluation.scores.summary import GroupSummary
from engine.evaluation.scores.tradeoff import Point, curve
from engine.wording import counted

MOST_ATTRIBUTES = 16
"""Of one category, in a report: those that say something about the most labels."""
_TOO_FEW = "too few to say"
_SIZE_ORDER = {size_class(side): index for index, side in enumerate((0, *SIZES_PX))}
_SHOWN = frozenset({0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9})


def groups(facts: Facts) -> Section:
    """Recall by what the data set says about labels and pictures."""
    is_telling = _telling_names(facts)
    tables: list[Block] = []
    looked = [one for one in facts.policy.looked_for if one not in facts.blind]
    for category in looked:
        lines = [
            line
            for line in facts.summary.groups
            if line.category is category and not is_telling(line.by, line.value)
        ]
        tables += _category_groups(category, lines)
    left = [one for one in facts.labelled if one not in looked]
    if left:
        tables.append(Paragraph(f"{_unlooked(left)}; groups of them say no more."))
    if not any(isinstance(block, Table) for block in tables):
        nothing = Paragraph("The labels fall into no groups to compare.")
        return Section("6. Groups", (nothing, *tables))
    return Section(
        "6. Groups",
        (
            Paragraph(
                "Groups are what the data set's own labels say, and the size of each box; nothing "
                "is inferred about people. Where a group is so small that even with no miss it "
                f"could not prove 95 %, the report says “{_TOO_FEW}”. The order is not a ranking, "
                "and bounds count labels one by one. Of many groups some look bad by chance "
                "alone, so a difference seen here is a question for new data, not a finding."
            ),
            *tables,
        ),
    )


def calibration(facts: Facts) -> Section:
    """Whether scores mean what they say."""
    title = "7. Calibration"
    bins = {category: reliability(facts.scored.scores, category) for category in DETECTABLE}
    bins = {category: own for category, own in bins.items() if own}
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
            _errors(bins),
            *_calibration_by_group(facts, tuple(bins)),
        ),
    )


def thresholds(facts: Facts) -> Section:
    """What another `review_at` would do."""
    title = "8. Other thresholds"
    looked = [one for one in facts.policy.looked_for if one not in facts.blind]
    curves = {one: _curve(facts, one) for one in looked if one in facts.labelled}
    if not curves:
        return Section(title, (Paragraph("No labelled category was looked for."),))
    left = [one for one in facts.labelled if one not in curves]
    blanks = (Paragraph(f"{_unlooked(left)}; no threshold changes that."),) if left else ()
    return Section(
        title,
        (
            Paragraph(
                "What another review_at would do, with auto_redact_at as it is. Computed from "
                f"what was found down to {FLOOR}, without looking again. Evaluate a changed policy "
                "again before trusting it, on pictures that did not choose the threshold."
            ),
            threshold_figure(curves, facts.target),
            *[_points(category, own) for category, own in curves.items()],
            *blanks,
        ),
    )


def _unlooked(categories: Sequence[Category]) -> str:
    return f"Nobody looked for {categories_listed(categories)}"


def _telling_names(facts: Facts) -> Callable[[str, str], bool]:
    """Whether an attribute and its value give away what a picture or its group is called.

    Data sets may carry a file's name or a person's as an attribute. Numbers are names only where
    the attribute mostly repeats those of its own pictures; else class 1 would pass for `1.jpg`.
    """
    names: set[str] = set()
    carried: Counter[tuple[str, bool]] = Counter()
    for picture, _ in facts.pairs:
        own = {*_forms(picture.name), picture.group} - {""}
        names |= own
        said = (*picture.attributes, *(one for label in picture.labels for one in label.attributes))
        carried.update((by, not own.isdisjoint(_forms(value))) for by, value in set(said))
    naming = {by for by, is_own in carried if is_own and carried[by, True] > carried[by, False]}

    def is_telling(by: str, value: str) -> bool:
        return by in naming or (not value.isdigit() and not names.isdisjoint(_forms(value)))

    return is_telling


def _forms(name: str) -> set[str]:
    path = PurePath(name)
    return {name, path.name, path.stem}


def _category_groups(category: Category, lines: Sequence[GroupSummary]) -> Iterator[Block]:
    by: dict[str, list[GroupSummary]] = {}
    for line in lines:
        by.setdefault(line.by, []).append(line)
    if not by:
        return
    telling = sorted(by, key=lambda name: (*_weight(by[name]), name))[:MOST_ATTRIBUTES]
    rows = tuple(
        _group_row(category, line)
        for name in sorted(telling, key=lambda name: (name != "size", name))
        for line in sorted(by[name], key=lambda line: (_place(line), line.value))
    )
    yield Table(
        f"{PLURAL[category]}: recall by coverage in groups of labels.",
        words("By", "Group") + numbers("Found", "Recall"),
        rows,
    )
    if len(by) > len(telling):
        yield Paragraph(
            f"{PLURAL[category]}: {counted(len(by) - len(telling), 'attribute')} with fewer labels "
            "in large enough groups left out."
        )


def _weight(lines: Sequence[GroupSummary]) -> tuple[int, int]:
    """The most labels in large enough groups first, then the most: by size, never by the result."""
    enough = sum(line.labels for line in lines if line.enough)
    return -enough, -sum(line.labels for line in lines)


def _place(line: GroupSummary) -> int:
    return _SIZE_ORDER.get(line.value, 0) if line.by == "size" else 0


def _group_row(category: Category, line: GroupSummary) -> Row:
    proportion = line.proportion
    share, lower = at_least(proportion.share), at_least(proportion.lower())
    shown = f"{share}, at least {lower}" if line.enough else _TOO_FEW
    return Row((line.by, line.value, of(proportion), shown), category)


def _errors(bins: Mapping[Category, Sequence[Bin]]) -> Table:
    rows = []
    for category, own in bins.items():
        on_labels = sum((one.on_labels for one in own), Proportion())
        error = expected_error(own) or 0.0
        rows.append(
            Row((PLURAL[category], str(on_labels.total), f"{error:.3f}", of(on_labels)), category)
        )
    return Table(
        "Expected calibration error, 0 to 1.",
        words("Category") + numbers("Detections", "Error", "On labels"),
        tuple(rows),
    )


def _calibration_by_group(facts: Facts, categories: Sequence[Category]) -> Iterator[Table]:
    is_telling = _telling_names(facts)
    for category in categories:
        rows = tuple(
            Row((part.by, part.value, str(own.on_labels.total), *_group_gap(own)), category)
            for part, own in sorted(bins_by_slice(facts.scored.scores, category).items())
            if not is_telling(part.by, part.value)
        )
        if rows:
            yield Table(
                f"{PLURAL[category]}: calibration in groups of pictures.",
                words("By", "Group") + numbers("Detections", "Mean score", "On labels, interval"),
                rows,
            )


def _group_gap(own: Bin) -> tuple[str, str]:
    if not is_enough(own.on_labels.total):
        return _TOO_FEW, _TOO_FEW
    return f"{own.mean_score:.2f}", with_interval(own.on_labels)


def _curve(facts: Facts, category: Category) -> Curve:
    counts = facts.counts.categories[category]
    now = Point(
        facts.policy.thresholds(category).review_at,
        facts.coverage(category),
        counts.asked_with,
        counts.asked_without,
    )
    return Curve(curve(facts.pairs, facts.policy, category), now)


def _points(category: Category, own: Curve) -> Table:
    others = [one for one in own.points if one.review_at in _SHOWN]
    points = [one for one in others if one.review_at != own.now.review_at] + [own.now]
    rows = tuple(
        Row(
            (
                f"{one.review_at:g}" + (", as evaluated" if one is own.now else ""),
                bounded(one.detection),
                with_interval_up(one.asked_with),
                with_interval_up(one.asked_without),
            ),
            category,
        )
        for one in sorted(points, key=lambda point: point.review_at)
    )
    return Table(
        f"{PLURAL[category]}: recall by coverage, and completely labelled pictures with a doubt.",
        words("review_at") + numbers("Recall", "With it: asked about", "Free of it: asked about"),
        rows,
    )
