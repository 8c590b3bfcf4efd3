"""Beginning an evaluation: from a labelled data set to Start."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import streamlit as st

from components.app import permission, session
from components.app.access import Role
from components.app.failures import shown
from components.app.palette import plain
from components.app.services import database, home, now, policy
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
class Brought:
    """A data set that was read and waits for Start."""

    dataset: Dataset
    source: str


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """A policy that an evaluation can be made under."""

    label: str
    toml: str


def offer_new(runs: tuple[Evaluation, ...]) -> None:
    """The panel from a labelled data set to Start."""
    brought: Brought | None = session.kept("recall_brought", lambda: None)
    is_begun = brought is not None or bool(session.kept("recall_refused", str))
    with st.expander(
        "New evaluation",
        icon=":material/add:",
        expanded=is_begun or not runs,
        key=f"recall_new_{len(runs)}",  # closed again once something began
    ):
        if brought is None:
            folder, archive = st.tabs(["A folder on this machine", "A zip"])
            with folder:
                _take_folder()
            with archive:
                _take_zip()
            return
        _understood(brought)
        _ask_how(brought)


def _take_folder() -> None:
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
            dataset = read_dataset(labels, pictures)
            session.keep("recall_brought", Brought(dataset, str(labels.absolute())))
            st.rerun()


def _take_zip() -> None:
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
            folder = recall_archive.unpacked(home(), file.name, file)
            session.keep("recall_brought", _read_unpacked(folder, Path(file.name).stem))
        except LetheError as error:
            session.keep("recall_refused", str(error))  # told below the next, empty uploader
    st.rerun()


def _read_unpacked(folder: Path, name: str) -> Brought:
    try:
        return Brought(replace(read_dataset(folder), name=name), str(folder.absolute()))
    except SeveralDatasets as error:
        recall_archive.discard(home(), str(folder))
        raise InvalidDataset(
            f"{name}.zip holds more than one data set: {error.names}. Leave one of them in the "
            "zip, or unpack it and name the one that is meant under A folder on this machine."
        ) from error
    except LetheError as error:
        recall_archive.discard(home(), str(folder))
        sentence = str(error).replace(str(folder), f"{name}.zip")
        raise InvalidDataset(sentence) from error


def _understood(brought: Brought) -> None:
    """What was read, problems last and never all of them."""
    dataset = brought.dataset
    kinds = Counter(one.path.suffix.lower().lstrip(".") or "?" for one in dataset.pictures)
    formats = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
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
    first = [f"- {plain(str(one))}" for one in dataset.problems[:FIRST_PROBLEMS]]
    more = [f"- … and {rest} more"] if rest > 0 else []
    st.warning(
        "\n".join(
            [f"{counted(len(dataset.problems), 'problem')}; the rest goes on.\n", *first, *more]
        ),
        icon=":material/warning:",
    )
    st.download_button(
        "All problems",
        "\n".join(map(str, dataset.problems)) + "\n",
        "problems.txt",
        key="recall_new_problems",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )


def _per_category(dataset: Dataset) -> list[dict[str, str]]:
    rows = []
    for category in DETECTABLE:
        own = [
            label for one in dataset.pictures for label in one.labels if label.category is category
        ]
        ignored = sum(label.is_ignored for label in own)
        rows.append(
            {
                "Category": category.value,
                "Labels that count": f"{len(own) - ignored}",
                "Ignored": f"{ignored}",
                "Lost": f"{dataset.lost.get(category, 0)}",
                "Pictures labelled completely": f"{_number(dataset, category, 'labelled_for')}",
                "In part": f"{_number(dataset, category, 'partial_for')}",
            }
        )
    return rows


def _number(dataset: Dataset, category: str, field: str) -> int:
    return sum(category in getattr(one, field) for one in dataset.pictures)


def _ask_how(brought: Brought) -> None:
    name_column, policy_column, target_column = st.columns([0.4, 0.4, 0.2])
    name = name_column.text_input("Name", value=brought.dataset.name, key="recall_name")
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
            f"Start with {counted(len(brought.dataset.pictures), 'picture')}",
            type="primary",
            icon=":material/play_arrow:",
            key="recall_start",
            disabled=chosen is None,
        )
        st.button(
            "Choose another data set",
            key="recall_forget",
            on_click=_forget,
            args=(brought,),
        )
    if pressed and chosen is not None:
        with shown():
            target = round(per_cent / 100, 6)
            _start(brought, name or brought.dataset.name, chosen.toml, target)
            session.forget("recall_brought")
            st.rerun()


def _policies() -> list[PolicyChoice]:
    choices = []
    with shown():
        choices.append(PolicyChoice("The policy in force", policy().to_toml()))
    choices += [
        PolicyChoice(f"Version {one.number}: {one.note or 'no note'}", one.toml)
        for one in versions.versions(database())
    ]
    return choices


def _start(brought: Brought, name: str, toml: str, target: float) -> Evaluation:
    request = Request(name, brought.source, brought.dataset, toml, target, session.user().name)
    return evaluations.create(database(), request, now())


@permission.callback(Role.MANAGER)
def _forget(brought: Brought) -> None:
    session.forget("recall_brought")
    recall_archive.discard(home(), brought.source, evaluations.sources(database()))


def again(run: Evaluation, name: str, toml: str) -> Evaluation:
    """Begin the same pictures and labels under another policy.

    Raises:
        LetheError: it cannot be made; the sentence says why.
    """
    known = [
        *(picture for picture, _ in evaluations.examined(database(), run.id)),
        *(picture for picture, _ in evaluations.unread(database(), run.id)),
    ]
    pictures = tuple(sorted(known, key=lambda picture: picture.name))
    dataset = Dataset(run.name, pictures, tuple(map(_problem, run.problems)), run.lost)
    return _start(Brought(dataset, run.source), name, toml, run.target)


def _problem(sentence: str) -> Problem:
    """Undo `str(problem)`, its line left with the file's name."""
    file, _, text = sentence.partition(": ")
    return Problem(file, None, text)
