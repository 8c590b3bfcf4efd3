"""What the documents tell people to type works, and what they point to exists."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.category import Category
from engine.geometry import Box
from engine.plan import Origin, Region, ReviewDecision
from engine.runs.output_folder import OutputFolder
from store.database import Database
from store.review import decisions, reviews
from tests.engine.signing.handed_out import DAY, released, signer_at
from tests.scenes import shipped_picture
from tests.store.fakes import ACTOR

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def commands():
    """Every line of every shell block, without its comment."""
    for document in DOCUMENTS:
        for block in _FENCE.findall(document.read_text(encoding="utf-8")):
            for line in block.splitlines():
                command = line.split("#")[0].strip()
                if command:
                    yield pytest.param(command, id=f"{document.name}: {command}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a run: one picture waits for a person, and another was released."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "PICTURES").mkdir()
    rgb = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    leaky = Image.fromarray(rgb).convert("P")  # whatever is found, a person looks at a palette
    leaky.save(folder / "PICTURES" / "noise.png")
    label(folder / "LABELLED")
    run("redact PICTURES OUT --only face", folder)
    run("keys export --out sender.pem", folder)
    run("redact PICTURES TAKEN --only face", folder)
    settle(folder)
    line = json.loads((folder / "OUT" / "review.jsonl").read_text(encoding="utf-8"))
    decided = {**line, "accept": True, "regions": line["regions"] + line["doubts"], "doubts": []}
    (folder / "decided.jsonl").write_text(json.dumps(decided) + "\n", encoding="utf-8")
    output_folder = OutputFolder(folder / "OUT", signer_at(folder / "home"), lambda: DAY)
    output_folder.record("another.png", "another", released(1))
    output_folder.close()
    return folder


def settle(folder):
    """The run's picture in the app, with a verdict."""
    run("store ingest TAKEN --originals PICTURES", folder)
    now = datetime.now(UTC)
    database = Database.open(folder / "home", now)
    case = reviews.claim(ACTOR, database, "ada", now)
    face = Region(Box(8, 8, 24, 24), Category.FACE, Origin.REVIEWER)
    verdict = ReviewDecision.on(case.plan, (face,), "ada")
    decisions.settle(ACTOR, database, case.picture_id, verdict, now)
    database.close()


def label(folder):
    """A data set of one shipped photograph with one face."""
    folder.mkdir()
    shutil.copy(shipped_picture("skimage.data", "astronaut.png"), folder)
    labels = {
        "images": [{"id": 1, "file_name": "astronaut.png", "width": 512, "height": 512}],
        "categories": [{"id": 1, "name": "face"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [175, 60, 100, 120]}],
    }
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8")


def run(words, folder):
    return subprocess.run(
        [sys.executable, "-m", "lethe", *shlex.split(words)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "LETHE_HOME": str(folder / "home"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", list(commands()))
def test_documented_command_works(command, folder):
    program, *words = shlex.split(command)
    if command == "pip install .":
        assert (ROOT / "pyproject.toml").is_file()  # tests/test_wheel.py does it
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

        assert words[0] in targets
    else:
        assert program == "lethe"

        done = run(shlex.join(words), folder)

        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_point_to_files_that_exist(document):
    targets = _LINK.findall(document.read_text(encoding="utf-8"))

    missing = [target for target in targets if not (document.parent / target).exists()]

    assert not missing
