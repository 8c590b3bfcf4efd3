"""The parts of the review page, with the key of every action beside its button."""

from __future__ import annotations

import logging
from collections.abc import Callable

import streamlit as st

from components.app import permission, session
from components.app.access import Role
from components.app.inline import inline
from components.app.palette import CHIP_COLOURS, plain, span
from components.app.services import database, now
from components.review import claim
from components.review.draft import Item
from components.review.keys import KEYS
from components.review.page import Review
from components.review.viewport import Zoom
from engine.category import Category
from engine.coverage import percent
from engine.errors import LetheError
from engine.plan import Reason, ReasonKind
from store.review import queue

LIST_HEIGHT_PX = 268
_for_reviewers = permission.callback(Role.REVIEWER)
_WAYS_OUT = "Skip the picture, or reject it to hold it back; the next one comes then."
log = logging.getLogger(__name__)

_REASONS = {
    ReasonKind.UNSURE: (":material/help:", "orange"),
    ReasonKind.NO_DETECTOR: (":material/visibility_off:", "red"),
    ReasonKind.NOT_CALIBRATED: (":material/tune:", "red"),
    ReasonKind.NOTHING_FOUND: (":material/search_off:", "red"),
    ReasonKind.SOURCE_FORMAT: (":material/warning:", "red"),
    ReasonKind.AUDIT_SAMPLE: (":material/casino:", "gray"),
    ReasonKind.RESIDUAL: (":material/visibility:", "red"),
    ReasonKind.MUCH_REMOVED: (":material/select_all:", "orange"),
}
_ZOOMS = list(Zoom)
_MOVES = (
    ("Left", ":material/arrow_back:", -1, 0),
    ("Up", ":material/arrow_upward:", 0, -1),
    ("Down", ":material/arrow_downward:", 0, 1),
    ("Right", ":material/arrow_forward:", 1, 0),
)


def nothing_waits() -> None:
    """The queue is empty."""
    st.title("Review", anchor=False)
    _say_what_happened()
    st.success("Nothing waits for review.", icon=":material/check_circle:")
    _button("Undo last verdict", "U", ":material/undo:", _undo, (None,), key="undo")
    st.page_link("pages/3_Release.py", label="See what was released", icon=":material/ios_share:")


def verdict_bar(review: Review) -> None:
    """Accept, skip, reject, undo, preview, help, and how far one is."""
    # a late press must not decide the picture that came after: these keys belong to one picture
    here = review.case.picture_id
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _button("Accept and next", "A", ":material/check:", _accept, (review,),
                key=f"accept_{here}", kind="primary")  # fmt: skip
        _button("Skip", "S", ":material/skip_next:", _skip, (review,), key=f"skip_{here}")
        _button("Reject", "X", ":material/block:", _reject, (review,), key=f"reject_{here}")
        _button("Undo", "U", ":material/undo:", _undo, (review,), key="undo")
        label = "Back to boxes" if review.is_preview else "Preview"
        _button(label, "P", ":material/preview:", _toggle_preview, (review,), key="preview")
        if st.button("", key="review_help", shortcut="H", icon=":material/keyboard:",
                     help="All keys"):  # fmt: skip
            _help()
        st.caption(_pace())


def stage(review: Review) -> None:
    """The picture: to be edited, or as it would be released."""
    _say_what_happened()
    review.is_shown = False
    try:
        if review.is_preview:
            width = review.view.shown.width
            st.image(inline(review.preview()), width=width, alt="Preview of the release")
        else:
            review.show_canvas(lambda: _tell(review.take_edits, review))
            st.caption(
                "Draw to add a box. To move, resize or delete one, point at the picture and "
                "press the pencil that appears."
            )
        review.is_shown = True
    except LetheError as error:
        st.error(f"{plain(str(error))} {_WAYS_OUT}", icon=":material/error:")
    except Exception as error:  # noqa: BLE001 - one picture must not close the queue behind it
        kind = type(error).__name__
        log.error("picture %s could not be shown (%s)", review.case.picture_id, kind)  # noqa: TRY400
        st.error(
            f"This picture cannot be shown ({kind}). {_WAYS_OUT}",
            icon=":material/error:",
        )


def why_here(review: Review) -> None:
    """The reasons, as chips."""
    with st.container(horizontal=True, gap="small"):
        for reason in review.case.plan.reasons[:8]:
            icon, colour = _REASONS[reason.kind]
            st.badge(plain(_reason_text(reason)), icon=icon, color=colour)  # type: ignore[arg-type]
        hidden = len(review.case.plan.reasons) - 8
        if hidden > 0:
            st.badge(f"and {hidden} more", color="gray")
    if any(reason.kind is ReasonKind.RESIDUAL for reason in review.case.plan.reasons):
        st.caption(
            "A second detector saw this in the finished picture, which was not released. Keep its "
            "box to remove it too; drop the box if nothing is there."
        )
    width, height = review.case.plan.size
    source, batch = plain(review.case.source), plain(review.case.batch_name)
    st.caption(f"{source} · {width} × {height} · {batch}")


def categories(review: Review) -> None:
    """What boxes are drawn as; also changes the selected one."""
    with st.container(horizontal=True, gap="xxsmall"):
        for number, category in enumerate(Category, start=1):
            _button(
                category.value.capitalize(),
                str(number),
                None,
                _edit,
                (review, review.choose, category),
                key=f"category_{category.value}",
                kind="primary" if category is review.category else "secondary",
            )


def items(review: Review) -> None:
    """Regions and doubts, each to be selected, dropped or taken back."""
    draft = review.draft
    kept = len(draft.kept)
    st.markdown(f"**{_extent(review, kept)}**" if draft.items else "**Nothing is marked.**")
    with st.container(height=LIST_HEIGHT_PX, key="review_list", gap=None):
        if not draft.items:
            st.caption("Draw a box around anything that must go, or accept if there is nothing.")
        for number, item in enumerate(draft.items):
            _line(review, number, item)
    with st.container(horizontal=True, gap="xxsmall"):
        _icon_button("J", ":material/keyboard_arrow_down:", "Next line", review, review.step, 1)
        _icon_button("K", ":material/keyboard_arrow_up:", "Previous line", review, review.step, -1)
        _icon_button("D", ":material/remove_done:", "Drop or keep", review, review.toggle_selected)
        following = _ZOOMS[(_ZOOMS.index(review.zoom) + 1) % len(_ZOOMS)]
        zoom = (review, review.zoom_to, following)
        _button(review.zoom.value, "Z", ":material/zoom_in:", _edit, zoom, key="zoom")
    with st.container(horizontal=True, gap="xxsmall"):
        moves = "Shift the selected box" if review.selected is not None else "Look further"
        for key, icon, dx, dy in _MOVES:
            _icon_button(key, icon, f"{moves}: {key.lower()}", review, review.shift, dx, dy)


def _extent(review: Review, kept: int) -> str:
    text = f"{kept} will be removed"
    if not review.is_shown:  # the stage says why
        return text
    return f"{text}, {percent(review.share_removed)} of the picture"


def _line(review: Review, number: int, item: Item) -> None:
    region = item.region
    is_selected = number == review.selected
    text = f"{number + 1} {region.category.value}"
    score = "drawn" if region.score is None else f"{region.score:.2f}"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            f"~~{text}~~" if item.is_dropped else text,
            key=f"review_line_{number}",
            type="primary" if is_selected else "tertiary",
            on_click=_edit,
            args=(review, review.select, None if is_selected else number),
        )
        note = "dropped" if item.is_dropped else f"unsure {score}" if item.needs_review else score
        st.badge(note, color="gray" if item.is_dropped else CHIP_COLOURS[region.category])
        st.button(
            "",
            key=f"review_toggle_{number}",
            icon=":material/undo:" if item.is_dropped else ":material/close:",
            help="Keep it again" if item.is_dropped else "Drop: it will not be removed",
            type="tertiary",
            on_click=_edit,
            args=(review, review.toggle, number),
        )


def _reason_text(reason: Reason) -> str:
    texts = {
        ReasonKind.UNSURE: f"unsure: {reason.detail}",
        ReasonKind.NO_DETECTOR: f"nobody looked for {reason.detail}",
        ReasonKind.NOT_CALIBRATED: f"{reason.detail} is not calibrated",
        ReasonKind.NOTHING_FOUND: f"no {reason.detail} found" if reason.detail else "nothing found",
        ReasonKind.SOURCE_FORMAT: f"{reason.detail} files may spread pixels",
        ReasonKind.AUDIT_SAMPLE: "sample check",
        ReasonKind.RESIDUAL: f"seen in the result: {reason.detail}",
        ReasonKind.MUCH_REMOVED: (
            f"{reason.detail} of the picture would be removed: is that right?"
        ),
    }
    return texts[reason.kind]


def _pace() -> str:
    pace = queue.pace(database(), session.user().name, now())
    text = f"{pace.decided + 1} of {pace.decided + pace.waiting}"
    if pace.seconds_left:
        text += f", about {span(pace.seconds_left)} left"
    return text


def _button(
    label: str,
    shortcut: str,
    icon: str | None,
    act: Callable[..., None],
    arguments: tuple[object, ...],
    *,
    key: str,
    kind: str = "secondary",
) -> None:
    st.button(
        label,
        key=f"review_{key}",
        shortcut=shortcut,
        icon=icon,
        on_click=act,
        args=arguments,
        type=kind,  # type: ignore[arg-type]
    )


def _icon_button(
    shortcut: str,
    icon: str,
    says: str,
    review: Review,
    act: Callable[..., None],
    *arguments: object,
) -> None:
    st.button("", key=f"review_key_{shortcut}", shortcut=shortcut, icon=icon, help=says,
              on_click=_edit, args=(review, act, *arguments))  # fmt: skip


@_for_reviewers
def _accept(review: Review) -> None:
    if not review.is_shown:
        session.keep("review_said", f"Not accepted: nobody can see it. {_WAYS_OUT}")
        return
    review.when_still(lambda: _edit(review, claim.accept, review))


@_for_reviewers
def _reject(review: Review) -> None:
    _leave(review, claim.reject)


@_for_reviewers
def _skip(review: Review) -> None:
    _leave(review, claim.skip)


def _leave(review: Review, act: Callable[[Review], None]) -> None:
    """Skip or reject: where no canvas could be drawn, at once, as there is no edit to wait for."""
    if review.is_shown:
        review.when_still(lambda: _edit(review, act, review))
    else:
        _tell(lambda: act(review), review)


@_for_reviewers
def _edit(review: Review, act: Callable[..., None], *arguments: object) -> None:
    """Act on the draft. A click may come together with an edit on the canvas: that goes first."""
    _tell(lambda: (review.take_edits(), act(*arguments)), review)


@_for_reviewers
def _undo(review: Review | None) -> None:
    try:
        if review is not None:
            review.take_edits()
        session.keep("review_said", claim.undo(review))
    except LetheError as error:
        session.keep("review_said", str(error))


@_for_reviewers
def _toggle_preview(review: Review) -> None:
    review.when_still(lambda: _edit(review, review.toggle_preview))


@_for_reviewers
def _tell(act: Callable[[], object], review: Review) -> None:
    """Act; when that comes too late, say so and leave the picture to whoever has it."""
    try:
        act()
    except LetheError as error:
        session.keep("review_said", str(error))
        review.close()


def _say_what_happened() -> None:
    said = session.kept("review_said", str)
    if said:
        st.toast(plain(said), icon=":material/info:")
        session.forget("review_said")


@st.dialog("Keys")
def _help() -> None:
    st.markdown(KEYS)
