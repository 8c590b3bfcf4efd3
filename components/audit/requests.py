"""The list of subject requests with their deadlines, and closing one that is not carried out."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

import pandas as pd
import streamlit as st

from components.app import permission, row_choice, session
from components.app.access import AUDITORS
from components.app.failures import shown
from components.app.palette import cells, span
from components.app.services import database, now
from components.app.session import actor
from engine.wording import counted
from store.subjects import requests
from store.subjects.requests import Outcome, SubjectRequest

_ROW_PX, _HEAD_PX, _MOST_PX = 35, 38, 318
_CLOSING: Final = {
    Outcome.REFUSED: "Refused",
    Outcome.NOTHING_HELD: "Nothing is held",
    Outcome.TAKEN_BACK: "Taken back by whoever asked",
}


def show() -> None:
    """Every request, open ones first; what is overdue is said above."""
    moment = now()
    found = requests.listed(actor(), database())
    if not found:
        st.caption("No request was noted yet.")
        return
    late = [one for one in found if one.is_overdue(moment)]
    if late:
        verb = "is" if len(late) == 1 else "are"
        st.error(f"**{counted(len(late), 'request')} {verb} overdue.**", icon=":material/alarm:")
    key = f"audit_requests_{len(found)}_{sum(one.outcome is None for one in found)}"
    picked = st.dataframe(
        pd.DataFrame(cells(_row(one, moment) for one in found)),
        hide_index=True,
        height=min(_HEAD_PX + _ROW_PX * len(found), _MOST_PX),
        on_select=partial(row_choice.follow_cell, key),
        selection_mode=row_choice.MODES,
        key=key,
        alt="Subject requests with kind, picture, deadline and outcome",
    )
    still_open = sum(one.outcome is None for one in found)
    st.caption(
        f"{counted(len(found), 'request')}, {still_open} open. Choose one to close it undone; "
        "exporting, correcting or deleting its picture closes it as done."
    )
    selected = picked["selection"]["rows"]
    if selected and selected[0] < len(found) and found[selected[0]].outcome is None:
        _offer_to_close(found[selected[0]])


def _row(request: SubjectRequest, moment: datetime) -> dict[str, str]:
    return {
        "State": _state(request, moment),
        "Due": f"{request.due_at:%Y-%m-%d}",
        "Kind": request.kind.capitalize(),
        "Picture": request.picture_id or "none was found",
        "Came in": f"{request.opened_at:%Y-%m-%d}",
        "Closed": f"{request.closed_at:%Y-%m-%d}" if request.closed_at else "",
        "Request": request.id,
    }


def _state(request: SubjectRequest, moment: datetime) -> str:
    if request.outcome is not None:
        return request.outcome.capitalize()
    if request.is_overdue(moment):
        return f"⚠ Overdue by {span((moment - request.due_at).total_seconds())}"
    return f"Open, {span((request.due_at - moment).total_seconds())} left"


def _offer_to_close(request: SubjectRequest) -> None:
    with st.popover(f"Close request {request.id}", icon=":material/assignment_turned_in:"):
        outcome = st.radio(
            "What came of it?",
            list(_CLOSING),
            format_func=_CLOSING.__getitem__,
            key=f"audit_outcome_{request.id}",
            index=None,
        )
        st.button(
            "Close it",
            type="primary",
            key=f"audit_close_{request.id}",
            disabled=outcome is None,
            on_click=_close,
            args=(request.id,),
        )


@permission.callback(*AUDITORS)
def _close(request_id: str) -> None:
    outcome = Outcome(session.widget_value(f"audit_outcome_{request_id}"))
    with shown():
        requests.closed(actor(), database(), request_id, outcome, now())
