"""The parts of the release page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from components.app import download_link, permission, session
from components.app.access import RELEASERS, Role, may
from components.app.failures import shown
from components.app.frame import page_link
from components.app.inline import inline
from components.app.outcome_badges import outcome_badges
from components.app.palette import OUTCOMES, REVOKED, numbered, plain
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
    titles = _titles(known)
    chosen = st.selectbox("Batch", titles, format_func=titles.__getitem__, key="release_batch")
    return next(batch for batch in known if batch.id == chosen)


def _titles(known: Sequence[Batch]) -> dict[str, str]:
    """A title for each batch by its id, the same at any time: a choice is known by its text.

    One that said how long ago would be another after a minute, and the newest batch be shown.
    """
    oldest_first = sorted(known, key=lambda batch: batch.created_at)
    names = numbered(map(_title, oldest_first))
    titles = dict(zip((batch.id for batch in oldest_first), names, strict=True))
    return {batch.id: titles[batch.id] for batch in known}


def _title(batch: Batch) -> str:
    made = f"{batch.created_at:%d %b %Y, %H:%M} UTC"
    return printable(batch.name if made in batch.name else f"{batch.name} · {made}")


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


@st.fragment(run_every=1.0)
@permission.fragment(*RELEASERS)
def _counting(batch_id: str) -> None:
    have = progress.progress(actor(), database(), batch_id, now()).counts
    if not have.remaining:
        st.rerun()
    _numbers(have)


def _numbers(have: Counts) -> None:
    """A line, so that what was chosen in the table stays in sight."""
    with st.container(horizontal=True, vertical_alignment="center"):
        outcome_badges(have, always=(PictureState.RELEASED,))
        st.caption(f"of {counted(have.total, 'picture')} in this batch", width="content")
        if have.review:
            page_link(
                "pages/2_Review.py",
                label=f"Review {counted(have.review, 'picture')}",
                icon=":material/arrow_forward:",
            )


def download(batch: Batch) -> None:
    """The zip of everything that was released so far, and the key that its signatures fit."""
    standing = receipts.standing(actor(), database(), batch.id)
    is_whole = _is_whole(batch, standing)
    is_approved = approval.ask(batch)
    with st.container(horizontal=True):
        _download_zip(batch, standing.ready, is_offered=is_whole and is_approved)
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


def _download_zip(batch: Batch, releases: int, *, is_offered: bool) -> None:
    if not may(session.user(), Role.ANALYST):
        return
    # It goes out, so it says the day and no name: a batch may be called after a person.
    name = f"released-{day(batch.created_at)}-{counted(releases, 'picture')}.zip"
    download_link.button(
        "Download the released pictures (zip)",
        partial(_zip, batch),
        name=name.replace(" ", "-"),
        media_type="application/zip",
        type="primary",
        icon=":material/download:",
        key="release_download",
        subject=batch.id,
        disabled=not (is_offered and releases),
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
    if picture.state is PictureState.REVIEW:
        st.caption("Nothing of it goes out before a person has decided.")
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
        st.caption(f"After · {'goes out' if share is None else f'{percent(share)} removed'}")
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
