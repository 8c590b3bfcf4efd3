"""Model card: training facts in, Markdown out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.category import DETECTABLE

ADVICE: Final = {
    "research": "Research data: retrain on licensed data before commercial use, one command.",
    "noncommercial": "Not for commercial use: retrain on licensed data for that, one command.",
    "any": "Trained on data whose owner says that it may be used for this.",
}


WHAT: Final = {
    "finder": "Finds faces, tattoos and jewelry. A YOLOv8n that began with NudeNet's weights",
    "witness": "Looks at finished pictures for faces, tattoos and jewelry that were overlooked,\n"
    "and takes no part in finding them. A YOLO11n that began with random weights",
}
"""By role."""
LICENCE_NOTES: Final = {
    "finder": "derived from NudeNet's AGPL weights with AGPL software",
    "witness": "made with AGPL software",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card says."""

    name: str
    role: str
    file: str
    sha256: str
    licence: str
    use: str
    network: str
    """Its architecture and activation function."""
    side: int
    difference: float
    weights: str
    """SHA-256 of the checkpoint."""
    rounds: Sequence[dict[str, Any]]
    sources: Sequence[dict[str, Any]]


def merged_sources(rounds: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every source of any round; where rounds used different numbers of pictures, the largest."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for source in (source for facts in rounds for source in facts.get("sources", [])):
        key = source["name"], source["licence"]
        if key not in merged or source["pictures"] > merged[key]["pictures"]:
            merged[key] = source
    return [merged[key] for key in sorted(merged)]


def written(facts: Facts) -> str:
    """The card, as Markdown."""
    return _CARD.format(
        name=facts.name,
        what=WHAT[facts.role],
        licence_note=LICENCE_NOTES[facts.role],
        advice=ADVICE[facts.use],
        file=facts.file,
        sha256=facts.sha256,
        licence=facts.licence,
        use=facts.use,
        network=facts.network,
        side=facts.side,
        categories=", ".join(DETECTABLE),
        weights=facts.weights,
        difference=f"{facts.difference:.1e}",
        data="\n".join(_data(facts.sources)),
        rounds="\n".join(_rounds(facts.rounds)),
    )


def with_section(text: str, heading: str, body: str) -> str:
    """A card with one section replaced, or added at its end; the others stay."""
    section = f"\n## {heading}\n\n{body}\n"
    old = re.compile(rf"\n## {re.escape(heading)}\n.*?(?=\n## |\Z)", re.DOTALL)
    replaced, count = old.subn(lambda _: section, text, count=1)
    return replaced if count else f"{text.rstrip(chr(10))}\n{section}"


def _data(sources: Sequence[dict[str, Any]]) -> list[str]:
    if not sources:
        return ["Not written down."]
    head = " | ".join(f"{category} boxes" for category in DETECTABLE)
    return [
        f"| source | licence as stated | pictures | {head} |",
        "|---|---|--:|--:|--:|--:|",
        *(
            f"| {_cell(source['name'])} | {_cell(source['licence'])} | {source['pictures']} | "
            + " | ".join(str(source["labels"].get(category, 0)) for category in DETECTABLE)
            + " |"
            for source in sources
        ),
    ]


def _rounds(rounds: Sequence[dict[str, Any]]) -> list[str]:
    if not rounds:
        return ["Nothing was written down."]
    return [f"{number}. {_round(facts)}" for number, facts in enumerate(rounds, start=1)]


def _round(facts: dict[str, Any]) -> str:
    if "note" in facts:
        return str(facts["note"])
    words = (
        f"{facts['pictures']} pictures of {_cell(facts['dataset'])} (labels "
        f"`{facts['fingerprint']}`; {facts['shown']} an epoch, the rarest category repeated), "
        f"{facts['size']} px, {facts['epochs']} epochs in {facts['seconds']:.0f} s on "
        f"{facts['device']}, batch {facts['batch']}, seed {facts['seed']}, {facts['recipe']}; "
        f"began with {_cell(facts['start']['name'])}"
    )
    digest = facts["start"]["sha256"]
    words += f", SHA-256 `{digest}`." if digest else "."
    return words if facts["is_finished"] else f"{words} It was stopped before its end."


def _cell(text: str) -> str:
    """Text that cannot end a cell of a table."""
    return " ".join(str(text).replace("|", "/").split())


_CARD: Final = """\
# {name}

{what}, trained with a loss
that is masked where a picture is not labelled for a category.

**{advice}** (`make train`: [how to](../../docs/how-to/train.md))

| | |
|---|---|
| file | `{file}`, SHA-256 `{sha256}` |
| licence | {licence}: {licence_note} |
| use | {use} |
| network | {network} |
| input | `images`, float32 (1, 3, h, w), RGB 0..1, h and w multiples of 32; trained at {side} px |
| output | (1, 7, N): centre x, y, width, height in input pixels, then {categories} (0..1) |
| checkpoint | SHA-256 `{weights}`; the file computes the same within {difference} |

## Data

{data}

Labels are federated: a source teaches a category only where its pictures are labelled for it.

## Rounds

{rounds}

## Limits

- It inherits what its data lacks: kinds of pictures, of people and of jewelry that are not in it
  are found less well.
- Nothing here says how well it finds anything: [the evaluation](../../docs/evaluation.md) measures
  that, on pictures it was not trained on.
- Small rings and studs, and small faces in crowds, are what such a network misses first.
"""
