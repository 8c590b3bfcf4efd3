"""The page for those who doubt: hide something, attack it, and see what comes of it."""

from __future__ import annotations

import streamlit as st

from components.app import permission
from components.app.failures import shown as failing_softly
from components.app.inline import inline
from components.app.services import policy
from components.app.session import actor
from components.irreversibility import picture
from components.irreversibility.picture import Chosen
from components.irreversibility.tools import (
    ChosenAttack,
    choose_attack,
    choose_removal,
    removal_words,
)
from components.irreversibility.views import (
    FULL_DIFFERENCE,
    difference_rgb,
    likeness_words,
    panel_png,
    strip,
)
from components.recall.charts.axes import draw
from engine.attacks.battery.methods import Kind, Method
from engine.attacks.demonstration import (
    OTHERS,
    Answer,
    Candidates,
    Demonstration,
    demonstrate,
    hide_candidates,
)
from engine.attacks.report import sentences
from store.accounts.role import PEOPLE

_SEED = 20261123
"""Equal choices give equal pictures; a release's own seed is drawn anew each time."""
_CONCEALED, _SHOWN = 4, 24
"""Results kept for a session, so that turning a slider back is instant."""


@st.fragment
@permission.fragment(*PEOPLE)
def try_it() -> None:
    """Picture, removal and attack; below them what comes of it."""
    picture_column, removal_column, attack_column = st.columns(3, gap="medium")
    chosen: Chosen | None = None
    with picture_column, failing_softly():
        chosen = picture.choose(policy(actor()))
    with removal_column:
        method = choose_removal()
        st.caption(method.words)
    with attack_column:
        attack = choose_attack()
        st.caption(attack.attack.words)
    if (chosen is None or not chosen.is_own) and picture.forget_own():
        _forget()
    if chosen is None:
        st.info("Choose a picture to begin.", icon=":material/image:")
        return
    _show(_demonstration(chosen, method, attack), method, attack)


def not_hidden() -> None:
    """What is given away on purpose."""
    st.subheader("What is not hidden", anchor=False)
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences.NOT_HIDDEN))


def _demonstration(chosen: Chosen, method: Method, attack: ChosenAttack) -> Demonstration:
    removal = (method.name, f"{method.amount:g}")
    is_slow = attack.attack.is_slow and method.kind is not Kind.FILL
    slowly = f"Attacking {OTHERS + 1} releases; this attack takes some seconds …"
    with st.spinner(slowly if is_slow else "Attacking …"):
        candidates = _concealed((*chosen.key, *removal), chosen, method)
        return _attacked((*chosen.key, *removal, *attack.key), candidates, attack)


@st.cache_data(scope="session", max_entries=_CONCEALED, show_spinner=False)
def _concealed(key: tuple[str, ...], _chosen: Chosen, _method: Method) -> Candidates:
    return hide_candidates(_chosen.shown, _method, seed=_SEED)


@st.cache_data(scope="session", max_entries=_SHOWN, show_spinner=False)
def _attacked(
    key: tuple[str, ...], _candidates: Candidates, _attack: ChosenAttack
) -> Demonstration:
    return demonstrate(_candidates, _attack.run)


def _forget() -> None:
    """Let go of pieces of pictures that are no longer looked at."""
    _concealed.clear()
    _attacked.clear()


def _show(result: Demonstration, method: Method, attack: ChosenAttack) -> None:
    _verdict(result)
    views = (
        ("Original", result.original, "The original, with the mask's outline."),
        (f"Release. {removal_words(method)}", result.release, "What would go out."),
        (f"Attack result. {attack.words}", result.result, "What the attack makes of it."),
    )
    for column, (caption, rgb, alt) in zip(st.columns(3), views, strict=True):
        column.image(
            inline(panel_png(rgb, result.outline)), caption=caption, width="stretch", alt=alt
        )
    difference, likeness = st.columns([1, 2], gap="medium")
    with difference:
        _difference(result)
    with likeness:
        draw(strip(result), "irreversibility_strip")
        st.caption(likeness_words(result))


def _difference(result: Demonstration) -> None:
    """How wrong the result is, apart from the pictures and unlike one."""
    st.image(
        inline(panel_png(difference_rgb(result.difference), result.outline)),
        caption="Difference of result and original, in tiles. No picture, and nothing that came "
        "back: it takes the original to draw it.",
        width="stretch",
        alt="Tiles: dark blue where result and original are equal, yellow where they are "
        f"{FULL_DIFFERENCE} levels or more apart.",
    )
    st.caption(
        f"Dark blue: equal. Yellow: {FULL_DIFFERENCE} levels of 255 or more apart on average."
    )


def _verdict(result: Demonstration) -> None:
    if result.answer is Answer.SAME:
        st.success(
            f"**Nothing comes back.** {result.sentence} No other attack can do better: it is given "
            "the same release.",
            icon=":material/verified_user:",
        )
    elif result.answer is Answer.IDENTIFIED:
        st.error(f"**It comes back.** {result.sentence}", icon=":material/visibility:")
    else:
        st.warning(f"**Something comes through.** {result.sentence}", icon=":material/warning:")
