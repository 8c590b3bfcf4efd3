"""A fixture that breaks, watches and writes down; and the document compared with what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.homes import prepare
from tests.reliability.lines import AppLine, Line, ShellLine
from tests.reliability.report import Row
from tests.reliability.scenes import DOUBTFUL, NAMES, Parts, counted

FINISHED = {name: "review" if name == DOUBTFUL else "released" for name in NAMES}
ROWS = pytest.StashKey[list[Row]]()
_LAST = "test_document.py"


@dataclass
class Broken:
    """One fault on one line: what is seen of it becomes a row."""

    line: Line
    part: str
    fault: str
    lost: int = 0
    happened: str = ""
    said: str = ""
    then: str = ""

    def ends(self, fates: Mapping[str, str], *said: str) -> None:
        """Where the pictures are while it is broken, and the whole sentences that were told."""
        self.lost = max(self.lost, self.line.lost())
        assert self.line.wrong() == []
        assert self.line.fates() == fates
        told = [self.line.stable(sentence) for sentence in self.line.told]
        assert set(said) <= set(told), told
        self.happened, self.said = counted(fates), " ".join(said)

    def refused(self, said: str) -> None:
        """Nothing starts, every original is there, and a whole sentence says why."""
        self.lost = max(self.lost, len(self.line.gone()))
        assert [self.line.stable(sentence) for sentence in self.line.told] == [said]
        self.happened, self.said = "nothing starts", said

    def goes_on(self, how: str, parts: Parts | None = None, **ends: str) -> None:
        """Once it is mended, every picture reaches its end; `how` says what it took."""
        if how == self.line.held_back:
            self.line.go_on(parts or Parts())
        elif how == self.line.restarted:
            self.line.restart(parts or Parts())
        self.finished(how)

    def asked(self) -> None:
        """A person decides what waits for one, and every picture is released."""
        self.line.decide()
        self.line.work()
        self.all_released("a person's decision")

    def all_released(self, how: str) -> None:
        """Every picture was released, and nothing was lost on the way."""
        self.lost = max(self.lost, self.line.lost())
        assert self.line.wrong() == []
        assert self.line.fates() == dict.fromkeys(NAMES, "released")
        self.then = f"all released, by {how}"

    def finished(self, how: str) -> None:
        """Every picture has reached its end, and nothing was lost on the way."""
        self.lost = max(self.lost, self.line.lost())
        assert self.line.wrong() == []
        assert self.line.fates() == FINISHED
        self.then = f"all finished, by {how}"

    @property
    def row(self) -> Row:
        return Row(
            self.part, self.fault, self.line.where, self.happened, self.said, self.lost, self.then
        )


@pytest.fixture
def broken(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str, Line], Broken]]:
    """Begin a row: the part, the fault and the line; nothing may be lost by the end of the test."""
    begun: list[Broken] = []

    def begin(part: str, fault: str, line: Line) -> Broken:
        begun.append(Broken(line, part, fault))
        return begun[-1]

    yield begin
    rows = request.config.stash.setdefault(ROWS, [])
    rows += [one.row for one in begun if one.happened]
    assert [one.row for one in begun if one.lost] == []


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppLine]:
    monkeypatch.setattr("store.worker.dispatcher.POLL_S", 0.001)
    monkeypatch.setattr("store.worker.dispatcher._LONGEST_PAUSE_S", 0.01)
    monkeypatch.setenv("LETHE_HOME", str(tmp_path / "home"))
    prepare(tmp_path / "home")
    line = AppLine(tmp_path)
    line.bring()
    yield line
    line.close()


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> ShellLine:
    line = ShellLine(tmp_path, monkeypatch, capsys)
    line.bring()
    return line


@pytest.fixture(params=["app", "shell"])
def line(request: pytest.FixtureRequest) -> Line:
    """Each line in turn, with the three pictures brought in."""
    return request.getfixturevalue(request.param)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Compare the document when everything else has been seen."""
    items.sort(
        key=lambda item: item.path.name == _LAST and item.path.parent == Path(__file__).parent
    )
