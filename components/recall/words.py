"""Numbers and verdicts of the recall pages in words. Rounding never flatters.

Recall and lower bounds are cut off, upper bounds and everything that should be small are rounded
up: 98.96 % found is shown as 98.9 %, and only what reaches 99 % says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.category import DETECTABLE, Category
from engine.evaluation.report import numbers
from engine.evaluation.scores.error_causes import FalseNegativeCause, FalsePositiveCause
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.summary import CategorySummary, Summary
from engine.wording import counted

Colour: TypeAlias = Literal["green", "red", "orange", "gray"]

NOBODY_LOOKED = "nobody looked for it"
NOTHING_TO_FIND = "nothing to find"
MISS_SENTENCES = {
    FalseNegativeCause.NOBODY_LOOKED: NOBODY_LOOKED,
    FalseNegativeCause.TOO_LARGE: "a region lay over it, too large to count",
    FalseNegativeCause.LOST_IN_MERGING: "seen, then lost when detections were merged",
    FalseNegativeCause.TOO_SMALL: "found, but the mask leaves too much of it open",
    FalseNegativeCause.WRONG_CATEGORY: "taken for something else",
    FalseNegativeCause.SCORE_TOO_LOW: "seen, but the score is under the threshold",
    FalseNegativeCause.UNSEEN: "not seen at all",
}
FALSE_SENTENCES = {
    FalsePositiveCause.DUPLICATE: "a second region on the same thing",
    FalsePositiveCause.WRONG_CATEGORY: "on a thing of another category",
    FalsePositiveCause.UNLABELLED: "removed without asking, perhaps a thing nobody labelled",
    FalsePositiveCause.BACKGROUND: "on background",
}


def at_least(share: float | None) -> str:
    """Format a share as per cent with one decimal, rounded down; a dash when there is none."""
    return spaced(numbers.at_least(share))


def at_most(share: float | None) -> str:
    """Format a share as per cent, rounded up, but never to 100 %; a dash when there is none."""
    return spaced(numbers.at_most(share))


def goal(target: float) -> str:
    """Format a target with the decimals it has: `99 %`, `99.5 %`."""
    return spaced(numbers.exactly(target))


def spaced(percent: str) -> str:
    """Replace no-break spaces: a narrow column may break between number and sign."""
    return percent.replace("\u00a0", " ")


@dataclass(frozen=True, slots=True)
class Line:
    """Recall of one category against the target, as a row of the headline."""

    category: Category
    word: str
    icon: str
    colour: Colour
    target: float
    coverage: Proportion
    automatic: Proportion
    groups: int
    lower_by_group: float | None
    """The lower of the exact bound on groups found whole, and of the bootstrap bound of recall over
    groups, which is blind to misses it never saw. None without groups."""
    false_per_picture: float | None

    @property
    def is_blind(self) -> bool:
        """True when nobody looked, so that what was not found says nothing."""
        return self.word == NOBODY_LOOKED

    @property
    def badge(self) -> str:
        """The verdict for Markdown: colour, icon and word."""
        return f":{self.colour}-badge[{self.icon} {self.word}]"

    @property
    def found(self) -> str:
        """Recall by coverage."""
        return at_least(self.coverage.share)

    @property
    def bound(self) -> str:
        """The lower bound of recall."""
        return at_least(self.coverage.lower())

    @property
    def sentence(self) -> str:
        """`face 99.1 % found, at least 98.2 %`, for a badge to follow."""
        if not self.coverage.total or self.is_blind:
            return self.category.value
        return f"{self.category.value} {self.found} found, at least {self.bound}"


def lines(report: Summary, not_looked_for: Collection[Category] = ()) -> tuple[Line, ...]:
    """Recall rows of an evaluation's summary, one for each category.

    Args:
        report: of one evaluation.
        not_looked_for: what its policy leaves out.
    """
    return tuple(
        _line(category, report, is_looked_for=category not in not_looked_for)
        for category in DETECTABLE
    )


def answer(
    report: Summary,
    not_looked_for: Collection[Category] = (),
    *,
    is_tuned: bool = False,
) -> tuple[str, Colour]:
    """Conclusion of an evaluation in sentences, whether it can be signed, and its colour.

    Args:
        report: of one evaluation.
        not_looked_for: what its policy leaves out.
        is_tuned: the policy's thresholds were chosen on the very same labels.
    """
    if not report.pictures:
        return "**Cannot say.** None of the pictures could be measured.", "orange"
    rows, target = lines(report, not_looked_for), goal(report.target)
    met = [row for row in rows if row.word == "met"]
    short = [row for row in rows if row not in met]
    caveats = _caveats(report, met, is_tuned=is_tuned) if met else []
    if met and not short and not caveats:
        text = (
            "**Yes, for pictures like these.** With 95 % confidence in each category, at least "
            f"{target} is found: removed, or shown to a person."
        )
        return text, "green"
    if len(met) == len(rows):
        verdict = f"**Almost.** Every lower bound reaches {target}."
    elif met:
        names = " and ".join(row.category.value for row in met)
        verdict = f"**Only for {names},** whose lower bound reaches {target}."
    else:
        has_labels = any(row.coverage.total for row in rows)
        verdict = "**No.**" if has_labels else "**Cannot say.**"
    return " ".join([verdict, *(_shortfall(row, target) for row in short), *caveats]), "orange"


def _caveats(report: Summary, met: Sequence[Line], *, is_tuned: bool) -> list[str]:
    """Reasons not to rely on a lower bound that reaches the target."""
    caveats = [
        f"But the {row.category.value} labels come from {counted(row.groups, 'group')} of pictures "
        f"of one person or event, which are not independent: groups prove only "
        f"{at_least(row.lower_by_group)}."
        for row in met
        if (row.lower_by_group or 0.0) < row.target
    ]
    if report.unread:
        caveats.append(f"But {counted(report.unread, 'picture')} could not be measured.")
    if report.problems:
        caveats.append(f"But the data set has {counted(report.problems, 'problem')}.")
    if is_tuned:
        caveats.append(
            "But the thresholds were chosen on these very labels: confirm them on other pictures."
        )
    return caveats


def _shortfall(line: Line, target: str) -> str:
    """Sentence on what keeps a category from its target."""
    name = line.category.value
    start = name.capitalize()
    sentences = {
        NOBODY_LOOKED: f"Nobody looked for {name}.",
        NOTHING_TO_FIND: f"There is no {name} to find in this set.",
        "not measured": f"No {name} label counts in this set.",
        "not proven": f"{start} may reach {target}, but these labels prove only {line.bound}.",
        "missed": f"{start} stays below {target} ({line.found} found).",
        "missed for certain": f"{start} lies below {target} for certain ({line.found} found).",
    }
    return sentences[line.word]


def _line(category: Category, report: Summary, *, is_looked_for: bool) -> Line:
    values = report.categories[category]
    word, icon, colour = _verdict(values, is_looked_for=is_looked_for)
    return Line(
        category=category,
        word=word,
        icon=icon,
        colour=colour,
        target=report.target,
        coverage=values.proportion(values.coverage),
        automatic=values.proportion(values.automatic),
        groups=values.coverage.groups,
        lower_by_group=values.coverage.lower_by_group,
        false_per_picture=values.false_per_picture,
    )


def _verdict(values: CategorySummary, *, is_looked_for: bool) -> tuple[str, str, Colour]:
    if values.is_blind or not is_looked_for:
        return NOBODY_LOOKED, ":material/visibility_off:", "red"
    if values.verdict == "met":
        return "met", ":material/check_circle:", "green"
    if values.verdict == "missed":
        return ("missed for certain" if values.certain else "missed"), ":material/cancel:", "red"
    if values.has_nothing:
        return NOTHING_TO_FIND, ":material/remove:", "gray"
    if values.verdict == "not_proven":
        return "not proven", ":material/help:", "orange"
    return "not measured", ":material/remove:", "gray"
