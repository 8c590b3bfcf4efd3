"""`lethe vault`: what people see of the keyring."""

from __future__ import annotations

import pytest

from engine.cli.exits import Exit
from lethe.__main__ import main as lethe
from store.vault.__main__ import main
from store.vault.vault import Vault
from tests.store.vault.conftest import NAME, as_text

KEY = as_text(bytes(range(32)))


def files_of(home):
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_status_of_a_folder_without_a_keyring_makes_none(home, capsys):
    home.mkdir()

    assert main(["status", "--home", str(home)], {}) is Exit.DONE

    assert "nothing is sealed" in capsys.readouterr().out
    assert not list(home.iterdir())


def test_rotate_without_a_keyring_makes_none(home, capsys):
    home.mkdir()

    assert main(["rotate", "--home", str(home)], {}) is Exit.USAGE

    assert "nothing to rotate" in capsys.readouterr().err
    assert not list(home.iterdir())


def test_status_counts_and_changes_nothing(vault, home, capsys, monkeypatch):
    monkeypatch.setenv("LETHE_HOME", str(home))
    before = files_of(home)

    assert lethe(["vault", "status"]) == Exit.DONE

    shown = capsys.readouterr().out
    assert f"{vault.status().master}, from keys/master" in shown
    assert "pictures      2" in shown
    assert files_of(home) == before


def test_rotate_says_what_it_did_and_what_was_sealed_opens(vault, home, capsys):
    name = vault.seal_text(NAME, "Ann")
    old = vault.status().master

    assert main(["rotate", "--home", str(home)], {}) is Exit.DONE

    shown = capsys.readouterr().out
    assert shown.startswith("3 keys wrapped by the master key")
    assert old not in shown
    assert vault.open_text(NAME, name) == "Ann"


def test_rotate_moves_to_a_key_that_is_set_and_then_has_nothing_to_do(vault, home, capsys):
    arguments, environment = ["rotate", "--home", str(home)], {"LETHE_MASTER_KEY": KEY}
    main(["status", "--home", str(home)], environment)
    assert "waits: lethe vault rotate" in capsys.readouterr().out

    assert main(arguments, environment) is Exit.DONE
    assert main(arguments, environment) is Exit.DONE

    shown = capsys.readouterr().out
    assert "3 keys wrapped" in shown
    assert "Nothing was to be done" in shown
    assert KEY not in shown
    assert Vault.open(home, environment).status().under_earlier == 0


@pytest.mark.parametrize("verb", ["status", "rotate"])
def test_a_missing_master_key_is_a_sentence_and_changes_nothing(vault, home, verb, capsys):
    (home / "keys" / "master").unlink()
    before = files_of(home)

    assert main([verb, "--home", str(home)], {}) is Exit.USAGE

    assert "master key is missing" in capsys.readouterr().err
    assert files_of(home) == before
