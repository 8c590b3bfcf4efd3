"""What was missed, and what was masked for nothing: looked at piece by piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil

import pandas as pd
import streamlit as st

from components.app import download_link, permission, server_folders, session
from components.app.access import Role
from components.app.inline import inline
from components.app.palette import COLOURS, plain
from components.app.server_folders import ClosedFolder
from components.app.services import database, home
from components.app.session import actor
from components.recall import archive
from components.recall.crops import CROP, LARGE, crop_jpeg
from components.recall.evaluated import Evaluated
from components.recall.tables import as_csv
from components.recall.words import FALSE_SENTENCES, MISS_SENTENCES, spaced
from components.review.originals_cache import decoded, read_of
from engine.category import DETECTABLE, Category
from engine.errors import UnreadableImage
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.scores.error_causes import FalseNegativeCause
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.scoring import LabelScore, PictureScore
from engine.files.safe_read import printable
from engine.geometry import Box, PixelRect, Size
from engine.images import RgbImage
from engine.triage import route
from engine.wording import likely
from store.audit import downloads

PER_PAGE = 12
_COLUMNS = 4
MISSES, FALSE_REGIONS = "Missed", "False regions"
LEGEND = (
    "Thick coloured edge: what is spoken of, a label that was missed or a region that finds none. "
    "Shaded, with a thin white edge: what Lethe masks or asks about. Grey: outside the picture."
)
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
    """`FalseNegativeCause` or `FalsePositiveCause`, its value."""
    reason: str
    score: float | None

    @property
    def caption(self) -> str:
        """Category, reason, and how likely a thing is there."""
        told = f"{self.category.value.capitalize()}: {self.reason}"
        if self.score is None:
            return told
        is_raw = self.kind == FalseNegativeCause.LOST_IN_MERGING.value  # no fusion came to it
        return f"{told} ({f'score {self.score:.2f}' if is_raw else spaced(likely(self.score))})"


def misses(scores: tuple[PictureScore, ...]) -> Iterator[Exhibit]:
    """Every label that was not found."""
    for one in scores:
        for label in one.labels:
            if label.false_negative is not None:
                kind = label.false_negative.kind
                yield Exhibit(
                    one.picture,
                    label.label.category,
                    label.label.box,
                    kind.value,
                    MISS_SENTENCES[kind],
                    label.false_negative.score,
                )


def false_regions(scores: tuple[PictureScore, ...]) -> Iterator[Exhibit]:
    """Every region that finds no label, on pictures labelled completely for its category."""
    for one in scores:
        for region in one.regions:
            if region.false_positive is not None:
                kind, drawn = region.false_positive, region.region
                yield Exhibit(
                    one.picture,
                    drawn.category,
                    drawn.box,
                    kind.value,
                    FALSE_SENTENCES[kind],
                    drawn.score,
                )


def view(shown: Evaluated) -> None:
    """The gallery with its filters, page by page, and the list to take away."""
    everything = {
        MISSES: tuple(misses(shown.scored.scores)),
        FALSE_REGIONS: tuple(false_regions(shown.scored.scores)),
    }
    exhibits = _filtered(everything)
    _offer_list(shown.evaluation.id, exhibits)
    if not exhibits:
        st.caption("Nothing of this kind.")
        return
    crops = Crops(shown)
    first = _page(exhibits)
    page = exhibits[first : first + PER_PAGE]
    for start in range(0, len(page), _COLUMNS):
        columns = st.columns(_COLUMNS)
        for column, exhibit in zip(columns, page[start : start + _COLUMNS], strict=False):
            with column:
                crops.show(exhibit.picture, exhibit.category, exhibit.box, exhibit.caption)
                st.caption(plain(exhibit.picture.name))
    _look_closely(crops, page, first)


def _look_closely(crops: Crops, page: Sequence[Exhibit], first: int) -> None:
    """One of those on the page, large, with what its lines mean."""
    chosen = st.selectbox(
        "Look closely at",
        range(len(page)),
        index=None,
        format_func=lambda number: printable(
            f"{first + number + 1} · {page[number].picture.name} · {page[number].caption}"
        ),
        placeholder="One of these",
        key=f"recall_misses_large_{first}",
    )
    if chosen is None or chosen >= len(page):
        return
    one = page[chosen]
    crops.show(one.picture, one.category, one.box, one.caption, screen=LARGE)
    st.caption(LEGEND)


def crop_of(shown: Evaluated) -> Callable[[PictureScore, LabelScore, str], None]:
    """A way to show a label of this evaluation as a piece of its picture."""
    crops = Crops(shown)

    def crop(picture: PictureScore, label: LabelScore, caption: str) -> None:
        crops.show(picture.picture, label.label.category, label.label.box, caption)

    return crop


class Crops:
    """Shows crops of pictures; holds the one decoded last, for as long as the page is drawn."""

    def __init__(self, shown: Evaluated) -> None:
        self._source = shown.evaluation.source
        self._policy = shown.policy
        self._findings = {picture.name: findings for picture, findings in shown.pairs}
        self._last: tuple[str, RgbImage] | None = None

    def show(
        self,
        picture: LabelledPicture,
        category: Category,
        box: Box,
        caption: str,
        *,
        screen: Size = CROP,
    ) -> None:
        """One piece with its caption, or why there is none."""
        findings = self._findings[picture.name]
        try:
            image = self._decoded(picture, findings)
        except UnreadableImage as error:
            st.warning(plain(str(error)), icon=":material/broken_image:")
            st.markdown(f"**{plain(caption)}**")
            return
        st.image(
            inline(crop_jpeg(image.rgb, box, self._masks(findings), COLOURS[category], screen)),
            width="stretch",
            alt=f"{caption}, in {printable(picture.name)}",
        )
        st.markdown(f"**{plain(caption)}**")

    def jpeg(self, picture: LabelledPicture, category: Category, box: Box) -> bytes:
        """One piece.

        Raises:
            UnreadableImage: the file is gone, closed to this person, another one, or unreadable.
        """
        findings = self._findings[picture.name]
        image = self._decoded(picture, findings)
        return crop_jpeg(image.rgb, box, self._masks(findings), COLOURS[category])

    def _masks(self, findings: PredictionRecord) -> list[PixelRect]:
        way = route(findings.found, findings.standing, self._policy, findings.size)
        return [one.rect for one in way.proposed]

    def _decoded(self, picture: LabelledPicture, findings: PredictionRecord) -> RgbImage:
        if self._last is not None and self._last[0] == picture.name:
            return self._last[1]
        try:
            server_folders.refuse_closed(archive.outside(home(), self._source, [picture.path]))
        except ClosedFolder as error:
            raise UnreadableImage(str(error)) from error
        if not picture.path.is_file():
            raise UnreadableImage(_GONE)
        image = decoded(picture.name, read_of(picture.path), self._policy.codec.max_megapixels)
        if image.size != findings.size:
            raise UnreadableImage(_CHANGED)
        self._last = picture.name, image
        return image


def _filtered(everything: dict[str, tuple[Exhibit, ...]]) -> tuple[Exhibit, ...]:
    which, categories, kinds = st.columns([0.3, 0.3, 0.4], vertical_alignment="bottom")
    chosen = which.segmented_control(
        "Show",
        list(everything),
        default=MISSES,
        format_func=lambda name: f"{name} ({len(everything[name])})",
        key="recall_misses_show",
        required=True,
        on_change=first_page,
    )
    of_kind = everything[chosen or MISSES]
    present = [one for one in DETECTABLE if any(each.category is one for each in of_kind)]
    wanted = categories.pills(
        "Category",
        present,
        selection_mode="multi",
        format_func=lambda one: one.value.capitalize(),
        key=f"recall_misses_category_{chosen}",
        on_change=first_page,
    )
    in_category = [one for one in of_kind if not wanted or one.category in wanted]
    counts = Counter(one.reason for one in in_category)
    reasons = kinds.multiselect(
        "Reason",
        [reason for reason, _ in counts.most_common()],
        format_func=lambda reason: f"{reason} ({counts[reason]})",
        placeholder="Every reason",
        key=f"recall_misses_reason_{chosen}",
        on_change=first_page,
    )
    return tuple(one for one in in_category if not reasons or one.reason in reasons)


def _offer_list(evaluation_id: str, exhibits: tuple[Exhibit, ...]) -> None:
    download_link.button(
        "List of these (CSV)",
        partial(_list, evaluation_id, exhibits),
        name="boxes.csv",
        media_type="text/csv",
        key="recall_misses_csv",
        type="tertiary",
        icon=":material/download:",
        subject=evaluation_id,
        disabled=not exhibits,
        help="Names of pictures, boxes and reasons; no pixels.",
    )


@permission.download(Role.MANAGER)
def _list(evaluation_id: str, exhibits: tuple[Exhibit, ...]) -> bytes:
    downloads.of_evaluation(actor(), database(), evaluation_id, "boxes")
    return as_csv(table(exhibits).to_dict("records"))


def table(exhibits: tuple[Exhibit, ...]) -> pd.DataFrame:
    """Names, boxes and reasons."""
    columns = ["picture", "category", "x0", "y0", "x1", "y1", "kind", "reason", "best_score"]
    return pd.DataFrame(
        [
            (
                one.picture.name,
                one.category.value,
                *(round(corner, 1) for corner in one.box.corners),
                one.kind,
                one.reason,
                one.score,
            )
            for one in exhibits
        ],
        columns=columns,
    )


def first_page() -> None:
    """Begin at the front again: what is shown is something else now."""
    session.forget("recall_misses_page")


def _page(exhibits: tuple[Exhibit, ...]) -> int:
    """Index of the first exhibit to show."""
    pages = ceil(len(exhibits) / PER_PAGE)
    if pages == 1:
        return 0
    page = min(int(session.kept("recall_misses_page", int)), pages - 1)
    session.keep("recall_misses_page", page)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous",
            key="recall_misses_back",
            icon=":material/chevron_left:",
            disabled=page == 0,
            on_click=session.keep,
            args=("recall_misses_page", page - 1),
        )
        st.button(
            "Next",
            key="recall_misses_on",
            icon=":material/chevron_right:",
            disabled=page == pages - 1,
            on_click=session.keep,
            args=("recall_misses_page", page + 1),
        )
        first = page * PER_PAGE
        last = min(first + PER_PAGE, len(exhibits))
        st.caption(f"{first + 1} to {last} of {len(exhibits)}")
    return first
