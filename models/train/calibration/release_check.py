"""Release check thresholds by category: `python -m models.train witness`.

An objection sends a release to a person, so few of those with everything removed may be objected
to, and as many as possible of those in which something was left. Half A of the
calibration pictures chooses the scores, half B tells what they give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit

from engine.category import DETECTABLE, Category
from engine.codec.decode import decode
from engine.detect.registry import default_release_check
from engine.detect.release_check import YoloReleaseCheck, residual_detections
from engine.errors import InvalidDataset, UnreadableImage
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.evaluation.scores.matching import is_found_by
from engine.evaluation.scores.proportion import Proportion
from engine.images import RgbImage
from engine.plan import Origin, Region
from engine.policy import Policy, ReleaseCheckPolicy, read_policy
from engine.processes import Mapped, mapped
from engine.redact.masks import mask_of, rect_of, rects_of
from engine.redact.removal import remove
from models.train.card import with_section
from models.train.data.halves import half
from models.train.data.upright import labels_in
from models.train.errors import TrainingRefused
from models.train.files import write_whole

FALSE_ALARM_SHARE = 0.02
"""Share of releases with nothing left that may be sent to a person."""
MOST_LABELLED = 0.5
"""From this share of pictures labelled for a category on, they alone tell of false detections.
Below it on all: what it detects in the others may be there, but pictures labelled for a category
come from few sources, and where it is wrong is elsewhere."""
LEAST_CAUGHT = 0.1
"""A category of which it would catch less than this share is not checked."""
NEVER = 1.0
"""The score in the policy of such a category."""
HEADING = "What it detects"
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Response:
    """Release check scores of one picture, with everything labelled removed and with nothing."""

    clean: Mapping[Category, float]
    """By category: the highest score when everything labelled was removed; 0: no detection."""
    complete: frozenset[Category]
    """What the picture is labelled completely for: detections of that are false for certain."""
    left: Mapping[Category, tuple[float, ...]]
    """By category: the score of each label when nothing was removed; 0: not detected."""


@dataclass(frozen=True, slots=True)
class ReleaseCheckScores:
    """Chosen thresholds, and what they give on half B."""

    ask_at: Mapping[Category, float]
    sent: Proportion
    """Releases with nothing left that it objects to, of those pictures that tell of every category
    that is checked."""
    unread: int
    """Pictures that could not be looked at."""
    caught: Mapping[Category, tuple[int, int]]
    """Labelled things that it would have objected to, of how many."""

    def sentences(self) -> list[str]:
        """For a person."""
        share, upper = self.sent.share or 0.0, self.sent.upper() or 1.0
        sentence = (
            f"of {self.sent.total} pictures from which everything labelled was removed it objects "
            f"to {self.sent.found} ({share:.1%}; at most {upper:.1%} with 95 % confidence; the aim "
            f"was {FALSE_ALARM_SHARE:.0%})."
        )
        if self.unread:
            sentence += f" {self.unread} could not be looked at."
        return [
            sentence,
            *(f"{category.value}: {self._word(category)}" for category in self.caught),
        ]

    def _word(self, category: Category) -> str:
        if self.ask_at[category] >= NEVER:
            return "not checked, for it catches too little."
        caught, total = self.caught[category]
        return (
            f"of {total} labelled ones that nobody removed it objects to {caught} "
            f"({caught / max(total, 1):.0%}), from a score of {self.ask_at[category]:g} on."
        )


def choose(
    data: Path,
    policy_file: Path,
    card: Path,
    *,
    workers: int,
    progress: Callable[[], object] = lambda: None,
    over: Mapped | None = None,
) -> ReleaseCheckScores:
    """Choose the scores, and write them into the policy and what they give into the card.

    Args:
        data: labelled pictures that nothing was trained on.
        policy_file: its `[release_check]` table is replaced.
        card: of the release check; its section about this is replaced.
        workers: processes.
        progress: called for each picture.
        over: where they are; None for processes of this machine.

    Raises:
        LetheError: the data set, the policy or the model file cannot be used. Nothing is changed
            then.
    """
    policy = read_policy(policy_file.read_text(encoding="utf-8"), name=policy_file.name)
    pictures = read_dataset(data).pictures
    responses = dict(_responses(pictures, policy, workers, progress, over))
    half_a, half_b = (
        [responses[picture.name] for picture in half(pictures, name) if picture.name in responses]
        for name in ("A", "B")
    )
    ask_at = {category: choose_score(half_a, category) for category in DETECTABLE}
    result = measure_scores(half_b, ask_at, unread=len(pictures) - len(responses))
    document = tomlkit.parse(policy_file.read_text(encoding="utf-8"))
    table: Any = document.setdefault("release_check", tomlkit.table())
    for category, score in ask_at.items():
        table[category.value] = score
    lines = "\n".join(f"- {line}" for line in result.sentences())
    text = with_section(card.read_text(encoding="utf-8"), HEADING, f"{_HOW}\n\n{lines}")
    write_whole(card, text.encode())
    write_whole(policy_file, str(tomlkit.dumps(document)).encode())
    return result


_HOW = """\
Written by `python -m models.train witness DATA`: scores chosen on half A of the calibration
pictures, so that it objects to few releases with nothing left; told on half B."""


def choose_score(responses: Sequence[Response], category: Category) -> float:
    """The score of a category; `NEVER` where the release check would catch too little with it."""
    lowest = lowest_score(responses, category)
    scores = [score for response in responses for score in response.left.get(category, ())]
    caught = sum(score >= lowest for score in scores)
    return lowest if caught >= LEAST_CAUGHT * len(scores) else NEVER


def informative(responses: Sequence[Response], category: Category) -> tuple[Response, ...]:
    """The pictures that tell how often the release check is wrong about a category."""
    complete = tuple(response for response in responses if category in response.complete)
    return complete if len(complete) >= MOST_LABELLED * len(responses) else tuple(responses)


def lowest_score(responses: Sequence[Response], category: Category) -> float:
    """The lowest score from which it objects to no more clean releases than it may.

    Each category gets an equal part of `FALSE_ALARM_SHARE`.

    Raises:
        TrainingRefused: there are no pictures.
    """
    scores = sorted(
        (response.clean[category] for response in informative(responses, category)), reverse=True
    )
    if not scores:
        raise TrainingRefused("Half A has no pictures; name a data set of at least a hundred.")
    allowed = int(FALSE_ALARM_SHARE / len(DETECTABLE) * len(scores))
    score = np.ceil((scores[allowed] + 10.0**-_DIGITS / 2) * 10**_DIGITS) / 10**_DIGITS
    return float(min(score, 1.0))


def measure_scores(
    responses: Sequence[Response], ask_at: Mapping[Category, float], *, unread: int = 0
) -> ReleaseCheckScores:
    """What thresholds give on pictures that did not choose them."""
    categories = [category for category in DETECTABLE if ask_at[category] < NEVER]
    groups = [informative(responses, category) for category in categories]
    clean = [
        response
        for response in responses
        if all(any(response is member for member in group) for group in groups)
    ]
    objected = sum(any(response.clean[c] >= ask_at[c] for c in categories) for response in clean)
    caught = {}
    for category in DETECTABLE:
        scores = [score for response in responses for score in response.left.get(category, ())]
        caught[category] = (sum(score >= ask_at[category] for score in scores), len(scores))
    return ReleaseCheckScores(dict(ask_at), Proportion(objected, len(clean)), unread, caught)


def respond(
    picture: LabelledPicture, image: RgbImage, release_check: YoloReleaseCheck, policy: Policy
) -> Response:
    """Run the release check on a picture with everything labelled removed, and with nothing.

    Raises:
        InvalidDataset: the labels do not fit the picture.
    """
    labels = labels_in(picture, image)
    is_enabled = policy.model_copy(
        update={"release_check": ReleaseCheckPolicy(**dict.fromkeys(DETECTABLE, 0))}
    )
    rects = rects_of(map(_region, labels), image.codec, policy)
    nothing, everything = mask_of((), image.size), mask_of(rects, image.size)
    clean = residual_detections(
        release_check.detect(remove(image, everything, seed=0), is_enabled),
        everything,
        (),
        is_enabled,
    )
    residual = residual_detections(
        release_check.detect(remove(image, nothing, seed=0), is_enabled), nothing, (), is_enabled
    )
    return Response(
        {category: _surest(clean, category) for category in DETECTABLE},
        picture.labelled_for,
        {
            category: tuple(
                _surest(
                    (region for region in residual if _finds(region, label, image, policy)),
                    category,
                )
                for label in labels
                if label.category is category and not label.is_ignored
            )
            for category in picture.counted
        },
    )


def _finds(region: Region, label: Label, image: RgbImage, policy: Policy) -> bool:
    return is_found_by(label.box, region.with_rect(rect_of(region, image.codec, policy)))


def _region(label: Label) -> Region:
    return Region(label.box, label.category, Origin.REVIEWER)


def _surest(regions: Iterable[Region], category: Category) -> float:
    return max(
        (region.score or 0.0 for region in regions if region.category is category), default=0.0
    )


class _Worker:
    release_check: YoloReleaseCheck


def _start() -> None:
    _Worker.release_check = default_release_check()


def _responses(
    pictures: Sequence[LabelledPicture],
    policy: Policy,
    workers: int,
    progress: Callable[[], object],
    over: Mapped | None,
) -> Iterable[tuple[str, Response]]:
    ask = partial(_ask, policy)
    for name, response in (over or mapped)(ask, pictures, workers=workers, start=_start):
        progress()
        if response is not None:
            yield name, response


def _ask(policy: Policy, picture: LabelledPicture) -> tuple[str, Response | None]:
    try:
        data = picture.path.read_bytes()
        image = decode(data, picture.name, max_megapixels=policy.codec.max_megapixels)
        return picture.name, respond(picture, image, _Worker.release_check, policy)
    except (OSError, UnreadableImage, InvalidDataset):
        return picture.name, None
