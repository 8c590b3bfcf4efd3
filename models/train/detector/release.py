"""Release of a checkpoint: ONNX file, manifest entry and model card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.category import DETECTABLE
from models.train.card import Facts, merged_sources, written
from models.train.detector.export import export
from models.train.detector.fit import rounds_of
from models.train.detector.start import from_checkpoint
from models.train.errors import TrainingRefused
from models.train.files import digest, read_json
from models.train.manifest import enter


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the entry shall say beside what is known."""

    name: str
    role: str
    models: Path
    licence: str
    use: str
    side: int | None = None
    """px; None: as written down beside the checkpoint."""
    notes: tuple[str, ...] = ()
    """A sentence for each round that nothing was written down about."""
    prepared: tuple[Path, ...] = ()
    """Folders that `prepare` made, which those rounds used."""


@dataclass(frozen=True, slots=True)
class Released:
    """A model file that was entered."""

    file: Path
    sha256: str
    difference: float


def release(checkpoint: Path, wanted: Wanted) -> Released:
    """Export a checkpoint and enter it into the folder of models.

    Raises:
        TrainingRefused: the checkpoint cannot be used, or nothing says its size in training.
    """
    rounds = rounds_of(checkpoint)
    if not rounds:
        rounds = [{"note": note} for note in wanted.notes]
    side = wanted.side or (rounds[-1].get("size") if rounds else None)
    if side is None:
        raise TrainingRefused(
            f"Nothing was written down beside {checkpoint}: say with --side at which size it was "
            "trained, and with --round-note how."
        )
    start = from_checkpoint(checkpoint)
    exported = export(start, side)
    sources = merged_sources([*rounds, *map(_summary, wanted.prepared)])
    file = f"{wanted.name}.onnx"
    sha256 = digest(exported.data)
    facts = Facts(
        name=wanted.name,
        role=wanted.role,
        file=file,
        sha256=sha256,
        licence=wanted.licence,
        use=wanted.use,
        network=f"{start.architecture.name}, {start.architecture.activation}",
        side=side,
        difference=exported.difference,
        weights=start.sha256,
        rounds=rounds,
        sources=sources,
    )
    enter(wanted.models, wanted.name, _entry(facts, wanted.role), exported.data, written(facts))
    return Released(wanted.models / file, sha256, exported.difference)


def _summary(folder: Path) -> dict[str, Any]:
    try:
        return dict(read_json(folder / "summary.json"))
    except (OSError, ValueError) as error:
        raise TrainingRefused(f"{folder} is not a folder that `prepare` made.") from error


def _entry(facts: Facts, role: str) -> dict[str, Any]:
    return {
        "file": facts.file,
        "sha256": facts.sha256,
        "licence": facts.licence,
        "use": facts.use,
        "role": role,
        "categories": [category.value for category in DETECTABLE],
        "side": facts.side,
        "colour": "rgb",
        "origin": f"python -m models.train all --role {role}; models/cards/{facts.name}.md",
        "sources": [
            {key: source[key] for key in ("name", "licence", "pictures")}
            for source in facts.sources
        ],
    }
