"""Calibration, `python -m models.train calibrate`: score fusion and thresholds of policies.

Each half of the calibration pictures is scored by a fusion fitted on the other half; so scored, all
of them choose the thresholds of each policy within its budget and tell how good they are. The
fusion that ships is fitted on all. It goes into `models/fusion.toml`, the thresholds into the
policy files, with a card that says in words what the thresholds promise and cost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from engine.category import DETECTABLE, Category
from engine.detect import views
from engine.detect.registry import crop_classifier, default_detectors, scene_classifier
from engine.detect.score_fusion import FittedFusion
from engine.detect.weights import Weights
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.labels import LabelledPicture
from engine.files.real_path import real
from engine.policies.text import SUMMARY
from engine.policy import Policy, read_policy
from engine.processes import Mapped
from models.train.calibration.budget import BUDGETS, Budget, Cost, within_budget
from models.train.calibration.experiments import Experiment, measured
from models.train.calibration.fusing import as_toml, cross_fitted, fit
from models.train.calibration.matching import Proposals, match_proposals
from models.train.calibration.thresholds import RISKS, Control
from models.train.data.choosing import sources_of
from models.train.data.halves import half
from models.train.data.proposals import propose, raw_detections_in
from models.train.errors import TrainingRefused
from models.train.files import write_whole
from models.train.manifest import enter

NAME = "fusion"
MEASURED = " Measured: "
"""What follows it in a policy's summary is written by calibration."""
ASKING_WHERE_NOTHING_IS = ("cautious",)
"""Policies that send a picture to a person in which nothing of a category was found for which
nobody can promise anything."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are read and written."""

    data: Path
    """Labelled pictures nothing was trained on."""
    cache: Path
    """A folder for what the detectors saw."""
    models: Path
    policies: tuple[Path, ...]
    """Their thresholds are replaced, each within the budget of its name. The first says how the
    detectors look and how far masks grow."""
    use: str = "research"
    """What the labelled pictures allow, for the manifest."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The thresholds of one policy."""

    policy: str
    controls: Mapping[Category, Control]
    cost: Cost

    @property
    def promises(self) -> list[str]:
        """A sentence or two for each category."""
        return [_promise(category, control) for category, control in self.controls.items()]

    @property
    def costs(self) -> str:
        """What the policy costs people, and whether that is more than it may."""
        most = budget_of(self.policy).to_a_person
        if self.cost.to_a_person <= most:
            return self.cost.sentence
        return (
            f"{self.cost.sentence} That is more than the {most:.0%} that this policy is meant "
            "to send to a person: nothing that was tried keeps that."
        )


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What calibration gave."""

    chosen: tuple[Chosen, ...]
    experiments: tuple[Experiment, ...]

    @property
    def sentences(self) -> list[str]:
        """Everything that is promised, policy by policy, and what it costs."""
        return [
            f"{choice.policy}: {sentence}"
            for choice in self.chosen
            for sentence in (*choice.promises, choice.costs)
        ]


def calibrate(
    places: Places,
    *,
    workers: int,
    progress: Callable[[], object] = lambda: None,
    over: Mapped | None = None,
) -> Calibrated:
    """Fit score fusion, choose every policy's thresholds, and write both.

    Args:
        places: where from and where to.
        workers: processes that look at pictures.
        progress: called for each picture that was looked at.
        over: where they are; None for processes of this machine.

    Raises:
        LetheError: the data set, the policy or a model file cannot be used, or a category has no
            labels. Nothing is changed then.
    """
    policies = [_read(file) for file in places.policies]
    policy, *_ = policies
    pictures = read_dataset(places.data).pictures
    detectors = [detector.name for detector in default_detectors()]
    crop_scorer, scene = crop_classifier(), scene_classifier()
    raw_detections = raw_detections_in(
        _detect_all(pictures, detectors, policy, places, workers, progress, over)
    )
    halves = [
        list(match_proposals(half(pictures, name), raw_detections, crop_scorer, policy, scene))
        for name in ("A", "B")
    ]
    calibration_pictures = [picture for fold in halves for picture in fold]

    def fusion_toml(fold: Sequence[Proposals]) -> str:
        coefficients = fit(fold, detectors)
        if missing := [category for category in DETECTABLE if category not in coefficients]:
            raise TrainingRefused(
                f"One half of the pictures shows too little of {' and '.join(missing)} to fit "
                "anything: add labelled pictures of more people or events."
            )
        return as_toml(coefficients, crop_scorer.name, scene.name)

    likelihood = cross_fitted(
        halves, lambda fold: FittedFusion(_weights(fusion_toml(fold)), crop_scorer, scene)
    )
    chosen = tuple(
        Chosen(
            file.stem,
            *within_budget(
                calibration_pictures,
                likelihood,
                budget_of(file.stem),
                shipped.review.most_removed,
            ),
        )
        for file, shipped in zip(places.policies, policies, strict=True)
    )
    experiments = (
        measured(calibration_pictures, category, likelihood, control)
        for category, control in chosen[0].controls.items()
    )
    result = Calibrated(chosen, tuple(experiments))
    text = fusion_toml(calibration_pictures)
    policy_texts = [
        _with_thresholds(file, choice) for file, choice in zip(places.policies, chosen, strict=True)
    ]
    entry = _entry(text, pictures, places.use)
    enter(places.models, NAME, entry, text.encode(), _card(result, detectors))
    for file, toml in zip(places.policies, policy_texts, strict=True):
        write_whole(file, toml.encode())
    return result


def budget_of(policy: str) -> Budget:
    """By the name of a policy file; one of a user's own has that of `balanced`."""
    return BUDGETS.get(policy, BUDGETS["balanced"])


def _read(file: Path) -> Policy:
    return read_policy(file.read_text(encoding="utf-8"), name=file.name)


def _detect_all(
    pictures: Sequence[LabelledPicture],
    detectors: Sequence[str],
    policy: Policy,
    places: Places,
    workers: int,
    progress: Callable[[], object],
    over: Mapped | None,
) -> Path:
    settings = repr(
        (
            hashlib.sha256(places.data.read_bytes()).hexdigest() if places.data.is_file() else "",
            str(real(places.data)),
            sorted(detectors),
            policy.looked_for,
            policy.detection.model_dump(),
            _digest_of_detection(),
        )
    )
    places.cache.mkdir(parents=True, exist_ok=True)
    file = places.cache / f"detections-{hashlib.sha256(settings.encode()).hexdigest()[:12]}.jsonl"
    for _ in propose(pictures, file, policy, workers=workers, over=over):
        progress()
    return file


def _digest_of_detection() -> str:
    """What tells the code that looks at pictures from an earlier one."""
    files = sorted(Path(views.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _weights(text: str) -> Weights:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Weights(NAME, digest, "", frozenset(DETECTABLE), text.encode())


def _entry(text: str, pictures: Sequence[LabelledPicture], use: str) -> dict[str, object]:
    return {
        "file": "fusion.toml",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "licence": "AGPL-3.0-or-later",
        "use": use,
        "role": "score fusion",
        "categories": [category.value for category in DETECTABLE],
        "origin": "make calibrate; models/cards/fusion.md",
        "sources": sources_of(pictures),
    }


def _with_thresholds(file: Path, chosen: Chosen) -> str:
    """The policy file with new thresholds and what they cost; comments and all else stay."""
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    if SUMMARY in document:
        document[SUMMARY] = str(document[SUMMARY]).partition(MEASURED)[0] + MEASURED + chosen.costs
    controls = chosen.controls
    for category, control in controls.items():
        table = _table(_table(document, "categories"), category.value)
        table["auto_redact_at"], table["review_at"] = control.auto_redact_at, control.review_at
    if file.stem in ASKING_WHERE_NOTHING_IS:
        blind = [category.value for category, control in controls.items() if control.risk is None]
        _table(document, "review")["nothing_found_of"] = blind
    return str(tomlkit.dumps(document))


def _table(parent: Any, name: str) -> Any:  # noqa: ANN401 - tomlkit is not typed here
    """A table of a policy file, which may leave it out."""
    if name not in parent:
        parent[name] = tomlkit.table()
    return parent[name]


def _promise(category: Category, control: Control) -> str:
    name = category.value
    summary = f"review_at {control.review_at:g}; {control.missed} of {control.labels} labels were"
    if control.risk is not None:
        words = (
            f"{name}: of the labels of one more group like these {control.groups}, at most "
            f"{control.risk:.0%} are expected to be missed, neither removed nor shown for review "
            f"({summary})."
        )
    elif control.is_by_budget:
        words = (
            f"{name}: nothing is promised about labels that are missed. Every threshold that "
            f"keeps a risk costs more false regions than this policy allows, so the budget alone "
            f"chose ({summary} missed in {control.groups} groups)."
        )
    else:
        words = (
            f"{name}: no threshold keeps a risk of missing labels; all that was seen is shown "
            f"({summary} missed in {control.groups} groups)."
        )
    words += (
        f" False regions: {control.false_regions:.2f} a completely labelled picture, on "
        f"{control.false_share:.1%} of it."
    )
    if not control.may_accept:
        return words + (
            f" No auto_redact_at keeps needless removal within {control.needless:.0%} of pictures, "
            f"so a person is asked about every {name}."
        )
    return words + (
        f" In at most {control.needless:.0%} of its pictures something that is no {name} is "
        f"expected to be removed without asking (auto_redact_at {control.auto_redact_at:g})."
    )


def _budget(policy: str) -> str:
    budget = budget_of(policy)
    limits = budget.limits
    return (
        f"{policy}: at most {limits.false_regions:g} false regions of a category a picture, on "
        f"{limits.false_share:.0%} of it, {limits.price:g} for one more label found, "
        f"{limits.free_regions:g} on {limits.free_share:.0%} for none, and "
        f"{budget.to_a_person:.0%} of pictures to a person"
    )


def _card(result: Calibrated, detectors: Sequence[str]) -> str:
    promises = "\n\n".join(
        "\n".join(
            [
                f"### {choice.policy}",
                "",
                *(f"- {promise}" for promise in choice.promises),
                "",
                choice.costs,
            ]
        )
        for choice in result.chosen
    )
    risks = ", ".join(f"{risk:.0%}" for risk in RISKS)
    budgets = "; ".join(_budget(choice.policy) for choice in result.chosen)
    return f"""# fusion

What makes one probability of everything that saw a thing, and the thresholds on it. Written by
`make calibrate DATA=FILE`, for the detectors {", ".join(detectors)}.

- **Score fusion**: `fusion.toml`, a logistic regression per category on the log-odds of each
  detector's surest score, the number of raw detections, what the crop classifier says of every
  category, how much of the object lies in a surer one or the other way round, how large it is, and
  whether the picture shows people at all; fitted on all calibration pictures.
- **Thresholds**: in each policy file, by conformal risk control by group (Angelopoulos et al., ICLR
  2024) within the policy's budget, each half of the pictures scored by a fusion fitted on the
  other; `models/train/calibration` has the formula (`thresholds.py`) and the budgets (`budget.py`).

## What the thresholds promise, and what they cost

{promises}

Tried: risks of {risks}. The risk is the smallest that the pictures support within the budget.
Budgets: {budgets}.

The bounds hold less strictly than the theorem says: the pictures also chose features and views, and
the fusion that ships saw all of them, as in cross-conformal prediction (Vovk, 2015), which is close
to its bound in practice but not proved to keep it. Costs are what happens on these pictures,
without what other reasons send to a person. The promises are bounds on an *expected* share,
averaged over groups drawn like those of the calibration pictures: the same sources in the same
mixture. They do not carry over to unlike pictures; calibrate
on your own. With n groups no method can promise less than 1 / (n + 1).
"""
