"""Search, filters, the table of events a page at a time, and its export."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Final

import pandas as pd
import streamlit as st

from components.app import download_link, permission, row_choice, session
from components.app.access import AUDITORS
from components.app.palette import cells
from components.app.services import database
from components.app.session import actor
from components.audit import words
from engine.wording import counted
from store.accounts.act import Act
from store.audit import records
from store.audit.export import Format, export
from store.audit.records import Filter, Outcome, Page, Record

_PAGES = "audit_pages"
_ROW_PX, _HEAD_PX, _MOST_PX = 35, 38, 458
_ACTS: Final = tuple(sorted(Act, key=lambda act: act.words))
_OUTCOMES: Final[dict[Outcome, str]] = {"done": "Done", "refused": "Refused"}
_MIME: Final[dict[Format, str]] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}


def ask() -> Filter:
    """What the person looks for; every event as the page opens."""
    word_column, act_column = st.columns([3, 2])
    word = word_column.text_input(
        "Search",
        key="audit_word",
        icon=":material/search:",
        placeholder="Picture, batch or release id, pseudonym, or a person's name",
        on_change=_first_page,
    )
    acts = act_column.multiselect(
        "Acts",
        _ACTS,
        format_func=lambda act: act.words,
        placeholder="Any",
        key="audit_acts",
        on_change=_first_page,
    )
    days_column, outcome_column = st.columns([3, 2])
    days = days_column.date_input(
        "Days (UTC)", value=[], key="audit_days", format="YYYY-MM-DD", on_change=_first_page
    )
    outcome = outcome_column.segmented_control(
        "Outcome",
        list(_OUTCOMES),
        format_func=_OUTCOMES.__getitem__,
        key="audit_outcome",
        on_change=_first_page,
        help="Refused: whoever asked lacked the role, or their session was over.",
    )
    since, until = _moments(days)
    return Filter(word, tuple(acts), since, until, outcome)


def _moments(days: object) -> tuple[datetime | None, datetime | None]:
    """The chosen days as moments; one alone begins what has no end yet."""
    chosen = [day for day in days if isinstance(day, date)] if isinstance(days, tuple) else []
    if not chosen:
        return None, None
    since = datetime.combine(chosen[0], time(), UTC)
    if len(chosen) == 1:
        return since, None
    return since, datetime.combine(chosen[1], time(), UTC) + timedelta(days=1)


def table(wanted: Filter) -> Record | None:
    """A page of the events that fit; the one that was clicked."""
    pages: list[int | None] = session.kept(_PAGES, lambda: [None])
    found = records.page(actor(), database(), wanted, pages[-1])
    if not found.records:
        st.info("No event fits.", icon=":material/search_off:")
        return None
    key = f"audit_table_{found.records[0].number}_{found.records[-1].number}"
    picked = st.dataframe(
        pd.DataFrame(cells(map(_row, found.records))),
        hide_index=True,
        height=min(_HEAD_PX + _ROW_PX * len(found.records), _MOST_PX),
        column_config={
            "Event": st.column_config.NumberColumn(width="small", format="%d"),
        },
        on_select=partial(row_choice.follow_cell, key),
        selection_mode=row_choice.MODES,
        key=key,
        alt="Events with who, what, of what and outcome",
    )
    _turn(found, pages)
    selected = picked["selection"]["rows"]
    return found.records[selected[0]] if selected and selected[0] < len(found.records) else None


def _row(record: Record) -> dict[str, str | int]:
    return {
        "Event": record.number,
        "When (UTC)": f"{record.at:%Y-%m-%d %H:%M:%S}",
        "Who": words.who(record),
        "What": words.what(record),
        "Outcome": words.outcome(record),
        "Of": record.subject,
        "Details": words.told(record),
    }


def _turn(found: Page, pages: list[int | None]) -> None:
    first = (len(pages) - 1) * records.PAGE + 1
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Newer",
            key="audit_newer",
            icon=":material/chevron_left:",
            disabled=len(pages) == 1,
            on_click=_newer,
        )
        st.button(
            "Older",
            key="audit_older",
            icon=":material/chevron_right:",
            disabled=found.older is None,
            on_click=_older,
            args=(found.older,),
        )
        last = first + len(found.records) - 1
        st.caption(f"{first:,} to {last:,} of {counted(found.total, 'event')}, the newest first.")


@permission.callback(*AUDITORS)
def _newer() -> None:
    pages: list[int | None] = session.kept(_PAGES, lambda: [None])
    session.keep(_PAGES, pages[:-1] or [None])


@permission.callback(*AUDITORS)
def _older(before: int | None) -> None:
    pages: list[int | None] = session.kept(_PAGES, lambda: [None])
    session.keep(_PAGES, [*pages, before])


@permission.callback(*AUDITORS)
def _first_page() -> None:
    session.forget(_PAGES)


def offer(wanted: Filter) -> None:
    """Every event that fits as a file; who took it is an event."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for file_format, mime in _MIME.items():
            download_link.button(
                f"Export these ({'CSV' if file_format == 'csv' else 'Parquet'})",
                partial(_export, wanted, file_format),
                name=f"audit-trail.{file_format}",
                media_type=mime,
                icon=":material/download:",
                key=f"audit_export_{file_format}",
            )
        st.caption("Private: names that are known go along. Each export is an event.")


@permission.download(*AUDITORS)
def _export(wanted: Filter, file_format: Format) -> io.FileIO:
    return export(actor(), database(), wanted, file_format)
