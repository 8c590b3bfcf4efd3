"""A finished evaluation as pages use it: loaded and scored once, however often pages are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from components.app.services import database
from components.app.session import actor
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.recall import Scored, score_all
from engine.policy import Policy, read_policy
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation

_KEPT = 6
"""Evaluations in memory; one of 500 pictures takes some megabytes."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation with everything that was found, scored under its own policy."""

    evaluation: Evaluation
    policy: Policy
    pairs: tuple[tuple[LabelledPicture, PredictionRecord], ...]
    scored: Scored


def evaluated(evaluation_id: str) -> Evaluated:
    """Load and score a finished evaluation.

    Raises:
        UnknownRecord: there is none with this id.
    """
    return _loaded(evaluation_id)


def forget(evaluation_id: str) -> None:
    """Drop what is kept in memory of an evaluation that was deleted."""
    _loaded.clear(evaluation_id)


@st.cache_resource(max_entries=_KEPT, show_spinner="Reading the evaluation …")
def _loaded(evaluation_id: str) -> Evaluated:
    evaluation = evaluations.evaluation(actor(), database(), evaluation_id)
    policy = read_policy(evaluation.policy_toml)
    pairs = evaluations.examined(actor(), database(), evaluation_id)
    return Evaluated(evaluation, policy, pairs, score_all(pairs, policy))
