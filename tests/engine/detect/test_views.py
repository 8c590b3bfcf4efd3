from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.detect import views
from engine.detect.views import (
    OVERLAP_PX,
    STRIDE_PX,
    Pyramid,
    ViewPlan,
    detect_in_views,
    pyramid_of,
    tiles_of,
    whole_view,
)
from engine.geometry import Size
from tests.scenes import SIDES, image, picture

TURNS = (0, 90, 180, 270)
rotations = pytest.mark.parametrize("turn", TURNS)


def painted(rgb):
    """The box around everything brighter than half, half-open."""
    ys, xs = np.nonzero(rgb[..., 0] > 127)
    return np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], np.float32)


@st.composite
def boxes_in_pictures(draw):
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    return Size(width, height), (x0, y0, x1, y1)


@given(boxes_in_pictures(), st.sampled_from(TURNS))
def test_a_box_painted_in_a_picture_comes_back_from_every_turn(placed, turn):
    size, (x0, y0, x1, y1) = placed
    rgb = np.zeros((size.height, size.width, 3), np.uint8)
    rgb[y0:y1, x0:x1] = 255
    look = whole_view(rgb, longer=max(size), rotation=turn)  # full size, so nothing is rounded

    back = look.to_picture(painted(look.rgb))

    np.testing.assert_allclose(back, [(x0, y0, x1, y1)], atol=1e-3)


@given(st.sampled_from(TURNS), st.integers(100, 900), st.integers(100, 900))
def test_it_comes_back_from_another_scale_to_within_a_pixel_of_the_look(turn, width, height):
    rgb = np.zeros((height, width, 3), np.uint8)
    x0, y0, x1, y1 = width // 5, height // 3, width // 2, height - 20
    rgb[y0:y1, x0:x1] = 255
    look = whole_view(rgb, longer=320, rotation=turn)

    back = look.to_picture(painted(look.rgb))

    np.testing.assert_allclose(back, [(x0, y0, x1, y1)], atol=1.01 / look.scale + 0.01)


@rotations
@pytest.mark.parametrize("shape", SIDES.values(), ids=SIDES)
def test_sides_are_padded_to_the_stride_at_the_right_and_bottom(rng, shape, turn):
    rgb = picture(rng, *shape) | 1

    look = whole_view(rgb, longer=64, rotation=turn)

    turned = np.rot90(rgb, turn // 90)
    scale = 64 / max(shape)
    inner = look.rgb[: max(round(turned.shape[0] * scale), 1)]
    inner = inner[:, : max(round(turned.shape[1] * scale), 1)]
    assert look.rgb.shape[0] % STRIDE_PX == look.rgb.shape[1] % STRIDE_PX == 0
    assert (inner > 0).all()
    assert look.rgb.sum(dtype=np.int64) == inner.sum(dtype=np.int64)


@rotations
def test_no_boxes_stay_no_boxes(rng, turn):
    look = whole_view(picture(rng, 20, 30), longer=64, rotation=turn)

    assert look.to_picture(np.zeros((0, 4), np.float32)).shape == (0, 4)


@rotations
def test_a_look_at_full_size_holds_the_very_pixels(rng, turn):
    rgb = picture(rng, 64, 96)

    look = whole_view(rgb, longer=96, rotation=turn)

    np.testing.assert_array_equal(look.rgb, np.rot90(rgb, turn // 90))
    assert look.scale == 1.0


class TestTiles:
    @given(st.integers(1, 900), st.integers(1, 900), st.sampled_from(TURNS))
    def test_together_they_show_every_pixel_and_neighbours_overlap(self, width, height, turn):
        rgb = np.zeros((height, width, 3), np.uint8)

        pieces = [look.piece for look in tiles_of(rgb, 320, turn)]

        shown = np.zeros((height, width), int)
        for piece in pieces:
            shown[piece.rows, piece.columns] += 1
        assert shown.min() == 1
        spans = sorted({(piece.x0, piece.x1) for piece in pieces})
        assert all(end - start >= OVERLAP_PX - 1 for (_, end), (start, _) in pairwise(spans))
        assert max(end - start for start, end in spans) <= 320

    def test_they_are_no_larger_than_they_need_be(self):
        rgb = np.zeros((300, 4000, 3), np.uint8)

        spans = [(look.piece.x0, look.piece.x1) for look in tiles_of(rgb, 1280, 0)]

        assert spans == [(0, 1096), (968, 2064), (1936, 3032), (2904, 4000)]

    @given(st.sampled_from(TURNS), st.integers(0, 580), st.integers(0, 380))
    def test_a_box_comes_back_from_the_tile_that_shows_it(self, turn, x, y):
        rgb = np.zeros((400, 600, 3), np.uint8)
        rgb[y : y + 20, x : x + 20] = 255
        box = (x, y, x + 20, y + 20)

        looks = [look for look in tiles_of(rgb, 256, turn) if look.rgb.any()]
        back = [look.to_picture(painted(look.rgb))[0] for look in looks]

        assert any(np.allclose(one, box) for one in back)


class TestScan:
    """A made-up network that is sure of a white square and sees it only turned by its turn."""

    def looks_taken(self, rgb, scan, sees):
        taken = []

        def see(look):
            taken.append(look.shape[:2])
            bright = look[..., 0] > 127
            if not bright.any():
                return np.zeros((0, 6), np.float32)
            return np.array([[*painted(look)[0], sees(look), 0]], np.float32)

        return taken, detect_in_views(Pyramid(rgb), scan, see)

    def test_dearer_looks_are_taken_upright_and_where_the_first_saw_best(self):
        rgb = np.zeros((64, 128, 3), np.uint8)
        rgb[:, 96:] = 255  # at the right; turned by 90 degrees it lies at the top
        scan = ViewPlan([128, 192], TURNS, sure_at=0.5, fallback_at=0.2)

        taken, found = self.looks_taken(rgb, scan, lambda look: 0.9 if look[0, 0, 0] else 0.3)

        assert taken == [(64, 128), (128, 64)] * 2 + [(96, 192), (192, 96)]
        np.testing.assert_allclose(found[:, :4], [(96, 0, 128, 64)] * len(found), atol=1)

    @pytest.mark.parametrize(("side", "widths"), [(15, [128, 256, 384]), (17, [128, 256])])
    def test_the_third_scale_is_taken_where_the_second_shows_something_small(self, side, widths):
        rgb = np.zeros((64, 256, 3), np.uint8)
        rgb[16 : 16 + 2 * side, 16:80] = 255  # at 256 it is `2 * side` high
        scan = ViewPlan([128, 256, 384], (0,), sure_at=1.0)

        taken, _ = self.looks_taken(rgb, scan, lambda look: 0.3)

        assert [width for _, width in taken] == widths

    @pytest.mark.parametrize("side", [0, 200])
    @pytest.mark.parametrize(("tile_px", "is_taken"), [(0, True), (384, False)])
    def test_the_third_scale_is_taken_where_the_second_may_have_lost_what_is_tiny(
        self, side, tile_px, is_taken
    ):
        """It shows nothing, or one large thing, at a third of the picture; tiles show all."""
        rgb = np.zeros((800, 800, 3), np.uint8)
        rgb[:side, :side] = 255
        scan = ViewPlan([128, 256, 512], (0,), sure_at=1.0, tile_px=tile_px)

        taken, _ = self.looks_taken(rgb, scan, lambda look: 0.9)

        assert (512 in {max(shape) for shape in taken}) is is_taken

    def test_what_is_seen_less_well_in_a_turn_is_passed_over(self):
        """Upright it is seen at 0.9, on its side at 0.3 and somewhere else."""
        rgb = np.zeros((64, 128, 3), np.uint8)
        rgb[:, 96:] = 255

        def see(look):
            is_upright = look.shape[1] > look.shape[0]
            box, score = (painted(look)[0], 0.9) if is_upright else ((0, 0, 20, 20), 0.3)
            return np.array([[*box, score, 0]], np.float32)

        plan = ViewPlan([128], (0, 90), sure_at=0.5, fallback_at=0.5)
        found = detect_in_views(Pyramid(rgb), plan, see)

        np.testing.assert_allclose(found[:, :4], [(96, 0, 128, 64)], atol=1)

    def test_without_an_upright_look_every_turn_tells(self):
        rgb = np.zeros((64, 128, 3), np.uint8)
        rgb[:, 96:] = 255

        _, found = self.looks_taken(
            rgb, ViewPlan([128], (90,), sure_at=2, fallback_at=2), lambda _: 0.1
        )

        np.testing.assert_allclose(found[:, :4], [(96, 0, 128, 64)], atol=1)

    @pytest.mark.parametrize(
        ("longer", "widths"),
        [(32, [48]), (100, [128, 150]), (200, [128, 256]), (171, [128, 256])],
        ids=["tiny", "between", "large", "half as large again"],
    )
    def test_a_small_picture_is_enlarged_by_half_at_most(self, longer, widths):
        rgb = np.zeros((32, longer, 3), np.uint8)

        taken, _ = self.looks_taken(rgb, ViewPlan([128, 256], (0,), 0.5, 0.5), lambda _: 0.0)

        assert [width for _, width in taken] == [-(-width // 32) * 32 for width in widths]

    @pytest.mark.parametrize(("longer", "tiles"), [(479, 0), (480, 0), (481, 4)])
    def test_only_a_picture_much_larger_than_the_scales_is_cut_into_tiles(self, longer, tiles):
        rgb = np.zeros((330, longer, 3), np.uint8)
        scan = ViewPlan([64], [0], sure_at=0.5, fallback_at=0.2, tile_px=320)

        taken, found = self.looks_taken(rgb, scan, lambda look: 0.0)

        assert len(taken) == 1 + tiles
        assert found.shape == (0, 6)


def test_detectors_share_the_scaled_copies_of_a_picture_as_long_as_there_is_one(rng, monkeypatch):
    made = []
    resize = views.resized
    monkeypatch.setattr(views, "resized", lambda *given: made.append(given[1]) or resize(*given))
    held = len(views._SCALED)
    shown = image(picture(rng, 60, 80))

    one, other = (pyramid_of(shown).view(64, turn) for turn in (0, 90))

    assert len(made) == 1
    np.testing.assert_array_equal(np.rot90(one.rgb[:48, :64]), other.rgb[:64, :48])
    assert len(views._SCALED) == held + 1
    del shown
    assert len(views._SCALED) == held
