"""Argument parser of `python -m models.train`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from engine.cli.command_line import add_executor, add_running, count, positive
from engine.cli.exits import exits_of
from engine.detect.weights import MODELS
from engine.policy import DEFAULT_FILE
from models.train.data.choosing import Choice

Act: TypeAlias = Callable[[argparse.Namespace], None]

RUN = Path("var/train")
TABLE = Path("docs/decisions/0008-detectors.md")
QUANTISED = ("adornments", "crops", "scene", "witness")
USES = ("research", "noncommercial", "any")
NAMES = {"finder": "adornments", "witness": "witness"}
"""Of the model file, by the role it plays."""

_ALL = """\
Prepare labelled pictures, train, export: afterwards models/adornments.onnx, its entry in
models/manifest.toml and its card in models/cards/ are there. DATA is a data set with faces, tattoos
or jewelry boxed: COCO (.json), YOLO (data.yaml), Pascal VOC or CVAT (.xml), or a folder that holds
one of them, or a train.json. Stop at any time; --resume goes on with the last whole epoch.
"""
_PREPARE = """\
Lay labelled pictures out for training: RUN/data. Broken pictures are left out and counted. It holds
links to the pictures, and copies of large or turned ones: it is as private as they are.
"""
_FIT = """\
Train a round on what was prepared, on the graphics card when there is one. The first round begins
with NudeNet's weights, that of a release check (witness) with random ones; a further one with
--start FILE, usually at a larger --size. After each epoch RUN/weights/last.pt is written.
Pictures teach a category only where they are labelled for it.
"""
_EXPORT = """\
Turn a checkpoint into models/adornments.onnx, check it against torch, and write its entry in
models/manifest.toml and its card. Without FILE.pt: the last one of RUN.
"""
_CALIBRATE = """\
Make probabilities of the detectors' scores and choose thresholds, on labelled pictures that nothing
was trained on: DATA is a data set, or a folder that holds a calibration.json. Writes
models/fusion.toml, its entry and card, and the thresholds in the policy files, each within the
budget of its name.
"""
_PROPOSE = """\
Write down what the detectors see, at very low thresholds, in the pictures of DATA: a data set, or a
folder whose train.json and calibration.json are both looked at. It goes on where it was stopped.
"""
_RELEASE_CHECK = """\
Choose from which score the release check's detections in finished pictures count, on pictures
that nothing was trained on: DATA is a data set, or a folder that holds a calibration.json. Writes
the scores into the policy file, and what they give into its card.
"""
_QUANTISE = """\
Turn a float32 network into int8, which takes a third to half of the time: its file in models, its
entry and its card. Activations get the ranges that pictures of DATA give: a data set, or a folder
that holds a train.json. Without --float: the file in models where it is float32 still, else the one
that was kept in RUN/float32. Calibrate afterwards; after the witness, choose its scores.
"""
_RANGES = """\
Measure the ranges of CenterFace's activations on pictures of DATA, a data set or a folder that
holds a train.json: with them its published file is made int8 when it is loaded. Writes
models/ranges.npz, its entry and its card. Calibrate afterwards.
"""
_CROPS = """\
Train the network that looks at the crop of each proposal, from ImageNet's weights: DATA is a folder
whose train.json teaches and whose calibration.json chooses the epoch; PROPOSALS.jsonl is what
`propose` wrote of both. Writes models/crops.onnx, its entry and its card. Calibrate afterwards.
"""
_SCENE = """\
Train the classifier that tells whether a picture shows people: DATA is a folder whose train.json
teaches and whose calibration.json tells how good it is. --without names a source, as the data set
does, whose pictures show nobody; every other picture counts as one with people. Writes
models/scene.onnx, its entry and its card.
"""


def parser(acts: Mapping[str, Act]) -> argparse.ArgumentParser:
    """The parser, which leaves what is to be called in `act`."""
    made = argparse.ArgumentParser(
        prog="python -m models.train",
        description="Train Lethe's own detector on labelled pictures. See docs/how-to/train.md.",
        epilog=exits_of("train"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = made.add_subparsers(required=True, metavar="COMMAND")
    everything = _verb(verbs, "all", acts["all"], _ALL, "prepare, fit and export")
    for add in (_add_data, _add_recipe, _add_role, _add_resume, _add_entry, _add_note):
        add(everything)
    _add_data(_verb(verbs, "prepare", acts["prepare"], _PREPARE, "lay labelled pictures out"))
    fit = _verb(verbs, "fit", acts["fit"], _FIT, "train a round")
    for add in (_add_recipe, _add_role, _add_resume, _add_note):
        add(fit)
    export = _verb(verbs, "export", acts["export"], _EXPORT, "make the model file")
    export.add_argument("checkpoint", nargs="?", type=Path, metavar="FILE.pt")
    _add_role(export)
    _add_entry(export)
    _add_note(export)
    export.add_argument(
        "--side", type=positive, metavar="PX", help="trained at, where nothing was written down"
    )
    export.add_argument(
        "--prepared",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="prepared pictures that the rounds of --round-note used, for the list of sources",
    )
    quantise = _verb(verbs, "quantise", acts["quantise"], _QUANTISE, "make the model file int8")
    quantise.add_argument("name", choices=QUANTISED, metavar="NAME", help=", ".join(QUANTISED))
    quantise.add_argument("data", type=Path, metavar="DATA")
    quantise.add_argument(
        "--float",
        dest="source",
        type=Path,
        metavar="FILE.onnx",
        help="the float32 file",
    )
    quantise.add_argument("--models", type=Path, default=MODELS, metavar="DIR")
    ranges = _verb(verbs, "ranges", acts["ranges"], _RANGES, "make CenterFace int8")
    ranges.add_argument("data", type=Path, metavar="DATA")
    _add_entry(ranges)
    propose = _verb(verbs, "propose", acts["propose"], _PROPOSE, "write down what detectors see")
    propose.add_argument("data", type=Path, metavar="DATA")
    propose.add_argument("out", type=Path, metavar="FILE.jsonl")
    add_running(propose)
    add_executor(propose)
    crops = _verb(verbs, "crops", acts["crops"], _CROPS, "train the crop classifier")
    crops.add_argument("data", type=Path, metavar="DATA")
    crops.add_argument("proposals", type=Path, metavar="PROPOSALS.jsonl")
    _add_course(crops, epochs=8)
    _add_entry(crops)
    release_check = _verb(
        verbs, "witness", acts["witness"], _RELEASE_CHECK, "choose when to object"
    )
    release_check.add_argument("data", type=Path, metavar="DATA")
    release_check.add_argument("--models", type=Path, default=MODELS, metavar="DIR")
    release_check.add_argument("--policy", type=Path, default=DEFAULT_FILE, metavar="FILE")
    add_running(release_check)
    add_executor(release_check)
    scene = _verb(verbs, "scene", acts["scene"], _SCENE, "train the scene classifier")
    scene.add_argument("data", type=Path, metavar="DATA")
    scene.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="SOURCE",
        help="a source without people; may be given several times",
    )
    _add_entry(scene)
    _add_calibration(
        _verb(
            verbs, "calibrate", acts["calibrate"], _CALIBRATE, "make probabilities and thresholds"
        )
    )
    return made


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    act: Act,
    description: str,
    short: str,
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(
        name,
        help=short,
        description=description,
        epilog=exits_of("train"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.set_defaults(act=act)
    verb.add_argument(
        "--run", type=Path, default=RUN, metavar="DIR", help=f"folder to work in (default {RUN})"
    )
    return verb


def _add_data(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("data", nargs="?", type=Path, metavar="DATA", help="the data set")
    verb.add_argument("--images", type=Path, metavar="DIR", help="where its pictures lie")
    verb.add_argument(
        "--per-source",
        type=count,
        default=Choice().per_source,
        metavar="N",
        help="at most N pictures of each source, when there are several (default 250; 0: all)",
    )
    verb.add_argument(
        "--repeat-rarest",
        type=positive,
        default=Choice().repeat_rarest,
        metavar="N",
        help="show pictures of the rarest category N times an epoch (default 2)",
    )
    verb.add_argument(
        "--data-licence",
        default="not stated",
        metavar="TEXT",
        help="licence of pictures whose data set does not say",
    )


def _add_recipe(verb: argparse.ArgumentParser) -> None:
    _add_course(verb, epochs=60)
    verb.add_argument(
        "--size", type=positive, default=480, metavar="PX", help="longer side (default 480)"
    )
    verb.add_argument("--batch", type=positive, default=16, metavar="N", help="default 16")
    verb.add_argument(
        "--start",
        type=Path,
        metavar="FILE",
        help="begin with a checkpoint (.pt) or a float32 network (.onnx)",
    )


def _add_course(verb: argparse.ArgumentParser, epochs: int) -> None:
    verb.add_argument("--minutes", type=_minutes, metavar="N", help="end after N minutes at most")
    verb.add_argument(
        "--epochs", type=positive, default=epochs, metavar="N", help=f"at most (default {epochs})"
    )
    verb.add_argument("--seed", type=count, default=0, metavar="N", help="default 0")


def _add_role(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--role",
        choices=tuple(NAMES),
        default="finder",
        help="what the model is for: to find things, or to look at releases (default finder)",
    )


def _add_resume(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--resume", action="store_true", help="go on with the round that was stopped, as it was"
    )


def _add_entry(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--models", type=Path, default=MODELS, metavar="DIR", help="default: the product's own"
    )
    verb.add_argument(
        "--use",
        choices=USES,
        default="research",
        help="what the data allows; any: all of it is licensed for any use (default research)",
    )


def _add_note(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--round-note",
        action="append",
        default=[],
        metavar="TEXT",
        help="says what led to a checkpoint without run.json beside it; once for each round",
    )


def _add_calibration(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("data", type=Path, metavar="DATA")
    _add_entry(verb)
    verb.add_argument(
        "--policy",
        type=Path,
        action="append",
        metavar="FILE",
        help="may be given several times; default: the product's three",
    )
    add_running(verb)
    add_executor(verb)
    verb.add_argument(
        "--note",
        type=_cell,
        metavar="TEXT",
        help="append what was measured to --table, with this text",
    )
    verb.add_argument(
        "--table", type=Path, default=TABLE, metavar="FILE.md", help=f"default {TABLE}"
    )


def _cell(text: str) -> str:
    if "|" in text or "\n" in text:
        raise argparse.ArgumentTypeError(f"must be one line without |, not {text!r}")
    return text


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"must be a number of minutes above 0, not {text!r}")
    return value
