"""Table of the metadata in incoming files, none of which reaches a release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
import streamlit as st

from components.app.palette import cells
from components.upload.staging import Staged
from engine.metadata.finding import Finding, Kind
from engine.wording import counted

_ROW_PX, _HEAD_PX, _MOST_PX = 35, 38, 250


def show_carried(files: Sequence[Staged]) -> None:
    """Kinds with what they can give away, then every finding; nothing where nothing was found."""
    findings = sorted(_findings(files), key=lambda pair: (pair[1].kind.rank, pair[0]))
    if not findings:
        return
    carriers = len({name for name, _ in findings})
    verb = "carries" if carriers == 1 else "carry"
    with st.expander(
        f"What {counted(carriers, 'picture')} of {len(files)} {verb} besides pixels",
        key="upload_carried",
        icon=":material/label_off:",
    ):
        st.caption(
            "Nothing to do: all of this stays behind. A release is written anew from pixels alone, "
            "and a release that held anything else would be held back."
        )
        _table(_by_kind(findings), key="upload_carried_kinds", alt="What is carried, by kind")
        st.caption("Where each of them is:")
        _table(
            [
                {
                    "Name": name,
                    "Carries": finding.kind.label,
                    "Where": _where(finding),
                    "Tells": finding.tells,
                }
                for name, finding in findings
            ],
            key="upload_carried_files",
            alt="Every finding with its place in the file",
        )


def _findings(files: Sequence[Staged]) -> Iterator[tuple[str, Finding]]:
    for file in files:
        for finding in file.checked.findings:
            if finding.kind not in (Kind.UNREADABLE, Kind.FORMAT):  # those stand under Problem
                yield file.name, finding


def _by_kind(findings: Sequence[tuple[str, Finding]]) -> list[dict[str, str | int]]:
    carriers: dict[Kind, set[str]] = {}
    for name, finding in findings:
        carriers.setdefault(finding.kind, set()).add(name)
    return [
        {"Carries": kind.label, "Pictures": len(names), "Can give away": kind.tells}
        for kind, names in carriers.items()
    ]


def _where(finding: Finding) -> str:
    return f"{finding.where}, byte {finding.offset}" if finding.size else finding.where


def _table(rows: Sequence[dict[str, str | int]], *, key: str, alt: str) -> None:
    height = min(_HEAD_PX + _ROW_PX * len(rows), _MOST_PX)
    st.dataframe(pd.DataFrame(cells(rows)), hide_index=True, height=height, key=key, alt=alt)
