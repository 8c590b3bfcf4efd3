"""Find the picture that somebody asks about, see what is held of it, and do what they ask."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Final

import pandas as pd
import streamlit as st

from components.app import download_link, permission, session, uploads
from components.app.access import AUDITORS, Role, may
from components.app.failures import shown
from components.app.palette import OUTCOMES, plain
from components.app.services import database, now
from components.app.session import actor
from engine.wording import counted
from store.batches import originals
from store.errors import UnknownRecord
from store.subjects import correction, deletion, deliveries, export, finding, holdings, requests
from store.subjects.correction import Ground
from store.subjects.deliveries import Delivery
from store.subjects.finding import Found, Means, Result
from store.subjects.holdings import Holdings
from store.subjects.requests import Kind

_FOUND, _SAID, _TURN = "audit_subject_found", "audit_subject_said", "audit_subject_turn"
_ID: Final = re.compile(r"[0-9a-f]{32}")
_MOST_MB: Final = 500
_BY: Final = {
    Means.ID: "It has this id, or a release of it has.",
    Means.RELEASE: "The file is a release of it, byte for byte.",
    Means.ORIGINAL: "The file is its original, byte for byte.",
    Means.NAME: "It came under this name.",
}
_UNKNOWN: Final = (
    "**Nothing of ours.** No release and no original has these bytes, and no picture this id or "
    "name. A copy that was saved again or cut is not known by its bytes: ask for the certificate "
    "or the id of the release."
)
_ALTERED: Final = (
    "**Altered.** The file bears the name of a release of this picture, but its bytes are others "
    "than those that were released."
)


def ask() -> None:
    """A release id, a name or a file, and what was found of it last."""
    turn = session.kept(_TURN, int)
    words, file = st.columns([3, 2])
    words.text_input(
        "Find by id or name",
        key="audit_subject_word",
        icon=":material/search:",
        placeholder="Release or picture id, or the whole name it came with",
    )
    words.button(
        "Find the picture",
        key="audit_subject_find",
        icon=":material/person_search:",
        on_click=_find,
        help="By the file, if there is one; else by what was typed. Looking is an event itself.",
    )
    file.file_uploader(
        "Or by a release, as it was sent",
        key=_uploader(turn),
        max_upload_size=_MOST_MB,
        help="Compared byte for byte and not kept. An original that came here is known too.",
    )
    said: str | None = session.kept(_SAID, lambda: None)
    if said is not None:
        st.success(plain(said), icon=":material/check_circle:")
    found: Found | None = session.kept(_FOUND, lambda: None)
    if found is not None:
        with shown():
            _answer(found)


def _uploader(turn: int) -> str:
    return f"audit_subject_file_{turn}"


@permission.callback(*AUDITORS)
def _find() -> None:
    session.forget(_FOUND)
    session.forget(_SAID)
    turn = session.kept(_TURN, int)
    file = session.widget_value(_uploader(turn))
    word = str(session.widget_value("audit_subject_word") or "").strip()
    with shown():
        if file is not None:
            with uploads.opened(file) as content:
                digest = hashlib.file_digest(content, "sha256").digest()
            found = finding.by_file(actor(), database(), file.name, digest)
            session.keep(_TURN, turn + 1)  # a new uploader: this one would keep it in memory
        elif not word:
            raise UnknownRecord("Type an id or a name, or choose a file, to find a picture by.")
        elif _ID.fullmatch(word.lower()):
            found = finding.by_id(actor(), database(), word.lower())
        else:
            found = finding.by_name(actor(), database(), word)
        session.keep(_FOUND, found)


def _answer(found: Found) -> None:
    if found.means is None:
        st.info(_UNKNOWN, icon=":material/search_off:")
        _offer_request(None)
        return
    if found.result is Result.ALTERED:
        st.warning(_ALTERED, icon=":material/warning:")
    picture_id = found.picture_ids[0]
    if len(found.picture_ids) > 1:
        picture_id = st.selectbox(
            f"{counted(len(found.picture_ids), 'picture')} found",
            found.picture_ids,
            key="audit_subject_choice",
        )
    held = holdings.of_picture(actor(), database(), picture_id)
    sent = deliveries.of_picture(actor(), database(), picture_id)
    with st.container(border=True):
        _describe(held, sent, "" if found.result is Result.ALTERED else _BY[found.means])
        _offer(held, sent)


def _describe(held: Holdings, sent: tuple[Delivery, ...], means: str) -> None:
    picture = held.picture
    word, icon, colour = OUTCOMES[picture.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(word, icon=icon, color=colour)
        st.markdown(f"**{plain(picture.source)}**")
        st.caption(f"{means} Picture `{picture.id}`")
    until = held.rows["pictures"][0]["original_until"]
    rows = {
        "Original": "held, sealed" if held.has_original else "destroyed or gone",
        "Release that stands": f"`{picture.release_id}`" if picture.release_id else "none",
        "Withdrawn releases": str(len(held.release_ids) - (picture.release_id is not None)),
        "Plans and decisions": f"{held.count('plans')} and {held.count('verdicts')}",
        "Receipts and certificates": f"{held.count('receipts')} and {held.count('certificates')}",
        "Licence": plain(picture.licence.licence) if picture.licence else "none",
        "Original kept until": until[:10] if until else "no deadline",
        "Events": str(len(held.events)),
        "Downloads that took it along": str(len(sent)),
    }
    left, right = st.columns(2)
    half = (len(rows) + 1) // 2
    for column, part in ((left, list(rows.items())[:half]), (right, list(rows.items())[half:])):
        column.markdown("  \n".join(f"{name}: **{text}**" for name, text in part))
    if sent:
        with st.expander("Who has a release of it", key="audit_subject_deliveries"):
            st.table(pd.DataFrame(map(_delivery, sent)), border="horizontal", hide_index=True)


def _delivery(one: Delivery) -> dict[str, str]:
    return {
        "Event": str(one.number),
        "When (UTC)": f"{one.at:%Y-%m-%d %H:%M:%S}",
        "Who": plain(f"{one.name} ({one.actor})" if one.name else one.actor),
        "Manifest": f"`{one.manifest[:16]}…`",
    }


def _offer(held: Holdings, sent: tuple[Delivery, ...]) -> None:
    picture_id = held.picture.id
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Export", icon=":material/download:"):
            _offer_export(held)
        if may(session.user(), Role.ADMIN):
            with st.popover(
                "Correct", icon=":material/gavel:", disabled=held.picture.release_id is None
            ):
                _offer_correction(picture_id, sent)
            with st.popover("Delete", icon=":material/delete_forever:"):
                _offer_deletion(held, sent)
        _offer_request(picture_id)


def _offer_export(held: Holdings) -> None:
    picture_id = held.picture.id
    st.markdown(
        "**All that is held goes into a zip**: plans, decisions, receipts, certificates, events, "
        "and the release that stands. It is about one person: keep it private."
    )
    with_original = False
    if held.has_original and originals.is_open_to(actor(), database(), picture_id):
        with_original = st.checkbox("With the original", key=f"audit_original_{picture_id}")
    download_link.button(
        "Export what is held (zip)",
        partial(_export, picture_id, with_original=with_original),
        name=f"held-{picture_id}.zip",
        media_type="application/zip",
        type="primary",
        icon=":material/download:",
        key=f"audit_subject_export_{picture_id}",
        subject=picture_id,
    )


@permission.download(*AUDITORS)
def _export(picture_id: str, *, with_original: bool) -> bytes:
    return export.exported(actor(), database(), picture_id, now(), with_original=with_original)


def _offer_correction(picture_id: str, sent: tuple[Delivery, ...]) -> None:
    st.markdown(
        "**Its release is withdrawn now, and a person decides the picture anew.**" + _copies(sent)
    )
    ground = st.radio(
        "What is objected to?", list(Ground), key=f"audit_ground_{picture_id}", index=None
    )
    st.button(
        "Withdraw and review again",
        type="primary",
        key=f"audit_correct_{picture_id}",
        icon=":material/gavel:",
        disabled=ground is None,
        on_click=_correct,
        args=(picture_id,),
    )


@permission.callback(*AUDITORS)
def _correct(picture_id: str) -> None:
    ground = Ground(session.widget_value(f"audit_ground_{picture_id}"))
    with shown():
        done = correction.corrected(actor(), database(), picture_id, ground, now())
        session.keep(
            _SAID,
            f"Release {done.release_id} is withdrawn, and its picture waits for review. Request "
            f"{done.request_id} is done.",
        )


def _offer_deletion(held: Holdings, sent: tuple[Delivery, ...]) -> None:
    picture_id = held.picture.id
    st.markdown(
        "**Original, name, decisions, boxes and release are destroyed for good.** Ids, events and "
        "certificates stay, which prove it." + _copies(sent)
    )
    if held.picture.release_id is not None:
        st.checkbox(
            "Let its release stand, with what was decided", key=f"audit_keep_release_{picture_id}"
        )
    is_sure = st.checkbox("Nothing can bring it back: I am sure", key=f"audit_sure_{picture_id}")
    st.button(
        "Delete for good",
        type="primary",
        key=f"audit_delete_{picture_id}",
        icon=":material/delete_forever:",
        disabled=not is_sure,
        on_click=_delete,
        args=(picture_id,),
    )


@permission.callback(*AUDITORS)
def _delete(picture_id: str) -> None:
    keeps_release = bool(session.widget_value(f"audit_keep_release_{picture_id}"))
    with shown():
        done = deletion.deleted(actor(), database(), picture_id, now(), keeps_release=keeps_release)
        release = "" if done.withdrawn is None else f" Release {done.withdrawn} is withdrawn."
        session.keep(
            _SAID, f"The picture is destroyed.{release} Request {done.request_id} is done."
        )


def _copies(sent: tuple[Delivery, ...]) -> str:
    return f" {counted(len(sent), 'download')} cannot be called back." if sent else ""


def _offer_request(picture_id: str | None) -> None:
    with st.popover("Note a request", icon=":material/assignment_add:"):
        st.markdown("**A request is due 30 days after it came in.** Note no name.")
        st.radio("What is asked for?", list(Kind), key=f"audit_kind_{picture_id}")
        st.date_input(
            "It came in on (UTC)",
            value=now().date(),
            max_value=now().date(),
            key=f"audit_came_{picture_id}",
            format="YYYY-MM-DD",
        )
        st.button(
            "Note it",
            type="primary",
            key=f"audit_open_{picture_id}",
            on_click=_open,
            args=(picture_id,),
        )


@permission.callback(*AUDITORS)
def _open(picture_id: str | None) -> None:
    kind = Kind(session.widget_value(f"audit_kind_{picture_id}"))
    came: date = session.widget_value(f"audit_came_{picture_id}")
    with shown():
        received = min(datetime.combine(came, time(), UTC), now())
        request = requests.opened(
            actor(), database(), kind, picture_id, now(), received_at=received
        )
        session.keep(_SAID, f"Request {request.id} is due by {request.due_at:%d %b %Y}.")
