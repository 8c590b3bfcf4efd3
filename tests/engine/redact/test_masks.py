"""From boxes to pixels, and that no codec carries hidden pixels past the mask (T6)."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine import pipeline
from engine.category import Category
from engine.codec.decode import decode
from engine.geometry import PixelRect, Size, to_stored, upright_size
from engine.images import Leakage, RgbImage, SourceCodec
from engine.pipeline import Stopwatch, Terms
from engine.plan import Plan, Region
from engine.policy import Policy, read_policy
from engine.redact.masks import CHROMA_BLEED_PX, mask_of, rect_of
from tests.engine.test_geometry import UPRIGHT
from tests.scenes import SilentReleaseCheck, region, smooth

ORIENTATIONS = range(1, 9)
BLOCKS = [Size(8, 8), Size(16, 8), Size(8, 16), Size(16, 16), Size(32, 8)]
STORED = Size(333, 251)
TIGHT = read_policy(
    '[removal]\nfill = "solid"\nmin_grow_px = 0\n[codec]\ndouble_compression_px = 0\n'
    + "".join(
        f"[categories.{category}.grow]\nleft = 0\nright = 0\ntop = 0\nbottom = 0\n"
        for category in Category
    )
)
"""A policy whose masks neither grow nor get a margin for second saves: snapping alone must hold."""
TIGHT_BUT_TWICE = TIGHT.model_copy(update={"codec": Policy().codec})
WIDE = "[categories.face.grow]\nleft = 0.5\nright = 0.5\ntop = 0.6\nbottom = 0.6"

orientations = pytest.mark.parametrize("orientation", ORIENTATIONS)
blocks = pytest.mark.parametrize("block", BLOCKS, ids=lambda size: f"{size.width}x{size.height}")


def jpeg_codec(orientation: int, block: Size, leakage: Leakage = Leakage.BLOCK) -> SourceCodec:
    return SourceCodec("jpeg", STORED, orientation, block, leakage)


class TestRectOf:
    @orientations
    @blocks
    @pytest.mark.parametrize(
        "corners",
        [
            pytest.param((50.5, 60.2, 51.5, 61.2), id="one pixel"),
            pytest.param((96, 96, 128, 160), id="touching the grid"),
            pytest.param((70.3, 81.9, 133.3, 140.1), id="inner"),
            pytest.param((-20, -5, 30, 22), id="over the corner"),
            pytest.param((0, 0, 333, 333), id="whole picture"),
        ],
    )
    def test_a_mask_without_a_margin_ends_just_past_a_block_of_the_stored_picture(
        self, orientation, block, corners
    ):
        source = jpeg_codec(orientation, block)
        rect = rect_of(region(corners), source, TIGHT)

        stored = to_stored(rect, orientation, STORED)

        for near, far, step, extent in (
            (stored.x0, stored.x1, block.width, STORED.width),
            (stored.y0, stored.y1, block.height, STORED.height),
        ):
            assert near == 0 or (near + CHROMA_BLEED_PX) % step == 0
            assert far == extent or (far - CHROMA_BLEED_PX) % step == 0

    @given(
        st.tuples(*[st.floats(-50, 400)] * 4),
        st.sampled_from(ORIENTATIONS),
        st.sampled_from(BLOCKS),
        st.sampled_from(Category),
        st.sampled_from(Leakage),
    )
    def test_it_covers_the_grown_box_and_lies_in_the_picture(
        self, numbers, orientation, block, category, leakage
    ):
        x0, x1 = sorted(numbers[:2])
        y0, y1 = sorted(numbers[2:])
        source = jpeg_codec(orientation, block, leakage)
        size = upright_size(STORED, orientation)
        one = region((x0, y0, x1, y1), category)

        rect = rect_of(one, source, Policy())

        inside = one.box.clipped(size)
        if inside.area == 0:
            assert rect.area == 0
            return
        grow = Policy().grow(category)
        assert rect == rect.clipped(size)
        assert rect.x0 <= max(inside.x0 - max(grow.left * inside.width, 8), 0)
        assert rect.y0 <= max(inside.y0 - max(grow.top * inside.height, 8), 0)
        assert rect.x1 >= min(inside.x1 + max(grow.right * inside.width, 8), size.width)
        assert rect.y1 >= min(inside.y1 + max(grow.bottom * inside.height, 8), size.height)

    @orientations
    @pytest.mark.parametrize(
        "corners",
        [
            (-30, 10, 0, 40),
            (400, 10, 500, 40),
            (10, -30, 40, -2),
            (10, 400, 40, 500),
            (333, 333, 340, 340),
        ],
        ids=["touching the left", "right", "above", "below", "touching the far corner"],
    )
    def test_a_region_outside_the_picture_covers_nothing(self, orientation, corners):
        rect = rect_of(region(corners), jpeg_codec(orientation, Size(16, 16)), Policy())

        assert rect.area == 0

    def test_growing_is_the_categorys_own_and_the_right_way_up(self):
        source = SourceCodec("png", Size(1000, 1000), block=Size(1, 1))

        face = rect_of(region((400, 400, 500, 600)), source, Policy())

        assert face == (385, 370, 515, 640)

    def test_small_things_grow_by_whole_pixels(self):
        source = SourceCodec("png", Size(1000, 1000), block=Size(1, 1))

        rect = rect_of(region((400, 400, 404, 404), Category.TATTOO), source, Policy())

        assert rect == (390, 390, 414, 414)  # 8 px grown, 2 px for chroma

    def test_what_lies_within_8_px_of_a_box_is_covered_with_its_blocks_and_their_chroma(self):
        over_the_line = region((40, 40, 60, 60), Category.TATTOO)

        rect = rect_of(over_the_line, jpeg_codec(1, Size(16, 16)), Policy())

        assert rect == (30, 30, 82, 82)

    def test_a_margin_wider_than_the_blocks_ends_where_it_ends(self):
        face = region((100, 100, 140, 150), Category.FACE)

        rect = rect_of(face, jpeg_codec(1, Size(8, 8)), read_policy(WIDE))

        assert rect == (80, 70, 160, 180)

    def test_a_picture_saved_twice_is_covered_24_px_further_unless_the_margin_is_wider(self):
        wide = read_policy(WIDE)
        tight, grown = (
            [
                rect_of(region((96, 96, 136, 146)), jpeg_codec(1, Size(8, 8), leakage), policy)
                for leakage in (Leakage.BLOCK, Leakage.TWICE)
            ]
            for policy in (TIGHT_BUT_TWICE, wide)
        )

        assert tight == [(94, 94, 138, 154), (70, 70, 162, 178)]
        assert grown == [(76, 66, 156, 176), (62, 62, 170, 186)]


class TestMaskOf:
    @pytest.mark.parametrize(
        ("rects", "area"),
        [
            pytest.param([], 0, id="none"),
            pytest.param([(3, 3, 3, 3)], 0, id="empty"),
            pytest.param([(3, 3, 4, 4)], 1, id="one pixel"),
            pytest.param([(0, 0, 2, 2), (2, 0, 4, 2)], 8, id="touching"),
            pytest.param([(0, 0, 4, 4), (2, 2, 6, 6)], 28, id="overlapping"),
            pytest.param([(-5, -5, 99, 99)], 70, id="whole picture"),
            pytest.param([(20, 20, 30, 30)], 0, id="outside"),
        ],
    )
    def test_it_is_the_union_of_the_rectangles(self, rects, area):
        mask = mask_of([PixelRect(*rect) for rect in rects], Size(10, 7))

        assert mask.shape == (7, 10)
        assert mask.sum() == area
        for rect in rects:
            inside = PixelRect(*rect).clipped(Size(10, 7))
            assert mask[inside.rows, inside.columns].all()


SAMPLINGS = {
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:4:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    "4:1:1": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}
UPRIGHT_SIZE = Size(139, 117)
SECRET = PixelRect(50, 41, 87, 71)
"""Where the candidates' pixels differ, in the upright picture."""

RectOf = Callable[[Region, SourceCodec, Policy], PixelRect]


def jpeg_of(upright: NDArray[np.uint8], sampling: int, quality: int, orientation: int) -> bytes:
    """A JPEG that shows `upright` once its EXIF orientation is applied."""
    undo = {6: 8, 8: 6}.get(orientation, orientation)
    stored = np.ascontiguousarray(UPRIGHT[undo](upright))
    settings = [
        cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling
    ]  # fmt: skip
    encoded = cv2.imencode(".jpg", cv2.cvtColor(stored, cv2.COLOR_RGB2BGR), settings)[1].tobytes()
    written = io.BytesIO()
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}})
    piexif.insert(exif, encoded, written)
    return written.getvalue()


def candidates(rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """One scene with things of very different colour and detail in the same place."""
    scene = smooth(rng, UPRIGHT_SIZE.height, UPRIGHT_SIZE.width)
    height, width = SECRET.y1 - SECRET.y0, SECRET.x1 - SECRET.x0
    contents = [
        rng.integers(0, 256, (height, width, 3)),
        np.broadcast_to([255, 0, 0], (height, width, 3)),
        np.broadcast_to([0, 20, 255], (height, width, 3)),
    ]
    pictures = []
    for content in contents:
        upright = scene.copy()
        upright[SECRET.rows, SECRET.columns] = content
        pictures.append(upright)
    return pictures


def released_bytes(original: RgbImage, policy: Policy) -> bytes:
    plan = Plan(original.id, original.size, (region(tuple(SECRET)),), (), (), policy.fingerprint)
    terms = Terms("release", seed=99, format="png")
    return pipeline.release(
        original, plan, policy, terms, watch=Stopwatch(), release_check=SilentReleaseCheck()
    ).data


@cache
def originals(sampling: int, quality: int, orientation: int) -> tuple[RgbImage, ...]:
    rng = np.random.default_rng(orientation)
    return tuple(
        decode(jpeg_of(upright, sampling, quality, orientation), "original", max_megapixels=1)
        for upright in candidates(rng)
    )


class TestCodecTemplates:
    """T6: whoever holds the scene and all candidates learns nothing from a release."""

    @pytest.mark.parametrize("quality", [75, 90])
    @pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS)
    @orientations
    def test_candidates_pasted_before_jpeg_give_the_same_release(
        self, sampling, quality, orientation
    ):
        decoded = originals(sampling, quality, orientation)

        releases = {released_bytes(original, TIGHT) for original in decoded}

        assert len({original.rgb.tobytes() for original in decoded}) == len(decoded)
        assert {original.size for original in decoded} == {UPRIGHT_SIZE}
        assert len({original.codec.block for original in decoded}) == 1
        assert len(releases) == 1

    @pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS)
    def test_the_default_policy_holds_as_well(self, sampling):
        releases = {released_bytes(one, Policy()) for one in originals(sampling, 75, 6)}

        assert len(releases) == 1


def snapped_in_the_upright_frame(one: Region, source: SourceCodec, policy: Policy) -> PixelRect:
    size = upright_size(source.stored_size, source.orientation)
    return rect_of(one, SourceCodec(source.format, size, 1, source.block, source.leakage), policy)


def snapped_to_eight_pixels(one: Region, source: SourceCodec, policy: Policy) -> PixelRect:
    eight = SourceCodec(
        source.format, source.stored_size, source.orientation, Size(8, 8), source.leakage
    )
    return rect_of(one, eight, policy)


def without_the_chroma_margin(one: Region, source: SourceCodec, policy: Policy) -> PixelRect:
    rect = rect_of(one, source, policy)
    return PixelRect(rect.x0 + 2, rect.y0 + 2, rect.x1 - 2, rect.y1 - 2)


def not_snapped(one: Region, source: SourceCodec, policy: Policy) -> PixelRect:
    return one.box.outward()


def leaking_pixels(rect: RectOf, sampling: str, orientation: int) -> int:
    """Pixels outside the mask that differ between candidates after decoding."""
    first, *others = originals(SAMPLINGS[sampling], 75, orientation)
    mask = mask_of([rect(region(tuple(SECRET)), first.codec, TIGHT)], first.size)
    differs = np.zeros_like(mask)
    for other in others:
        differs |= (first.rgb != other.rgb).any(axis=2)
    return int((differs & ~mask).sum())


class TestTemplatesCatch:
    @pytest.mark.parametrize("sampling", SAMPLINGS)
    @orientations
    def test_nothing_when_snapped_in_the_stored_frame(self, sampling, orientation):
        assert leaking_pixels(rect_of, sampling, orientation) == 0

    @pytest.mark.parametrize("orientation", [2, 3, 6, 7, 8])
    def test_snapping_in_the_upright_frame(self, orientation):
        assert leaking_pixels(snapped_in_the_upright_frame, "4:2:0", orientation) > 0

    @pytest.mark.parametrize("orientation", [1, 5])
    @pytest.mark.parametrize("sampling", ["4:2:0", "4:1:1"])
    def test_blocks_taken_for_eight_pixels(self, sampling, orientation):
        assert leaking_pixels(snapped_to_eight_pixels, sampling, orientation) > 0

    @orientations
    def test_a_missing_chroma_margin(self, orientation):
        assert leaking_pixels(without_the_chroma_margin, "4:2:0", orientation) > 0

    @orientations
    @pytest.mark.parametrize("sampling", SAMPLINGS)
    def test_no_snapping_at_all(self, sampling, orientation):
        assert leaking_pixels(not_snapped, sampling, orientation) > 0
