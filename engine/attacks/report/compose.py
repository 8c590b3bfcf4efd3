"""Battery report as terminal text, as Markdown, and as a document tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.attacks.report import sentences
from engine.attacks.report.drawing import draw_heat_map
from engine.attacks.report.heat_map import heat_map
from engine.evaluation.report.document import (
    Block,
    Command,
    Document,
    Figure,
    Items,
    Paragraph,
    Row,
    Section,
    Table,
    numbers,
    words,
)

Report = dict[str, Any]


def as_text(report: Report) -> str:
    """The outcome and the strongest attack on each method, as a person reads it in a terminal."""
    lines = [
        "category  method     strongest attack        p        most named right  at most  outcome",
        *(_line(row) for row in strongest(report)),
        *(f"{name}: {text}" for name, text in test_results(report)),
        _sensitivity(report),
        *report["reasons"],
        f"{report['verdict'].upper()}. {report['words']}",
    ]
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    hits = f"{row['hits']:9} of {row['n']:3} {_at_most(row['upper99']):>10}"
    attack = f"{row['attack']:22}  {_p(row['p_corrected']):8}"
    return f"{row['category']:9} {row['method']:10} {attack} {hits}  {_found(row)}"


def as_markdown(report: Report) -> str:
    """The same as Markdown, for a document."""
    heads = (
        "| category | method | strongest attack | p, corrected | most named right | at most | T1 |"
    )
    changed = report["tests"]["T1"]
    lines = [
        "# The battery, as last run",
        "",
        "Written by `make battery`; [irreversibility.md](irreversibility.md) says what it means.",
        "",
        f"**{report['verdict'].capitalize()}.** {report['words']}",
        "",
        heads,
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row['category']} | {row['method']} | {row['attack']} | {_p(row['p_corrected'])} | "
            f"{row['hits']} of {row['n']} | {_at_most(row['upper99'])} | "
            f"{changed[row['method']]['changed']} of {changed[row['method']]['of']} |"
            for row in strongest(report)
        ),
        "",
        *(f"- {name}: {text}" for name, text in test_results(report)),
        f"- {_sensitivity(report)}",
        *(f"- {text}" for text in _basis(report)),
    ]
    return "\n".join(lines) + "\n"


def document(report: Report, command: str) -> Document:
    """The whole report as a tree.

    Args:
        report: what `battery.run_battery` gave.
        command: what makes it again.
    """
    answer: list[Block] = [Paragraph(report["words"], is_warning=report["verdict"] != "pass")]
    if report["reasons"]:
        answer.append(Items(tuple(report["reasons"])))
    answer += [_table_of_strongest(report), Paragraph(sentences.UPPER_BOUND)]
    return Document(
        f"Can what was removed come back? {report['verdict'].capitalize()}",
        f"{sentences.OUTCOMES[report['verdict']]} Report {report['id']} on pipeline "
        f"{report['pipeline']}.",
        (
            Section("The answer", tuple(answer)),
            Section("Every attack on every method", tuple(_maps(report))),
            Section("The tests that are no statistics", (_table_of_tests(report),)),
            Section("What is not hidden", (Items(sentences.NOT_HIDDEN),)),
            Section("What the names mean", tuple(_meanings(report))),
            Section("How it was run", (Items(tuple(_basis(report))), Command(command))),
        ),
    )


def strongest(report: Report) -> list[dict[str, Any]]:
    """Of each category and method that is no leak-injected control, the attack with the least p.

    One that told what was hidden comes before one that did not, whatever their p.

    `hits`, `rank1`, `upper99` and `bits` are those of the attack that named most right, which may
    be another one: what is said of a fill is the worst that was seen.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in report["results"]:
        if row["kind"] != "mix":
            groups.setdefault((row["category"], row["method"]), []).append(row)
    order = list(report["subjects"])
    worst = [_worst(rows) for rows in groups.values()]
    return sorted(worst, key=lambda row: order.index(row["category"]))


def _worst(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    strongest_row = min(rows, key=_weakness)
    most_hits = max(rows, key=lambda row: row["hits"])
    counts = {key: most_hits[key] for key in ("hits", "rank1", "upper99")}
    return {**strongest_row, **counts, "bits": max(row["bits"] for row in rows)}


def _weakness(row: dict[str, Any]) -> tuple[bool, float, int]:
    return not sentences.is_found(row), row["p_corrected"], -row["hits"]


def _found(row: dict[str, Any]) -> str:
    if row["kind"] == "fill":
        return "FAIL" if sentences.is_found(row) else "pass"
    return "broken" if sentences.is_found(row) else "not broken"


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _at_most(share: float) -> str:
    return f"{100 * share:.1f} %"


def test_results(report: Report) -> Iterator[tuple[str, str]]:
    """Results of the deterministic tests: name, and what they gave."""
    tests, kinds = report["tests"], {row["method"]: row["kind"] for row in report["results"]}
    fill_results = [changed for name, changed in tests["T1"].items() if kinds[name] == "fill"]
    other_methods = [name for name in tests["T1"] if kinds[name] != "fill"]
    caught_count = sum(tests["T1"][name]["changed"] > 0 for name in other_methods)
    changed, of = (sum(changed[key] for changed in fill_results) for key in ("changed", "of"))
    yield "T1", f"hidden pixels changed {changed} of {of} releases by our fills"
    caught_text = (
        f"T1 caught {caught_count} of {len(other_methods)} positive and leak-injected controls"
    )
    yield "T2", f"{caught_text}; {_counted(tests['T2'])} changes outside the mask went unnoticed"
    touched, pictures = (
        sum(changed[key] for changed in tests["T3"].values()) for key in ("changed", "of")
    )
    yield "T3", f"{touched} of {pictures} pictures changed outside the mask"
    yield "T4", f"{_counted(tests['T4'])} files held more than pixels"
    apart = f"candidates were told apart in {_counted(tests['T6'])} ways to save a JPEG"
    yield "T6", f"{apart}, and in {tests['T6_control']['changed']} where masks forget its blocks"


def _counted(changed: dict[str, int]) -> str:
    return f"{changed['changed']} of {changed['of']}"


def _sensitivity(report: Report) -> str:
    shares = report["sensitivity_by_category"]
    listing = ", ".join(
        f"{name} {'none' if share is None else f'{share:.0%}'}" for name, share in shares.items()
    )
    return f"Sensitivity: of the shares of the original tried, the smallest noticed is {listing}."


def _basis(report: Report) -> Iterator[str]:
    for name, subjects in report["subjects"].items():
        counts = f"{subjects['count']} subjects and {subjects['spare']} to train on"
        yield f"{name}: {counts}, {subjects['source']}."
    yield (
        f"Patches of {report['side_px']} px, {report['permutations']} permutations, seed "
        f"{report['seed']}{', quick' if report['quick'] else ''}."
    )
    libraries = ", ".join(
        f"{name} {release}" for name, release in report["libraries"].items() if release
    )
    yield f"Lethe {report['pipeline']}, {libraries}."
    if not report["libraries"]["torch"]:
        yield "Without torch, so the two neural networks took no part."


def _table_of_strongest(report: Report) -> Table:
    rows = tuple(
        Row(
            (
                row["category"],
                row["method"],
                row["attack"],
                _p(row["p_corrected"]),
                f"{row['hits']} of {row['n']}",
                _at_most(row["upper99"]),
                f"{row['bits']:.1f}",
                _found(row),
            )
        )
        for row in strongest(report)
    )
    return Table(
        "The surest attack on each method, and the most that any attack named right; chance: 1.",
        (
            *words("Category", "Method", "Attack"),
            *numbers("p, corrected", "Most named right", "At most", "Bits"),
            *words("Outcome"),
        ),
        rows,
    )


def _maps(report: Report) -> Iterator[Block]:
    yield Paragraph(
        "Each cell is the share of subjects named right, in per cent. A red cell with an "
        "exclamation mark was told from chance (corrected p below 0.01, or, of ours, more named "
        "by a trained classifier than chance allows): right for controls, a failure for ours."
    )
    for category in report["subjects"]:
        yield Figure(
            f"heat-{category}",
            f"A grid of per cents for {category}; the table above has the strongest attacks.",
            f"{category.capitalize()}: attacks down, methods across.",
            draw_heat_map(heat_map(report["results"], category)),
        )


def _table_of_tests(report: Report) -> Table:
    rows = tuple(Row((name, sentences.TESTS[name], text)) for name, text in test_results(report))
    return Table("What was tried, and what came of it", words("Test", "What", "Result"), rows)


def _meanings(report: Report) -> Iterator[Block]:
    methods, attacks = (_names(report["results"], key) for key in ("method", "attack"))
    yield Table(
        "Methods",
        words("Method", "What it is"),
        tuple(Row((name, sentences.method_words(name))) for name in methods),
    )
    yield Table(
        "Attacks",
        words("Attack", "What it does"),
        tuple(Row((name, sentences.ATTACKS[name])) for name in attacks),
    )


def _names(rows: Sequence[dict[str, Any]], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row[key] for row in rows))
