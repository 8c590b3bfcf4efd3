"""Recall page: form for a new evaluation, from a labelled data set to Start."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from components.app import download_link, permission, server_folders, session, uploads
from components.app.access import Role
from components.app.failures import shown
from components.app.palette import plain
from components.app.services import database, home, now, policy
from components.app.session import actor
from components.recall import archive as recall_archive
from engine.category import DETECTABLE
from engine.errors import InvalidDataset, LetheError
from engine.evaluation.data.datasets import SeveralDatasets, read_dataset
from engine.evaluation.data.labels import Dataset, Problem
from engine.evaluation.scores.recall import TARGET
from engine.wording import counted
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation, Request
from store.policies import versions

FIRST_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """A data set that was read, with its source; it waits for Start."""

    dataset: Dataset
    source: str


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """A policy that an evaluation can be made under."""

    label: str
    toml: str


def offer_new(runs: tuple[Evaluation, ...]) -> None:
    """Form for a new evaluation: choice of a data set, its contents, settings, Start."""
    dataset_input: DatasetInput | None = session.kept("recall_brought", lambda: None)
    is_begun = dataset_input is not None or bool(session.kept("recall_refused", str))
    with st.expander(
        "New evaluation",
        icon=":material/add:",
        expanded=is_begun or not runs,
        key=f"recall_new_{len(runs)}",  # closed again once something began
    ):
        if dataset_input is None:
            folder, archive = st.tabs(["A folder on this machine", "A zip"])
            with folder:
                _folder_input()
            with archive:
                _zip_input()
            return
        _summary(dataset_input)
        _settings(dataset_input)


def _folder_input() -> None:
    if not server_folders.are_open():
        st.info(server_folders.CLOSED, icon=":material/lock:")
        return
    where_column, images_column = st.columns(2)
    where = where_column.text_input(
        "Folder or annotation file",
        key="recall_where",
        placeholder="/data/labelled/annotations.json",
        help="COCO (.json), YOLO (data.yaml), Pascal VOC or CVAT (.xml), or a folder with one.",
    )
    images = images_column.text_input(
        "Folder of pictures (optional)",
        key="recall_images",
        placeholder="where the data set says",
        help="Only if the pictures lie elsewhere than the data set says.",
    )
    if st.button("Read it", key="recall_read", disabled=not where.strip()):
        with shown(), st.spinner("Reading labels …"):
            labels = Path(where.strip()).expanduser()
            pictures = Path(images.strip()).expanduser() if images.strip() else None
            server_folders.refuse_closed([labels, *([pictures] if pictures else [])])
            dataset = read_dataset(labels, pictures)
            server_folders.refuse_closed(one.path for one in dataset.pictures)
            session.keep("recall_brought", DatasetInput(dataset, str(labels.absolute())))
            st.rerun()


def _zip_input() -> None:
    turn = session.kept("recall_turn", int)
    file = st.file_uploader(
        "A zip with pictures and labels",
        type="zip",
        key=f"recall_zip_{turn}",
        help="It is unpacked into Lethe's own folder and deleted with its evaluation.",
    )
    refused: str = session.kept("recall_refused", str)
    if file is None:
        if refused:
            st.error(plain(refused), icon=":material/error:")
        return
    session.keep("recall_turn", turn + 1)  # a new uploader: this one would keep it in memory
    session.keep("recall_refused", "")
    with st.spinner("Unpacking …"):
        try:
            with uploads.opened(file) as content:
                folder = recall_archive.unpacked(home(), file.name, content)
            session.keep("recall_brought", _read_unpacked(folder, Path(file.name).stem))
        except LetheError as error:
            session.keep("recall_refused", str(error))  # told below the next, empty uploader
        finally:
            uploads.end(file)
    st.rerun()


def _read_unpacked(folder: Path, name: str) -> DatasetInput:
    try:
        return DatasetInput(replace(read_dataset(folder), name=name), str(folder.absolute()))
    except LetheError as error:
        recall_archive.discard(home(), str(folder))
        sentence = str(error).replace(str(folder), f"{name}.zip")
        if isinstance(error, SeveralDatasets):
            sentence = (
                f"{name}.zip holds more than one data set: {error.names}. Leave one of them in the "
                "zip, or unpack it and name the one that is meant under A folder on this machine."
            )
        raise InvalidDataset(sentence) from error


def _summary(dataset_input: DatasetInput) -> None:
    """Summary of a data set: pictures, labels by category, and the first problems."""
    dataset = dataset_input.dataset
    suffixes = Counter(
        picture.path.suffix.lower().lstrip(".") or "?" for picture in dataset.pictures
    )
    formats = ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common())
    st.markdown(
        f"**{plain(dataset.name)}** · {counted(len(dataset.pictures), 'picture')} "
        f"({plain(formats)})"
    )
    st.table(
        pd.DataFrame(_per_category(dataset)),
        border="horizontal",
        hide_index=True,
        alt="Labels for each category",
    )
    if not dataset.problems:
        return
    rest = len(dataset.problems) - FIRST_PROBLEMS
    rows = [f"{counted(len(dataset.problems), 'problem')}; the rest goes on.\n"]
    rows += [f"- {plain(str(problem))}" for problem in dataset.problems[:FIRST_PROBLEMS]]
    rows += [f"- … and {rest} more"] if rest > 0 else []
    st.warning("\n".join(rows), icon=":material/warning:")
    download_link.button(
        "All problems",
        partial(_problem_list, dataset.problems),
        name="problems.txt",
        media_type="text/plain; charset=utf-8",
        key="recall_new_problems",
        type="tertiary",
        icon=":material/download:",
    )


@permission.download(Role.MANAGER)
def _problem_list(problems: tuple[Problem, ...]) -> bytes:
    """What could not be read of a data set, of which nothing is stored yet."""
    return ("\n".join(map(str, problems)) + "\n").encode()


def _per_category(dataset: Dataset) -> list[dict[str, str]]:
    labels = Counter(
        (label.category, label.is_ignored)
        for picture in dataset.pictures
        for label in picture.labels
    )
    complete = Counter(name for picture in dataset.pictures for name in picture.labelled_for)
    partial = Counter(name for picture in dataset.pictures for name in picture.partial_for)
    return [
        {
            "Category": category.value,
            "Labels that count": f"{labels[category, False]}",
            "Ignored": f"{labels[category, True]}",
            "Lost": f"{dataset.lost.get(category, 0)}",
            "Pictures labelled completely": f"{complete[category]}",
            "In part": f"{partial[category]}",
        }
        for category in DETECTABLE
    ]


def _settings(dataset_input: DatasetInput) -> None:
    name_column, policy_column, target_column = st.columns([0.4, 0.4, 0.2])
    name = name_column.text_input("Name", value=dataset_input.dataset.name, key="recall_name")
    choices = _policies()
    chosen = policy_column.selectbox(
        "Policy",
        choices,
        format_func=lambda choice: choice.label,
        key="recall_policy",
        help="What is looked for, and from which score on.",
    )
    per_cent = target_column.number_input(
        "Target, %",
        min_value=50.0,
        max_value=99.99,
        value=TARGET * 100,
        step=0.5,
        key="recall_target",
        help="Recall to prove in every category.",
    )
    with st.container(horizontal=True):
        pressed = st.button(
            f"Start with {counted(len(dataset_input.dataset.pictures), 'picture')}",
            type="primary",
            icon=":material/play_arrow:",
            key="recall_start",
            disabled=chosen is None,
        )
        st.button(
            "Choose another data set",
            key="recall_forget",
            on_click=_forget,
            args=(dataset_input,),
        )
    if pressed and chosen is not None:
        with shown():
            target = round(per_cent / 100, 6)
            _start(dataset_input, name or dataset_input.dataset.name, chosen.toml, target)
            session.forget("recall_brought")
            st.rerun()


def _policies() -> list[PolicyChoice]:
    choices = []
    with shown():
        choices.append(PolicyChoice("The policy in force", policy(actor()).to_toml()))
    choices += [
        PolicyChoice(f"Version {version.number}: {version.note or 'no note'}", version.toml)
        for version in versions.versions(actor(), database())
    ]
    return choices


def _start(dataset_input: DatasetInput, name: str, toml: str, target: float) -> Evaluation:
    """Start an evaluation; folders are asked about again, for links may have come since."""
    pictures = (picture.path for picture in dataset_input.dataset.pictures)
    server_folders.refuse_closed(recall_archive.outside(home(), dataset_input.source, pictures))
    request = Request(
        name, dataset_input.source, dataset_input.dataset, toml, target, session.user().name
    )
    return evaluations.create(actor(), database(), request, now())


@permission.callback(Role.MANAGER)
def _forget(dataset_input: DatasetInput) -> None:
    session.forget("recall_brought")
    recall_archive.discard(home(), dataset_input.source, evaluations.sources(actor(), database()))


def again(run: Evaluation, name: str, toml: str) -> Evaluation:
    """Start an evaluation of the same pictures and labels under another policy.

    Raises:
        LetheError: it cannot be made; the sentence says why.
    """
    examined = evaluations.examined(actor(), database(), run.id)
    pictures = [
        picture for picture, _ in (*examined, *evaluations.unread(actor(), database(), run.id))
    ]
    pictures.sort(key=lambda picture: picture.name)
    # `str(problem)` undone, its line left with the file's name
    parts = [sentence.partition(": ") for sentence in run.problems]
    problems = tuple(Problem(file, None, text) for file, _, text in parts)
    dataset = Dataset(run.name, tuple(pictures), problems, run.lost)
    return _start(DatasetInput(dataset, run.source), name, toml, run.target)
