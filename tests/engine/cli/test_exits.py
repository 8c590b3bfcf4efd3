"""One table of exit statuses, and everything that shows it."""

from pathlib import Path

import pytest

from engine.cli import exits
from engine.cli.exits import TABLE, Exit
from lethe.__main__ import main

DOCUMENT = Path(__file__).parents[3] / "docs" / "how-to" / "command-line.md"


def test_the_document_shows_the_table():
    assert exits.as_markdown() in DOCUMENT.read_text(encoding="utf-8")


def test_every_status_is_explained():
    assert {row.status for row in TABLE} == set(Exit)


@pytest.mark.parametrize(
    ("words", "own", "others"),
    [
        (["verify"], "3 every signature fits", "--fail-under\n"),
        (["evaluate"], "4 recall lies below --fail-under", "3 every"),
        (["attack"], "6 invalid: the attacks were too weak", "3 every"),
        (["release"], "1 some lines of decisions", "1 something"),
        (["redact"], "130 stopped with Ctrl-C", "  1 "),
        (["app"], "2 the command could not be", "  1 "),
        (["store"], "1 store ingest: some lines", "  3 "),
        (["store", "ingest"], "1 some lines could not be taken", "  3 "),
        ([], "1 verify: something is wrong", "8"),
    ],
    ids=lambda value: " ".join(value) or "none" if isinstance(value, list) else None,
)
def test_help_shows_the_statuses_of_its_command_alone(words, own, others, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])

    _, shown = capsys.readouterr().out.split("exit status:\n")
    assert ended.value.code == Exit.DONE
    assert f"  {own}" in shown
    assert others not in shown
