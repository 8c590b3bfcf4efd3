"""One event in full, and the way of its picture from arrival on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pandas as pd
import streamlit as st

from components.app.palette import plain
from components.app.services import database
from components.app.session import actor
from components.audit import words
from store.audit import records
from store.audit.records import MOST_STEPS, Filter, Record, Timeline


def show(record: Record | None, wanted: Filter) -> None:
    """The chosen event, and the picture it is of, or else the one that was searched for."""
    if record is not None:
        _event(record)
    found = _found(record, wanted)
    if found is not None:
        _timeline(found)


def _found(record: Record | None, wanted: Filter) -> Timeline | None:
    for id_ in (record.subject if record else "", wanted.word.strip()):
        found = records.timeline(actor(), database(), id_) if id_ else None
        if found is not None:
            return found
    return None


def _event(record: Record) -> None:
    with st.expander(f"Event {record.number} as it is recorded", key="audit_event"):
        st.json(
            {
                "number": record.number,
                "at": record.at.isoformat(),
                "actor": record.actor,
                "act": record.act,
                "subject": record.subject,
                "details": dict(record.details),
            }
        )


def _timeline(found: Timeline) -> None:
    st.subheader("One picture, from its arrival on", anchor=False)
    releases = ", ".join(f"`{one}`" for one in found.release_ids)
    st.caption(
        f"Picture `{found.picture_id}` of batch `{found.batch_id}`"
        f"{f', released as {releases}' if releases else ', not released'}."
    )
    st.table(
        pd.DataFrame(_rows(found)),
        border="horizontal",
        hide_index=True,
        alt="Steps of the picture with moment, act and person",
    )
    if len(found.steps) == MOST_STEPS:
        st.caption(f"The first {MOST_STEPS} steps; the table above has all.")


def _rows(found: Timeline) -> Iterator[dict[str, str]]:
    is_arrived = False
    for step in found.steps:
        if not is_arrived and step.at >= found.arrived_at:
            is_arrived = True
            yield _arrival(found)
        yield _row(step, found)
    if not is_arrived:
        yield _arrival(found)


def _arrival(found: Timeline) -> dict[str, str]:
    return {
        "When (UTC)": _moment(found.arrived_at),
        "Step": ":material/inbox: **Arrived**",
        "Who": "",
        "Details": "",
    }


def _row(step: Record, found: Timeline) -> dict[str, str]:
    icon = words.ICONS.get(step.act, words.OTHER_ICON)
    if step.refusal is not None:
        icon = ":material/block:"
    details = [words.told(step)]
    if step.subject == found.batch_id:
        details.insert(0, "its batch")
    if step.refusal is not None:
        details.insert(0, words.outcome(step))
    return {
        "When (UTC)": _moment(step.at),
        "Step": f"{icon} **{plain(words.what(step))}**",
        "Who": plain(words.who(step)),
        "Details": plain(" · ".join(filter(None, details))),
    }


def _moment(at: datetime) -> str:
    """Day and time, each of which stays on one line."""
    return f"{at:%Y-%m-%d %H:%M:%S}".replace("-", "\N{NON-BREAKING HYPHEN}")
