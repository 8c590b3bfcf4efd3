"""The parts of the upload page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from components.app import permission, server_folders, session, uploads
from components.app.access import Role
from components.app.failures import fatal, shown
from components.app.palette import bytes_text, cells, numbered, plain
from components.app.services import database, now, policy
from components.app.session import actor
from components.upload.batch_card import live_card, live_cards
from components.upload.metadata_table import show_carried
from components.upload.own_staging import own_staging
from components.upload.staging import Staged
from engine.errors import LetheError
from engine.files.safe_read import printable
from engine.images import FormatChoice
from engine.policies.text import DEFAULT, NAMES, summary_of
from engine.policy import Policy, default_policy, named_policy
from engine.runs.licences import COLUMNS, LicenceList, read_licence_list
from engine.wording import counted
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import NO_MANIFEST, Incoming

_FORMATS: dict[FormatChoice, str] = {
    "same": "As it came (JPEG stays JPEG, all else becomes PNG)",
    "png": "PNG",
    "jpeg": "JPEG",
}
_NAMED = 8
"""Pictures a warning names before it counts the others."""


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
    left_out: list[str] = session.kept("upload_left_out", list)
    if not dropped:
        for sentence in refused:
            st.error(plain(sentence), icon=":material/error:")
        for sentence in left_out:
            st.info(plain(sentence), icon=":material/info:")
        return
    refused.clear()
    left_out.clear()
    session.keep("upload_turn", turn + 1)  # a new uploader: this one would keep them in memory
    with st.spinner(f"Taking in {counted(len(dropped), 'file')} …"):
        for file in dropped:
            try:
                with uploads.opened(file) as content:
                    taken = own_staging().take_file(file.name, content)
                left_out += [taken.left_out] if taken.left_out else []
            except LetheError as error:
                refused.append(str(error))  # shown below the next, empty uploader
            finally:
                uploads.end(file)
    st.rerun()


def take_folder() -> None:
    """A folder this machine can read; its files stay where they are until Start copies them."""
    if not server_folders.are_open():
        st.info(server_folders.CLOSED, icon=":material/lock:")
        return
    where = st.text_input("Folder", key="upload_folder", placeholder="/data/pictures")
    if st.button("List its pictures", key="upload_list", disabled=not where):
        with shown():
            server_folders.refuse_closed([Path(where)])
            taken = own_staging().take_folder(where, server_folders.refuse_closed)
            session.keep("upload_left_out", [taken.left_out] if taken.left_out else [])
            session.keep("upload_refused", [])
            st.rerun()


def staged() -> tuple[Staged, ...]:
    """What was brought in and not started yet."""
    with fatal():
        own_staging().settle(_is_started)
        return own_staging().files()


def _is_started(token: str) -> bool:
    batch = batches.of_run(actor(), database(), token)
    return batch is not None and batch.started_at is not None


def show_staged(files: tuple[Staged, ...], manifest: LicenceList | None) -> None:
    """What was understood, problems first, and a way to take single files out."""
    licences = (manifest or NO_MANIFEST).among(file.name for file in files)
    ordered = sorted(files, key=lambda file: not file.checked.problem)
    st.caption(_summary(files))
    table = pd.DataFrame(cells(_row(file, licences) for file in ordered))
    st.dataframe(
        table,
        hide_index=True,
        height=min(38 + 35 * len(files), 323),
        column_config={
            "Name": st.column_config.TextColumn(width=150),
            "Problem": st.column_config.TextColumn(width=340),
        },
        column_order=[name for name in table if table[name].any()],
        key="upload_table",
        alt="What was understood of each file",
    )
    _offer_removal(ordered)
    show_carried(files)


def _offer_removal(files: Sequence[Staged]) -> None:
    """Files to choose by name, and buttons that drop those, or all."""
    names = _distinct_names(files)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unwanted = st.multiselect(
            "Files to remove",
            list(names),
            format_func=names.__getitem__,
            key="upload_unwanted",
            placeholder="Choose by name",
        )
        st.button(
            "Remove these",
            key="upload_remove",
            icon=":material/close:",
            disabled=not unwanted,
            help="Forget these files alone; nothing was started.",
            on_click=_remove,
            args=(unwanted,),
        )
        st.button(
            "Clear",
            key="upload_clear",
            on_click=_clear,
            args=([file.id for file in files],),
            icon=":material/delete:",
            help="Forget all of these files; nothing was started.",
        )


def _distinct_names(files: Sequence[Staged]) -> dict[str, str]:
    """Each file's name by its id; a name that came before is numbered, so that all differ."""
    names = numbered(printable(file.name) for file in files)
    return dict(zip((file.id for file in files), names, strict=True))


@permission.callback(Role.ANALYST)
def _remove(ids: list[str]) -> None:
    with shown():
        own_staging().forget(ids)
        session.keep("upload_unwanted", [])


def ask_manifest() -> LicenceList | None:
    """Licences, from a CSV kept with the pictures; None while it cannot be read."""
    is_kept = own_staging().has_manifest
    how = "kept with these pictures" if is_kept else "optional"
    with st.expander(f"Licence manifest, {how}", key="upload_licences"):
        _offer_manifest(is_kept=is_kept)
    if not is_kept:
        return NO_MANIFEST
    with shown():
        return read_licence_list(own_staging().manifest() or "")
    return None


def _offer_manifest(*, is_kept: bool) -> None:
    """Where a manifest is brought, a template for one, and the way to take it out again."""
    st.file_uploader(
        "Licence manifest (CSV)",
        type="csv",
        key="upload_manifest",
        on_change=_keep_manifest,
        help="It is kept with these pictures until they are started or cleared.",
    )
    with st.container(horizontal=True):
        st.download_button(
            "Manifest template",
            ",".join(COLUMNS) + "\n",
            "manifest.csv",
            key="upload_template",
            type="tertiary",
            icon=":material/download:",
        )
        if is_kept:
            st.button(
                "Remove the manifest",
                key="upload_manifest_remove",
                type="tertiary",
                icon=":material/close:",
                on_click=_forget_manifest,
            )


@permission.callback(Role.ANALYST)
def _keep_manifest() -> None:
    csv = session.widget_value("upload_manifest")
    with shown():
        if csv is None:
            own_staging().forget_manifest()
        else:
            own_staging().keep_manifest(uploads.content(csv))


@permission.callback(Role.ANALYST)
def _forget_manifest() -> None:
    with shown():
        own_staging().forget_manifest()


def compare_names(files: tuple[Staged, ...], manifest: LicenceList | None) -> None:
    """Which pictures the manifest does not know, and how many of its lines name none."""
    if manifest is None or not manifest.entries:
        return
    names = [file.name for file in files]
    unknown, unmatched = manifest.unknown(names), manifest.unmatched(names)
    if unknown:
        known = len(names) - len(unknown)
        st.warning(
            plain(
                f"The manifest names {known} of {counted(len(names), 'picture')}. It does not "
                f"know: {_first(unknown)}."
            ),
            icon=":material/warning:",
        )
    if unmatched:
        st.warning(
            f"{counted(unmatched, 'line')} of the manifest name no picture here. They must name "
            "files as they stand in this list.",
            icon=":material/warning:",
        )


def _first(names: Sequence[str]) -> str:
    shown_names = ", ".join(printable(name) for name in names[:_NAMED])
    more = len(names) - _NAMED
    return f"{shown_names} and {more} more" if more > 0 else shown_names


def ask_how() -> Order | None:
    """Name, policy and, under Advanced, what differs from it; None while something is wrong."""
    default = session.kept("upload_default_name", lambda: f"Batch of {now():%d %b %Y, %H:%M} UTC")
    name = st.text_input("Batch name", key="upload_name", value=default)
    with fatal():
        chosen = _ask_policy(policy(actor()))
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


def _ask_policy(in_force: Policy) -> Policy:
    """The policy in force where a person made one, else one of the shipped ones."""
    if in_force != default_policy():
        st.caption("The policy in force was made for this installation; see Recall.")
        return in_force
    name = st.segmented_control(
        "Policy",
        NAMES,
        default=DEFAULT,
        required=True,
        format_func=str.capitalize,
        key="upload_policy",
    )
    st.caption(plain(summary_of(name)))
    return named_policy(name)


def offer_start(
    files: tuple[Staged, ...], order: Order | None, manifest: LicenceList | None
) -> None:
    """The button that makes a batch of what is there."""
    fit = sum(not file.checked.problem for file in files)
    pressed = st.button(
        f"Start with {counted(fit, 'picture') if fit else counted(len(files), 'file')}",
        type="primary",
        key="upload_start",
        icon=":material/play_arrow:",
        disabled=order is None or manifest is None,
        # what the person sees now, not what has come in by the time of the click
        on_click=session.keep,
        args=("upload_wished", [file.id for file in files]),
    )
    if fit < len(files):
        st.caption(
            f"{counted(len(files) - fit, 'file')} will probably be held back, each with its reason."
        )
    if not pressed or order is None or manifest is None:
        return
    with shown(), st.spinner("Taking in the originals …"):
        wished: list[str] = session.kept("upload_wished", list)
        # asked before: Streamlit ends a run that was left where it next asks for the session
        staging, person, store = own_staging(), actor(), database()
        with staging.claimed(wished) as (token, waiting):
            request = Request(order.name, order.policy.to_toml(), order.format, run=token)
            batch = batches.create(person, store, request, now())
            with batches.forgotten_unless_started(person, store, batch.id):
                incoming = (
                    Incoming(file.name, staging.content(file, server_folders.refuse_closed))
                    for file in waiting
                )
                known = manifest.among(file.name for file in waiting)
                intake.add(person, store, batch.id, incoming, now(), manifest=known)
                batches.start(person, store, batch.id, now())
        session.keep("started_batch", batch.id)
        session.forget("upload_default_name")
        st.rerun()


def _summary(files: tuple[Staged, ...]) -> str:
    carried = sum(bool(file.checked.metadata) for file in files)
    line = f"{counted(len(files), 'file')}, {bytes_text(sum(file.bytes for file in files))}."
    if carried:
        verb = "carries" if carried == 1 else "carry"
        line += f" {carried} {verb} metadata, which never reaches a release."
    return line


@permission.callback(Role.ANALYST)
def _clear(ids: list[str]) -> None:
    with shown():
        own_staging().forget(ids)


def _row(file: Staged, manifest: LicenceList) -> dict[str, str]:
    checked, entry = file.checked, manifest.entry(file.name)
    return {
        "Name": file.name,
        "Problem": checked.problem,
        "Format": checked.format,
        "Pixels": f"{checked.width} × {checked.height}" if checked.width else "",
        "Size": bytes_text(file.bytes),
        "Licence": entry.licence if entry else "",
        "Carries": ", ".join(checked.metadata),
    }
