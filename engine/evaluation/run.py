"""Evaluation run: detection on a labelled data set, in worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from engine.errors import InvalidDataset
from engine.evaluation.data.labels import Dataset, LabelledPicture
from engine.evaluation.data.turning import ORIENTATIONS, UPRIGHT, turned_dataset
from engine.evaluation.prediction_job import Prediction, PredictionJob
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.policy import Policy
from engine.runs.jobs import Executor, Quarantined
from engine.runs.pool import ProcessPool
from engine.runs.sources import PathSource


@dataclass(frozen=True, slots=True)
class Run:
    """Predictions of a data set under one policy."""

    dataset: Dataset
    policy: Policy
    pairs: tuple[tuple[LabelledPicture, PredictionRecord], ...]
    unread: tuple[tuple[LabelledPicture, str], ...]
    """Pictures that could not be looked at, each with a sentence."""


def predict_all(
    dataset: Dataset, policy: Policy, executor: Executor, *, orientation: int = UPRIGHT
) -> Iterator[tuple[LabelledPicture, PredictionRecord | str]]:
    """Predict every picture; yields its record, or a sentence why there is none."""
    pictures = {str(number): picture for number, picture in enumerate(dataset.pictures)}
    work = (
        PredictionJob(name, PathSource(picture.path), policy, orientation)
        for name, picture in pictures.items()
    )
    for outcome in executor.run(work):
        picture = pictures[outcome.job_id]
        if isinstance(outcome, Prediction):
            yield picture, outcome.findings
        elif isinstance(outcome, Quarantined):
            yield picture, outcome.reason
        else:
            raise ValueError(f"expected an examination, got {type(outcome).__name__}")


def evaluate(
    dataset: Dataset,
    policy: Policy,
    *,
    workers: int,
    turned: str | None = None,
    progress: Callable[[], object] = lambda: None,
    new_executor: Callable[[int], Executor] | None = None,
) -> Run:
    """Predict every picture of a data set.

    Args:
        dataset: labelled pictures.
        policy: what is looked for, and how.
        workers: processes; their number changes nothing but the time.
        turned: a key of `turning.ORIENTATIONS`: pictures are looked at that way up.
        progress: called once for each picture that is done.
        new_executor: makes an executor of so many workers; None for processes of this machine.

    Raises:
        InvalidDataset: there is no picture to look at.
    """
    orientation = UPRIGHT
    if turned is not None:
        dataset, orientation = turned_dataset(dataset, turned), ORIENTATIONS[turned]
    if not dataset.pictures:
        raise InvalidDataset(f"There is no picture in {dataset.name} that could be measured.")
    found: list[tuple[LabelledPicture, PredictionRecord]] = []
    unread: list[tuple[LabelledPicture, str]] = []
    with closing((new_executor or ProcessPool)(workers)) as executor:
        for picture, result in predict_all(dataset, policy, executor, orientation=orientation):
            if isinstance(result, PredictionRecord):
                found.append((picture, result))
            else:
                unread.append((picture, result))
            progress()
    return Run(
        dataset,
        policy,
        tuple(sorted(found, key=lambda pair: pair[0].name)),
        tuple(sorted(unread, key=lambda pair: pair[0].name)),
    )
