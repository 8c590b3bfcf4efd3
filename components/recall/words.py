"""How the recall pages say numbers and verdicts. Rounding never flatters.

Recall and lower bounds are cut off, upper bounds and everything that should be small are rounded
up: 98.96 % found is shown as 98.9 %, and only what reaches 99 % says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.category import DETECTABLE, Category
from engine.evaluation.report import numbers
from engine.evaluation.scores.misses import FalsePositive, MissCause
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.summary import CategorySummary, Summary
from engine.wording import counted

Colour: TypeAlias = Literal["green", "red", "orange", "gray"]

NOBODY_LOOKED = "nobody looked for it"
NOTHING_TO_FIND = "nothing to find"
MISS_SENTENCES = {
    MissCause.NOBODY_LOOKED: NOBODY_LOOKED,
    MissCause.TOO_LARGE: "a region lay over it, too large to count",
    MissCause.LOST_IN_MERGING: "seen, then lost when sightings were merged",
    MissCause.TOO_SMALL: "found, but the mask leaves too much of it open",
    MissCause.WRONG_CATEGORY: "taken for something else",
    MissCause.SCORE_TOO_LOW: "seen, but the score is under the threshold",
    MissCause.UNSEEN: "not seen at all",
}
FALSE_SENTENCES = {
    FalsePositive.DUPLICATE: "a second region on the same thing",
    FalsePositive.WRONG_CATEGORY: "on a thing of another category",
    FalsePositive.UNLABELLED: "sure of it: perhaps a thing nobody labelled",
    FalsePositive.BACKGROUND: "on background",
}


def at_least(share: float | None) -> str:
    """A share as per cent with one decimal, cut off; a dash when there is none."""
    return spaced(numbers.at_least(share))


def at_most(share: float | None) -> str:
    """A share as per cent, rounded up, but never to 100 %; a dash when there is none."""
    return spaced(numbers.at_most(share))


def goal(target: float) -> str:
    """A target as people write it: `99 %`, `99.5 %`."""
    return spaced(numbers.exactly(target))


def spaced(percent: str) -> str:
    """Text for the screen: paper keeps number and sign together, a narrow column may break them."""
    return percent.replace("\u00a0", " ")


@dataclass(frozen=True, slots=True)
class Line:
    """What the headline says about one category."""

    category: Category
    word: str
    icon: str
    colour: Colour
    target: float
    coverage: Proportion
    automatic: Proportion
    groups: int
    lower_by_group: float | None
    """What groups prove: the lower of the exact bound on groups found whole, and of the bound of
    recall when groups are drawn again, which is blind to misses it never saw. None of nothing."""
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
    """One line for each category of a report.

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
    """Whether somebody can sign this, in sentences, and the colour that goes with it.

    Args:
        report: of one evaluation.
        not_looked_for: what its policy leaves out.
        is_tuned: the policy's thresholds were chosen on the very same labels.
    """
    if not report.pictures:
        return "**Cannot say.** None of the pictures could be measured.", "orange"
    told = lines(report, not_looked_for)
    target = goal(report.target)
    met = [one for one in told if one.word == "met"]
    short = [one for one in told if one not in met]
    caveats = _caveats(report, met, target, is_tuned=is_tuned) if met else []
    if met and not short and not caveats:
        text = (
            "**Yes, for pictures like these.** With 95 % confidence in each category, at least "
            f"{target} is found: removed, or shown to a person."
        )
        return text, "green"
    sentences = [_start(told, met, target), *(_sentence(one, target) for one in short), *caveats]
    return " ".join(sentences), "orange"


def _start(told: Sequence[Line], met: Sequence[Line], target: str) -> str:
    if not met:
        is_told = any(one.coverage.total for one in told)
        return "**No.**" if is_told else "**Cannot say.**"
    if len(met) == len(told):
        return f"**Almost.** Every lower bound reaches {target}."
    names = " and ".join(one.category.value for one in met)
    return f"**Only for {names},** whose lower bound reaches {target}."


def _caveats(report: Summary, met: Sequence[Line], target: str, *, is_tuned: bool) -> list[str]:
    """Why a bound that reaches the target may not be leant on."""
    caveats = [
        f"But the {one.category.value} labels come from {counted(one.groups, 'group')} of pictures "
        f"of one person or event, which are not independent: groups prove only "
        f"{at_least(one.lower_by_group)}."
        for one in met
        if (one.lower_by_group or 0.0) < one.target
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


def _sentence(line: Line, target: str) -> str:
    """What keeps a category from its target."""
    text = _short_of(line, target)
    return f"{text[0].upper()}{text[1:]}."


def _short_of(line: Line, target: str) -> str:
    name = line.category.value
    match line.word:
        case word if word == NOBODY_LOOKED:
            return f"nobody looked for {name}"
        case word if word == NOTHING_TO_FIND:
            return f"there is no {name} to find in this set"
        case "not measured":
            return f"no {name} label counts in this set"
        case "not proven":
            return f"{name} may reach {target}, but these labels prove only {line.bound}"
        case "missed for certain":
            return f"{name} lies below {target} for certain ({line.found} found)"
    return f"{name} stays below {target} ({line.found} found)"


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
