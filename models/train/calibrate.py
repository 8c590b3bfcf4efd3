"""From detectors to probabilities and thresholds: `python -m models.train calibrate`.

Half A of the calibration pictures fits the fuser, half B chooses the thresholds and tells how good
they are. What comes out is written into `models/fusion.toml` and the policy file, with a card that
says in words what the thresholds promise.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from engine.category import DETECTABLE, Category
from engine.detect.fuser import FittedFuser
from engine.detect.shipped import default_detectors, second_stage
from engine.evaluation.datasets import read_dataset
from engine.evaluation.labels import LabelledPicture
from engine.policy import Policy, read_policy
from engine.weights import Weights
from models.train.experiments import Experiment, measured
from models.train.files import write_whole
from models.train.fusing import as_toml, fit
from models.train.halves import half
from models.train.judging import judged
from models.train.manifest import enter
from models.train.proposals import propose, sightings_in
from models.train.thresholds import NEEDLESS_RISK, RISKS, Control, control

NAME = "fusion"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are read and written."""

    data: Path
    """Labelled pictures nothing was trained on."""
    cache: Path
    """A folder for what the detectors saw."""
    models: Path
    policy: Path
    """Its thresholds are replaced."""
    use: str = "research"
    """What the labelled pictures allow, for the manifest."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What calibration gave."""

    controls: Mapping[Category, Control]
    experiments: tuple[Experiment, ...]

    @property
    def promises(self) -> list[str]:
        """A sentence or two for each category."""
        return [_promise(category, one) for category, one in self.controls.items()]


def calibrate(
    places: Places, *, workers: int, progress: Callable[[], object] = lambda: None
) -> Calibrated:
    """Fit the fuser, choose the thresholds, and write both.

    Args:
        places: where from and where to.
        workers: processes that look at pictures.
        progress: called for each picture that was looked at.

    Raises:
        LetheError: the data set, the policy or a model file cannot be used, or a category has no
            labels in half B. Nothing is changed then.
    """
    policy = read_policy(places.policy.read_text(encoding="utf-8"), name=places.policy.name)
    pictures = read_dataset(places.data).pictures
    detectors = [one.name for one in default_detectors()]
    second = second_stage()
    sightings = sightings_in(_looked(pictures, detectors, policy, places, workers, progress))
    half_a, half_b = (
        list(judged(half(pictures, name), sightings, second, policy)) for name in ("A", "B")
    )
    text = as_toml(fit(half_a, detectors), second.name)
    fuser = FittedFuser(_weights(text), second)
    controls = {one: control(half_b, one, fuser) for one in DETECTABLE}
    result = Calibrated(
        controls, tuple(measured(half_b, one, fuser, controls[one]) for one in controls)
    )
    changed = _with_thresholds(places.policy, controls)
    entry = _entry(text, pictures, places.use)
    enter(places.models, NAME, entry, text.encode(), _card(result, detectors))
    write_whole(places.policy, changed.encode())
    return result


def _looked(
    pictures: Sequence[LabelledPicture],
    detectors: Sequence[str],
    policy: Policy,
    places: Places,
    workers: int,
    progress: Callable[[], object],
) -> Path:
    looks = repr(
        (
            hashlib.sha256(places.data.read_bytes()).hexdigest() if places.data.is_file() else "",
            str(places.data.resolve()),
            sorted(detectors),
            policy.looked_for,
            policy.detection.model_dump(),
        )
    )
    places.cache.mkdir(parents=True, exist_ok=True)
    file = places.cache / f"sightings-{hashlib.sha256(looks.encode()).hexdigest()[:12]}.jsonl"
    for _ in propose(pictures, file, policy, workers=workers):
        progress()
    return file


def _weights(text: str) -> Weights:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Weights(NAME, digest, "", frozenset(DETECTABLE), text.encode())


def _entry(text: str, pictures: Sequence[LabelledPicture], use: str) -> dict[str, object]:
    told = (dict(one.attributes) for one in pictures)
    sources = Counter((one.get("source", ""), one.get("licence", "not stated")) for one in told)
    return {
        "file": "fusion.toml",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "licence": "AGPL-3.0-or-later",
        "use": use,
        "role": "fuser",
        "categories": [category.value for category in DETECTABLE],
        "origin": "make calibrate; models/cards/fusion.md",
        "sources": [
            {"name": name or "unnamed", "licence": licence, "pictures": count}
            for (name, licence), count in sorted(sources.items())
        ],
    }


def _with_thresholds(file: Path, controls: Mapping[Category, Control]) -> str:
    """The policy file with new thresholds; comments and all else stay."""
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    for category, one in controls.items():
        table = _table(_table(document, "categories"), category.value)
        table["accept_at"], table["doubt_at"] = one.accept_at, one.doubt_at
    blind = [category.value for category, one in controls.items() if one.risk is None]
    _table(document, "review")["nothing_found_of"] = blind
    return str(tomlkit.dumps(document))


def _table(parent: Any, name: str) -> Any:  # noqa: ANN401 - tomlkit is not typed here
    """A table of a policy file, which may leave it out."""
    if name not in parent:
        parent[name] = tomlkit.table()
    return parent[name]


def _promise(category: Category, one: Control) -> str:
    name = category.value
    words = (
        f"{name}: of the labels of one more group like the {one.groups} of half B, at most "
        f"{one.risk or 1:.0%} are expected to be missed, neither removed nor shown as a doubt "
        f"(doubt_at {one.doubt_at:g}; {one.missed} of {one.labels} labels were)."
    )
    if one.risk is None:
        words = (
            f"{name}: no threshold keeps even {RISKS[-1]:.0%} of the labels of one more group from "
            f"being missed (doubt_at {one.doubt_at:g}; {one.missed} of {one.labels} labels of the "
            f"{one.groups} groups of half B were), so pictures in which no {name} was found go to "
            "a person."
        )
    if not one.may_accept:
        return words + (
            f" No accept_at keeps needless removal within {NEEDLESS_RISK:.0%} of pictures, so a "
            f"person is asked about every {name}."
        )
    return words + (
        f" In at most {NEEDLESS_RISK:.0%} of its pictures something that is no {name} is expected "
        f"to be removed without asking (accept_at {one.accept_at:g})."
    )


def _card(result: Calibrated, detectors: Sequence[str]) -> str:
    promises = "\n".join(f"- {promise}" for promise in result.promises)
    return f"""# fusion

What makes one probability of everything that saw a thing, and the thresholds on it. Written by
`make calibrate DATA=FILE`, for the detectors {", ".join(detectors)}.

- **Fuser**: `fusion.toml`, a logistic regression per category on the log-odds of each detector's
  surest score, the number of sightings, the second look's log-odds, and how much of the thing
  lies in a surer one or the other way round; fitted on half A.
- **Thresholds**: in `engine/policy.toml`, by conformal risk control by group on half B
  (Angelopoulos et al., ICLR 2024); `models/train/thresholds.py` has the formula.

## What the thresholds promise

{promises}

The risk is the smallest of {", ".join(f"{one:.0%}" for one in RISKS)} that half B supports. These
are bounds on an *expected* share, averaged over groups drawn like those of the calibration
pictures: the same sources in the same mixture. They do not carry over to unlike pictures; calibrate
on your own. With n groups no method can promise less than 1 / (n + 1).
"""
