"""The parts of the release page."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import streamlit as st

from components.app import download_link, permission, session
from components.app.access import RELEASERS, Role, may
from components.app.failures import shown
from components.app.frame import page_link
from components.app.inline import inline
from components.app.palette import OUTCOMES, REVOKED, ago, plain
from components.app.services import database, now
from components.app.session import actor
from components.release import approval, certificate, names, revocation
from components.release.bundle import bundle, checked
from components.review.originals_cache import decoded
from components.review.viewport import whole_jpeg
from engine.coverage import percent
from engine.files.safe_read import printable
from engine.wording import counted
from store.batches import batches, originals, progress
from store.batches.batches import Batch
from store.batches.pictures import Picture, PictureState
from store.batches.progress import Counts
from store.releases import certificates, receipts
from store.releases.receipts import Standing, StoredReceipt
from store.times import day
from store.worker import retry

COMPARED_AT_ONCE = 500
"""Releases that are compared with their certificates whenever the page is opened."""


def choose_batch() -> Batch | None:
    """The batch that the address names, else the newest, or the one picked; None without any.

    Raises:
        UnknownRecord: the address names a batch that does not exist.
    """
    known = _linked_and_newest()
    if not known:
        return None
    drawn_at = now()  # once: labels that change while a page is drawn match no choice
    return st.selectbox(
        "Batch",
        known,
        format_func=lambda batch: printable(f"{batch.name} · {ago(batch.created_at, drawn_at)}"),
        key="release_batch",
    )


def _linked_and_newest() -> tuple[Batch, ...]:
    """The newest batches, that of the address first."""
    newest = batches.newest(actor(), database())
    wanted = st.query_params.get("batch")
    if wanted is None:
        return newest
    linked = batches.batch(actor(), database(), wanted)
    return (linked, *(batch for batch in newest if batch.id != linked.id))


def counts(batch: Batch) -> None:
    """How many of each outcome; kept up to date while the machine works."""
    have = progress.progress(actor(), database(), batch.id, now()).counts
    if have.remaining:
        _counting(batch.id)
    else:
        _numbers(have)
        _offer_again(batch)


def _offer_again(batch: Batch) -> None:
    """A second try for what the machine held back; what a person rejected stays so."""
    if not may(session.user(), Role.ANALYST):
        return
    count = retry.held_back(actor(), database(), batch.id)
    if count:
        st.button(
            f"Try {counted(count, 'held-back picture')} again",
            key="release_try_held_back",
            icon=":material/refresh:",
            help="For when the cause was this machine, or was mended.",
            on_click=_try_held_back,
            args=(batch.id,),
        )


@permission.callback(Role.ANALYST)
def _try_held_back(batch_id: str) -> None:
    retry.try_held_back(actor(), database(), batch_id, now())


@st.fragment(run_every=1.0)
@permission.fragment(*RELEASERS)
def _counting(batch_id: str) -> None:
    have = progress.progress(actor(), database(), batch_id, now()).counts
    if not have.remaining:
        st.rerun()
    _numbers(have)


def _numbers(have: Counts) -> None:
    numbers = {
        PictureState.RELEASED: have.released,
        PictureState.REVIEW: have.review,
        PictureState.QUARANTINED: have.quarantined,
        PictureState.WAITING: have.remaining,
    }
    if have.cancelled:
        numbers[PictureState.CANCELLED] = have.cancelled
    for column, (state, number) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
        column.metric(OUTCOMES[state][0], number, border=True)
    st.caption(f"Of {counted(have.total, 'picture')} in this batch.")
    if have.review:
        page_link(
            "pages/2_Review.py",
            label=f"Review {counted(have.review, 'picture')}",
            icon=":material/visibility:",
        )


def download(batch: Batch) -> None:
    """The zip of everything that was released so far, and the key that its signatures fit."""
    standing = receipts.standing(actor(), database(), batch.id)
    is_whole = _is_whole(batch, standing)
    is_approved = approval.ask(batch)
    with st.container(horizontal=True):
        _download_zip(batch, is_ready=is_whole and is_approved and bool(standing.ready))
        certificate.download_public_key()
        revocation.download_list()
        names.offer(batch)
    revocation.told(standing.revoked)


def _is_whole(batch: Batch, standing: Standing) -> bool:
    """Whether each release fits its certificate; of a large batch, compared when asked for.

    The download compares before it is made too, but what fails there a browser cannot show.
    """
    if standing.ready <= COMPARED_AT_ONCE:
        with shown():
            _refuse_changed(batch, is_remembered=True)
            return True
        return False
    compared = (batch.id, standing)
    if session.kept("release_compared", lambda: None) == compared:
        return True
    if _is_asked(standing.ready):
        with shown():
            _refuse_changed(batch, is_remembered=False)
            session.keep("release_compared", compared)
            return True
    return False


def _is_asked(releases: int) -> bool:
    return may(session.user(), Role.ANALYST) and st.button(
        f"Compare {releases:,} releases with their certificates",
        key="release_compare",
        icon=":material/fact_check:",
        help="Each file is read, which takes minutes; the download is offered then.",
    )


def _refuse_changed(batch: Batch, *, is_remembered: bool) -> None:
    """Compare what a batch hands out with its certificates; remembered, each file only once.

    Raises:
        LetheError: as for `bundle`.
    """
    released = receipts.newest(actor(), database(), batch.id)
    signed = certificates.of_batch(actor(), database(), batch.id)
    trusted = database().signer.keys.public_keys
    with st.spinner("Comparing the releases with their certificates …"):
        for receipt in released:
            if receipt.revoked_at is None:
                document = signed.get(receipt.release_id)
                if is_remembered:
                    stamp = _stamp(receipt.path)
                    _compare_once(receipt.release_id, stamp, document, trusted, receipt)
                else:
                    checked(receipt, document, trusted)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Changes when the file does; None when it cannot be reached."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@st.cache_data(max_entries=20 * COMPARED_AT_ONCE, show_spinner=False)
def _compare_once(
    release_id: str,
    stamp: tuple[int, ...] | None,
    document: bytes | None,
    trusted: frozenset[bytes],
    _receipt: StoredReceipt,
) -> None:
    """Nothing when all fits, and that is remembered; what is raised is not."""
    del release_id, stamp  # they tell one comparison from another
    checked(_receipt, document, trusted)


def _download_zip(batch: Batch, *, is_ready: bool) -> None:
    if not may(session.user(), Role.ANALYST):
        return
    download_link.button(
        "Download the released pictures (zip)",
        partial(_zip, batch),
        name="released.zip",
        media_type="application/zip",
        type="primary",
        icon=":material/download:",
        key="release_download",
        subject=batch.id,
        disabled=not is_ready,
    )


@permission.download(Role.ANALYST)
def _zip(batch: Batch) -> io.FileIO:
    return bundle(actor(), database(), batch, now())


def show(picture: Picture) -> None:
    """One picture: before and after, checks passed, or why it is held back."""
    receipt = picture.release_id and receipts.receipt(actor(), database(), picture.release_id)
    word, icon, colour = OUTCOMES[picture.state]
    if receipt and receipt.revoked_at:
        word, icon, colour = REVOKED
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(word, icon=icon, color=colour)
        st.caption(plain(picture.source))
    if picture.reason:
        st.warning(f"Held back because: {plain(picture.reason)}", icon=":material/dangerous:")
    if picture.release_ended_at is not None:
        st.info(
            f"Release destroyed on {day(picture.release_ended_at)}.",
            icon=":material/delete_forever:",
        )
    elif picture.original_ended_at is not None and picture.release_id is None:
        _before(picture)
    if not receipt:
        return
    before, after = st.columns(2)
    with before:
        st.caption("Before · stays inside")
        _before(picture)
    with after:
        share = receipt.share_removed
        gone = "" if share is None else f" · {percent(share)} of it removed"
        st.caption(f"After · what goes out{gone}")
        if receipt.path.is_file():
            st.image(str(receipt.path), width="stretch", alt="Released picture")
        else:
            st.error("The file of this release is gone from its folder; put it back from a copy.")
    revocation.show(receipt)
    with shown():
        certificate.show(receipt)
    with st.expander("Receipt", key=f"release_receipt_{receipt.release_id}"):
        st.caption("Stays inside: it holds the boxes as they were found, and who decided.")
        st.json(dict(receipt.receipt))


def _before(picture: Picture) -> None:
    if picture.original_ended_at is not None:
        st.info(
            f"Original destroyed on {day(picture.original_ended_at)}.",
            icon=":material/delete_forever:",
        )
        return
    if not originals.is_open_to(actor(), database(), picture.id):
        st.info(
            "Originals are seen by whoever brought them, by the reviewer who has claimed them, and "
            "by admins.",
            icon=":material/lock:",
        )
        return
    with shown():
        read = partial(originals.content, actor(), database(), picture.id)
        limit = batches.policy_of(actor(), database(), picture.batch_id).codec.max_megapixels
        image = decoded(picture.id, read, limit)
        st.image(inline(whole_jpeg(image.rgb)), width="stretch", alt="Original picture")
