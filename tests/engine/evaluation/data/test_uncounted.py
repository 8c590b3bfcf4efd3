from __future__ import annotations

from engine.category import DETECTABLE
from engine.evaluation.data.uncounted import Missing
from engine.evaluation.report.remarks import remarks
from engine.evaluation.scores.counts import count
from engine.evaluation.scores.recall import report, summary
from engine.evaluation.scores.summary import Summary
from engine.geometry import Size
from tests.engine.evaluation.made import PLAIN, findings, label, labelled, masked, scored

FACE, TATTOO, JEWELRY = DETECTABLE
BOX = (100, 100, 200, 200)
FAR = (700, 500, 760, 560)


def test_boxes_are_counted_by_why_they_do_not_count():
    one = scored(
        [label(BOX), label(FAR, ignored=True), label(BOX, TATTOO), label(FAR, JEWELRY)],
        [masked(BOX)],
        complete=[FACE],
        partial=[JEWELRY],
    )
    unread = labelled(label(BOX), label(BOX, TATTOO))

    said = summary(
        count([one]),
        PLAIN,
        target=0.9,
        unread=1,
        problems=0,
        missing=Missing((unread,), {FACE: 2, None: 4}),
    ).to_json()

    own = {name: part["uncounted"] for name, part in said["categories"].items()}
    assert own["face"] == {"ignored": 1, "not_labelled_for": 0, "unread": 1, "lost": 2}
    assert own["tattoo"] == {"ignored": 0, "not_labelled_for": 1, "unread": 1, "lost": 0}
    assert own["jewelry"] == {"ignored": 0, "not_labelled_for": 0, "unread": 0, "lost": 0}
    assert said["uncounted"] == {
        "ignored": 1, "not_labelled_for": 1, "unread": 2, "lost": 2, "lost_of_unknown_class": 4,
    }  # fmt: skip


def test_every_box_is_a_label_or_said_not_to_be():
    boxes = [label(BOX, one, ignored=bool(at % 2)) for at, one in enumerate(DETECTABLE * 3)]
    fit = labelled(*boxes, complete=[FACE], partial=[TATTOO], name="1")
    invalid = labelled(*boxes, size=Size(5, 5), name="2")

    said = report([(fit, findings()), (invalid, findings())], PLAIN).to_json()

    counted = sum(part["labels"] for part in said["categories"].values())
    assert counted + sum(said["uncounted"].values()) == 2 * len(boxes)


def test_a_summary_stored_long_ago_says_nothing_about_it():
    said = report([], PLAIN).to_json()
    del said["uncounted"], said["turned"]
    for part in said["categories"].values():
        del part["uncounted"]

    old = Summary.from_json(said)
    assert remarks(old) == ()
    assert not old.categories[FACE].has_only_uncounted
