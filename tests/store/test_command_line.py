"""Commands that want what is there make nothing where nothing is."""

from __future__ import annotations

import pytest

from lethe.__main__ import main

COMMANDS = [
    ["audit", "verify"],
    ["backup", "OUT"],
    ["retention", "report"],
    ["retention", "sweep"],
    ["revoke", "ab" * 16, "--reason", "shows"],
    ["store", "export-labels", "OUT"],
    ["store", "status"],
    ["subject", "find", "ab" * 16],
    ["subject", "requests"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("is_there", [False, True], ids=["no folder", "an empty one"])
def test_a_folder_that_was_mistyped_is_said_and_nothing_is_made(words, is_there, tmp_path, capsys):
    home = tmp_path / "mistyped"
    if is_there:
        home.mkdir()
    words = [str(tmp_path / "out") if word == "OUT" else word for word in words]

    status = main([*words, "--home", str(home)])

    assert status == 2
    assert "holds no data of Lethe" in capsys.readouterr().err
    assert home.exists() is is_there
    assert not is_there or not list(home.iterdir())
    assert not (tmp_path / "out").exists()
