"""The picture on the table: its draft, its canvas, and what every key does to them.

The draft goes to the store with every edit, so that page change, reload and restart lose nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from components.app import session
from components.app.services import database, now, originals_cache
from components.review import canvas
from components.review.draft import Draft
from components.review.viewport import View, Zoom, crop_jpeg, view_of
from engine import pipeline
from engine.category import Category
from engine.coverage import share_removed
from engine.errors import UnreadableImage
from engine.images import RgbImage
from engine.policy import Policy
from engine.redact.masks import rects_of
from store.batches import originals
from store.review import claims, reviews
from store.review.claims import Claim

NUDGE_PX = 8
CANVAS_WAITS_S = 0.3
"""The canvas sends an edit 0.2 s after the mouse is let go, and forgets it when taken away."""
_UNDO_STEPS = 100
_PREVIEW_SEED = 0
"""A preview's grain is of no consequence; a release draws its own."""


@dataclass(slots=True)
class Review:
    """The picture on the table."""

    case: Claim
    policy: Policy
    draft: Draft
    category: Category = Category.FACE
    """Given to boxes that are drawn next."""
    selected: int | None = None
    zoom: Zoom = Zoom.FIT
    is_preview: bool = False
    is_shown: bool = False
    """True once the picture could be drawn; only then can there be edits to wait for."""
    _mounted: Draft = field(default_factory=Draft)
    """The draft the canvas was given."""
    _mounts: int = 0
    _centre: tuple[float, float] | None = None
    _history: list[Draft] = field(default_factory=list)
    _due: Callable[[], None] | None = None
    """What is done as soon as the canvas has sent everything."""
    _is_still: bool = False

    @property
    def image(self) -> RgbImage:
        """The decoded original, as it came in.

        Raises:
            UnreadableImage: it cannot be read or decoded, or was changed since.
        """
        limit = self.policy.codec.max_megapixels
        read = partial(originals.content, database(), self.case.picture_id)
        image = originals_cache().picture(self.case.picture_id, read, limit)
        if image.size != self.case.plan.size:
            raise UnreadableImage("The original is not of the size that its plan was made for.")
        return image

    @property
    def share_removed(self) -> float:
        """Share of the picture that goes if the draft is accepted as it is, 0..1.

        Raises:
            UnreadableImage: the original cannot be decoded.
        """
        rects = rects_of(self.draft.kept, self.image.codec, self.policy)
        return share_removed(rects, self.image.size)

    @property
    def view(self) -> View:
        """What the stage shows."""
        return view_of(self.case.plan.size, self.zoom, self._centre)

    @property
    def key(self) -> str:
        """Of the canvas as mounted now."""
        return f"review_canvas_{self.case.picture_id}_{self._mounts}"

    @property
    def can_undo(self) -> bool:
        """True when an edit can be taken back."""
        return bool(self._history)

    def show_canvas(self, on_edit: Callable[[], None]) -> None:
        """The picture with its boxes, to be edited; `on_edit` has to take the edits over."""
        if self.draft != self._mounted and not canvas.is_open(self.key):
            self._mount()  # the canvas was away and would start from what it was given at first
        background = crop_jpeg(self.image.rgb, self.view)
        canvas.edit_boxes(
            self._mounted,
            self.view,
            background,
            key=self.key,
            category=self.category,
            on_edit=on_edit,
        )

    def preview(self) -> bytes:
        """The picture as it would be released, as a JPEG for the stage."""
        redacted = pipeline.redact(self.image, self.draft.kept, self.policy, _PREVIEW_SEED)
        return crop_jpeg(redacted.rgb, self.view)

    def take_edits(self) -> None:
        """Take over what was done on the canvas."""
        if not canvas.is_open(self.key):
            return
        draft = canvas.edited(
            self._mounted, self.view, self.key, self.category, self.case.plan.size
        )
        if draft != self.draft:
            if len(draft.items) > len(self.draft.items):
                self.selected = len(draft.items) - 1
            self._remember(draft)

    def when_still(self, act: Callable[[], None]) -> None:
        """Do something that ends the canvas, once it has sent the last edit; see `wait`."""
        if self.is_preview:  # no canvas is there
            act()
        elif self._due is None:
            self._due = act

    def wait(self) -> None:
        """The end of the page: when something is due, give the canvas time and run again."""
        if self._due is not None:
            time.sleep(CANVAS_WAITS_S)
            self._is_still = True
            st.rerun()

    def do_what_is_due(self) -> None:
        """The start of the page: by now the last edits are in the draft."""
        if self._due is not None and self._is_still:
            act, self._due, self._is_still = self._due, None, False
            act()

    def select(self, number: int | None) -> None:
        """Choose a line of the list, and bring its box into view."""
        self.selected = number
        if number is not None:
            box = self.draft.items[number].region.box
            self._centre = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
        if self.zoom is not Zoom.FIT:
            self._mount()

    def step(self, by: int) -> None:
        """Select the next or previous line."""
        if self.draft.items:
            start = -1 if self.selected is None and by > 0 else self.selected or 0
            self.select((start + by) % len(self.draft.items))

    def toggle(self, number: int | None) -> None:
        """Drop a line's box, or take it back."""
        if number is not None:
            dropped = not self.draft.items[number].is_dropped
            self._edit(self.draft.with_dropped(number, dropped=dropped))

    def toggle_selected(self) -> None:
        """Drop the selected line's box, or take it back; of keys pressed fast, the last counts."""
        self.toggle(self.selected)

    def choose(self, category: Category) -> None:
        """Draw with this category from now on, and give it to the selected line."""
        self.category = category
        if self.selected is not None:
            self._edit(self.draft.with_category(self.selected, category))

    def shift(self, dx: int, dy: int) -> None:
        """Shift the selected box by steps of `NUDGE_PX`; with none selected, the view by half."""
        if self.selected is not None:
            size = self.case.plan.size
            by = (dx * NUDGE_PX, dy * NUDGE_PX)
            self._edit(self.draft.nudged(self.selected, *by, size))
        elif self.zoom is not Zoom.FIT:
            window = self.view.window
            x, y = (window.x0 + window.x1) / 2, (window.y0 + window.y1) / 2
            self._centre = (x + dx * window.width / 2, y + dy * window.height / 2)
            self._mount()

    def zoom_to(self, zoom: Zoom) -> None:
        """Show the picture at another size."""
        self.zoom = zoom
        self._mount()

    def toggle_preview(self) -> None:
        """Show the picture as it would be released, or its boxes again."""
        self.is_preview = not self.is_preview
        self._mount()

    def undo_edit(self) -> None:
        """Take the last edit back."""
        if self._history:
            self.draft = self._history.pop()
            self.selected = None
            self._save()
            self._mount()

    def close(self) -> None:
        """Leave the picture: nothing of it stays in memory."""
        canvas.close(self.key)
        originals_cache().clear(self.case.picture_id)
        session.forget("review")

    def _edit(self, draft: Draft) -> None:
        if draft != self.draft:
            self._remember(draft)
            self._mount()

    def _remember(self, draft: Draft) -> None:
        self._history = [*self._history[-_UNDO_STEPS:], self.draft]
        self.draft = draft
        self._save()

    def _save(self) -> None:
        kept = claims.Draft(session.user().name, self.draft.kept, self.draft.to_json(), now())
        reviews.save_draft(database(), self.case.picture_id, kept)

    def _mount(self) -> None:
        canvas.close(self.key)
        self._mounted = self.draft
        self._mounts += 1
