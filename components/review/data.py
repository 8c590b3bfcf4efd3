"""What the canvas is given: plain values for its JavaScript."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

from components.app import session
from components.app.access import Role, may
from components.app.inline import inline
from components.app.palette import COLOURS, span
from components.app.services import database, now, originals_cache
from components.app.session import actor
from components.review import reviewer
from components.review.desk import desk, undisturbed
from components.review.draft import Item
from components.review.keys import KEYS
from components.review.review import Review
from engine.category import Category
from engine.coverage import percent
from engine.errors import LetheError
from engine.files.safe_read import printable
from engine.plan import Origin, Reason, ReasonKind
from engine.wording import counted, likely
from store.batches import originals
from store.review import decisions, queue, second_review
from store.review.choice import Order
from store.review.queue import QueueEntry

STRIP = 24
"""Entries of the queue that are shown, from the one on the table or the first on."""
_WAYS_OUT = "Skip the picture, or reject it to hold it back; the next one comes then."
_SEEN_AGAIN = (
    "A second detector saw this in the finished picture, which was not released. Keep its box to "
    "remove it too; drop the box if nothing is there."
)
_GRAVE = {
    ReasonKind.NO_DETECTOR,
    ReasonKind.NOT_CALIBRATED,
    ReasonKind.NOTHING_FOUND,
    ReasonKind.SOURCE_FORMAT,
    ReasonKind.RESIDUAL,
    ReasonKind.OBJECTION,
}
_TOLD_LIVE = {ReasonKind.MUCH_REMOVED}
"""How much goes follows the edits, beside the boxes; what it was before would contradict that."""
log = logging.getLogger(__name__)


def data(review: Review) -> dict[str, Any]:
    """Everything the canvas shows of a picture and its queue."""
    moment, own = now(), desk()
    state, (said_count, said) = own.taken, own.said
    known = reviewer.current()
    shown = _pictures(review)
    return {
        "claim": _claim(review),
        "categories": [
            {"value": one.value, "label": one.value.capitalize(), "colour": COLOURS[one]}
            for one in Category
        ],
        "keys": [list(row) for row in KEYS],
        "ack": {"mount": state.mount, "number": state.number},
        "said": {"count": said_count, "text": printable(said)},
        "counter": pace(moment),
        "last": last_decision(moment),
        "confirm": state.confirm and {"number": state.confirm[0], "text": state.confirm[1]},
        "cookie": known.cookie if known is not None and known.browser else "",
        "choice": _choice(),
        "queue": _queue(review, moment) if state.is_queue_open else None,
        **shown,
    }


def last_decision(moment: datetime) -> dict[str, str] | None:
    """The decision that undo would take back, as a question that is still true when it is asked.

    The canvas asks it some time after it was made: a release may have come of it meanwhile.
    """
    last = decisions.last(actor(), database(), reviewer.name(), moment)
    if last is None:
        return None
    verb = "rejected" if last.is_rejection else "accepted"
    release = "Its release" if last.is_released else "If it was released meanwhile, that release"
    outcome = "" if last.is_rejection else f" {release} will be withdrawn; recall any copies."
    return {
        "picture": last.picture_id,
        "name": printable(last.source),
        "text": f"You {verb} this picture.{outcome}",
    }


def pace(moment: datetime) -> str:
    """How far this reviewer is: `6 left, about 4 min · 13 done this hour`."""
    done = queue.pace(actor(), database(), reviewer.name(), moment)
    text = f"{done.waiting} left"
    if done.seconds_left:
        text += f", about {span(done.seconds_left)}"
    if done.decided:
        text += f" · {done.decided} done this hour"
    return text


def waiting_for_others() -> str:
    """That pictures wait for a second reviewer, who is somebody else; empty where none does."""
    count = second_review.waiting_for_others(actor(), database(), reviewer.name())
    if not count:
        return ""
    wait = "waits" if count == 1 else "wait"
    return (
        f"{counted(count, 'picture')} that you decided {wait} for a second reviewer, and "
        f"{'is' if count == 1 else 'are'} not released before: somebody else has to review under "
        "another name."
    )


def reasons(given: tuple[Reason, ...]) -> list[dict[str, Any]]:
    """Why a picture is here, one entry a kind: `asks about 3 faces, 1 jewelry`."""
    by_kind: dict[ReasonKind, list[str]] = {}
    for reason in given:
        by_kind.setdefault(reason.kind, []).append(reason.detail)
    for kind in by_kind.keys() & {ReasonKind.UNSURE, ReasonKind.RESIDUAL}:
        is_probability = kind is ReasonKind.UNSURE and ReasonKind.NOT_CALIBRATED not in by_kind
        by_kind[kind] = [_scored(one, is_probability=is_probability) for one in by_kind[kind]]
    return [
        {
            "text": printable(_grouped(kind, details)),
            "detail": "" if kind in _TOLD_LIVE else printable("; ".join(filter(None, details))),
            "grave": kind in _GRAVE,
        }
        for kind, details in by_kind.items()
    ]


def _grouped(kind: ReasonKind, details: list[str]) -> str:
    named = _list(details)
    texts = {
        ReasonKind.UNSURE: _asks(details),
        ReasonKind.NO_DETECTOR: f"nobody looked for {named}",
        ReasonKind.NOT_CALIBRATED: f"{named} not calibrated",
        ReasonKind.NOTHING_FOUND: f"no {named} found" if named else "nothing found",
        ReasonKind.SOURCE_FORMAT: f"{named} files may spread pixels",
        ReasonKind.AUDIT_SAMPLE: "sample check",
        ReasonKind.RESIDUAL: f"seen in the result: {_things(details)}",
        ReasonKind.MUCH_REMOVED: "much of the picture would go",
        ReasonKind.SECOND_REVIEW: "second review: decide without seeing the first",
        ReasonKind.OBJECTION: f"somebody objected: {named}; its release was withdrawn",
    }
    return texts[kind]


def _asks(details: list[str]) -> str:
    """What is asked about; what another installation's plan says beside its boxes, as it is."""
    boxes = [one for one in details if ", " in one]
    others = dict.fromkeys(one for one in details if one and ", " not in one)
    return "; ".join([*([f"asks about {_things(boxes)}"] if boxes else []), *others])


def _things(details: list[str]) -> str:
    """`face, 41 % likely` and `face, 38 % likely` as `2 faces`; one alone keeps its score."""
    if len(details) == 1:
        return details[0]
    counts = Counter(detail.split(",")[0] for detail in details)
    plurals = {Category.JEWELRY.value: Category.JEWELRY.value}
    return ", ".join(
        f"{count} {word}" if count == 1 else f"{count} {plurals.get(word, f'{word}s')}"
        for word, count in counts.items()
    )


def _scored(detail: str, *, is_probability: bool) -> str:
    """`face 0.41`, as a plan has it, as `face, 41 % likely`; what is no such thing stays."""
    try:
        category, score = detail.split(" ")
        return f"{category}, {_said(float(score), is_probability=is_probability)}"
    except ValueError:
        return detail


def _said(score: float, *, is_probability: bool) -> str:
    """A score for people: of those that score fusion gives, the probability that it is one."""
    return likely(score) if is_probability else f"score {score:.2f}"


def _certainty(item: Item, kinds: set[ReasonKind]) -> str:
    """What is known of a box: how likely it is one, or who said so."""
    region = item.region
    if region.origin is Origin.REVIEWER:
        return "drawn"
    if region.score is None:
        return "found"
    is_residual = item.needs_review and ReasonKind.RESIDUAL in kinds
    is_probability = not is_residual and ReasonKind.NOT_CALIBRATED not in kinds
    return _said(region.score, is_probability=is_probability)


def _list(details: list[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, details)))


def _claim(review: Review) -> dict[str, Any]:
    claim = review.claim
    width, height = claim.plan.size
    name, batch = printable(claim.source), printable(claim.batch_name)
    kinds = {reason.kind for reason in claim.plan.reasons}
    return {
        "key": review.key,
        "picture": claim.picture_id,
        "plan": review.plan,
        "size": [width, height],
        "source": f"{name} · {width} × {height} · {batch}",
        "reasons": reasons(claim.plan.reasons),
        "note": _SEEN_AGAIN if ReasonKind.RESIDUAL in kinds else "",
        "items": [
            {
                "box": list(item.region.box.corners),
                "category": item.region.category.value,
                "score": item.region.score,
                "certainty": _certainty(item, kinds),
                "review": item.needs_review,
                "dropped": item.is_dropped,
            }
            for item in review.draft.items
        ],
    }


def _pictures(review: Review) -> dict[str, Any]:
    """The picture and what was asked of it; where it cannot be shown, the reason."""
    try:
        made = _drawn(
            review
        )  # Streamlit may end the run in here: what was shown before stays shown
    except LetheError as error:
        problem = printable(f"{error} {_WAYS_OUT}")
    except Exception as error:  # noqa: BLE001 - one picture must not close the queue behind it
        kind = type(error).__name__
        log.error("picture %s could not be shown (%s)", review.claim.picture_id, kind)  # noqa: TRY400
        problem = f"This picture cannot be shown ({kind}). {_WAYS_OUT}"
    else:
        review.is_shown = True
        return made
    review.is_shown = False
    return {"problem": problem}


def _drawn(review: Review) -> dict[str, Any]:
    made: dict[str, Any] = {"extent": _extent(review)}
    if review.key not in desk().taken.has:
        made["image"] = {"name": review.key, "url": inline(review.picture())}
    with undisturbed() as own:  # or what a newer run was asked meanwhile would be dropped
        preview, own.taken.preview = own.taken.preview, None
        detail, own.taken.detail = own.taken.detail, None
    if preview is not None:
        made["preview"] = {"number": preview, "url": inline(review.preview())}
    if detail is not None:
        number, window = detail
        url, rect = review.part(window)
        made["detail"] = {"number": number, "url": inline(url), "rect": list(rect)}
    return made


def _extent(review: Review) -> dict[str, Any]:
    extent = review.extent
    return {
        "share": percent(extent.share),
        "question": extent.question,
        "rects": [list(rect) for rect in extent.rects],
        "isWidened": extent.is_widened,
    }


def _choice() -> dict[str, str]:
    choice = desk().choice
    return {
        "order": choice.order.value,
        "batch": choice.batch_id or "",
        "kind": "" if choice.kind is None else choice.kind.value,
        "category": "" if choice.category is None else choice.category.value,
    }


def _queue(review: Review, moment: datetime) -> dict[str, Any]:
    """The strip: what waits in the chosen part and order."""
    choice, name = desk().choice, reviewer.name()
    facets = queue.facets(actor(), database(), reviewer=name)
    entries = queue.entries(actor(), database(), moment, limit=10_000, choice=choice, reviewer=name)
    ids = [entry.picture_id for entry in entries]
    here = ids.index(review.claim.picture_id) if review.claim.picture_id in ids else 0
    start = max(min(here - 3, len(entries) - STRIP), 0)
    strip = [_entry(entry, review) for entry in entries[start : start + STRIP]]
    return {
        "entries": strip,
        "note": waiting_for_others(),
        "pending": any(entry["thumbnail"] is None for entry in strip),
        "facets": {
            "order": [[one.value, one.value.capitalize()] for one in Order],
            "batch": [
                ["", "All"],
                *([id_, f"{printable(name)} ({count})"] for id_, name, count in facets.batches),
            ],
            "kind": [["", "All"], *([one.value, f"{one.value} ({n})"] for one, n in facets.kinds)],
            "category": [
                ["", "Anything"],
                *([one.value, f"{one.value} ({n})"] for one, n in facets.categories),
            ],
        },
    }


def _thumbnail(entry: QueueEntry, review: Review) -> bytes | None:
    """Of an original, so for whoever may see it; None while it is being made."""
    viewer = actor()
    read = partial(originals.content, viewer, database(), entry.picture_id)
    return originals_cache().thumbnail(
        (viewer.id, viewer.session), entry.picture_id, read, review.policy.codec.max_megapixels
    )


def _entry(entry: QueueEntry, review: Review) -> dict[str, Any]:
    is_claimed = entry.claimed_by == reviewer.name()
    small = _thumbnail(entry, review) if is_claimed or may(session.user(), Role.ADMIN) else b""
    return {
        "id": entry.picture_id,
        "name": printable(entry.source),
        "why": ", ".join(kind.value for kind in entry.kinds),
        "thumbnail": inline(small) if small else None if small is None else "",
        "isCurrent": entry.picture_id == review.claim.picture_id,
        "isTaken": entry.claimed_by not in (None, reviewer.name()),
    }
