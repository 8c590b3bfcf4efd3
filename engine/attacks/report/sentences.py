"""Sentences on figures of the battery, shared by report, document and page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.attacks.algorithms.catalogue import CLASSICAL, LEARNED
from engine.attacks.battery.methods import METHODS

ATTACKS: Final = {name: attack.words for name, attack in (*CLASSICAL.items(), *LEARNED.items())}
"""By attack: what it does."""

TESTS: Final[dict[str, str]] = {
    "T1": "The pixels under the mask were replaced in eight ways; the release may not change.",
    "T2": "The same comparison must see what it should see: controls that hold the original, and "
    "a pixel changed outside the mask.",
    "T3": "No pixel outside the mask may change.",
    "T4": "The released file may hold pixels and nothing else.",
    "T5": "Attacks, judged against chance. The table above.",
    "T6": "The same picture with other candidates pasted in, saved as JPEG in every usual way and "
    "turned in all eight, must give identical files.",
    "T7": "A second detector looks at every release. It runs with each release, not here.",
}
"""By test: what it does."""

NOT_HIDDEN: Final = (
    "The outline: where something was removed, how large, and of which category.",
    (
        "The surroundings: hair, clothes, other people, the place. Whoever knows these may still "
        "know who it is."
    ),
    (
        "What the source file's codec had spread before Lethe saw it: palette pictures, GIF, WebP, "
        "HEIC, pictures that were scaled and saved again elsewhere. Where that can be told, such "
        "files go to a person first."
    ),
    "What nobody found: a face that no detector saw and no reviewer drew is not removed.",
)
"""What no battery can show, since it is given away on purpose or was lost before."""

UPPER_BOUND: Final = (
    "Nothing found among so few is no proof of nothing: “at most” is the share that the attack may "
    "still name right, with 99 % confidence. The proof is T1: what cannot change the file cannot "
    "be read from it."
)

OUTCOMES: Final = {
    "pass": "Pass: no attack found anything, and the attacks were strong enough to matter.",
    "fail": "Fail: something hidden came back. Do not release with this version.",
    "invalid": "Invalid: this run was too weak to say anything, so it says nothing.",
}


def method_words(name: str) -> str:
    """What a method does."""
    if name in METHODS:
        return METHODS[name].words
    return f"Our default fill with {share_of(name):.0%} of the original mixed in."


def share_of(method: str) -> float:
    """Share of the original in a leak-injected control, 0..1, from its name, such as `mix-0.1`.

    Raises:
        ValueError: it is no such name.
    """
    return float(method.removeprefix("mix-"))


def is_found(row: Mapping[str, Any]) -> bool:
    """Whether an attack told what was hidden, as the battery decided it."""
    return bool(row["verdict"] == "fail")


def row_words(row: Mapping[str, Any]) -> str:
    """What one result means."""
    right = f"{row['hits']} of {row['n']} named right"
    chance = "chance gives 1"
    if is_found(row):
        return (
            f"{row['attack']} on {row['method']} ({row['category']}): {right}, {chance}; what was "
            "hidden can be told."
        )
    return (
        f"{row['attack']} on {row['method']} ({row['category']}): {right}, {chance}; no better "
        f"than guessing, and at most {row['upper99']:.1%} with 99 % confidence."
    )
