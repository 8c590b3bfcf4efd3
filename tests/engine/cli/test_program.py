"""Lethe started by itself, from a folder whose files could be taken for its own."""

import subprocess

import pytest

from engine.cli import program

pytestmark = pytest.mark.slow


def test_it_runs_our_code_in_the_callers_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engine.py").write_text("raise AssertionError('not ours')\n")
    environment = {**program.environment()}
    environment.pop("LETHE_HOME", None)

    done = subprocess.run(
        program.command("keys", "show"), env=environment, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "var" / "keys").is_dir()


def test_what_was_importable_stays_so(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")

    assert program.environment()["PYTHONPATH"].endswith(":/elsewhere")
