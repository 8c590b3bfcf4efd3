"""Taking an evaluation away as a file, and deleting it."""

from __future__ import annotations

import json
from functools import partial

import streamlit as st

from components.app import permission, session
from components.app.access import Role
from components.app.failures import shown
from components.app.palette import ago, plain
from components.app.services import database, home, now
from components.recall import archive
from components.recall import evaluated as loaded
from components.recall.evaluated import Evaluated, evaluated
from components.recall.misses import Crops, misses
from engine.errors import UnreadableImage
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.data.uncounted import Missing
from engine.evaluation.report.compose import Subject, document, html
from engine.evaluation.scores.counts import count
from engine.evaluation.scores.recall import summary
from engine.policy import read_policy
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation

MOST_CROPS = 60


def offer(run: Evaluation) -> None:
    """Files of one evaluation, and its end."""
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Numbers (JSON)",
            json.dumps(run.report.to_json() if run.report else None, indent=2) + "\n",
            f"evaluation-{run.number}.json",
            "application/json",
            key="recall_json",
            icon=":material/download:",
            on_click="ignore",
        )
        with_crops = bool(session.widget_value("recall_crops"))
        st.download_button(
            "Report (HTML)",
            partial(report_html, run.id, with_crops=with_crops),
            f"evaluation-{run.number}.html",
            "text/html",
            key="recall_html",
            icon=":material/description:",
            on_click="ignore",
        )
        st.checkbox(
            "Include crops of misses: the report then shows people",
            key="recall_crops",
            help=f"At most {MOST_CROPS}; without them the report holds no pixel and no file name.",
        )
        _offer_deletion(run)


def offer_leftovers(known: tuple[Evaluation, ...]) -> None:
    """Evaluations that gave no report: why, and their end."""
    left = [one for one in known if one.report is None and not one.is_open]
    if not left:
        return
    with st.expander(f"Without a report ({len(left)})", key="recall_leftovers"):
        for one in left:
            with st.container(horizontal=True, vertical_alignment="center"):
                why = one.problem or "It was cancelled."
                st.markdown(
                    f"**{one.number} · {plain(one.name)}** · {ago(one.created_at, now())} · "
                    f"{plain(why)}"
                )
                _offer_deletion(one)


def _offer_deletion(run: Evaluation) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(
            f"**Evaluation {run.number} goes with its labels, findings and report.** Pictures that "
            "lie in a folder of yours stay there; a zip that was brought here is deleted with its "
            "last evaluation."
        )
        pressed = st.button(
            "Delete for good",
            type="primary",
            key=f"recall_delete_{run.id}",
            icon=":material/delete:",
        )
    if pressed:
        with shown():
            _delete(run)
            st.rerun()


def _delete(run: Evaluation) -> None:
    evaluations.delete(database(), run.id)
    loaded.forget(run.id)
    archive.discard(home(), run.source, evaluations.sources(database()))


@permission.download(Role.MANAGER)
def report_html(evaluation_id: str, *, with_crops: bool) -> str:
    """Made when it is asked for, for it counts everything once more."""
    run = evaluated(evaluation_id)
    unread = evaluations.unread(database(), evaluation_id)
    subject = _subject(run, unread)
    counted_again = summary(
        count(run.scored.scores),
        run.policy,
        target=subject.target,
        unread=len(subject.unread),
        problems=len(subject.problems),
        missing=Missing(
            tuple(picture for picture, _ in (*unread, *run.scored.invalid)), run.evaluation.lost
        ),
    )
    written = document(subject, run.pairs, run.scored, counted_again)
    return html(written, _crops(run) if with_crops else ())


def _subject(run: Evaluated, unread: tuple[tuple[LabelledPicture, str], ...]) -> Subject:
    one = run.evaluation
    return Subject(
        name=one.name,
        fingerprint=one.fingerprint,
        pictures=len(run.pairs) + len(unread),
        problems=one.problems,
        unread=tuple(reason for _, reason in (*unread, *run.scored.invalid)),
        policy=read_policy(one.policy_toml),
        target=one.target,
        made_on=f"{one.created_at:%d %B %Y}",
        command=_COMMAND,
    )


_COMMAND = "lethe evaluate DATASET --policy policy.toml --report report.html"


def _crops(run: Evaluated) -> list[tuple[str, bytes]]:
    """The first misses; a picture that is gone has none."""
    pieces = Crops(run)
    crops = []
    for miss in list(misses(run.scored.scores))[:MOST_CROPS]:
        try:
            crops.append((miss.caption, pieces.jpeg(miss.picture, miss.category, miss.box)))
        except UnreadableImage:
            continue
    return crops
