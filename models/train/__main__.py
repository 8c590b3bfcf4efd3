"""Training command, `python -m models.train`: labelled pictures in, shipped models out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tqdm import tqdm

from engine.cli.command_line import mapped_of
from engine.cli.exits import Exit
from engine.errors import LetheError
from engine.evaluation.data.datasets import read_dataset
from engine.policies.text import DEFAULT, NAMES, file_of
from engine.policy import default_policy
from models.train.data.choosing import Choice, chosen, training_part
from models.train.data.prepare import prepare
from models.train.errors import TrainingRefused
from models.train.offline import go_offline
from models.train.options import NAMES as MODELS_BY_ROLE
from models.train.options import parser

LICENCE = "AGPL-3.0-only"
_SHOWN = 5
SHIPPED = tuple(
    file_of(name) for name in (DEFAULT, *(other for other in NAMES if other != DEFAULT))
)
"""The policies that calibration writes thresholds into; the first says how detectors look."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    acts = {
        "all": _all,
        "prepare": _prepare,
        "fit": _fit,
        "export": _export,
        "quantise": _quantise,
        "ranges": _ranges,
        "propose": _propose,
        "calibrate": _calibrate,
        "witness": _release_check,
        "crops": _crops,
        "scene": _scene,
    }
    options = parser(acts).parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = options.act
    try:
        run(options)
    except LetheError as error:
        sys.stderr.write(f"{error}\n")
        return Exit.USAGE
    except OSError as error:
        sys.stderr.write(
            f"The disk or a folder refused: {error.strerror or type(error).__name__}.\n"
        )
        return Exit.USAGE
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. The same command goes on; training with --resume.\n")
        return Exit.INTERRUPTED
    return Exit.DONE


def _all(options: argparse.Namespace) -> None:
    go_offline()
    from models.train.detector.fit import Run

    run = Run(options.run)
    if not options.resume:
        _refuse_to_lose(run)
        _prepare(options)
    if not options.resume or run.unfinished() or not run.rounds():
        _fit(options)
    options.checkpoint = None
    _export(options)


def _refuse_to_lose(run: Any) -> None:  # noqa: ANN401 - `fit` is imported late
    waiting = run.unfinished()
    if waiting is not None:
        raise TrainingRefused(
            f"A round in {run.folder} was stopped after epoch {waiting['epochs']}. Go on with "
            "--resume (make train RESUME=1), or remove the folder to begin anew."
        )


def _prepare(options: argparse.Namespace) -> None:
    if options.data is None:
        raise TrainingRefused("Name the labelled pictures: a data set file or its folder.")
    dataset = training_part(options.data, options.images)
    choice = Choice(options.per_source, options.repeat_rarest)
    total = len(chosen(dataset.pictures, choice))
    with tqdm(total=total, unit=" pictures", file=sys.stderr, mininterval=0.5) as bar:
        summary = prepare(
            dataset,
            options.run / "data",
            choice,
            licence=options.data_licence,
            progress=bar.update,
        )
    for line in _preparation_report(summary):
        _say(line)


def _preparation_report(summary: dict[str, Any]) -> list[str]:
    """Lines on the prepared pictures: sources, counts, and what was left out."""
    lines = [
        f"{source['name']}: {source['pictures']} pictures ("
        + ", ".join(f"{count} {name}" for name, count in source["labels"].items())
        + f"), licence: {source['licence']}"
        for source in summary["sources"]
    ]
    unusable = summary["left_out"]
    not_drawn = summary["offered"] - summary["pictures"] - len(unusable)
    lines.append(
        f"{summary['pictures']} pictures, {summary['shown']} an epoch. Left out: {not_drawn} by "
        f"--per-source, {len(unusable)} that cannot be used. Problems in the labels: "
        f"{summary['problems']}."
    )
    lines += unusable[:_SHOWN]
    if len(unusable) > _SHOWN:
        lines.append(f"… and {len(unusable) - _SHOWN} more; data/summary.json lists them all.")
    return lines


def _fit(options: argparse.Namespace) -> None:
    go_offline()
    from models.train.detector.fit import Recipe, Run, fit, resume

    run = Run(options.run)
    if options.resume and (run.unfinished() or options.act is _fit):
        checkpoint = resume(run)
    else:
        recipe = Recipe(
            options.size,
            options.epochs,
            options.minutes,
            options.batch,
            options.seed,
            options.role,
        )
        checkpoint = fit(run, recipe, options.start, " ".join(options.round_note))
    this = run.rounds()[-1]
    _say(f"{this['epochs']} epochs in {this['seconds'] / 60:.1f} minutes: {checkpoint}")


def _export(options: argparse.Namespace) -> None:
    go_offline()
    from models.train.detector.release import Wanted, release

    checkpoint = options.checkpoint or options.run / "weights" / "last.pt"
    wanted = Wanted(
        name=MODELS_BY_ROLE[options.role],
        role=options.role,
        models=options.models,
        licence=LICENCE,
        use=options.use,
        side=getattr(options, "side", None),
        notes=tuple(options.round_note),
        prepared=tuple(getattr(options, "prepared", ())),
    )
    model = release(checkpoint, wanted)
    _say(f"{model.file}: SHA-256 {model.sha256}, {model.difference:.1e} from torch at most.")


def _quantise(options: argparse.Namespace) -> None:
    from models.train.quantise import enter_quantised

    pictures = training_part(options.data, None).pictures
    kept = options.run / "float32"
    sha256 = enter_quantised(options.name, options.source, options.models, pictures, kept)
    _say(f"{options.models / options.name}.onnx: SHA-256 {sha256}.")


def _ranges(options: argparse.Namespace) -> None:
    from models.train.ranges import NAME, enter_ranges

    pictures = training_part(options.data, None).pictures
    sha256 = enter_ranges(options.models, pictures, options.use)
    _say(f"{options.models / NAME}.npz: SHA-256 {sha256}.")


def _propose(options: argparse.Namespace) -> None:
    from models.train.data.proposals import propose

    files = [options.data]
    if options.data.is_dir():
        parts = [options.data / f"{part}.json" for part in ("train", "calibration")]
        files = [file for file in parts if file.exists()] or files
    pictures = [picture for file in files for picture in read_dataset(file).pictures]
    with tqdm(total=len(pictures), unit=" pictures", file=sys.stderr, smoothing=0.1) as bar:
        for _ in propose(
            pictures,
            options.out,
            default_policy(),
            workers=options.workers,
            over=mapped_of(options),
        ):
            bar.update()


def _calibrate(options: argparse.Namespace) -> None:
    from models.train.calibration.calibrate import Places, calibrate
    from models.train.calibration.experiments import note_down

    data = options.data / "calibration.json" if options.data.is_dir() else options.data
    places = Places(
        data if data.exists() else options.data,
        options.run,
        options.models,
        tuple(options.policy or SHIPPED),
        options.use,
    )
    with tqdm(unit=" pictures", file=sys.stderr, smoothing=0.1) as bar:
        result = calibrate(
            places, workers=options.workers, progress=bar.update, over=mapped_of(options)
        )
    for sentence in result.sentences:
        _say(sentence)
    if options.note:
        note_down(options.table, options.note, result.experiments)


def _release_check(options: argparse.Namespace) -> None:
    from models.train.calibration.release_check import choose

    data = options.data / "calibration.json" if options.data.is_dir() else options.data
    card = options.models / "cards" / "witness.md"
    with tqdm(unit=" pictures", file=sys.stderr, smoothing=0.1) as bar:
        result = choose(
            data if data.exists() else options.data,
            options.policy,
            card,
            workers=options.workers,
            progress=bar.update,
            over=mapped_of(options),
        )
    for line in result.sentences():
        _say(line)


def _crops(options: argparse.Namespace) -> None:
    go_offline()
    from models.train.classifiers.crops.network import Course
    from models.train.classifiers.crops.train import train

    course = Course(epochs=options.epochs, minutes=options.minutes, seed=options.seed)
    report = train(
        options.data, options.proposals, options.models, options.use, course, _say_figures
    )
    _say(f"{options.models / 'crops.onnx'}: SHA-256 {report['sha256']}. Best:")
    _say_figures(report["best"])


def _say_figures(figures: Mapping[str, float]) -> None:
    _say(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))


def _scene(options: argparse.Namespace) -> None:
    go_offline()
    from models.train.classifiers.scene import train

    teaching, telling = (
        read_dataset(options.data / f"{part}.json", options.data).pictures
        for part in ("train", "calibration")
    )
    with tqdm(total=len(teaching) + len(telling), unit=" pictures", file=sys.stderr) as bar:
        right = train(
            teaching, telling, frozenset(options.without), options.models, options.use, bar.update
        )
    for answer, (found, total) in (("with", right.with_people), ("without", right.without)):
        _say(f"Of {total} views of pictures {answer} people {found} are told right.")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
