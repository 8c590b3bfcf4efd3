"""docs/security.md: what Lethe meets of OWASP's ASVS 5.0.0, made of `security.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from enum import Enum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Words = Annotated[str, Field(min_length=1, pattern=r"^[^|\n]+$")]
Levels = Literal[1, 2]

_STANDARD = "https://owasp.org/www-project-application-security-verification-standard/"
_HEAD = f"""\
# Held against a standard

The [OWASP Application Security Verification Standard]({_STANDARD})
5.0.0, all {{total}} requirements of its levels 1 and 2, each answered by what the code does now:
**met**, with the tests that fail when it is met no longer; **not met**, with the reason; or
**not applicable**, with the reason. No outsider has checked it. *Met* says that these tests pass,
not that nothing else can go wrong; whoever runs Lethe has more to meet: the machine, the proxy, the
provider.

`v5.0.0-` goes before each number. What a requirement asks in full stands in the standard (OWASP,
CC BY-SA 4.0); the few words here are ours. `make docs` makes this page of
`docs/build/security.toml`, and `tests/docs/test_security.py` reads it.
"""


class Answer(Enum):
    """What there is to say to a requirement."""

    MET = "met"
    UNMET = "not met"
    VOID = "not applicable"


class Requirement(BaseModel):
    """A requirement in our words, and one answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Levels
    words: Words
    met: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Tests by node id."""
    unmet: Words | None = None
    void: Words | None = None
    note: Words | None = None
    """Beside tests."""

    @model_validator(mode="after")
    def _has_one_answer(self) -> Self:
        if sum(one is not None for one in (self.met, self.unmet, self.void)) != 1:
            raise ValueError("expected one of met, unmet and void")
        if self.note is not None and self.met is None:
            raise ValueError("a note goes with tests; a reason says all there is")
        return self

    @property
    def answer(self) -> Answer:
        """Which of the three."""
        if self.met is not None:
            return Answer.MET
        return Answer.VOID if self.unmet is None else Answer.UNMET

    @property
    def told(self) -> str:
        """The answer as the document has it."""
        if self.met is None:
            return f"{self.answer.value}: {self.unmet or self.void}"
        tests = ", ".join(f"`{test}`" for test in self.met)
        return f"**met**: {tests}" + (f"; {self.note}" if self.note else "")


class Chapter(BaseModel):
    """A chapter of the standard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    title: Words
    about: Words | None = None
    requirements: dict[str, Requirement]
    """By their numbers."""

    @model_validator(mode="after")
    def _has_its_own(self) -> Self:
        if strange := [id_ for id_ in self.requirements if id_.split(".")[0] != str(self.number)]:
            raise ValueError(f"{strange} do not belong to chapter {self.number}")
        return self

    def count(self, answer: Answer, levels: Collection[int] = (1, 2)) -> int:
        """How many requirements of these levels have this answer."""
        return sum(
            one.answer is answer and one.level in levels for one in self.requirements.values()
        )


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    chapters: tuple[Chapter, ...]


def read(text: str) -> tuple[Chapter, ...]:
    """The chapters of a table.

    Raises:
        ValueError: it is no TOML, or a requirement has no answer or more than one.
    """
    return _Table.model_validate(tomllib.loads(text)).chapters


def document(chapters: tuple[Chapter, ...]) -> str:
    """The whole page."""
    total = sum(len(chapter.requirements) for chapter in chapters)
    return "\n".join([_HEAD.format(total=total), _summary(chapters), *map(_chapter, chapters)])


def _summary(chapters: tuple[Chapter, ...]) -> str:
    names = [answer.value for answer in Answer]
    rows = [
        _row([f"V{one.number} {one.title}", *(str(one.count(answer)) for answer in Answer)])
        for one in chapters
    ]
    for label, levels in (("Level 1", (1,)), ("Level 2", (2,)), ("Both", (1, 2))):
        counts = [sum(one.count(answer, levels) for one in chapters) for answer in Answer]
        rows.append(_row([f"**{label}**", *map(str, counts)]))
    return "\n".join([_row(["Chapter", *names]), "| --- | ---: | ---: | ---: |", *rows, ""])


def _chapter(chapter: Chapter) -> str:
    head = [f"## V{chapter.number} {chapter.title}", ""]
    if chapter.about:
        head += [chapter.about, ""]
    rows = [
        _row([id_, str(one.level), one.words, one.told])
        for id_, one in chapter.requirements.items()
    ]
    table = [_row(["Number", "Level", "In short", "Answer"]), "| --- | --- | --- | --- |", *rows]
    return "\n".join([*head, *table, ""])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
