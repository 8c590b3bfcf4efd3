"""Made-up labels, findings and scored pictures, for the tests of the evaluation."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.scoring import score
from engine.geometry import Box, PixelRect, Size
from engine.plan import Origin, Region
from engine.policy import Policy, read_policy

SIZE = Size(1000, 800)
FACE, TATTOO, JEWELRY = DETECTABLE
PLAIN = read_policy(
    "[review]\nnothing_found = false\n"
    + "".join(f"[categories.{one}]\nauto_redact_at = 0.5\nreview_at = 0.2\n" for one in DETECTABLE)
)
"""Accepts at 0.5, doubts at 0.2; a picture in which nothing is found passes."""


def label(corners, category=FACE, *, ignored=False, **attributes) -> Label:
    return Label(Box(*corners), category, ignored, tuple(attributes.items()))


def masked(corners, category=FACE, score=0.9, mask=None) -> Region:
    """A region whose mask is its own box, snapped outward, unless `mask` says otherwise."""
    box = Box(*corners)
    rect = box.outward().clipped(SIZE) if mask is None else PixelRect(*mask)
    return Region(box, category, Origin.MODEL, score).with_rect(rect)


def findings(
    *found, dropped=(), standing=(), size=SIZE, orientation=1, stored=None
) -> PredictionRecord:
    return PredictionRecord(
        size=size,
        stored_size=stored or size,
        orientation=orientation,
        found=tuple(sorted(found, key=lambda one: -one.score)),
        dropped=tuple(dropped),
        standing=tuple(standing),
        weights=("fake@00000000",),
    )


def labelled(
    *labels, complete=DETECTABLE, partial=(), name="picture", group="", size=None, **attributes
) -> LabelledPicture:
    return LabelledPicture(
        name=name,
        path=Path(name),
        labels=tuple(labels),
        labelled_for=frozenset(complete),
        partial_for=frozenset(partial),
        size=size,
        group=group,
        attributes=tuple(attributes.items()),
    )


def scored(labels, found=(), policy=PLAIN, *, dropped=(), standing=(), **picture):
    """One picture with these labels and findings, scored."""
    seen = findings(*found, dropped=dropped, standing=standing)
    return score(labelled(*labels, **picture), seen, policy)


def with_doubt(policy: Policy, category: Category, review_at: float) -> Policy:
    auto_redact_at = policy.thresholds(category).auto_redact_at
    return policy.with_thresholds(category, review_at=review_at, auto_redact_at=auto_redact_at)


_GRID = 20
_SMALL = Size(200, 160)
"""Few places, so that made-up boxes meet, touch and repeat."""
_categories = st.sampled_from((FACE, TATTOO))


@st.composite
def _boxes(draw, *, reach=0):
    """Boxes on a coarse grid; `reach` steps may lie beyond the picture."""
    columns, rows = _SMALL.width // _GRID, _SMALL.height // _GRID
    x0 = draw(st.integers(-reach, columns - 1))
    y0 = draw(st.integers(-reach, rows - 1))
    x1 = draw(st.integers(max(x0 + 1, 1), columns + reach))
    y1 = draw(st.integers(max(y0 + 1, 1), rows + reach))
    return Box(x0 * _GRID, y0 * _GRID, x1 * _GRID, y1 * _GRID)


@st.composite
def _found(draw):
    box, category = draw(_boxes(reach=2)), draw(_categories)
    tenths = draw(st.integers(1, 20))
    grown = Box(box.x0 - 5, box.y0 - 5, box.x1 + 5, box.y1 + 5).outward().clipped(_SMALL)
    return Region(box, category, Origin.MODEL, tenths / 20).with_rect(grown)


_labels = st.builds(
    lambda box, category, is_ignored, tone: Label(
        box, category, is_ignored, (("skin_tone", tone),) if tone else ()
    ),
    _boxes(),
    _categories,
    st.sampled_from((False, False, False, True)),
    st.sampled_from(("", "II", "V")),
)


@st.composite
def pair(draw, number=0):
    """A small picture with a few labels and findings of two categories."""
    state = st.sampled_from(("complete", "complete", "partial", "neither"))
    states = {one: draw(state) for one in DETECTABLE}
    picture = LabelledPicture(
        name=f"{number:03}",
        path=Path("nowhere"),
        labels=tuple(draw(st.lists(_labels, max_size=4))),
        labelled_for=frozenset(one for one in DETECTABLE if states[one] == "complete"),
        partial_for=frozenset(one for one in DETECTABLE if states[one] == "partial"),
        group=draw(st.sampled_from(("", "wedding", "match"))),
        attributes=(("source", draw(st.sampled_from(("street", "studio")))),),
    )
    found = draw(st.lists(_found(), max_size=5))
    dropped = draw(st.lists(_found(), max_size=2))
    return picture, findings(*found, dropped=dropped, size=_SMALL)


@st.composite
def pairs(draw, max_size=6):
    """A small labelled set with what was found in it."""
    return [draw(pair(number)) for number in range(draw(st.integers(0, max_size)))]
