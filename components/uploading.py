"""The parts of the upload page."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from components import permission, session
from components.access import Role
from components.batch_card import live_card, live_cards
from components.carried import show_carried
from components.failures import fatal, shown
from components.palette import bytes_text, cells, plain
from components.services import database, home, now, policy
from components.staging import Staged, Staging
from engine.errors import LetheError
from engine.evaluation.report_numbers import counted
from engine.manifest import COLUMNS, Manifest, read_manifest
from engine.outcome import FormatChoice
from engine.policy import Policy
from store import batches, intake
from store.batches import Request
from store.intake import NO_MANIFEST, Incoming

_FORMATS: dict[FormatChoice, str] = {
    "same": "As it came (JPEG stays JPEG, all else becomes PNG)",
    "png": "PNG",
    "jpeg": "JPEG",
}


@dataclass(frozen=True, slots=True)
class Order:
    """How a batch is to be made."""

    name: str
    policy: Policy
    format: FormatChoice


def show_running() -> None:
    """Batches at work; the one started here stays until another is."""
    started: str | None = session.kept("started_batch", lambda: None)
    if started is not None:
        live_card(started)
    else:
        live_cards()


def take_files() -> None:
    """A drop zone whose files are on disk as soon as they arrive."""
    turn = session.kept("upload_turn", int)
    dropped = st.file_uploader(
        "Pictures, or a zip of them",
        accept_multiple_files=True,
        key=f"upload_files_{turn}",
        help="Names in any script. Every file reaches an outcome; none is left out in silence.",
    )
    refused: list[str] = session.kept("upload_refused", list)
    if not dropped:
        for sentence in refused:
            st.error(plain(sentence), icon=":material/error:")
        return
    refused.clear()
    session.keep("upload_turn", turn + 1)  # a new uploader: this one would keep them in memory
    with st.spinner(f"Taking in {counted(len(dropped), 'file')} …"):
        for file in dropped:
            try:
                _staging().take_file(file.name, file.getvalue())
            except LetheError as error:
                refused.append(str(error))  # told below the next, empty uploader
    st.rerun()


def take_folder() -> None:
    """A folder this machine can read; its files stay where they are until Start copies them."""
    where = st.text_input("Folder", key="upload_folder", placeholder="/data/pictures")
    if st.button("List its pictures", key="upload_list", disabled=not where):
        with shown():
            _staging().take_folder(where)
            st.rerun()


def staged() -> tuple[Staged, ...]:
    """What was brought in and not started yet."""
    files = _staging().files()
    batch = batches.of_run(database(), _staging().token) if files else None
    if batch is not None and batch.started_at is not None:
        _staging().clear()  # the program ended between starting the batch and this
        return ()
    return files


def show_staged(files: tuple[Staged, ...], manifest: Manifest | None) -> None:
    """What was understood, problems first."""
    known = manifest or NO_MANIFEST
    rows = [_row(file, known) for file in sorted(files, key=lambda one: not one.fitness.problem)]
    st.dataframe(
        pd.DataFrame(cells(rows)),
        hide_index=True,
        height=min(38 + 35 * len(files), 250),
        key="upload_table",
        alt="What was understood of each file",
    )
    show_carried(files)


def ask_manifest() -> Manifest | None:
    """Licences, from a CSV; nothing is known without one. None while it cannot be read."""
    csv = st.file_uploader("Licence manifest (optional CSV)", type="csv", key="upload_manifest")
    st.download_button(
        "Manifest template",
        ",".join(COLUMNS) + "\n",
        "manifest.csv",
        key="upload_template",
        type="tertiary",
        icon=":material/download:",
    )
    try:
        return read_manifest(csv.getvalue().decode("utf-8")) if csv else NO_MANIFEST
    except UnicodeDecodeError:
        st.error("The manifest is not UTF-8 text; save it as CSV UTF-8.", icon=":material/error:")
    except LetheError as error:
        st.error(plain(str(error)), icon=":material/error:")
    return None


@permission.callback(Role.ANALYST)
def _clear() -> None:
    _staging().clear()


def ask_how() -> Order | None:
    """Name and, under Advanced, format and policy; None while something is wrong."""
    default = session.kept("upload_default_name", lambda: f"Batch of {now():%d %b %Y, %H:%M} UTC")
    name = st.text_input("Batch name", key="upload_name", value=default)
    with fatal():
        chosen = policy()
    with st.expander("Advanced", key="upload_advanced"):
        choice = st.selectbox(
            "Format of releases",
            list(_FORMATS),
            format_func=_FORMATS.__getitem__,
            key="upload_format",
        )
        wanted = st.multiselect(
            "Look for",
            chosen.looked_for,
            default=list(chosen.looked_for),
            format_func=str.capitalize,
            key="upload_look_for",
            help="What is not looked for is not removed; every receipt says so.",
        )
        strict = st.toggle(
            "No licence, no release",
            value=chosen.manifest.require_licence,
            disabled=chosen.manifest.require_licence,  # what the policy demands stays demanded
            key="upload_strict",
            help="Pictures without a licence in the manifest are held back.",
        )
    if not wanted:
        st.error("Choose at least one thing to look for.", icon=":material/error:")
        return None
    chosen = chosen.only(wanted).requiring_licence(required=strict)
    return Order(name or "Unnamed batch", chosen, choice)


def offer_start(files: tuple[Staged, ...], order: Order | None, manifest: Manifest | None) -> None:
    """What is there, the button that makes a batch of it, and the one that forgets it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            f"Start with {counted(len(files), 'picture')}",
            type="primary",
            key="upload_start",
            icon=":material/play_arrow:",
            disabled=order is None or manifest is None,
        )
        st.button(
            "Clear",
            key="upload_clear",
            on_click=_clear,
            icon=":material/delete:",
            help="Forget these files; nothing was started.",
        )
        st.caption(_summary(files))
    if not pressed or order is None or manifest is None:
        return
    with shown(), st.spinner("Copying originals to a safe place …"):
        token = _staging().token
        request = Request(order.name, order.policy.to_toml(), order.format, run=token)
        batch = batches.create(database(), request, now())
        incoming = (Incoming(file.name, file.path) for file in files)
        intake.add(database(), batch.id, incoming, now(), manifest=manifest)
        batches.start(database(), batch.id, now())
        _staging().clear()
        session.keep("started_batch", batch.id)
        session.forget("upload_default_name")
        st.rerun()


def _summary(files: tuple[Staged, ...]) -> str:
    problems = sum(bool(file.fitness.problem) for file in files)
    carried = sum(bool(file.fitness.metadata) for file in files)
    line = f"{counted(len(files), 'picture')}, {bytes_text(sum(file.bytes for file in files))}."
    if carried:
        line += f" {carried} carry metadata, which never reaches a release."
    if problems:
        line += f" {problems} will probably be held back."
    return line


def _staging() -> Staging:
    return Staging(home() / "staging")


def _row(file: Staged, manifest: Manifest) -> dict[str, str]:
    fitness, entry = file.fitness, manifest.entry(file.name)
    return {
        "Name": file.name,
        "Problem": fitness.problem,
        "Format": fitness.format,
        "Pixels": f"{fitness.width} × {fitness.height}" if fitness.width else "",
        "Size": bytes_text(file.bytes),
        "Licence": entry.licence if entry else "",
        "Carries": ", ".join(fitness.metadata),
    }
