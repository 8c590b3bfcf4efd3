"""The retention calendar: what is held, what ends when, and what is overdue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pandas as pd
import streamlit as st

from components.app.palette import cells, plain
from components.app.services import database, now
from components.app.session import actor
from engine.wording import counted
from store.retention.holding import Holding
from store.retention.report import WINDOWS, CalendarEntry, Report, calendar, report

_WORDS: Final = {
    Holding.ORIGINAL: "Originals",
    Holding.PREVIEW: "Sight of originals",
    Holding.NAME: "Names",
    Holding.RELEASE: "Releases",
    Holding.REVIEW: "Review records",
}
_ROW_PX, _HEAD_PX, _MOST_PX = 35, 38, 318
_MOST_ROWS = 500


def show() -> None:
    """Numbers of pictures, a table of what is held of them, and the days ahead."""
    st.subheader("Retention", anchor=False)
    have = report(actor(), database(), now())
    _numbers(have)
    _troubles(have)
    st.table(
        pd.DataFrame(_held(have)),
        border="horizontal",
        hide_index=True,
        alt="What is held of pictures, how much is overdue, and how much has no end",
    )
    _days()


def _numbers(have: Report) -> None:
    columns = st.columns(1 + len(WINDOWS))
    columns[0].metric(
        "Overdue",
        f"{have.pictures_overdue:,}",
        border=True,
        help="Pictures of which something should be gone.",
    )
    for column, days in zip(columns[1:], WINDOWS, strict=True):
        column.metric(
            f"Ends in {days} days",
            f"{have.pictures_within[days]:,}",
            border=True,
            help="Pictures of which something ends until then.",
        )


def _troubles(have: Report) -> None:
    if have.refused is not None:
        st.error(plain(have.refused), icon=":material/running_with_errors:")
    elif have.pictures_overdue:
        st.warning(
            f"{counted(have.pictures_overdue, 'picture')} overdue. What is over is destroyed every "
            "ten minutes while Lethe runs; look again later.",
            icon=":material/hourglass_bottom:",
        )
    if have.unfinished:
        st.warning(
            f"The end of {counted(have.unfinished, 'picture')} was begun and not ended: the disk "
            "did not let go. It is tried again.",
            icon=":material/hourglass_bottom:",
        )


def _held(have: Report) -> Iterator[dict[str, str]]:
    for holding, one in have.holdings.items():
        yield {
            "Held": _WORDS[holding],
            "Pictures": f"{one.total:,}",
            "Overdue": f"{one.overdue:,}",
            "Next end": "" if one.next_until is None else f"{one.next_until:%d %b %Y}",
            "No end": f"{one.unlimited:,}",
            "Destroyed": f"{one.destroyed:,}",
        }


def _days() -> None:
    days = st.segmented_control(
        "What ends in the next days",
        WINDOWS,
        format_func=lambda days: f"{days} days",
        default=WINDOWS[1],
        required=True,
        key="audit_retention_days",
    )
    found = calendar(actor(), database(), now(), days=days or WINDOWS[1], limit=_MOST_ROWS)
    if not found:
        st.caption(
            "Nothing ends by then. Days come from `[retention]` of a batch's policy and from the "
            "`retain_days` of manifests, whichever is earlier."
        )
        return
    st.dataframe(
        pd.DataFrame(cells(map(_row, found))),
        hide_index=True,
        height=min(_HEAD_PX + _ROW_PX * len(found), _MOST_PX),
        alt="Days on which something ends, with batch and number of pictures",
    )
    if len(found) == _MOST_ROWS:
        st.caption(f"The first {_MOST_ROWS} lines.")


def _row(entry: CalendarEntry) -> dict[str, str | int]:
    return {
        "Day (UTC)": f"{entry.day:%Y-%m-%d}",
        "State": "overdue" if entry.is_overdue else "",
        "Pictures": entry.pictures,
        "What": ", ".join(_WORDS[one].lower() for one in entry.holdings),
        "Batch": entry.batch_id,
    }
