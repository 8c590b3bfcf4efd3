"""The figures of a run, as Markdown and as JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.wording import counted
from tests.browser.review_bench.visits import (
    BUTTON_S,
    KEY_S,
    POINT_S,
    THINK_S,
    Outcome,
    Visit,
    grouped,
    spread,
)

_MODEL = (
    "*By the model* is the keystroke-level model (Card, Moran and Newell 1980) on what was "
    f"counted:\n{KEY_S} s a key, {2 * (POINT_S + BUTTON_S):.1f} s a drag, {THINK_S} s of "
    "thought for the picture and for each box shown or drawn,\nand the app's measured time. No "
    "person was measured."
)
_WORDS = """\
A scripted reviewer in Chromium uploads the pictures, waits for the pipeline, and reviews whatever
goes to a person: by keyboard it drops boxes that fit no label and keeps the others, with the mouse
it draws labels that are not hidden, then it accepts. What fits and what hides is told by the rules
of the evaluation (`engine/evaluation/scores/matching.py`). It knows the labels: how long a person
looks for what was missed, and whether they see it, is not measured. The built-in policy is in
force, without sample checks. The script's own pauses are in no figure."""
_TIMES = """\
*Key* is from a key press to the second frame that is painted after it, *question* from the key that
accepts to a question on the screen, *next* from the key that accepts, or answers the question, to
the next picture on the screen, *app* all of these of a picture together; all on a machine at other
work as well where its load, as it was at the end of the review, says so."""

_PICTURE_HEAD = ("In a picture that is reviewed", "Median", "90th percentile", "Worst")
_GROUP_HEAD = (
    "Boxes shown",
    "Pictures",
    "Wrong",
    "Missing",
    "Keys",
    "Drags",
    "App, s",
    "By the model, s",
)
_GROUP_WORDS = """\
*Wrong* and *missing* are boxes dropped and labels drawn in all pictures of the row; the columns
after them are medians, in brackets the worst."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What was run on what."""

    data: str
    fingerprint: str
    count: int
    seed: int
    policy: str
    sources: int
    day: str
    cores: int
    load: float
    """Processes that waited for a core, over the last minute (`os.getloadavg`)."""

    @classmethod
    def of_machine(cls, **known: Any) -> Setting:
        """With the cores and the load of this machine now."""
        return cls(**known, cores=os.cpu_count() or 1, load=round(os.getloadavg()[0], 1))


def markdown(setting: Setting, outcome: Outcome) -> str:
    """The document."""
    first = [one for one in outcome.visits if not one.is_again]
    made = (
        f"Made by `make review-bench DATA={setting.data} COUNT={setting.count} "
        f"SEED={setting.seed}` on {setting.day}, labels {setting.fingerprint}, policy "
        f"{setting.policy}, {setting.cores} cores with a load of {setting.load:.1f}."
    )
    parts = ["# What review costs a person", made, _WORDS, _asked(setting, outcome)]
    parts += ["## A picture", _table(_PICTURE_HEAD, [_spread_row(*row) for row in _rows(first)])]
    parts += [f"{_TIMES}\n{_MODEL}", "## By number of boxes"]
    parts += [_table(_GROUP_HEAD, [_group_row(*group) for group in grouped(first)]), _GROUP_WORDS]
    return "\n\n".join(parts) + "\n"


def as_json(setting: Setting, outcome: Outcome) -> dict[str, Any]:
    """Every number of the document, and each visit."""
    return {
        "setting": {name: getattr(setting, name) for name in setting.__slots__},
        "outcome": {name: getattr(outcome, name) for name in outcome.__slots__ if name != "visits"},
        "visits": [one.to_json() for one in outcome.visits],
    }


def _asked(setting: Setting, outcome: Outcome) -> str:
    again = sum(one.is_again for one in outcome.visits)
    left = outcome.uncovered_reviewed + outcome.uncovered_unasked
    asked = (
        f"- {outcome.asked} of {counted(outcome.pictures, 'picture')} from "
        f"{counted(setting.sources, 'source')} went to a person; {again} came back after the check "
        "of the finished picture."
    )
    ended = f"- {outcome.released} were released, {outcome.quarantined} quarantined."
    shows = (
        f"- Of {counted(outcome.labels, 'label')} in released pictures {left} "
        f"{'is' if left == 1 else 'are'} not hidden: {outcome.uncovered_reviewed} in pictures that "
        f"were reviewed, {outcome.uncovered_unasked} in pictures that nobody was asked about."
    )
    return "\n".join([asked, ended, shows])


def _rows(visits: Sequence[Visit]) -> list[tuple[str, list[float], int]]:
    return [
        ("boxes shown", [one.boxes for one in visits], 0),
        ("of them unsure", [one.unsure for one in visits], 0),
        ("wrong boxes, dropped", [one.dropped for one in visits], 0),
        ("missing boxes, drawn", [one.drawn for one in visits], 0),
        ("keys", [one.keys for one in visits], 0),
        ("questions answered", [one.asked for one in visits], 0),
        ("drags and zooms", [one.drags for one in visits], 0),
        ("key, ms", [ms for one in visits for ms in one.key_ms], 0),
        ("question, ms", [ms for one in visits for ms in one.asked_ms], 0),
        ("next, ms", [one.next_ms for one in visits if one.next_ms is not None], 0),
        ("app, s", [one.app_s for one in visits], 1),
        ("by the model, s", [one.modelled_s for one in visits], 1),
    ]


def _spread_row(name: str, values: Iterable[float], digits: int) -> tuple[str, ...]:
    found = spread(values)
    return (name, *(("–",) * 3 if found is None else (f"{one:.{digits}f}" for one in found)))


def _group_row(name: str, visits: Sequence[Visit]) -> tuple[str, ...]:
    def both(value: Callable[[Visit], float], digits: int) -> str:
        found = spread(map(value, visits))
        return "–" if found is None else f"{found[0]:.{digits}f} ({found[2]:.{digits}f})"

    return (
        name,
        str(len(visits)),
        str(sum(one.dropped for one in visits)),
        str(sum(one.drawn for one in visits)),
        both(lambda one: one.keys, 0),
        both(lambda one: one.drags, 0),
        both(lambda one: one.app_s, 1),
        both(lambda one: one.modelled_s, 1),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
