"""The parts of the first page."""

from __future__ import annotations

import streamlit as st

from components.app import permission, session
from components.app.access import Role, may
from components.app.failures import shown
from components.app.frame import page_link
from components.app.palette import ago, plain
from components.app.services import database, now, policy, services
from components.app.session import actor
from components.home import batch_list, samples
from components.recall import audit_sample
from components.recall.words import answer, goal, lines
from components.upload.batch_card import live_card, live_cards
from engine.category import Category
from engine.detect.registry import verify
from engine.detect.weights import own_weights_notice
from engine.errors import InvalidPolicy, LetheError
from engine.evaluation.report.cost import in_short
from engine.policy import named_policy, read_policy
from engine.wording import counted
from store import clock
from store.accounts.role import PEOPLE
from store.batches import batches, intake, progress
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.batches.progress import Counts
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation
from store.worker import retry
from store.worker.orphans import set_aside


def totals() -> Counts:
    """Pictures per state, over all batches."""
    return progress.totals(actor(), database())


@st.fragment(run_every=2.0)
@permission.fragment(*PEOPLE)
def numbers() -> None:
    """The three numbers that call for somebody, each with its way on."""
    counts = totals()
    waiting, ready, held = st.columns(3)
    with waiting.container(border=True):
        st.metric("Need review", counts.review)
        page_link("pages/2_Review.py", label="Review", icon=":material/visibility:")
    with ready.container(border=True):
        st.metric("Released", counts.released)
        page_link("pages/3_Release.py", label="Download", icon=":material/ios_share:")
    with held.container(border=True):
        st.metric("Held back", counts.quarantined)
        batch_list.see_why(counts.quarantined)


def unknown_files() -> None:
    """Files that the database did not know when it was opened, until somebody has seen to them."""
    files = database().files
    count = set_aside(files)
    if count:
        st.warning(
            plain(
                f"{counted(count, 'file')} that the database does not know, set aside in "
                f"{files.set_aside}. Left over from a crash, or of a newer database than this: "
                "put back all of the folder from one copy, or delete them; originals among them "
                "are sealed. Lethe deletes none."
            ),
            icon=":material/move_to_inbox:",
        )
    if left := database().recovered.unknown:
        st.warning(
            plain(
                f"{counted(left, 'file')} in {files.originals} and {files.releases} that the "
                "database does not know could not be set aside; Lethe leaves them alone."
            ),
            icon=":material/move_to_inbox:",
        )


def unsealed() -> None:
    """Originals and names from before they were sealed that could not be at the start."""
    if count := database().recovered.unsealed:
        st.warning(
            plain(
                f"{counted(count, 'original')} could not be encrypted and lie as they came in "
                f"{database().files.originals}. Has its disk room? The next start tries again."
            ),
            icon=":material/lock_open:",
        )
    if count := database().recovered.texts_in_plain:
        st.warning(
            plain(
                f"The names and reasons of {counted(count, 'row')} from an earlier Lethe lie "
                f"readable in {database().files.database}: they could not be encrypted, or the "
                "file could not be written anew. Has its disk room, and is the keyring whole? The "
                "next start tries again."
            ),
            icon=":material/lock_open:",
        )


def inbox() -> None:
    """What of the inbox was not taken in, folder by folder."""
    for left_out in services().left_out:
        st.warning(
            plain(
                f"Not everything in the folder {left_out.folder} of the inbox was taken in. "
                f"{left_out.reason} Mend or remove it; it is looked at again when Lethe starts."
            ),
            icon=":material/inbox:",
        )


@st.fragment(run_every=5.0)
@permission.fragment(*PEOPLE)
def postponed() -> None:
    """What waits because of this machine, why, and a button to try it again."""
    waiting = retry.postponed(actor(), database())
    if not waiting:
        return
    with st.container(border=True):
        for reason, count in waiting.items():
            st.warning(
                plain(f"{counted(count, 'picture')} postponed. {reason}"),
                icon=":material/pause_circle:",
            )
        st.button(
            "Try again",
            key="home_try_postponed",
            icon=":material/refresh:",
            help="Lethe does so by itself when it starts.",
            on_click=_try_postponed,
        )


def clock_set_back() -> None:
    """That work is on record which this machine's clock calls still to come."""
    moment = now()
    latest = clock.ahead(actor(), database(), moment)
    if latest is not None:
        st.warning(
            f"Work of {latest:%d %b %Y, %H:%M} UTC is on record, but this machine's clock says "
            f"{moment:%d %b %Y, %H:%M}: it was ahead then, or is behind now. See that it is right. "
            "Certificates that were signed with a wrong clock are valid, and say its day.",
            icon=":material/schedule:",
        )


@st.fragment(run_every=2.0)
@permission.fragment(*PEOPLE)
def in_work() -> None:
    """How long the machine has been at the picture it has had longest, so that a halt is seen."""
    since = progress.oldest_in_work(actor(), database())
    if since is not None:
        st.caption(f"The oldest picture in work was begun {ago(since, now())}.")


@permission.callback(Role.ANALYST)
def _try_postponed() -> None:
    retry.try_postponed(actor(), database())


def batches_under_way() -> None:
    """Live cards; the sample batch's stays after it is done, to show the way on."""
    sample: str | None = session.kept("sample_batch", lambda: None)
    if sample is not None:
        live_card(sample)
    else:
        live_cards()


def offer_samples() -> None:
    """An invitation for newcomers."""
    with st.container(border=True):
        st.subheader("New here?", anchor=False)
        st.write(
            "See it work on four sample pictures. This run looks for faces alone, and every "
            "receipt says so; yours look for tattoos and jewelry as well."
        )
        pressed = st.button(
            "Try it with sample pictures",
            type="primary",
            icon=":material/play_arrow:",
            key="home_samples",
        )
        if pressed:
            with shown():
                _start_samples()
                st.rerun()
        page_link("pages/1_Upload.py", label="Or bring your own", icon=":material/upload:")


def benchmark() -> None:
    """The last evaluation, a line for each category, and what sample checks found."""
    with shown():
        _last_evaluation()
    sentence = audit_sample.sentence()
    if sentence:
        st.caption(sentence)
    if may(session.user(), Role.MANAGER):
        page_link("pages/4_Recall.py", label="Recall", icon=":material/query_stats:")


def _last_evaluation() -> None:
    finished = (run for run in evaluations.listed(actor(), database()) if run.report is not None)
    last = next(finished, None)
    if last is None or last.report is None:
        st.caption("Recall has not been measured on this installation yet.")
        return
    left_out = read_policy(last.policy_toml).not_looked_for
    categories = [f"- {line.sentence} {line.badge}" for line in lines(last.report, left_out)]
    summary, _ = answer(last.report, left_out)
    head = f"Evaluation {last.number} · {plain(last.name)} · {ago(last.created_at, now())}"
    short = summary[: summary.index("**", 2) + 2]  # the lines below say why
    st.markdown("\n".join([f"{head}, target {goal(last.target)}: {short}\n", *categories]))
    st.caption(f"{_of_which_policy(last)} {in_short(last.report)}")


def _of_which_policy(last: Evaluation) -> str:
    """Whether the evaluation speaks of what new batches run under."""
    try:
        in_force = policy(actor())
    except InvalidPolicy:
        return "No policy is in force, so it speaks of none."
    if read_policy(last.policy_toml) == in_force:
        return "It was of the policy in force."
    return "**It was of another policy than the one in force: that one was not measured last.**"


def gates() -> None:
    """Whether everything that must hold a picture back works, or what is down."""
    problems = _problems()
    if problems:
        st.error("Nothing is released for now. " + " ".join(problems), icon=":material/gpp_bad:")
    else:
        st.success(
            "All gates work: models are the right ones, the line is running, "
            "and what fails a check is held back.",
            icon=":material/verified_user:",
        )
    page_link(
        "pages/5_Irreversibility.py",
        label="Can what was removed come back? Try it",
        icon=":material/history_toggle_off:",
    )


def own_weights() -> None:
    """What to know before commercial use of the models that ship with Lethe, while there is such.

    It stands here from the first start on, and goes once somebody has retrained them.
    """
    with shown():
        notice = own_weights_notice()
        if notice is not None:
            st.caption(plain(notice))


def _problems() -> list[str]:
    problems = []
    health = services().dispatcher.health()
    if not health.is_running:
        problems.append("The line has stopped; restart Lethe.")
    if health.problem:
        problems.append(health.problem)
    try:
        verify(policy(actor()))
    except LetheError as error:
        problems.append(str(error))
    return problems


def _start_samples() -> None:
    # the most careful one, so that there is something to review
    faces_only = named_policy("cautious").only([Category.FACE]).with_audit_share(0.0)
    request = Request("Sample pictures", faces_only.to_toml())
    batch = batches.create(actor(), database(), request, now())
    with batches.forgotten_unless_started(actor(), database(), batch.id):
        pictures = (Incoming(*sample) for sample in samples.sample_pictures())
        intake.add(actor(), database(), batch.id, pictures, now())
        batches.start(actor(), database(), batch.id, now())
    session.keep("sample_batch", batch.id)
