"""What incoming files carry besides pixels, told calmly: none of it reaches a release."""

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
    found = sorted(_found(files), key=lambda pair: (pair[1].kind.rank, pair[0]))
    if not found:
        return
    carriers = len({name for name, _ in found})
    with st.expander(
        f"What {counted(carriers, 'picture')} of {len(files)} carry besides pixels",
        key="upload_carried",
        icon=":material/label_off:",
    ):
        st.caption(
            "Nothing to do: all of this stays behind. A release is written anew from pixels alone, "
            "and a release that held anything else would be held back."
        )
        _table(_by_kind(found), key="upload_carried_kinds", alt="What is carried, by kind")
        st.caption("Where each of them is:")
        _table(
            [
                {"Name": name, "Carries": one.kind.label, "Where": _where(one), "Tells": one.tells}
                for name, one in found
            ],
            key="upload_carried_files",
            alt="Every finding with its place in the file",
        )


def _found(files: Sequence[Staged]) -> Iterator[tuple[str, Finding]]:
    for file in files:
        for one in file.checked.findings:
            if one.kind not in (Kind.UNREADABLE, Kind.FORMAT):  # those stand under Problem
                yield file.name, one


def _by_kind(found: Sequence[tuple[str, Finding]]) -> list[dict[str, str | int]]:
    carriers: dict[Kind, set[str]] = {}
    for name, one in found:
        carriers.setdefault(one.kind, set()).add(name)
    return [
        {"Carries": kind.label, "Pictures": len(names), "Can give away": kind.tells}
        for kind, names in carriers.items()
    ]


def _where(one: Finding) -> str:
    return f"{one.where}, byte {one.offset}" if one.size else one.where


def _table(rows: Sequence[dict[str, str | int]], *, key: str, alt: str) -> None:
    height = min(_HEAD_PX + _ROW_PX * len(rows), _MOST_PX)
    st.dataframe(pd.DataFrame(cells(rows)), hide_index=True, height=height, key=key, alt=alt)
