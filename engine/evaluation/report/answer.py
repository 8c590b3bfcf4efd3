"""Report section 1: recall against the target, and what may be signed on its ground."""

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

_STATUSES = {
    ("met", True): "met",
    ("missed", True): "missed for certain",
    ("missed", False): "missed, though chance could explain it",
    ("not_proven", False): "not proven",
    ("not_measured", False): "not measured: no labels",
}
_SIGNATURE_FORM = Table(
    "Read and decided by",
    words("Name", "Decision and its limits", "Date", "Signature"),
    (Row(("",) * 4),),
    kind="form",
)


def answer(facts: Facts) -> Section:
    """Recall, bounds and target status by category, the cost, and a recommendation on signing."""
    statuses = {category: _status(facts, category) for category in DETECTABLE}
    table = Table(
        "Recall: labels hidden by coverage, of all that count. Each lower bound is one-sided, with "
        "95 % confidence (Clopper and Pearson 1934).",
        words("Category")
        + numbers("Target", "Found", "At least", "Labels", "Groups")
        + words("Status"),
        tuple(_row(facts, category, status) for category, status in statuses.items()),
        kind="answer",
    )
    blocks: tuple[Block, ...] = (
        *_recommendation(facts),
        table,
        *((recall_figure(facts, statuses),) if facts.labelled else ()),
        cost_table(facts.summary),
        *_remarks(facts),
        _SIGNATURE_FORM,
    )
    return Section("1. The answer", blocks)


def _status(facts: Facts, category: Category) -> str:
    part = facts.of(category)
    status = _STATUSES[part.verdict, part.certain]
    if part.has_nothing:
        status = "nothing to find: no labels"
    if category not in facts.policy.looked_for:
        return f"{status}; not looked for"
    return f"{status}; no detector" if category in facts.blind else status


def _row(facts: Facts, category: Category, status: str) -> Row:
    proportion = facts.coverage(category)
    cells = (
        PLURAL[category],
        exactly(facts.target),
        found(proportion),
        at_least(proportion.lower()),
        str(proportion.total),
        str(facts.groups(category).total),
        status,
    )
    return Row(cells, category)


def _recommendation(facts: Facts) -> tuple[Paragraph, ...]:
    if facts.has_nothing:
        return (
            Paragraph(
                "There is nothing to find in these pictures, so they say nothing about recall. "
                "They say what looking costs where there is nothing."
            ),
        )
    met = [category for category in DETECTABLE if facts.of(category).verdict == "met"]
    unproven = [category for category in DETECTABLE if category not in met]
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
        f"{categories_listed(met)} are removed or shown to a person for review, "
        f"{scope}."
    )
    if not unproven:
        return (Paragraph(f"{proven} {_condition(facts)}"),)
    return (
        Paragraph(proven),
        Paragraph(
            f"It is not shown for {categories_listed(unproven)}. Do not sign for pictures that "
            "may show them, unless a person looks at each.",
            is_warning=True,
        ),
    )


def _condition(facts: Facts) -> str:
    if any(_group_caveat(facts, category) for category in facts.labelled):
        return "Read below, before you sign, how far the labels are independent."
    if facts.summary.unread or facts.summary.problems:
        return "Read in section 2, before you sign, what of the data set was not used as written."
    return "Sign for that and for no more; section 9 says what is left."


def _remarks(facts: Facts) -> list[Paragraph]:
    texts = []
    if excluded := facts.policy.not_looked_for:
        texts.append(
            f"By the policy nobody looked for {categories_listed(excluded)}. What is visible of "
            "them stays in."
        )
    if facts.blind:
        texts.append(
            f"No detector is installed for {categories_listed(facts.blind)}, though the policy "
            "wants them. Every picture therefore goes to a person, who is the only one to find "
            "them."
        )
    for category in facts.labelled:
        texts += [_labels_to_prove(facts, category), _group_caveat(facts, category)]
    if len(facts.labelled) > 1:
        joint = exactly(max(1.0 - round(0.05 * len(facts.labelled), 2), 0.0))
        texts.append(
            "Each bound holds for its category alone with 95 % confidence. That all "
            f"{len(facts.labelled)} hold at once has a confidence of at least {joint} (Bonferroni)."
        )
    return [Paragraph(text) for text in texts if text]


def _labels_to_prove(facts: Facts, category: Category) -> str:
    proportion = facts.coverage(category)
    if facts.of(category).verdict != "not_proven" or facts.target >= 1.0:
        return ""
    more = more_to_prove(proportion, facts.target)
    labels = "more labels than can be counted" if more is None else counted(more, "further label")
    return (
        f"{PLURAL[category]}: recall lies at or above the target, but "
        f"{counted(proportion.total, 'label')} cannot prove it. It would take {labels} of "
        "independent pictures, all found."
    )


def _group_caveat(facts: Facts, category: Category) -> str:
    """Caveat of a met target that the lower bounds by group miss; empty when they reach it."""
    groups, bootstrap = facts.groups(category), facts.of(category).coverage.lower95_bootstrap
    bounds = [bound for bound in (groups.lower(), bootstrap) if bound is not None]
    bound = min(bounds, default=None)
    if facts.of(category).verdict != "met" or bound is None or bound >= facts.target:
        return ""
    return (
        f"{PLURAL[category]}: the target is met when labels count one by one. They come from "
        f"{counted(groups.total, 'group')} of pictures of one person or event, and groups, counted "
        f"whole or drawn again, prove only {at_least(bound)}: labels of a group are alike, so do "
        "not lean on this status."
    )


def categories_listed(categories: Sequence[Category]) -> str:
    """Enumerate categories in a sentence: `faces, tattoos and jewelry`."""
    return listed([PLURAL[category].lower() for category in categories])
