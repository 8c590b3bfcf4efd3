"""Words for people: plurals and lists, as every sentence of Lethe says them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number of things: `1 picture`, `3 pictures`, `2 boxes`."""
    plural = f"{noun}es" if noun.endswith("x") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def listed(names: list[str]) -> str:
    """Names as a sentence lists them: `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def likely(probability: float) -> str:
    """A probability as `31 % likely`; neither certainty nor impossibility is ever claimed."""
    if probability < 0.01:
        return "under 1\u00a0% likely"
    if probability > 0.99:
        return "over 99\u00a0% likely"
    return f"{100 * probability:.0f}\u00a0% likely"
