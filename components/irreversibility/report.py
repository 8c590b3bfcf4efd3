"""The last battery's report: outcome, heat map, and what each row means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from components.app.failures import shown
from components.app.palette import ago, plain
from components.app.services import home, now
from components.irreversibility.heat import plot_heat_map
from components.recall.charts.axes import draw
from engine.attacks.report import sentences
from engine.attacks.report.compose import test_results
from engine.attacks.report.heat_map import heat_map
from engine.attacks.report.reading import read_report
from engine.signing.battery_report import shipped_report
from engine.signing.provenance import pipeline_version

OWN_FILE = "battery.json"
"""In Lethe's own folder; what `lethe attack --json` made there."""
_UNKNOWN = "An attack that this version of Lethe does not know."
Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sourced:
    """A report and where it comes from."""

    label: str
    source: str
    report: Report


def own_file() -> Path:
    """Where a report made on this installation lies."""
    return home() / OWN_FILE


def battery() -> None:
    """The newest report that can be shown, or how to make one."""
    st.subheader("The battery of attacks", anchor=False)
    st.caption(
        "Every attack, against every way to hide, on many subjects at once. Blur, pixelation and "
        "Lethe's own fill with some of the original mixed in are attacked too, and must break: "
        "attacks that cannot break those prove nothing."
    )
    reports = _reports()
    if not reports:
        st.info(
            "There is no report yet: this copy of Lethe comes without one, and none was made here.",
            icon=":material/info:",
        )
        return
    chosen = reports[0]
    if len(reports) > 1:
        label = st.segmented_control(
            "Report",
            [report.label for report in reports],
            default=reports[0].label,
            required=True,
            key="irreversibility_report",
            label_visibility="collapsed",
        )
        chosen = next(report for report in reports if report.label == label)
    _verdict(chosen)
    _map(chosen.report)
    _meanings(chosen.report)


def _reports() -> list[Sourced]:
    """The own one first; a file that is no report is said to be none."""
    reports = []
    file = own_file()
    if file.is_file():
        with shown():
            report = read_report(file)
            made_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            source = f"made here {ago(made_at, now())}, from {OWN_FILE} in Lethe's own folder"
            reports.append(Sourced("Made here", source, report))
    shipped = shipped_report()
    if shipped is not None:
        reports.append(Sourced("Comes with Lethe", "comes with Lethe", shipped))
    return reports


def _verdict(chosen: Sourced) -> None:
    report = chosen.report
    text = f"**{report['verdict'].capitalize()}.** {plain(report['words'])}"
    if report["verdict"] == "pass":
        st.success(text, icon=":material/verified_user:")
    elif report["verdict"] == "fail":
        st.error(text, icon=":material/gpp_bad:")
    else:
        st.warning(text, icon=":material/question_mark:")
    quick = "A quick run: fewer attacks on smaller pictures. " if report["quick"] else ""
    running = pipeline_version()
    facts = f"{quick}Report {plain(report['id'])}, {plain(chosen.source)}."
    if report["pipeline"] == running:
        st.caption(f"{facts} It is about the removing code that runs here, {plain(running)}.")
        return
    st.caption(facts)
    st.warning(
        f"It is about Lethe {plain(report['pipeline'])}; here runs {plain(running)}, whose "
        "removing code is another one. Make it again.",
        icon=":material/update:",
    )


def _map(report: Report) -> None:
    categories = list(dict.fromkeys(row["category"] for row in report["results"]))
    chosen = st.segmented_control(
        "Category",
        categories,
        default=categories[0],
        required=True,
        format_func=str.capitalize,
        key="irreversibility_map_category",
        label_visibility="collapsed",
    )
    draw(plot_heat_map(heat_map(report["results"], chosen)), "irreversibility_map")
    st.caption(
        "Each cell: the per cent of subjects that the attack named right. **!** marks what was "
        "told from chance, corrected for the number of attacks: right for what is there to fail, "
        "a failure for ours."
    )


def _tests(report: Report) -> None:
    """What proves, where attacks only illustrate."""
    lines = [
        f"- **{name}** {sentences.TESTS[name]} Here: {plain(result)}."
        for name, result in test_results(dict(report))
    ]
    st.markdown("\n".join(lines))
    st.caption(sentences.UPPER_BOUND)


def _meanings(report: Report) -> None:
    with st.expander("The tests that are no statistics", icon=":material/fact_check:"):
        _tests(report)
    with st.expander("What each row and column means", icon=":material/menu_book:"):
        st.table(
            pd.DataFrame(_rows(report)),
            border="horizontal",
            hide_index=True,
            alt="What each attack does, and how often it succeeded on our fills and on the rest",
        )
        methods = dict.fromkeys(row["method"] for row in report["results"] if row["kind"] != "mix")
        st.markdown(
            "\n".join(
                f"- **{plain(method)}**: {plain(_method_words(method))}" for method in methods
            )
        )


def _rows(report: Report) -> list[dict[str, str]]:
    rows = report["results"]
    return [
        {
            "Attack": plain(attack),
            "What it does": sentences.ATTACKS.get(attack, _UNKNOWN),
            "Succeeded on ours": _told(rows, attack, "fill"),
            "On blur and the like": _told(rows, attack, "control"),
        }
        for attack in dict.fromkeys(row["attack"] for row in rows)
    ]


def _told(rows: list[dict[str, Any]], attack: str, kind: str) -> str:
    """How often an attack told from chance what a kind of method had hidden."""
    kind_rows = [row for row in rows if row["attack"] == attack and row["kind"] == kind]
    found_count = sum(sentences.is_found(row) for row in kind_rows)
    return f"{found_count} of {len(kind_rows)} times" if kind_rows else "not tried"


def _method_words(name: str) -> str:
    try:
        return sentences.method_words(name)
    except ValueError:
        return "A way to hide that this version of Lethe does not know."
