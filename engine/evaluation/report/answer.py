"""The first section: may somebody sign that enough is found?"""

from __future__ import annotations

from collections.abc import Sequence

from engine.category import DETECTABLE, Category
from engine.evaluation.report.cost import cost_table
from engine.evaluation.report.document import Block, Paragraph, Row, Section, Table, numbers, words
from engine.evaluation.report.facts import Facts
from engine.evaluation.report.figures import recall_figure
from engine.evaluation.report.numbers import PLURAL, at_least, exactly, found
from engine.evaluation.scores.proportion import more_to_prove
from engine.wording import counted, listed

_VERDICTS = {
    ("met", True): "met",
    ("missed", True): "missed for certain",
    ("missed", False): "missed, though chance could explain it",
    ("not_proven", False): "not proven",
    ("not_measured", False): "not measured: no labels",
}


def answer(facts: Facts) -> Section:
    """A line for each category, and what the lines mean for a signature."""
    rows = tuple(_row(facts, category) for category in DETECTABLE)
    table = Table(
        "Recall: labels hidden by coverage, of all that count. Each lower bound is one-sided, with "
        "95 % confidence (Clopper and Pearson 1934).",
        words("Category")
        + numbers("Target", "Found", "At least", "Labels", "Groups")
        + words("Verdict"),
        rows,
        kind="answer",
    )
    verdicts = {
        category: verdict_words(facts, category) + _blindness(facts, category)
        for category in DETECTABLE
    }
    figures = (recall_figure(facts, verdicts),) if facts.labelled else ()
    blocks: tuple[Block, ...] = (
        *_meaning(facts),
        table,
        *figures,
        cost_table(facts.summary),
        *_remarks(facts),
        _signature(),
    )
    return Section("1. The answer", blocks)


def verdict_words(facts: Facts, category: Category) -> str:
    """A category's verdict as a reader takes it."""
    part = facts.of(category)
    if part.has_nothing:
        return "nothing to find: no labels"
    return _VERDICTS[part.verdict, part.certain]


def _row(facts: Facts, category: Category) -> Row:
    proportion = facts.coverage(category)
    groups = facts.groups(category).total
    cells = (
        PLURAL[category],
        exactly(facts.target),
        found(proportion),
        at_least(proportion.lower()),
        str(proportion.total),
        str(groups),
        verdict_words(facts, category) + _blindness(facts, category),
    )
    return Row(cells, category)


def _blindness(facts: Facts, category: Category) -> str:
    if category not in facts.policy.looked_for:
        return "; not looked for"
    return "; no detector" if category in facts.blind else ""


def _meaning(facts: Facts) -> tuple[Paragraph, ...]:
    if facts.has_nothing:
        return (
            Paragraph(
                "There is nothing to find in these pictures, so they say nothing about recall. "
                "They say what looking costs where there is nothing."
            ),
        )
    met = [one for one in DETECTABLE if facts.of(one).verdict == "met"]
    short = [_name(one) for one in DETECTABLE if one not in met]
    scope = "under this policy, on pictures like these"
    target = exactly(facts.target)
    if not met:
        return (
            Paragraph(
                f"No category is shown to reach {target} {scope}. This report gives no ground to "
                "sign that pictures may go out without a person looking at each.",
                is_warning=True,
            ),
        )
    proven = (
        f"It is shown, with 95 % confidence for each, that at least {target} of "
        f"{listed([_name(one) for one in met])} are removed or shown to a person as doubts, "
        f"{scope}."
    )
    if not short:
        return (Paragraph(f"{proven} {_signing(facts)}"),)
    return (
        Paragraph(proven),
        Paragraph(
            f"It is not shown for {listed(short)}. Do not sign for pictures that may show them, "
            "unless a person looks at each.",
            is_warning=True,
        ),
    )


def _signing(facts: Facts) -> str:
    if any(_leaning_on_groups(facts, category) for category in facts.labelled):
        return "Read below, before you sign, how far the labels are independent."
    if facts.summary.unread or facts.summary.problems:
        return "Read in section 2, before you sign, what of the data set was not used as written."
    return "Sign for that and for no more; section 9 says what is left."


def _remarks(facts: Facts) -> list[Paragraph]:
    texts = [_unlooked(facts), _undetected(facts)]
    for category in facts.labelled:
        texts += [_still_to_prove(facts, category), _leaning_on_groups(facts, category)]
    if len(facts.labelled) > 1:
        joint = exactly(max(1.0 - round(0.05 * len(facts.labelled), 2), 0.0))
        texts.append(
            "Each bound holds for its category alone with 95 % confidence. That all "
            f"{len(facts.labelled)} hold at once has a confidence of at least {joint} (Bonferroni)."
        )
    return [Paragraph(text) for text in texts if text]


def _unlooked(facts: Facts) -> str:
    missing = [_name(one) for one in facts.policy.not_looked_for]
    if not missing:
        return ""
    return f"By the policy nobody looked for {listed(missing)}. What is visible of them stays in."


def _undetected(facts: Facts) -> str:
    missing = [_name(one) for one in facts.blind]
    if not missing:
        return ""
    return (
        f"No detector is installed for {listed(missing)}, though the policy wants them. Every "
        "picture therefore goes to a person, who is the only one to find them."
    )


def _still_to_prove(facts: Facts, category: Category) -> str:
    proportion = facts.coverage(category)
    word = facts.of(category).verdict
    if word != "not_proven" or facts.target >= 1.0:
        return ""
    more = more_to_prove(proportion, facts.target)
    many = "more labels than can be counted" if more is None else counted(more, "further label")
    return (
        f"{PLURAL[category]}: recall lies at or above the target, but "
        f"{counted(proportion.total, 'label')} cannot prove it. It would take {many} of "
        "independent pictures, all found."
    )


def _leaning_on_groups(facts: Facts, category: Category) -> str:
    """A verdict that holds only while labels are taken to be independent says so."""
    groups, bootstrap = facts.groups(category), facts.of(category).coverage.lower95_bootstrap
    bound = min((one for one in (groups.lower(), bootstrap) if one is not None), default=None)
    if facts.of(category).verdict != "met" or bound is None or bound >= facts.target:
        return ""
    return (
        f"{PLURAL[category]}: the target is met when labels count one by one. They come from "
        f"{counted(groups.total, 'group')} of pictures of one person or event, and groups, counted "
        f"whole or drawn again, prove only {at_least(bound)}: labels of a group are alike, so do "
        "not lean on this verdict."
    )


def _signature() -> Table:
    return Table(
        "Read and decided by",
        words("Name", "Decision and its limits", "Date", "Signature"),
        (Row(("",) * 4),),
        kind="form",
    )


def _name(category: Category) -> str:
    return PLURAL[category].lower()


def categories_listed(categories: Sequence[Category]) -> str:
    """`faces, tattoos and jewelry`."""
    return listed([_name(one) for one in categories])
