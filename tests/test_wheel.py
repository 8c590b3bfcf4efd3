"""What `pip install .` gives: a command that works anywhere and writes nothing where it lies."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.ports import free_port
from tests.server.conftest import Server, until_ready

ROOT = Path(__file__).parents[1]
VERBS = [
    "audit",
    "backup",
    "restore",
    "retention",
    "revoke",
    "subject",
    "vault",
    "redact",
    "release",
    "fetch",
    "evaluate",
    "verify",
    "keys",
    "lint",
    "bench",
    "attack",
    "app",
    "store",
]

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installed:
    wheel: Path
    environment: Path
    """A virtual environment that holds the wheel, and sees this one's packages for the rest."""

    @property
    def packages(self) -> Path:
        (found,) = self.environment.glob("lib/python*/site-packages")
        return found

    def started(self, *words: object, cwd: Path, **settings: str) -> dict[str, object]:
        """How `lethe` is started, for `subprocess`, with nothing that points to the checkout."""
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME")}
        return {
            "args": [str(self.environment / "bin" / "lethe"), *map(str, words)],
            "cwd": cwd,
            "env": {**kept, "PYTHONDONTWRITEBYTECODE": "1", **settings},
        }

    def run(self, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            **self.started(*words, cwd=cwd), capture_output=True, text=True, check=False
        )

    def files(self) -> set[Path]:
        return set(self.packages.rglob("*"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index"]
    subprocess.run(
        [*pip, "wheel", *offline, "--no-build-isolation", "-w", folder, ROOT], check=True
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    made = Installed(wheel, folder / "env")
    (made.packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run(
        [*pip, "--python", folder / "env" / "bin" / "python", "install", *offline, wheel],
        check=True,
    )
    return made


@pytest.fixture
def elsewhere(tmp_path):
    """A folder to work in, with files whose names are those of Lethe's own packages."""
    for name in ("engine", "store", "components"):
        (tmp_path / f"{name}.py").write_text("raise AssertionError('not ours')\n")
    return tmp_path


@pytest.fixture
def pictures(elsewhere):
    folder = elsewhere / "in"
    folder.mkdir()
    rgb = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(rgb).convert("P").save(folder / "noise.png")  # a palette goes to a person
    return folder


def test_a_wheel_takes_one_name_of_site_packages(installed):
    with zipfile.ZipFile(installed.wheel) as wheel:
        top = {name.split("/")[0] for name in wheel.namelist()}

    assert {name for name in top if not name.endswith(".dist-info")} == {"lethe"}


def test_a_wheel_holds_every_file_that_is_not_code(installed):
    tracked = subprocess.run(
        ["git", "ls-files", "engine", "store", "components", "pages", "models"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    if not tracked:
        pytest.skip("this is no git checkout")
    with zipfile.ZipFile(installed.wheel) as wheel:
        held = set(wheel.namelist())

    wanted = {f"lethe/{name}" for name in tracked if not name.startswith("models/train/")}

    assert wanted - held == set()
    assert {"lethe/Home.py", "lethe/.streamlit/config.toml"} <= held


def test_a_wheel_asks_for_what_requirements_txt_names(installed):
    with zipfile.ZipFile(installed.wheel) as wheel:
        (name,) = (one for one in wheel.namelist() if one.endswith("METADATA"))
        metadata = wheel.read(name).decode()

    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = {line.split("#")[0].strip() for line in lines} - {""}

    assert set(re.findall(r"^Requires-Dist: (\S+)$", metadata, re.MULTILINE)) == wanted


def test_the_extra_of_clusters_asks_for_what_its_file_names(installed):
    with zipfile.ZipFile(installed.wheel) as wheel:
        (name,) = (one for one in wheel.namelist() if one.endswith("METADATA"))
        metadata = wheel.read(name).decode()

    lines = (ROOT / "requirements-cluster.txt").read_text().splitlines()
    wanted = {line.split("#")[0].strip() for line in lines} - {""}

    extra = re.findall(r"^Requires-Dist: (\S+); extra == .cluster.$", metadata, re.MULTILINE)
    assert set(extra) == wanted


def test_help_lists_every_command(installed, elsewhere):
    done = installed.run("--help", cwd=elsewhere)

    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"^    (\w+)(?:  |$)", done.stdout, re.MULTILINE)) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_command_calls_it_as_it_was_called(verb, installed, elsewhere):
    done = installed.run(verb, "--help", cwd=elsewhere)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: lethe {verb} ")
    assert "exit status:" in done.stdout


def test_a_run_works_anywhere_and_writes_nothing_where_it_is_installed(
    installed, elsewhere, pictures
):
    before = installed.files()

    done = installed.run("redact", pictures, "out", "--json", cwd=elsewhere)
    verified = installed.run("verify", "out", cwd=elsewhere)
    counted = installed.run("store", "ingest", "out", "--originals", pictures, cwd=elsewhere)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["review"] == 1
    assert verified.returncode == 2, verified.stderr  # nothing was released
    assert counted.stdout.startswith("1 added to the review queue"), counted.stderr
    assert (elsewhere / "var" / "keys").is_dir()
    assert (elsewhere / "var" / "lethe.duckdb").is_file()
    assert installed.files() == before


def test_a_run_that_starts_lethe_again_works_too(installed, elsewhere, pictures):
    before = installed.files()

    done = installed.run("bench", pictures, "--workers", "1", "--json", cwd=elsewhere)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["lethe"]["pictures_per_second"] > 0
    assert installed.files() == before


def test_the_app_answers_and_keeps_its_data_where_it_is_told(installed, elsewhere):
    proxy = None
    server = Server(free_port(), secrets.token_urlsafe(), elsewhere / "log.txt", proxy)
    how = installed.started(
        "app", "--port", server.port, cwd=elsewhere,
        LETHE_HOME=str(elsewhere / "home"), LETHE_TOKEN=server.token,
    )  # fmt: skip
    before = installed.files()

    with server.log.open("wb") as log:
        process = subprocess.Popen(**how, stdout=log, stderr=subprocess.STDOUT)
        try:
            until_ready(server, process)
            answer = server.ask("/", {"Cookie": server.cookie})
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()

    assert answer.status == 200
    assert "streamlit" in answer.text.lower()
    assert "Traceback" not in server.log.read_text()
    assert installed.files() == before
