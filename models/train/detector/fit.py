"""Rounds of training, each stoppable at any moment and resumable.

A run is a folder::

    data/                  what `prepare` made
    weights/last.pt        the newest checkpoint, written whole after each epoch
    weights/run.json       the rounds that led to it: pictures, sources, settings, epochs, seconds
    weights/start.pt       what this round began with, if that was a file
    args.yaml, results.csv ultralytics' own notes

`--start` carries the rounds in `run.json` along, so that the card of a model tells all of them.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from ultralytics import settings
from ultralytics.data.augment import LetterBox

from engine.files.real_path import real
from engine.runs.pool import default_workers
from models.train.detector.federated import FederatedTrainer
from models.train.detector.start import (
    ARCHITECTURES,
    Start,
    first,
    from_checkpoint,
    from_export,
)
from models.train.errors import TrainingRefused
from models.train.files import read_json, write_json, write_whole

NOTE_MISSING: Final = "Nothing was written down about this round."
STRIDE: Final = 32
EXPORTED: Final = ".onnx"
STARTS: Final = ("start.pt", f"start{EXPORTED}")
"""What a round began with is kept under one of these names."""
MEASURED: Final = 16
"""Pictures that give the statistics of batch normalisation where a file has none."""
WORKERS: Final = 12
"""At most so many processes prepare pictures."""

AUGMENTATION: Final = {
    "mosaic": 0.5, "close_mosaic": 2, "degrees": 10, "scale": 0.5, "translate": 0.1,
    "fliplr": 0.5, "flipud": 0.05, "hsv_v": 0.4, "erasing": 0.0,
}  # fmt: skip
LEARNING: Final = {
    "optimizer": "AdamW", "lr0": 6e-4, "lrf": 0.03, "cos_lr": True, "warmup_epochs": 0.5, "nbs": 16,
}  # fmt: skip
RECIPE: Final = (
    "AdamW from 6e-4, stepping each batch, down a cosine to 3 %, mosaic .5 among pictures labelled "
    "alike, 30 % turned, silent background weighted 0.1"
)
"""The two above in words, for the card."""
QUIET: Final = {
    "amp": False, "val": False, "plots": False, "deterministic": False, "pretrained": False,
    "verbose": False, "save": True, "save_period": -1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of a round that a person may choose."""

    size: int = 480
    """Longer side of the pictures, px."""
    epochs: int = 60
    """At most; fewer when the minutes are over before."""
    minutes: float | None = None
    """At most; the learning rate is planned so that it has come down by then."""
    batch: int = 16
    seed: int = 0
    role: str = "finder"
    """What the model is for: finder or release check (`witness`)."""

    def __post_init__(self) -> None:
        if self.size % STRIDE or self.size < 2 * STRIDE:
            raise TrainingRefused(
                f"The size must be a multiple of {STRIDE} and at least {2 * STRIDE}, not "
                f"{self.size}."
            )


@dataclass(frozen=True, slots=True)
class Run:
    """A folder that training works in."""

    folder: Path

    @property
    def data(self) -> Path:
        """What `prepare` made."""
        return self.folder / "data"

    @property
    def checkpoint(self) -> Path:
        """The newest weights."""
        return self.folder / "weights" / "last.pt"

    @property
    def notes(self) -> Path:
        """The rounds that led to them."""
        return self.folder / "weights" / "run.json"

    def rounds(self) -> list[dict[str, Any]]:
        """What was written down; empty when nothing was."""
        return rounds_of(self.checkpoint)

    def unfinished(self) -> dict[str, Any] | None:
        """The round that was stopped, if one was."""
        rounds = self.rounds()
        return rounds[-1] if rounds and not rounds[-1].get("is_finished", True) else None


def rounds_of(checkpoint: Path) -> list[dict[str, Any]]:
    """The rounds written down beside a checkpoint; empty when nothing is."""
    notes = checkpoint.with_name("run.json")
    return list(read_json(notes)["rounds"]) if notes.is_file() else []


def fit(run: Run, recipe: Recipe, start: Path | None = None, note: str = "") -> Path:
    """Train a round from its beginning.

    Args:
        run: with prepared data.
        recipe: the settings.
        start: a checkpoint (.pt) or an exported network (.onnx) to begin with, else what
            `start.first` gives.
        note: what to say of the rounds behind `start` when nothing was written down beside it.

    Returns:
        The checkpoint.

    Raises:
        TrainingRefused: nothing is prepared, the start cannot be used, or the run's last round was
            stopped and waits to be resumed.
    """
    waiting = run.unfinished()
    if waiting is not None:
        raise TrainingRefused(
            f"The round in {run.folder} was stopped after epoch {waiting['epochs']}: resume it, "
            "name another folder for this one, or remove the folder."
        )
    summary = _summary(run)
    torch.manual_seed(recipe.seed)  # the last layers begin by chance
    began = (
        first(recipe.role) if start is None else _start_from(start, run, recipe.role, recipe.size)
    )
    wanted = ARCHITECTURES[recipe.role]
    if began.architecture.name != wanted.name:
        raise TrainingRefused(
            f"{began.name} holds a {began.architecture.name}; a {recipe.role} is a {wanted.name}."
        )
    earlier = [] if start is None else rounds_of(start) or [{"note": note or NOTE_MISSING}]
    if start is not None:
        kept, other = STARTS if start.suffix != EXPORTED else STARTS[::-1]
        write_whole(run.checkpoint.with_name(kept), start.read_bytes())
        run.checkpoint.with_name(other).unlink(missing_ok=True)
    run.checkpoint.unlink(missing_ok=True)
    this = {
        **{key: summary[key] for key in ("dataset", "fingerprint", "pictures", "shown", "sources")},
        **asdict(recipe),
        "start": {"name": began.name, "sha256": began.sha256},
        "epochs": 0,
        "epochs_at_most": recipe.epochs,
        "seconds": 0.0,
        "device": "nothing yet",
        "recipe": RECIPE,
        "is_finished": False,
    }
    write_json(run.notes, {"rounds": [*earlier, this]})
    return _train(run, began)


def resume(run: Run) -> Path:
    """Go on with a round that was stopped, from its last whole epoch.

    Raises:
        TrainingRefused: there is none.
    """
    this = run.unfinished()
    if this is None:
        raise TrainingRefused(f"There is no stopped round to resume in {run.folder}.")
    _summary(run)
    if not run.checkpoint.is_file():
        return _train(run, _began(run, this["role"], this["size"]))
    return _train(run, None)


def _began(run: Run, role: str, size: int) -> Start:
    """What a round began with that was stopped in its first epoch."""
    kept = [file for file in map(run.checkpoint.with_name, STARTS) if file.is_file()]
    return _start_from(kept[0], run, role, size) if kept else first(role)


def _start_from(file: Path, run: Run, role: str, size: int) -> Start:
    """The weights in a checkpoint or an exported network."""
    if file.suffix == EXPORTED:
        return from_export(file, _pictures(run, size), ARCHITECTURES[role])
    return from_checkpoint(file)


def _pictures(run: Run, side: int) -> torch.Tensor:
    """Some of the prepared pictures, (N, 3, side, side) RGB 0..1, padded with grey."""
    files = sorted((run.data / "images" / "train").iterdir())
    chosen = files[:: -(-len(files) // MEASURED)]
    letterbox = LetterBox((side, side))
    images = [letterbox(image=cv2.imread(str(file))) for file in chosen]
    rgb = np.stack(images)[..., ::-1].transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(rgb)) / 255


def _summary(run: Run) -> dict[str, Any]:
    try:
        return dict(read_json(run.data / "summary.json"))
    except FileNotFoundError as error:
        raise TrainingRefused(
            f"Nothing is prepared in {run.folder}: run `prepare` on a data set first."
        ) from error


def _train(run: Run, began: Start | None) -> Path:
    """Train until the end of the round; `began` is None to go on from the checkpoint."""
    diary = Diary(run)
    if began is None and diary.is_over:
        diary.close()
        return run.checkpoint
    settings.update({"sync": False})
    if began is None:
        resumed = from_checkpoint(run.checkpoint)
        FederatedTrainer.start, FederatedTrainer.architecture = None, resumed.architecture
    else:
        FederatedTrainer.start = began.state
        FederatedTrainer.architecture = ARCHITECTURES[diary.round["role"]]
    trainer = FederatedTrainer(overrides=_overrides(run, diary.round, is_resumed=began is None))
    diary.attach(trainer)
    trainer.train()
    diary.close()
    return run.checkpoint


def _overrides(run: Run, this: dict[str, Any], *, is_resumed: bool) -> dict[str, Any]:
    """The settings as ultralytics calls them."""
    overrides = {
        **QUIET,
        **LEARNING,
        **AUGMENTATION,
        "model": str(run.checkpoint) if is_resumed else f"{ARCHITECTURES[this['role']].name}.yaml",
        "data": str(real(run.data / "data.yaml")),
        "save_dir": str(real(run.folder)),
        "imgsz": this["size"],
        "epochs": this["epochs_at_most"],
        "time": None if this["minutes"] is None else this["minutes"] / 60,
        "batch": this["batch"],
        "seed": this["seed"],
        "device": "0" if torch.cuda.is_available() else "cpu",
        "workers": min(WORKERS, default_workers()),
    }
    return {**overrides, "resume": str(run.checkpoint)} if is_resumed else overrides


class Diary:
    """Writes down after each epoch how far a round has come, and keeps to its minutes.

    Ultralytics plans the epochs and the learning rate anew after each epoch, so that the round ends
    with its time. A resumed round must count what it used before: it is told that it began earlier,
    with the first epoch.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._rounds = run.rounds()
        self.round = self._rounds[-1]
        self._before = float(self.round["seconds"])

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do but to say so."""
        minutes = self.round["minutes"]
        is_late = minutes is not None and self._before >= minutes * 60
        epochs = int(self.round["epochs"])
        return epochs >= 1 and (is_late or epochs >= int(self.round["epochs_at_most"]))

    def attach(self, trainer: FederatedTrainer) -> None:
        """Be called by a trainer."""
        trainer.add_callback("on_train_epoch_start", self._count_earlier_epochs)
        trainer.add_callback("on_fit_epoch_end", self._cap)
        trainer.add_callback("on_model_save", self._note)

    def close(self) -> None:
        """The round is finished."""
        self.round["is_finished"] = True
        self._write()

    def _count_earlier_epochs(self, trainer: FederatedTrainer) -> None:
        if trainer.start_epoch:
            trainer.train_time_start -= self._before
            trainer.start_epoch = 0

    def _cap(self, trainer: FederatedTrainer) -> None:
        """Time left over is no reason for more epochs than were asked for."""
        most = self.round["epochs_at_most"]
        if trainer.epochs > most:
            trainer.epochs = trainer.args.epochs = most
            trainer.plan_learning()

    def _note(self, trainer: FederatedTrainer) -> None:
        self.round["epochs"] = trainer.epoch + 1
        self.round["seconds"] = round(time.time() - trainer.train_time_start, 1)
        self.round["device"] = str(trainer.device)
        self._write()

    def _write(self) -> None:
        write_json(self._run.notes, {"rounds": self._rounds})
