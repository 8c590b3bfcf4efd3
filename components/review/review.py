"""The picture on the table: its draft, and how it looks.

The draft goes to the store with every edit, so that page change, reload and restart lose nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from components.app.services import database, now, originals_cache
from components.app.session import actor
from components.review import reviewer
from components.review.draft import Draft, EditedBox
from components.review.viewport import part_jpeg, whole_jpeg
from engine import pipeline
from engine.coverage import outermost, percent, share_removed
from engine.errors import StaleRevision, UnreadableImage
from engine.geometry import Box, PixelRect
from engine.images import Leakage, RgbImage
from engine.policy import Policy
from engine.redact.masks import rects_of
from store.batches import originals
from store.review import claims, reviews
from store.review.claims import Claim

_PREVIEW_SEED = 0
"""A preview's grain is of no consequence; a release draws its own."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What goes if a draft is accepted as it is."""

    rects: tuple[PixelRect, ...]
    """In upright pixels, none within another; they may overlap."""
    share: float
    """Of the picture, 0..1."""
    question: str
    """What a person is asked before so much goes; empty where nothing is to ask."""
    is_widened: bool
    """True where margins are wider because the file looks saved twice."""


@dataclass(slots=True)
class Review:
    """The picture on the table."""

    claim: Claim
    policy: Policy
    draft: Draft
    plan: str
    """Digest of `claim.plan`."""
    opening: int
    """Counts pictures put on the table, so that the browser knows when to start anew."""
    is_shown: bool = False
    """True once the picture could be drawn: nobody accepts what nobody sees."""
    _saved: Draft | None = None
    """What lies in the store by this window's knowledge; None where nothing was saved yet."""

    @property
    def key(self) -> str:
        """Of what the browser is given: changes when it has to start anew."""
        return f"{self.claim.picture_id}-{self.opening}"

    @property
    def image(self) -> RgbImage:
        """The decoded original, as it came in.

        Raises:
            UnreadableImage: it cannot be read or decoded, or was changed since.
        """
        image = originals_cache().picture(*self._original)
        if image.size != self.claim.plan.size:
            raise UnreadableImage("The original is not of the size that its plan was made for.")
        return image

    @property
    def extent(self) -> Extent:
        """What goes if the draft is accepted as it is.

        Raises:
            UnreadableImage: the original cannot be decoded.
        """
        codec, kept = self.image.codec, self.draft.kept
        rects = outermost(rects_of(kept, codec, self.policy))
        share = share_removed(rects, self.image.size)
        once = replace(codec, leakage=Leakage.BLOCK)
        is_widened = codec.leakage is Leakage.TWICE and rects != outermost(
            rects_of(kept, once, self.policy)
        )
        return Extent(rects, share, self._question(share), is_widened)

    def picture(self) -> bytes:
        """The original as a JPEG for the stage.

        Raises:
            UnreadableImage: it cannot be read or decoded, or was changed since.
        """
        _ = self.image.size
        return originals_cache().shown(*self._original)

    def part(self, window: Box) -> tuple[bytes, PixelRect]:
        """A part of the original at full size, as a JPEG, and which one it is."""
        return part_jpeg(self.image.rgb, window)

    def preview(self) -> bytes:
        """The picture as it would be released, as a JPEG for the stage."""
        image, draft = self.image, self.draft

        def made() -> bytes:
            return whole_jpeg(pipeline.redact(image, draft.kept, self.policy, _PREVIEW_SEED).rgb)

        return originals_cache().preview(self.claim.picture_id, draft, made)

    def take(self, boxes: tuple[EditedBox, ...]) -> None:
        """Take over the boxes as the browser has them, and save them.

        Raises:
            InvalidEdit: they cannot come from this picture.
            StaleRevision: somebody else has the picture, or it was edited in another window.
        """
        draft = self.draft.edited(boxes, self.claim.plan.size)
        self._refuse_if_edited_elsewhere()
        if draft == self.draft:
            return
        kept = claims.SavedDraft(reviewer.name(), draft.kept, draft.to_json(), now())
        reviews.save_draft(actor(), database(), self.claim.picture_id, kept)
        self.draft = self._saved = draft

    def close(self) -> None:
        """Forget how the picture looks."""
        originals_cache().clear(self.claim.picture_id)

    def _question(self, share: float) -> str:
        """As triage asks before anybody has seen the picture: from the policy's share on."""
        if share <= self.policy.review.most_removed:
            return ""
        return f"{percent(share)} of this picture would be removed"

    def _refuse_if_edited_elsewhere(self) -> None:
        """The same person may have the picture in two windows; neither overwrites the other."""
        held = reviews.draft(actor(), database(), self.claim.picture_id)
        if held is None or held.reviewer != reviewer.name():
            return
        known = self._saved if self._saved is not None else self.draft
        if [one.to_json() for one in held.regions] != [one.to_json() for one in known.kept]:
            raise StaleRevision(
                "You edited this picture in another window meanwhile; it is shown as it is there. "
                "Look again, then go on."
            )

    @property
    def _original(self) -> tuple[str, partial[bytes], float]:
        read = partial(originals.content, actor(), database(), self.claim.picture_id)
        return self.claim.picture_id, read, self.policy.codec.max_megapixels
