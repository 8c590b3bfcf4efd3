"""Rounds: stopped, resumed, ended by time, one after the other."""

from __future__ import annotations

import csv
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is not installed: make .venv/train")

from models.train.data.choosing import Choice, training_part  # noqa: E402
from models.train.data.prepare import prepare  # noqa: E402
from models.train.detector.fit import Diary, Recipe, Run, fit, resume, rounds_of  # noqa: E402
from models.train.detector.start import (  # noqa: E402
    ARCHITECTURES,
    Start,
    from_checkpoint,
    new_model,
)
from models.train.errors import TrainingRefused  # noqa: E402
from models.train.files import digest, write_json  # noqa: E402

TWO_EPOCHS = Recipe(size=64, epochs=2, batch=4)


@pytest.fixture(scope="module")
def stopped(shapes, tmp_path_factory):
    """A run stopped after its first epoch, and its state then."""
    run = Run(tmp_path_factory.mktemp("stopped"))
    prepare(training_part(shapes), run.data, Choice())
    write = Diary._note

    def stop(diary, trainer):
        write(diary, trainer)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Diary, "_note", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(run, TWO_EPOCHS)
    return run


@pytest.fixture(scope="module")
def resumed(stopped):
    """The same run, brought to its end; with its state before."""
    before = SimpleNamespace(
        waiting=stopped.unfinished(),
        state=from_checkpoint(stopped.checkpoint).state,
        results=(stopped.folder / "results.csv").read_text(),
    )
    with pytest.raises(TrainingRefused, match="after epoch 1"):
        fit(stopped, TWO_EPOCHS)
    resume(stopped)
    return stopped, before


def test_a_stop_keeps_the_epochs_that_were_finished(resumed):
    _, before = resumed

    assert (before.waiting["epochs"], before.waiting["is_finished"]) == (1, False)


def test_a_resumed_round_goes_on_with_the_next_epoch(resumed):
    run, before = resumed

    results = (run.folder / "results.csv").read_text()
    epochs = [row["epoch"] for row in csv.DictReader(results.splitlines())]
    (this,) = run.rounds()
    after = from_checkpoint(run.checkpoint).state
    assert epochs == ["1", "2"]
    assert results.startswith(before.results)
    assert (this["epochs"], this["is_finished"]) == (2, True)
    assert this["seconds"] > before.waiting["seconds"]
    assert any(not torch.equal(after[name], value) for name, value in before.state.items())


def test_a_round_that_was_begun_with_another_activation_is_resumed_with_it(tmp_path, monkeypatch):
    run = Run(tmp_path / "run")
    begun = replace(ARCHITECTURES["finder"], activation="SiLU")
    write_json(run.data / "summary.json", dict.fromkeys(_SUMMARY, 0))
    this = {"epochs": 1, "seconds": 1.0, "minutes": None, "epochs_at_most": 2, "size": 64,
            "batch": 4, "seed": 0, "role": "finder", "is_finished": False}  # fmt: skip
    write_json(run.notes, {"rounds": [this]})
    torch.save({"model": new_model(begun)}, run.checkpoint)
    trained = []
    monkeypatch.setattr(
        "models.train.detector.fit.FederatedTrainer.__init__",
        lambda trainer, **_: trained.append(trainer.architecture),
    )
    monkeypatch.setattr("models.train.detector.fit.Diary.attach", lambda *_: None)
    monkeypatch.setattr("models.train.detector.fit.FederatedTrainer.train", lambda _: None)

    resume(run)

    assert trained == [begun]


def test_a_finished_round_cannot_be_resumed(resumed):
    run, _ = resumed

    with pytest.raises(TrainingRefused, match="no stopped round"):
        resume(run)


def test_a_further_round_ends_with_its_minutes_and_carries_the_earlier_along(resumed):
    run, _ = resumed
    start = digest(run.checkpoint.read_bytes())

    fit(run, Recipe(size=64, epochs=900, minutes=0.04, batch=4), run.checkpoint)

    first, second = run.rounds()
    assert second["is_finished"]
    assert 1 <= second["epochs"] < 900
    assert second["start"] == {"name": "last.pt", "sha256": start}
    assert first["start"]["name"].startswith("NudeNet")


def test_a_round_behind_a_checkpoint_of_unknown_history_is_told_as_such(tmp_path, monkeypatch):
    run = Run(tmp_path / "run")
    write_json(run.data / "summary.json", dict.fromkeys(_SUMMARY, 0))
    (tmp_path / "a.pt").write_bytes(b"weights")
    began = Start("a.pt", "0", {})
    monkeypatch.setattr("models.train.detector.fit.from_checkpoint", lambda _: began)
    monkeypatch.setattr("models.train.detector.fit._train", lambda run, _: run.checkpoint)

    fit(run, TWO_EPOCHS, tmp_path / "a.pt", note="Seven epochs at 416 px.")

    assert run.rounds()[0] == {"note": "Seven epochs at 416 px."}


@pytest.mark.parametrize("ending", [".pt", ".onnx"])
def test_a_round_stopped_in_its_first_epoch_begins_again_with_what_it_began_with(
    ending, tmp_path, monkeypatch
):
    run = Run(tmp_path / "run")
    write_json(run.data / "summary.json", dict.fromkeys(_SUMMARY, 0))
    picture = run.data / "images" / "train" / "1.png"
    picture.parent.mkdir(parents=True)
    cv2.imwrite(str(picture), np.full((40, 60, 3), 200, np.uint8))
    (tmp_path / f"a{ending}").write_bytes(b"weights")
    read = []

    def weights(file, *_):
        read.append((file.name, file.read_bytes()))
        return Start(file.name, "0", {})

    monkeypatch.setattr("models.train.detector.fit.from_checkpoint", weights)
    monkeypatch.setattr("models.train.detector.fit.from_export", weights)
    monkeypatch.setattr("models.train.detector.fit._train", lambda run, _: run.checkpoint)
    fit(run, TWO_EPOCHS, tmp_path / f"a{ending}")

    resume(run)

    assert read == [(f"a{ending}", b"weights"), (f"start{ending}", b"weights")]


def test_a_witness_does_not_begin_with_a_finders_weights(tmp_path, monkeypatch):
    run = Run(tmp_path / "run")
    write_json(run.data / "summary.json", dict.fromkeys(_SUMMARY, 0))
    monkeypatch.setattr(
        "models.train.detector.fit.from_checkpoint", lambda _: Start("a.pt", "0", {})
    )

    with pytest.raises(TrainingRefused, match="a witness is a yolo11n"):
        fit(run, Recipe(role="witness"), tmp_path / "a.pt")


_SUMMARY = ("dataset", "fingerprint", "pictures", "shown", "sources")


@pytest.mark.parametrize("size", [0, 32, 100, 417])
def test_a_size_that_the_network_cannot_take_is_refused(size):
    with pytest.raises(TrainingRefused, match="multiple of 32"):
        Recipe(size=size)


def test_nothing_prepared_is_refused(tmp_path):
    with pytest.raises(TrainingRefused, match="Nothing is prepared"):
        fit(Run(tmp_path), TWO_EPOCHS)


def test_nothing_written_down_is_no_rounds(tmp_path):
    assert rounds_of(tmp_path / "last.pt") == []


@pytest.mark.parametrize(
    ("epochs", "seconds", "is_over"),
    [(0, 0, False), (1, 30, False), (3, 30, True), (1, 61, True), (0, 61, False)],
    ids=["not begun", "in the middle", "all epochs", "all minutes", "no epoch yet"],
)
def test_a_round_is_over_after_its_epochs_or_its_minutes(tmp_path, epochs, seconds, is_over):
    run = Run(tmp_path)
    this = {"epochs": epochs, "seconds": seconds, "epochs_at_most": 3, "minutes": 1}
    write_json(run.notes, {"rounds": [this]})

    assert Diary(run).is_over is is_over


def test_minutes_left_over_are_no_reason_for_more_epochs(tmp_path):
    run = Run(tmp_path)
    write_json(run.notes, {"rounds": [{"seconds": 0, "epochs_at_most": 3}]})
    planned = []
    trainer = SimpleNamespace(epochs=500, args=SimpleNamespace(epochs=500))
    trainer.plan_learning = lambda: planned.append(trainer.epochs)

    for _ in range(2):
        Diary(run)._cap(trainer)

    assert (trainer.epochs, trainer.args.epochs, planned) == (3, 3, [3])


def test_minutes_used_before_a_stop_count(tmp_path):
    run = Run(tmp_path)
    this = {"epochs": 4, "seconds": 100.0, "epochs_at_most": 9, "minutes": 5}
    write_json(run.notes, {"rounds": [this]})
    trainer = SimpleNamespace(start_epoch=4, train_time_start=1000.0)

    for _ in range(2):
        Diary(run)._count_earlier_epochs(trainer)

    assert (trainer.start_epoch, trainer.train_time_start) == (0, 900.0)
