"""The evaluation report: composed once as a document, rendered as HTML or Markdown.

It carries no file name and no pixel, for names of pictures often say who is in them: problems of
the data set are a number, and crops reach the HTML only from a caller who passes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.report.answer import answer
from engine.evaluation.report.basis import data_set, limits, method, reproduction
from engine.evaluation.report.document import Document
from engine.evaluation.report.facts import Facts, Subject
from engine.evaluation.report.html import html
from engine.evaluation.report.markdown import Markdown, markdown
from engine.evaluation.report.parts import calibration, groups, thresholds
from engine.evaluation.report.results import causes, results
from engine.evaluation.scores.counts import count
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.recall import Scored
from engine.evaluation.scores.summary import Summary

__all__ = ["Document", "Markdown", "Subject", "document", "html", "markdown"]


def document(
    subject: Subject,
    pairs: Sequence[tuple[LabelledPicture, PredictionRecord]],
    scored: Scored,
    summary: Summary,
) -> Document:
    """Compose the evaluation report from labels, predictions, scores and their summary.

    Raises:
        ValueError: the summary is of another policy, target or number of pictures.
    """
    expected = (subject.policy.fingerprint, subject.target, len(scored.scores))
    actual = (summary.policy, summary.target, summary.pictures)
    if actual != expected:
        raise ValueError(f"expected a summary of {expected}, got one of {actual}")
    facts = Facts(subject, pairs, scored, summary, count(scored.scores))
    return Document(
        title=f"How much Lethe finds: {subject.name}",
        subtitle=(
            f"Evaluation of {subject.made_on}. Data set {subject.fingerprint}, policy "
            f"{subject.policy.fingerprint}. It names no file."
        ),
        sections=(
            answer(facts),
            data_set(facts),
            method(),
            results(facts),
            causes(facts),
            groups(facts),
            calibration(facts),
            thresholds(facts),
            limits(facts),
            reproduction(facts),
        ),
    )
