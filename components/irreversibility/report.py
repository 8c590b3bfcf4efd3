"""The last battery's report: verdict, map, and what each row means."""

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
from components.irreversibility.heat import heat_map, is_found
from components.recall.charts.axes import draw
from engine.attacks.report import sentences
from engine.attacks.report.compose import tests_said
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
    found = _reports()
    if not found:
        st.info(
            "There is no report yet: this copy of Lethe comes without one, and none was made here.",
            icon=":material/info:",
        )
        return
    chosen = found[0]
    if len(found) > 1:
        label = st.segmented_control(
            "Report",
            [one.label for one in found],
            default=found[0].label,
            required=True,
            key="irreversibility_report",
            label_visibility="collapsed",
        )
        chosen = next(one for one in found if one.label == label)
    _verdict(chosen)
    _map(chosen.report)
    _meanings(chosen.report)


def _reports() -> list[Sourced]:
    """The own one first; a file that is no report is said to be none."""
    found = []
    file = own_file()
    if file.is_file():
        with shown():
            report = read_report(file)
            made = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            source = f"made here {ago(made, now())}, from {OWN_FILE} in Lethe's own folder"
            found.append(Sourced("Made here", source, report))
    shipped = shipped_report()
    if shipped is not None:
        found.append(Sourced("Comes with Lethe", "comes with Lethe", shipped))
    return found


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
    draw(heat_map(report["results"], chosen), "irreversibility_map")
    st.caption(
        "Each cell: the per cent of subjects that the attack named right. **!** marks what was "
        "told from chance, corrected for the number of attacks: right for what is there to fail, "
        "a failure for ours."
    )


def _tests(report: Report) -> None:
    """What proves, where attacks only illustrate."""
    told = [
        f"- **{name}** {sentences.TESTS[name]} Here: {plain(result)}."
        for name, result in tests_said(dict(report))
    ]
    st.markdown("\n".join(told))
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
            "\n".join(f"- **{plain(one)}**: {plain(_method_words(one))}" for one in methods)
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
    own = [row for row in rows if row["attack"] == attack and row["kind"] == kind]
    told = sum(is_found(row) for row in own)
    return f"{told} of {len(own)} times" if own else "not tried"


def _method_words(name: str) -> str:
    try:
        return sentences.method_words(name)
    except ValueError:
        return "A way to hide that this version of Lethe does not know."
