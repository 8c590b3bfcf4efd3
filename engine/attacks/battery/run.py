"""Attack battery run: settings and subjects in, a report with one outcome out.

Deterministic: equal subjects, settings and libraries give an equal report, whatever the number of
processes. Nothing in a report tells the time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from typing import Any, Final

import loky
import numpy as np

from engine.attacks.algorithms.catalogue import IDENTIFICATIONS, LEARNED
from engine.attacks.battery import non_interference, score, templates
from engine.attacks.battery.methods import Kind, Method
from engine.attacks.battery.non_interference import hiding_with
from engine.attacks.battery.outcome import BatteryResult, Proofs, Row, decide_outcome
from engine.attacks.battery.settings import Settings
from engine.attacks.battery.trial import Trial, run_trial
from engine.attacks.report import sentences
from engine.attacks.subjects.patches import Subjects
from engine.category import DETECTABLE
from engine.images import RedactedImage, RgbImage
from engine.processes import new_pool
from engine.redact import removal
from engine.signing.provenance import pipeline_version

LIBRARIES: Final = ("numpy", "opencv-python", "scipy", "scikit-image", "torch")
"""Whose versions a report names: another one may round otherwise."""


@dataclass(frozen=True, slots=True)
class _TrialTask:
    subjects: Subjects
    settings: Settings
    method: Method

    def run(self) -> Trial:
        return run_trial(
            self.subjects, self.settings.preparation, self.method, self.settings.attacks
        )


def run_battery(
    subjects: Sequence[Subjects],
    settings: Settings,
    *,
    workers: int,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> dict[str, Any]:
    """Run every attack and proof, and decide the outcome.

    Args:
        subjects: one entry a category.
        settings: from `settings.full` or `settings.quick`.
        workers: processes; 1 runs everything in this one.
        progress: called with the steps done and all of them.

    Returns:
        The report, plain values that `json` writes: `verdict`, `words`, `reasons`, `subjects`,
        `sensitivity`, `results` and what they rest on; `id` is made from all the rest.

    Raises:
        NotFinite: an attack gave a value that is no number, so nothing can be said.
    """
    tasks = [
        _TrialTask(subject_set, settings, method)
        for subject_set in subjects
        for method in settings.tried
    ]
    total = len(tasks) + 1
    progress(0, total)
    proofs = _proofs(settings)
    progress(1, total)
    trials: dict[tuple[str, str], Trial] = {}
    for task, trial in _run_tasks(tasks, workers):
        trials[task.subjects.category.value, task.method.name] = trial
        progress(1 + len(trials), total)
    ordered = {
        (subject_set.category.value, method.name): trials[subject_set.category.value, method.name]
        for method in settings.tried
        for subject_set in subjects
    }
    rows = _rows(ordered, settings)
    all_proofs = _with_trials(proofs, ordered)
    return _report(subjects, settings, all_proofs, decide_outcome(rows, all_proofs))


def report_id(report: dict[str, Any]) -> str:
    """Id of a report: from everything in it but the id itself."""
    content = {key: value for key, value in report.items() if key != "id"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _run_tasks(tasks: Sequence[_TrialTask], workers: int) -> Iterator[tuple[_TrialTask, Trial]]:
    if workers == 1:
        yield from ((task, task.run()) for task in tasks)
        return
    with _pool(workers) as pool:
        futures = {pool.submit(_TrialTask.run, task): task for task in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()


@contextmanager
def _pool(workers: int) -> Iterator[loky.ProcessPoolExecutor]:
    pool = new_pool(workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _rows(trials: dict[tuple[str, str], Trial], settings: Settings) -> list[Row]:
    """Result rows of permutation tests; p is corrected over all attacks on a method."""
    permutations = {
        category: score.orders(
            next(trial.folds for (name, _), trial in trials.items() if name == category),
            settings.permutations,
            np.random.default_rng((settings.seed, number, settings.permutations)),
        )
        for number, category in enumerate(_categories(trials))
    }
    rows = []
    for method in dict.fromkeys(name for _, name in trials):
        cells = [
            (category, trial, attack)
            for (category, name), trial in trials.items()
            if name == method
            for attack in trial.scores
        ]
        nulls = [
            score.permutation_null(trial.scores[attack], permutations[category])
            for category, trial, attack in cells
        ]
        for (category, trial, attack), p in zip(
            cells, score.corrected_p_values(nulls), strict=True
        ):
            rows.append(_row(category, trial, attack, p, settings.seed))
    return rows


def _row(category: str, trial: Trial, attack: str, p: float, seed: int) -> Row:
    scores = trial.scores[attack]
    hits = score.hits(scores, np.random.default_rng((seed, len(scores))))
    return Row(
        category=category,
        method=trial.method.name,
        kind=trial.method.kind,
        attack=attack,
        is_learned=attack in LEARNED,
        is_identity=attack in IDENTIFICATIONS,
        hits=hits,
        n=len(scores),
        rank1=hits / len(scores),
        upper99=score.upper99(hits, len(scores)),
        p_corrected=p,
        bits=score.bits(scores, trial.folds),
        amount=trial.method.amount if trial.method.kind is Kind.MIX else 0.0,
    )


def _release(image: RgbImage, mask: non_interference.Mask, seed: int) -> RedactedImage:
    return removal.remove(image, mask, seed=seed)


def _proofs(settings: Settings) -> Proofs:
    """T1 to T4 on made-up pictures, and T6."""
    cases = non_interference.synthetic_cases(settings.seed)
    methods = settings.tried
    sample = tuple(islice(templates.every_template(), 0, None, settings.template_step))
    return Proofs(
        t1={
            method.name: non_interference.non_interference(cases, hiding_with(method))
            for method in methods
        },
        t2_blind=non_interference.notices_changes_outside(cases, _release),
        t3={
            method.name: non_interference.outside_untouched(cases, hiding_with(method))
            for method in methods
            if method.kind is Kind.FILL
        },
        t4=non_interference.carries_only_pixels(cases, _release),
        t6=templates.distinguishable(sample, settings.seed),
        t6_control=templates.distinguishable(sample, settings.seed, templates.unsnapped),
    )


def _with_trials(proofs: Proofs, trials: dict[tuple[str, str], Trial]) -> Proofs:
    """The proofs with what the staged subjects add."""
    t1, t3 = dict(proofs.t1), dict(proofs.t3)
    for (_, name), trial in trials.items():
        t1[name] += trial.t1
        if name in t3:
            t3[name] += trial.t3
    return Proofs(t1, proofs.t2_blind, t3, proofs.t4, proofs.t6, proofs.t6_control)


def _report(
    subjects: Sequence[Subjects],
    settings: Settings,
    proofs: Proofs,
    result: BatteryResult,
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "schema": 1,
        "verdict": result.outcome.value,
        "words": "",
        "reasons": list(result.reasons),
        "pipeline": pipeline_version(),
        "seed": settings.seed,
        "quick": settings.is_quick,
        "side_px": settings.side_px,
        "permutations": settings.permutations,
        "libraries": {name: _version(name) for name in LIBRARIES},
        "subjects": {
            part.category.value: {
                "count": len(part),
                "spare": len(part.spare),
                "source": part.source,
            }
            for part in subjects
        },
        "sensitivity": result.sensitivity,
        "sensitivity_by_category": result.by_category,
        "tests": proofs.to_json(),
        "results": [row.to_json() for row in result.rows],
    }
    report["words"] = headline_of(report)
    return {"id": report_id(report), **report}


def headline_of(report: dict[str, Any]) -> str:
    """The report in one plain sentence."""
    fills = list(dict.fromkeys(row["method"] for row in report["results"] if row["kind"] == "fill"))
    attacks = len({row["attack"] for row in report["results"]})
    counts = ", ".join(f"{part['count']} of {name}" for name, part in report["subjects"].items())
    if report["verdict"] == "invalid":
        return f"The battery proves nothing: {report['reasons'][0]}"
    if report["verdict"] == "fail":
        return f"Something hidden was found again: {report['reasons'][0]}"
    shares = [
        sentences.share_of(row["method"]) for row in report["results"] if row["kind"] == Kind.MIX
    ]
    limit = ", the smallest share tried" if report["sensitivity"] == min(shares) else ""
    return (
        f"{attacks} attacks found nothing in {' or '.join(fills)} ({counts}), broke blur and "
        f"pixelation, and would have noticed {report['sensitivity']:.0%} of the original{limit}."
    )


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _categories(trials: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    names = {category for category, _ in trials}
    return tuple(category.value for category in DETECTABLE if category.value in names)
