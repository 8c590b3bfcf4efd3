"""Recall page: gallery of false negatives and false positives as crops of their pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil

import streamlit as st

from components.app import permission, session
from components.app.access import Role
from components.app.inline import inline
from components.app.palette import COLOURS, plain
from components.recall.crops import crop_jpeg
from components.recall.evaluated import Evaluated
from components.recall.tables import as_csv, corners
from components.recall.words import FALSE_SENTENCES, MISS_SENTENCES
from components.review.originals_cache import decoded, read_of
from engine.category import DETECTABLE, Category
from engine.errors import UnreadableImage
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.scores.findings import PredictionRecord
from engine.evaluation.scores.scoring import LabelScore, PictureScore
from engine.files.safe_read import printable
from engine.geometry import Box
from engine.images import RgbImage
from engine.triage import route

PER_PAGE = 12
_COLUMNS = 4
MISSES, FALSE_REGIONS = "Missed", "False regions"
_GONE = "The file is gone: it was moved or deleted since the evaluation."
_CHANGED = "The file is not the one that was evaluated: its size is another."


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One miss or one false region."""

    picture: LabelledPicture
    category: Category
    box: Box
    """In pixels of the upright picture."""
    kind: str
    """`MissCause` or `FalsePositive`, its value."""
    reason: str
    score: float | None

    @property
    def caption(self) -> str:
        """Category, reason and score."""
        text = f"{self.category.value.capitalize()}: {self.reason}"
        return text if self.score is None else f"{text} (score {self.score:.2f})"


def misses(scores: tuple[PictureScore, ...]) -> Iterator[Exhibit]:
    """False negatives: labels that were not found."""
    for picture in scores:
        for score in picture.labels:
            if miss := score.false_negative:
                label, reason = score.label, MISS_SENTENCES[miss.kind]
                yield Exhibit(
                    picture.picture, label.category, label.box, miss.kind, reason, miss.score
                )


def false_regions(scores: tuple[PictureScore, ...]) -> Iterator[Exhibit]:
    """False positives: regions that find no label, on pictures labelled completely."""
    for picture in scores:
        for score in picture.regions:
            if kind := score.false_positive:
                region, reason = score.region, FALSE_SENTENCES[kind]
                yield Exhibit(
                    picture.picture, region.category, region.box, kind, reason, region.score
                )


def view(evaluated: Evaluated) -> None:
    """Gallery with filters and pages, and its list as a download."""
    scores = evaluated.scored.scores
    exhibits = _filtered(
        {MISSES: tuple(misses(scores)), FALSE_REGIONS: tuple(false_regions(scores))}
    )
    st.download_button(
        "List of these (CSV)",
        partial(_list, exhibits),
        "boxes.csv",
        "text/csv",
        key="recall_misses_csv",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        disabled=not exhibits,
        help="Names of pictures, boxes and reasons; no pixels.",
    )
    if not exhibits:
        st.caption("Nothing of this kind.")
        return
    crops = Crops(evaluated)
    first = _page(exhibits)
    page = exhibits[first : first + PER_PAGE]
    for start in range(0, len(page), _COLUMNS):
        row = page[start : start + _COLUMNS]
        for column, exhibit in zip(st.columns(_COLUMNS), row, strict=False):
            with column:
                crops.show(exhibit.picture, exhibit.category, exhibit.box, exhibit.caption)
                st.caption(plain(exhibit.picture.name))


def crop_of(evaluated: Evaluated) -> Callable[[PictureScore, LabelScore, str], None]:
    """Function that shows the crop of a label of this evaluation under a caption."""
    crops = Crops(evaluated)

    def crop(picture: PictureScore, label: LabelScore, caption: str) -> None:
        crops.show(picture.picture, label.label.category, label.label.box, caption)

    return crop


class Crops:
    """Crops of an evaluation's pictures; holds the picture decoded last while the page is drawn."""

    def __init__(self, evaluated: Evaluated) -> None:
        self._policy = evaluated.policy
        self._records = {picture.name: record for picture, record in evaluated.pairs}
        self._last: tuple[str, RgbImage] | None = None

    def show(self, picture: LabelledPicture, category: Category, box: Box, caption: str) -> None:
        """Draw one crop with its caption, or the reason why there is none."""
        try:
            crop = self.jpeg(picture, category, box)
        except UnreadableImage as error:
            st.warning(plain(str(error)), icon=":material/broken_image:")
        else:
            alt = f"{caption}, in {printable(picture.name)}"
            st.image(inline(crop), width="stretch", alt=alt)
        st.markdown(f"**{plain(caption)}**")

    def jpeg(self, picture: LabelledPicture, category: Category, box: Box) -> bytes:
        """Crop around a box with masks and box drawn, as JPEG.

        Raises:
            UnreadableImage: the file is gone, is another one, or cannot be read.
        """
        record = self._records[picture.name]
        image = self._decoded(picture, record)
        plan = route(record.found, record.standing, self._policy, record.size)
        masks = [region.rect for region in plan.proposed]
        return crop_jpeg(image.rgb, box, masks, COLOURS[category])

    def _decoded(self, picture: LabelledPicture, record: PredictionRecord) -> RgbImage:
        if self._last is not None and self._last[0] == picture.name:
            return self._last[1]
        if not picture.path.is_file():
            raise UnreadableImage(_GONE)
        image = decoded(picture.name, read_of(picture.path), self._policy.codec.max_megapixels)
        if image.size != record.size:
            raise UnreadableImage(_CHANGED)
        self._last = picture.name, image
        return image


def _filtered(groups: dict[str, tuple[Exhibit, ...]]) -> tuple[Exhibit, ...]:
    kind_column, category_column, reason_column = st.columns(
        [0.3, 0.3, 0.4], vertical_alignment="bottom"
    )
    chosen = kind_column.segmented_control(
        "Show",
        list(groups),
        default=MISSES,
        format_func=lambda name: f"{name} ({len(groups[name])})",
        key="recall_misses_show",
        required=True,
        on_change=first_page,
    )
    exhibits = groups[chosen or MISSES]
    present = {exhibit.category for exhibit in exhibits}
    categories = category_column.pills(
        "Category",
        [category for category in DETECTABLE if category in present],
        selection_mode="multi",
        format_func=str.capitalize,
        key=f"recall_misses_category_{chosen}",
        on_change=first_page,
    )
    if categories:
        exhibits = tuple(exhibit for exhibit in exhibits if exhibit.category in categories)
    counts = Counter(exhibit.reason for exhibit in exhibits)
    reasons = reason_column.multiselect(
        "Reason",
        [reason for reason, _ in counts.most_common()],
        format_func=lambda reason: f"{reason} ({counts[reason]})",
        placeholder="Every reason",
        key=f"recall_misses_reason_{chosen}",
        on_change=first_page,
    )
    return tuple(exhibit for exhibit in exhibits if not reasons or exhibit.reason in reasons)


@permission.download(Role.MANAGER)
def _list(exhibits: tuple[Exhibit, ...]) -> bytes:
    return as_csv(
        [
            {
                "picture": exhibit.picture.name,
                "category": exhibit.category.value,
                **{name: round(corner, 1) for name, corner in corners(exhibit.box).items()},
                "kind": exhibit.kind,
                "reason": exhibit.reason,
                "best_score": exhibit.score,
            }
            for exhibit in exhibits
        ]
    )


def first_page() -> None:
    """Return to the first page of the gallery after a change of its filters."""
    session.forget("recall_misses_page")


def _page(exhibits: tuple[Exhibit, ...]) -> int:
    """Draw the pager; index of the first exhibit on the chosen page."""
    pages = ceil(len(exhibits) / PER_PAGE)
    if pages == 1:
        return 0
    page = min(int(session.kept("recall_misses_page", int)), pages - 1)
    session.keep("recall_misses_page", page)
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, key, icon, target in (
            ("Previous", "recall_misses_back", ":material/chevron_left:", page - 1),
            ("Next", "recall_misses_on", ":material/chevron_right:", page + 1),
        ):
            st.button(
                label,
                key=key,
                icon=icon,
                disabled=not 0 <= target < pages,
                on_click=session.keep,
                args=("recall_misses_page", target),
            )
        first = page * PER_PAGE
        last = min(first + PER_PAGE, len(exhibits))
        st.caption(f"{first + 1} to {last} of {len(exhibits)}")
    return first
