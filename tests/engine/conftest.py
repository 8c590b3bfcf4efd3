"""The command line in this process, and a folder of pictures for it."""

from __future__ import annotations

import json
import shutil

import pytest

from engine.__main__ import main
from engine.cli import running
from engine.detect.ensemble import Ensemble
from engine.signing.verification.delivery import verify_folder
from tests.engine.run_folders import QUICK, ByBrightness, OutOfOrder, paint
from tests.engine.signing.handed_out import hand_out, signer_at, trusted


@pytest.fixture
def lethe(tmp_path, monkeypatch, capsys):
    """Runs a command in this process; gives exit status, its one JSON object, and stderr."""
    ensemble = Ensemble([ByBrightness()])
    monkeypatch.setattr(running, "started_pool", lambda workers: OutOfOrder(ensemble))
    (tmp_path / "policy.toml").write_text(QUICK, encoding="utf-8")

    def run(*words, policy="policy.toml"):
        options = ["--only", "face"] * (words[0] == "redact")
        if options and policy:
            options += ["--policy", tmp_path / policy]
        capsys.readouterr()
        status = main([str(word) for word in (*words, *options, "--json")])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else None, err

    return run


@pytest.fixture
def folder(tmp_path, rng):
    """One picture that passes, one with a doubt, one with nothing, one that is none."""
    where = tmp_path / "in"
    where.mkdir()
    for name, corner in (("passes.png", 0), ("doubtful.png", 255), ("empty.png", 99)):
        paint(where / name, corner, rng)
    (where / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (where / "notes.txt").write_text("not a picture", encoding="utf-8")
    return where


@pytest.fixture(scope="session")
def signing_home(tmp_path_factory):
    return tmp_path_factory.mktemp("signing_home")


@pytest.fixture(scope="session")
def strange_home(tmp_path_factory):
    return tmp_path_factory.mktemp("stranger")


@pytest.fixture(scope="session")
def made(tmp_path_factory, signing_home):
    return hand_out(tmp_path_factory.mktemp("made") / "out", signer_at(signing_home))


@pytest.fixture
def handed(made, tmp_path):
    """`released` as it was handed out, to be tampered with."""
    return shutil.copytree(made, tmp_path / "handed")


@pytest.fixture
def verified(signing_home):
    """What verifying a folder finds, trusting the installation's own key."""
    return lambda folder, **options: verify_folder(folder, trusted(signing_home), **options)
