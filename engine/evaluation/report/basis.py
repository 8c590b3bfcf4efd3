"""Report sections 2, 3, 9 and 10: data and policy, method, limits, reproduction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from engine.category import DETECTABLE, Category
from engine.evaluation.data.uncounted import Uncounted
from engine.evaluation.report.answer import categories_listed
from engine.evaluation.report.document import (
    Block,
    Command,
    Items,
    Paragraph,
    Row,
    Section,
    Table,
    numbers,
    words,
)
from engine.evaluation.report.facts import Facts
from engine.evaluation.report.numbers import NOTHING, PLURAL, exactly
from engine.evaluation.report.remarks import remarks
from engine.evaluation.scores.matching import (
    HIDDEN_SHARE,
    LARGEST_EXTRA_PX2,
    LARGEST_FACTOR,
    MATCH_IOU,
)
from engine.evaluation.scores.recall import RESAMPLES
from engine.wording import counted

_MOST_REASONS = 8
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MAYBE_A_FILE = re.compile(r"[/\\]|\w\.\w")


def data_set(facts: Facts) -> Section:
    """Section 2: the data set with its labels and exclusions, and the policy."""
    subject, detection = facts.subject, facts.policy.detection
    return Section(
        "2. What was measured",
        (
            Paragraph(
                f"Data set {subject.name}, fingerprint {subject.fingerprint}: "
                f"{counted(subject.pictures, 'picture')}, of which {facts.summary.pictures} were "
                "measured. The fingerprint changes with any label."
            ),
            _labels(facts),
            *_left_out(facts),
            Paragraph(
                f"Policy {facts.policy.fingerprint}. Longer side in pixels at which detectors "
                f"look: {', '.join(map(str, detection.scales))}; turns "
                f"in degrees: {', '.join(map(str, detection.rotations))}. "
                f"Weights: {', '.join(facts.summary.weights) or 'none, no detector looked'}."
            ),
            _policy(facts),
        ),
    )


def method() -> Section:
    """Section 3: matching rules, metrics, and confidence intervals with their sources."""
    extra = f"{LARGEST_EXTRA_PX2**0.5:.0f}²"
    return Section(
        "3. How it was measured",
        (
            Items(
                (
                    (
                        "A label is found by coverage when masks of its category hide at least "
                        f"{exactly(HIDDEN_SHARE)} of it. This is the privacy claim, and the target "
                        "is about it. Masks are as removal would cut them, grown and aligned to "
                        "the file's blocks."
                    ),
                    (
                        "A label is found by IoU when a region of its own overlaps it by "
                        f"{MATCH_IOU} or more (intersection over union); regions are assigned to "
                        "labels so that as many as possible have one. This is the field's usual "
                        "rule and says whether the place is right."
                    ),
                    (
                        f"A region larger than {LARGEST_FACTOR:.0f} × the label's area + {extra} "
                        "px finds nothing by coverage, or a mask over the whole picture would "
                        "find everything."
                    ),
                    (
                        "Detection: hidden by what is removed without asking or shown to a person "
                        "for review. This is the recall of section 1. Automatic: hidden by what "
                        "is removed without asking. After review: with what people decide; no "
                        "benchmark measures that."
                    ),
                    (
                        "Labels are federated: a picture counts for a category only if it is "
                        "labelled for it. Recall counts pictures labelled completely or in part; "
                        "false regions, review load and calibration those labelled completely."
                    ),
                    (
                        "Ignored boxes (too small, too blurred, a crowd) are no labels, and a "
                        "region on one is neither right nor wrong."
                    ),
                    (
                        "A false region is proposed, finds no label of its category, and lies on "
                        "no ignored one."
                    ),
                    (
                        "The cost of recall is what the policy would do: the pictures it sends to "
                        "a person, for whatever reason, with the boxes shown there; pixels under "
                        "masks; and what befalls pictures free of all that is looked for: "
                        "labelled completely for it, with no box of it, not even an ignored one. "
                        "A touched picture loses pixels without anybody being asked."
                    ),
                    (
                        "Masked without need is the share of a picture under masks that lie on no "
                        "label of any category, counting masks of completely labelled categories. "
                        "It is what recall could be bought with."
                    ),
                )
            ),
            Paragraph(
                "Bounds of recall are exact and one-sided with 95 % confidence (Clopper and "
                "Pearson 1934). They take labels to be drawn independently from the pictures one "
                "will meet. Labels of one person, event or near-duplicate set are not, so the "
                "true uncertainty is larger wherever misses come together."
            ),
            Paragraph(
                "Therefore two more bounds stand beside. The bound on groups counts groups of "
                "which every label was found; it takes only groups to be independent, but is "
                "about a stricter share, so it lies lower. The bootstrap draws whole groups again "
                f"({RESAMPLES} times, with a fixed seed; percentiles; Efron and Tibshirani 1993, "
                "chapter 13) and is about recall itself, but it knows nothing beyond what was "
                "seen: with no miss it is 100 %. So it never decides."
            ),
            Paragraph(
                "Other shares have two-sided 95 % score intervals (Wilson 1927) and take pictures "
                "or detections to be independent. Recall and lower bounds are rounded down; upper "
                "bounds, and shares that are bad when high, are rounded up. Met: the lower bound "
                "reaches the target. Missed: recall lies below it. "
                "“For certain” means with 95 % confidence: the upper bound lies below it, too. Not "
                "proven: recall reaches the target and its lower bound does not."
            ),
        ),
    )


def limits(facts: Facts) -> Section:
    """Section 9: threats to validity that no figure of the report covers."""
    return Section("9. What was not measured", (Items(tuple(_limits(facts))),))


def reproduction(facts: Facts) -> Section:
    """Section 10: the command, and the inputs that determine the figures."""
    text = (
        f"Made on {facts.subject.made_on}. The same data set, policy and weights (section 2) "
        "give the same figures; the number of processes changes nothing."
    )
    command = Command(facts.subject.command)
    return Section("10. How to make it again", (Paragraph(text), command))


def _limits(facts: Facts) -> Iterable[str]:
    yield (
        "Recall after review: how well people decide about boxes to review and find what "
        "the machine missed. Only the random sample checks of daily work measure that."
    )
    unlabelled = [category for category in DETECTABLE if category not in facts.labelled]
    if unlabelled:
        yield f"Anything about {categories_listed(unlabelled)}: no label of them counts here."
    yield (
        "Pictures of another kind. All figures are for this data set's mix of pictures; other "
        "cameras, places, people and habits can give others. The groups in section 6 show how far "
        "apart parts of this set already lie."
    )
    yield (
        "Whether this data set is strange to the program. It cannot know whether detectors were "
        "trained on such pictures or thresholds tuned on these; if so, recall here is too good. "
        "Whoever signs should ask."
    )
    yield (
        "Whether the labels are right. A thing that nobody boxed cannot be missed here, and a "
        "region on it counts as false."
    )
    yield (
        "Whether hiding is enough. Hair, clothes, a place or a text can tell who somebody is with "
        "face, tattoos and jewelry removed."
    )
    yield "Whether removal can be undone. The battery of attacks measures that, not this report."


def _labels(facts: Facts) -> Table:
    rows = []
    for category in DETECTABLE:
        part = facts.of(category)
        uncounted = part.uncounted or Uncounted()
        pictures = sum(category in score.picture.counted for score in facts.scored.scores)
        cells = (
            PLURAL[category],
            str(part.labels),
            str(part.coverage.groups),
            str(part.complete_pictures),
            str(pictures - part.complete_pictures),
            str(uncounted.ignored),
            str(uncounted.unread),
            str(uncounted.lost),
        )
        rows.append(Row(cells, category))
    return Table(
        "Labels that count, and boxes that do not. A group is a person, an event or a "
        "near-duplicate set; a picture for which the data set names none is one of its own.",
        words("Category")
        + numbers("Labels", "Groups with labels", "Pictures complete", "Pictures in part")
        + numbers("Boxes ignored", "On unmeasured pictures", "Lost"),
        tuple(rows),
    )


def _left_out(facts: Facts) -> Iterable[Block]:
    subject = facts.subject
    reasons = Counter(map(_anonymous_reason, subject.unread))
    unexamined = subject.pictures - facts.summary.pictures - reasons.total()
    if subject.problems:
        yield Paragraph(
            f"Not used as written: {counted(len(subject.problems), 'part')} of the data set. The "
            "command of section 10 names them; this report does not, for names can tell who is in "
            "a picture."
        )
    yield from map(Paragraph, remarks(facts.summary))
    if unexamined > 0:
        yield Paragraph(
            f"Not looked at: {counted(unexamined, 'picture')}, without a label that could be used "
            "or not asked for."
        )
    if not reasons:
        yield Paragraph("Every picture that was looked at could be measured.")
        return
    yield Paragraph(
        f"Not measured, and in no other figure: {counted(reasons.total(), 'picture')}. If these "
        "are not lost by chance, recall may be other than it seems."
    )
    ranking = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    others = sum(number for _, number in ranking[_MOST_REASONS:])
    rows = [Row((text, str(number))) for text, number in ranking[:_MOST_REASONS]]
    rows += [Row(("Other reasons", str(others)))] if others else []
    yield Table(
        "Why pictures could not be measured; # stands for a number.",
        words("Reason") + numbers("Pictures"),
        tuple(rows),
    )


def _anonymous_reason(sentence: str) -> str:
    """Mask the numbers of an error sentence; replace one that may contain a file name."""
    reason = _NUMBER.sub("#", sentence)
    return "For a reason whose words may name a file." if _MAYBE_A_FILE.search(reason) else reason


def _policy(facts: Facts) -> Table:
    return Table(
        "What the policy says. From review_at up a person is asked, from auto_redact_at up it is "
        "removed without asking; grow is how far a mask reaches beyond the box, as a share of "
        "its width (left, right) and height (top, bottom), and at least "
        f"{facts.policy.removal.min_grow_px} px.",
        words("Category", "Looked for")
        + numbers("review_at", "auto_redact_at", "Grow, in this order"),
        tuple(_policy_row(facts, category) for category in DETECTABLE),
    )


def _policy_row(facts: Facts, category: Category) -> Row:
    part = facts.policy.thresholds(category)
    if not part.detect:
        return Row((PLURAL[category], "no", NOTHING, NOTHING, NOTHING), category)
    grow = part.grow
    sides = ", ".join(f"{side:g}" for side in (grow.left, grow.right, grow.top, grow.bottom))
    detector = "no detector" if category in facts.blind else "yes"
    thresholds = (f"{part.review_at:g}", f"{part.auto_redact_at:g}")
    return Row((PLURAL[category], detector, *thresholds, sides), category)
