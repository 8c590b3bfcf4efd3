"""Recall page: downloads of an evaluation, and its deletion."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial

import streamlit as st

from components.app import download_link, permission, session
from components.app.access import Role
from components.app.failures import shown
from components.app.palette import ago, plain
from components.app.services import database, home, now
from components.app.session import actor
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
from store.audit.downloads import Part, of_evaluation
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation

MOST_CROPS = 60


def offer(run: Evaluation) -> None:
    """Download buttons of an evaluation, and its deletion."""
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
        download_link.button(
            "Report (HTML)",
            partial(report_html, run.id, with_crops=with_crops),
            name=f"evaluation-{run.number}.html",
            media_type="text/html; charset=utf-8",
            key="recall_html",
            icon=":material/description:",
            subject=run.id,
        )
        st.checkbox(
            "Include crops of misses: the report then shows people",
            key="recall_crops",
            help=f"At most {MOST_CROPS}; without them the report holds no pixel and no file name.",
        )
        _offer_deletion(run)


def offer_leftovers(runs: tuple[Evaluation, ...]) -> None:
    """List evaluations without a report, each with its reason and its deletion."""
    leftovers = [run for run in runs if run.report is None and not run.is_open]
    if not leftovers:
        return
    with st.expander(f"Without a report ({len(leftovers)})", key="recall_leftovers"):
        for run in leftovers:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(
                    f"**{run.number} · {plain(run.name)}** · {ago(run.created_at, now())} · "
                    f"{plain(run.problem or 'It was cancelled.')}"
                )
                _offer_deletion(run)


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
            evaluations.delete(actor(), database(), run.id)
            loaded.forget(run.id)
            archive.discard(home(), run.source, evaluations.sources(actor(), database()))
            st.rerun()


@permission.download(Role.MANAGER)
def report_html(evaluation_id: str, *, with_crops: bool) -> bytes:
    """Compose the HTML report; on demand, for it counts everything once more."""
    run = evaluated(evaluation_id)
    unread = evaluations.unread(actor(), database(), evaluation_id)
    subject = _subject(run, unread)
    counts = summary(
        count(run.scored.scores),
        run.policy,
        target=subject.target,
        unread=len(subject.unread),
        problems=len(subject.problems),
        missing=Missing(
            tuple(picture for picture, _ in (*unread, *run.scored.invalid)), run.evaluation.lost
        ),
    )
    report = document(subject, run.pairs, run.scored, counts)
    made = html(report, _crops(run) if with_crops else ())
    part: Part = "report with crops" if with_crops else "report"
    of_evaluation(actor(), database(), evaluation_id, part)
    return made.encode()


def _subject(run: Evaluated, unread: tuple[tuple[LabelledPicture, str], ...]) -> Subject:
    evaluation = run.evaluation
    return Subject(
        name=evaluation.name,
        fingerprint=evaluation.fingerprint,
        pictures=len(run.pairs) + len(unread),
        problems=evaluation.problems,
        unread=tuple(reason for _, reason in (*unread, *run.scored.invalid)),
        policy=run.policy,
        target=evaluation.target,
        made_on=f"{evaluation.created_at:%d %B %Y}",
        command="lethe evaluate DATASET --policy policy.toml --report report.html",
    )


def _crops(run: Evaluated) -> list[tuple[str, bytes]]:
    """Captions and JPEG crops of the first misses whose pictures are still readable."""
    renderer = Crops(run)
    crops = []
    for miss in list(misses(run.scored.scores))[:MOST_CROPS]:
        with suppress(UnreadableImage):
            crops.append((miss.caption, renderer.jpeg(miss.picture, miss.category, miss.box)))
    return crops
