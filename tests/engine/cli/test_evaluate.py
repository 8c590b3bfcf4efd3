"""The evaluate command in this process, with detectors that see what the test says."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest
from PIL import Image

from engine import __main__ as program
from engine.category import Category
from engine.cli import evaluate as command
from engine.detect.ensemble import Ensemble
from engine.evaluation import run
from engine.evaluation.report.cost import prices
from engine.evaluation.scores.summary import Summary
from engine.files import atomic
from engine.geometry import Box
from engine.plan import Detection
from tests.engine.in_process import InProcess
from tests.scenes import FakeDetector

FACE = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40]}
TATTOO = {"id": 2, "image_id": 1, "category_id": 2, "bbox": [60, 60, 30, 30]}


@pytest.fixture
def evaluate(tmp_path, monkeypatch, capsys):
    """Runs the command in a folder of its own; gives exit status, stdout and stderr."""
    seen = Detection(Box(10, 10, 50, 50), Category.FACE, 0.9, "fake@00000000")
    executor = InProcess(Ensemble([FakeDetector([seen], [Category.FACE])]))
    monkeypatch.setattr(run, "ProcessPool", lambda workers: executor)
    monkeypatch.chdir(tmp_path)
    label(tmp_path, FACE)

    def started(*words):
        capsys.readouterr()
        status = program.main(["evaluate", *map(str, words)])
        return status, *capsys.readouterr()

    return started


def label(folder, *annotations, note="plain", name="a.png"):
    """One picture of 100 x 100 pixels with these boxes, in COCO."""
    rgb = np.random.default_rng(1).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(folder / "a.png")
    categories = [{"id": 1, "name": "face"}, {"id": 2, "name": "tattoo"}]
    images = [{"id": 1, "file_name": name, "width": 100, "height": 100, "note": note}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "labels.json").write_text(json.dumps(content), encoding="utf-8")


def test_every_output_is_written(evaluate, tmp_path):
    outputs = ["--json", "f.json", "--report", "r.html", "--misses", "m.jsonl"]

    status, out, _ = evaluate("labels.json", "--only", "face", *outputs)

    assert status == 0
    assert "1 picture, 0 pictures could not be used" in out
    assert json.loads((tmp_path / "f.json").read_text())["categories"]["face"]["labels"] == 1
    assert "How much Lethe finds" in (tmp_path / "r.html").read_text()
    assert not list(tmp_path.glob(".*"))


def test_recall_is_never_said_without_what_it_costs(evaluate, tmp_path):
    _, out, _ = evaluate("labels.json", "--only", "face", "--json", "f.json")

    summary = json.loads((tmp_path / "f.json").read_text())
    for one in prices(Summary.from_json(summary))[1:]:
        assert f"{one.what}: {one.much}" in out
    assert summary["cost"]["to_a_person"]["pictures"] == 0
    assert summary["cost"]["free"] == {"pictures": 0, "touched": 0, "to_a_person": 0}


def test_a_set_without_any_label_is_measured_by_what_it_costs(evaluate, tmp_path):
    label(tmp_path)

    status, out, _ = evaluate("labels.json", "--json", "f.json", "--report", "r.md")

    assert status == 0
    assert "nothing to find" in out
    summary = json.loads((tmp_path / "f.json").read_text())
    assert summary["cost"]["removed"]["mean"] > 0
    assert summary["categories"]["face"]["false_per_picture"] == 1.0
    assert "What that costs" in (tmp_path / "r.md").read_text()


def test_a_markdown_report_lies_beside_its_figures(evaluate, tmp_path):
    evaluate("labels.json", "--report", "r.md")

    assert "(r-recall.svg)" in (tmp_path / "r.md").read_text()
    assert (tmp_path / "r-recall.svg").is_file()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        pytest.param(["--json", "labels.json"], "what this command reads", id="the labels"),
        pytest.param(["--misses", "a.png"], "what this command reads", id="a picture"),
        pytest.param(
            ["--json", "x", "--misses", "x"], "another output of this command", id="each other"
        ),
        pytest.param(
            ["--policy", "p.toml", "--json", "p.toml"], "what this command reads", id="the policy"
        ),
        pytest.param(["--report", "r.pdf"], "a report is written as .html", id="no report"),
        pytest.param(["--json", "no/f.json"], "No such file or directory", id="no such folder"),
        pytest.param(["--json", "."], "it is a folder", id="a folder"),
    ],
)
def test_an_output_that_would_destroy_or_fail_is_refused_before_the_work(
    evaluate, tmp_path, monkeypatch, words, why
):
    (tmp_path / "p.toml").write_text("[review]\nnothing_found = false\n")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr(command, "evaluate", lambda *a, **k: pytest.fail("worked"))

    status, _, err = evaluate("labels.json", *words)

    assert status == 2
    assert why in err
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_figures_are_said_even_if_an_output_fails_at_last(evaluate, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "check_outputs", lambda outputs, inputs: None)

    status, out, err = evaluate("labels.json", "--json", "no/f.json", "--misses", "m.jsonl")

    assert status == 2
    assert "face" in out
    assert "no/f.json cannot be written" in err
    assert (tmp_path / "m.jsonl").exists()


def test_a_write_that_fails_leaves_the_old_file_whole(evaluate, tmp_path, monkeypatch):
    (tmp_path / "f.json").write_text("old")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "replace", full)

    status, _, err = evaluate("labels.json", "--json", "f.json")

    assert status == 2
    assert "f.json cannot be written: No space left on device" in err
    assert (tmp_path / "f.json").read_text() == "old"
    assert not list(tmp_path.glob(".*"))


def test_a_pipe_is_written_to_and_stays_one(evaluate, tmp_path):
    status, _, _ = evaluate("labels.json", "--json", "/dev/null")

    assert status == 0


@pytest.mark.parametrize(
    ("words", "status"),
    [
        pytest.param([], 0, id="nobody asked"),
        pytest.param(["--fail-under", "0.5"], 4, id="nobody looked for tattoos"),
        pytest.param(["--fail-under", "0.5", "--only", "face"], 4, id="on purpose or not"),
    ],
)
def test_a_missed_category_fails_only_when_asked(evaluate, tmp_path, words, status):
    label(tmp_path, FACE, TATTOO)

    ended, out, _ = evaluate("labels.json", *words)

    assert ended == status
    assert "nobody looked" in out


IGNORED = {"id": 3, "image_id": 1, "category_id": 1, "bbox": [60, 10, 9, 9], "iscrowd": 1}
BROKEN = {"id": 4, "image_id": 1, "category_id": 1, "bbox": [60, 10, 0, 0]}
NAMELESS = {"id": 5, "image_id": 1, "category_id": 9, "bbox": [60, 10, 9, 9]}


def test_boxes_that_do_not_count_are_said_with_their_number_everywhere(evaluate, tmp_path):
    label(tmp_path, FACE, IGNORED, IGNORED, BROKEN, NAMELESS)

    _, out, _ = evaluate("labels.json", "--only", "face", "--json", "f.json", "--report", "r.md")

    sentence = (
        "Not counted: 2 boxes marked as a crowd, as difficult or to be ignored (face 2); 2 boxes "
        "that could not be read, or whose picture is missing (face 1, of unknown class 1)."
    )
    assert sentence in out
    summary = json.loads((tmp_path / "f.json").read_text())
    assert summary["categories"]["face"]["uncounted"] == {
        "ignored": 2, "not_labelled_for": 0, "unread": 0, "lost": 1,
    }  # fmt: skip
    assert summary["uncounted"]["lost_of_unknown_class"] == 1
    report = (tmp_path / "r.md").read_text()
    assert sentence in report
    assert "Boxes ignored" in report


def test_when_every_box_counts_nothing_is_said(evaluate):
    _, out, _ = evaluate("labels.json")

    assert "Not counted" not in out


@pytest.mark.parametrize("box", [IGNORED, BROKEN], ids=["ignored", "lost"])
@pytest.mark.parametrize(("words", "status"), [([], 0), (["--fail-under", "0.5"], 4)])
def test_a_category_of_which_no_box_counts_passes_no_gate(evaluate, tmp_path, box, words, status):
    label(tmp_path, box)

    ended, _, _ = evaluate("labels.json", "--only", "face", *words)

    assert ended == status


def test_recall_not_proven_does_not_fail(evaluate):
    status, out, _ = evaluate("labels.json", "--fail-under", "0.99")

    assert status == 0
    assert "not proven" in out


@pytest.mark.parametrize("target", ["0", "1", "nan", "-1", "much"])
def test_a_target_that_is_none_is_refused(evaluate, target):
    with pytest.raises(SystemExit) as ended:
        evaluate("labels.json", "--fail-under", target)

    assert ended.value.code == 2


def test_a_set_of_which_nothing_could_be_measured_is_no_success(evaluate, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")

    status, out, err = evaluate("labels.json", "--fail-under", "0.99")

    assert status == 2
    assert out == ""
    assert "Nothing was measured" in err


def test_half_a_character_in_the_labels_breaks_no_report(evaluate, tmp_path):
    label(tmp_path, FACE, note="a\ud800b")

    status, _, _ = evaluate("labels.json", "--report", "r.html", "--misses", "m.jsonl")

    assert status == 0
    (tmp_path / "r.html").read_text(encoding="utf-8")


def test_the_command_in_a_report_asks_for_the_same(evaluate, tmp_path):
    (tmp_path / "my policy.toml").write_text("[review]\nnothing_found = false\n")
    words = ["--policy", "my policy.toml", "--only", "face", "--fail-under", "0.2"]

    evaluate("labels.json", *words, "--report", "r x.html")

    report = (tmp_path / "r x.html").read_text().replace("&#x27;", "'").replace("&#39;", "'")
    (line,) = [row for row in report.splitlines() if "lethe evaluate" in row]
    told = shlex.split(line[line.index("lethe evaluate") :].split("<")[0])
    options = program._parser("lethe", {}, called="evaluate").parse_args(told[1:])
    assert (options.dataset.name, options.fail_under) == ("labels.json", 0.2)
    assert options.report.name == "r x.html"
    assert (options.policy, options.only) == ("my policy.toml", (Category.FACE,))


def test_stopping_says_that_nothing_was_kept(evaluate, monkeypatch):
    def stop(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "evaluate", stop)

    status, _, err = evaluate("labels.json")

    assert status == 130
    assert "nothing was written" in err
