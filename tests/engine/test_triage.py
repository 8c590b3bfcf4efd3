from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import DETECTABLE, Category
from engine.coverage import covered_share
from engine.detect.ensemble import EnsembleOutput
from engine.errors import InvalidDecision, StaleRevision
from engine.evaluation.scores.matching import HIDDEN_SHARE
from engine.geometry import Size
from engine.images import Leakage
from engine.plan import Origin, ReasonKind, ReviewDecision
from engine.policy import Policy, read_policy
from engine.redact.masks import mask_of
from engine.triage import masked_regions, objected, route, settled, standing_reasons, triage
from tests.scenes import image, picture, region, seen

FAR = (60, 60, 70, 70)


@pytest.fixture
def original(rng):
    return image(picture(rng, 100, 120))


def planned(original, *detections, policy=None, searched=DETECTABLE, draw=1.0):
    return triage(original, looked_for(searched, *detections), policy or Policy(), draw=draw)


def looked_for(categories, *detections):
    return EnsembleOutput(detections, (), ("fake@00000000",), frozenset(categories))


@pytest.mark.parametrize(
    ("score", "fate"),
    [
        pytest.param(1.0, "region", id="sure"),
        pytest.param(0.5, "region", id="at accept"),
        pytest.param(0.4999, "doubt", id="just below accept"),
        pytest.param(0.2, "doubt", id="at doubt"),
        pytest.param(0.1999, "dropped", id="just below doubt"),
        pytest.param(0.0, "dropped", id="nothing"),
    ],
)
@pytest.mark.parametrize("category", [Category.FACE, Category.TATTOO, Category.JEWELRY])
def test_the_score_decides(original, score, fate, category):
    plan = planned(original, seen(score, category=category), seen(0.9, FAR))

    expected = region((10, 10, 30, 30), category, score)
    assert (expected in plan.regions) is (fate == "region")
    assert (expected in plan.review_regions) is (fate == "doubt")
    assert plan.is_ready is (fate != "doubt")
    assert all(one.origin is Origin.MODEL for one in plan.proposed)


def test_a_doubt_says_what_and_how_sure(original):
    plan = planned(original, seen(0.414, category=Category.TATTOO))

    assert [str(reason) for reason in plan.reasons] == ["unsure: tattoo 0.41"]


def test_each_category_has_its_own_thresholds(original):
    policy = read_policy(
        "[categories.face]\nauto_redact_at = 0.5\nreview_at = 0.2\n"
        "[categories.tattoo]\nauto_redact_at = 0.3\nreview_at = 0.3"
    )

    plan = planned(original, seen(0.35), seen(0.35, FAR, category=Category.TATTOO), policy=policy)

    assert [one.category for one in plan.regions] == [Category.TATTOO]
    assert [one.category for one in plan.review_regions] == [Category.FACE]


@pytest.mark.parametrize(
    ("sees", "reasons"),
    [
        pytest.param([], ["face", "tattoo", "jewelry"], id="nobody looks"),
        pytest.param([Category.FACE], ["tattoo", "jewelry"], id="faces alone"),
        pytest.param(DETECTABLE, [], id="everything"),
    ],
)
def test_a_wanted_category_that_no_detector_sees_is_a_reason(original, sees, reasons):
    plan = planned(original, seen(0.9), searched=sees)

    assert [str(reason) for reason in plan.reasons] == [f"no detector: {one}" for one in reasons]


def test_what_nobody_asked_for_is_neither_removed_nor_missed(original):
    plan = planned(
        original,
        seen(0.9),
        seen(0.9, FAR, category=Category.TATTOO),
        policy=Policy().only([Category.FACE]),
        searched=[Category.FACE],
    )

    assert [one.category for one in plan.regions] == [Category.FACE]
    assert plan.is_ready
    assert plan.not_looked_for == (Category.TATTOO, Category.JEWELRY)


@pytest.mark.parametrize(
    "detections",
    [
        pytest.param([], id="none"),
        pytest.param([seen(0.1)], id="below every threshold"),
        pytest.param([seen(0.9, (130, 10, 150, 30))], id="outside, in a look's padding"),
        pytest.param([seen(0.9, (120, 10, 150, 30))], id="touching the picture from outside"),
    ],
)
@pytest.mark.parametrize("asks", [True, False], ids=["policy asks", "policy does not"])
def test_a_picture_in_which_nothing_was_found_goes_to_a_person(original, detections, asks):
    policy = read_policy(f"[review]\nnothing_found = {str(asks).lower()}")

    plan = planned(original, *detections, policy=policy)

    assert [reason.kind for reason in plan.reasons] == [ReasonKind.NOTHING_FOUND] * asks
    assert plan.proposed == ()


@pytest.mark.parametrize("leakage", Leakage)
@pytest.mark.parametrize("rule", ["review", "release"])
def test_a_source_that_spreads_pixels_without_bound_goes_to_a_person(rng, leakage, rule):
    original = image(picture(rng, 100, 120), format="webp", leakage=leakage)
    policy = read_policy(f"[codec]\nleaky_source = '{rule}'")

    plan = planned(original, seen(0.9), policy=policy)

    leaky = leakage is Leakage.UNBOUNDED and rule == "review"
    assert [str(reason) for reason in plan.reasons] == ["source format: webp"] * leaky


@pytest.mark.parametrize(
    ("share", "draw", "is_sampled"),
    [(0.0, 0.0, False), (0.05, 0.049, True), (0.05, 0.05, False), (1.0, 0.999, True)],
    ids=["never", "below", "at", "always"],
)
def test_the_draw_decides_on_a_sample_check(original, share, draw, is_sampled):
    policy = read_policy(f"[review]\naudit_share = {share}")

    plan = planned(original, seen(0.9), policy=policy, draw=draw)

    assert [reason.kind for reason in plan.reasons] == [ReasonKind.AUDIT_SAMPLE] * is_sampled


def test_a_picture_that_goes_to_a_person_anyway_is_no_sample(original):
    plan = planned(original, seen(0.3), draw=0.0)

    assert [reason.kind for reason in plan.reasons] == [ReasonKind.UNSURE]


@pytest.mark.parametrize(
    ("review_region", "is_asked"),
    [
        pytest.param((10, 10, 30, 30), False, id="the same box"),
        pytest.param((12, 12, 13, 13), False, id="one pixel within"),
        pytest.param((5, 5, 47, 40), False, id="larger, under the mask"),
        pytest.param((40, 10, 51, 50), False, id="all but a sliver"),
        pytest.param((41, 10, 51, 50), False, id="nine tenths"),
        pytest.param((42, 10, 51, 50), True, id="less than nine tenths"),
        pytest.param((50, 0, 80, 48), True, id="touching the mask"),
        pytest.param((40, 10, 60, 30), True, id="half under the mask"),
        pytest.param((0, 0, 120, 100), True, id="whole picture"),
        pytest.param(FAR, True, id="apart"),
    ],
)
def test_a_doubt_under_a_mask_is_dropped_and_nobody_asked(original, review_region, is_asked):
    unsure = region(review_region, Category.TATTOO, 0.3)  # the sure face's mask is (0, 0, 50, 50)

    plan = planned(original, seen(0.9), seen(0.3, review_region, category=Category.TATTOO))

    assert (unsure in plan.review_regions) is is_asked
    assert plan.regions == (region((10, 10, 30, 30), Category.FACE, 0.9),)
    assert plan.is_ready is not is_asked


def test_the_surest_come_first_and_the_plan_names_its_makers(original):
    plan = planned(original, seen(0.6, FAR), seen(0.9), policy=Policy(), draw=1.0)

    assert [one.score for one in plan.regions] == [0.9, 0.6]
    assert plan.policy == Policy().fingerprint
    assert plan.weights == ("fake@00000000",)
    assert (plan.image_id, plan.size, plan.revision) == (original.id, original.size, 0)


@pytest.mark.parametrize("lowest", [0.0, 0.05, 0.2], ids=["of any score", "low", "at the doubt"])
def test_what_was_found_below_the_thresholds_changes_no_route(original, lowest):
    detections = [
        seen(0.9),
        seen(0.3, FAR, category=Category.TATTOO),
        *[seen(score, (80, 10, 95, 30)) for score in (0.04, 0.1, 0.19) if score >= lowest],
    ]

    found = masked_regions(original, detections, Policy())
    standing = standing_reasons(original.codec, Policy(), looked_for(DETECTABLE))
    way = route(found, standing, Policy(), original.size)

    plan = planned(original, *detections)
    assert way.regions == plan.regions == (region((10, 10, 30, 30)),)
    assert way.review_regions == plan.review_regions
    assert way.reasons == plan.reasons
    assert way.proposed == way.regions + way.review_regions


def test_of_nothing_found_the_standing_reasons_remain(original):
    standing = standing_reasons(original.codec, Policy(), looked_for([]))

    way = route((), standing, Policy(), original.size)

    assert (way.regions, way.review_regions) == ((), ())
    assert way.reasons[:-1] == standing
    assert way.reasons[-1].kind is ReasonKind.NOTHING_FOUND


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        pytest.param(seen(0.9), seen(0.8, (12, 12, 25, 25)), 1, id="within a surer one"),
        pytest.param(seen(0.9), seen(0.9), 1, id="twice"),
        pytest.param(seen(0.9), seen(0.8, (12, 12, 13, 13)), 1, id="one pixel"),
        pytest.param(seen(0.8), seen(0.9, (12, 12, 25, 25)), 1, id="the surer one is smaller"),
        pytest.param(seen(0.9), seen(0.8, (0, 0, 100, 90)), 2, id="around it"),
        pytest.param(seen(0.9), seen(0.8, (20, 10, 70, 40)), 2, id="beyond it"),
        pytest.param(seen(0.9), seen(0.8, (50, 0, 80, 48)), 2, id="touching"),
        pytest.param(seen(0.9), seen(0.8, category=Category.TATTOO), 2, id="another category"),
        pytest.param(seen(0.9), seen(0.8, (-20, 12, 25, 25)), 1, id="sticking out of the picture"),
    ],
)
def test_a_region_under_masks_of_surer_ones_of_its_category_is_dropped(
    original, first, second, kept
):
    plan = planned(original, first, second)

    assert len(plan.regions) == kept
    assert plan.review_regions == ()


def test_several_masks_cover_together(original):
    faces = seen(0.9, (10, 10, 30, 60)), seen(0.8, (60, 10, 80, 60))
    between = seen(0.7, (20, 20, 70, 50))

    plan = planned(original, *faces, between)

    assert [one.score for one in plan.regions] == [0.9, 0.8]


def test_what_was_dropped_covers_nothing(original):
    dropped = seen(0.8, (30, 10, 52, 40))  # its mask would reach to the right, the first's does not
    beside = seen(0.3, (45, 15, 60, 35))

    plan = planned(original, seen(0.9), dropped, beside)

    assert [one.score for one in plan.regions] == [0.9]
    assert [one.score for one in plan.review_regions] == [0.3]


def test_a_doubt_covers_nothing_since_a_person_may_drop_it(original):
    plan = planned(original, seen(0.4), seen(0.3))

    assert [one.score for one in plan.review_regions] == [0.4, 0.3]


EDGE = st.integers(-20, 130)
FOUND = st.lists(
    st.tuples(EDGE, EDGE, st.integers(1, 60), st.integers(1, 60), st.sampled_from(DETECTABLE),
              st.integers(4, 20)),
    max_size=7,
)  # fmt: skip


def found_at(places):
    size = Size(120, 100)
    detections = [
        seen(tenths / 20, (x, y, x + width, y + height), category)
        for x, y, width, height, category, tenths in places
    ]
    original = image(np.zeros((size.height, size.width, 3), np.uint8))
    return masked_regions(original, detections, Policy()), size


@given(FOUND)
def test_of_whatever_is_dropped_no_more_than_a_sliver_stays(places):
    found, size = found_at(places)

    way = route(found, (), Policy(), size)

    rects = [one.rect for one in way.regions]
    for one in found:
        is_kept = one in way.proposed
        own = [
            other.rect
            for other in way.regions
            if other.category is one.category or (one.score or 0) < 0.5
        ]
        share = covered_share(one.box.clipped(size), own)
        assert is_kept or share >= HIDDEN_SHARE
        assert is_kept is (share < HIDDEN_SHARE) or one in way.regions
    for piece in way.pieces:
        assert mask_of(rects, size)[piece.rect.rows, piece.rect.columns].all()


@given(FOUND)
def test_what_was_kept_is_kept_again(places):
    found, size = found_at(places)

    way = route(found, (), Policy(), size)
    again = route(sorted(way.proposed, key=lambda one: -(one.score or 0)), (), Policy(), size)

    assert (again.regions, again.review_regions, again.pieces) == (
        way.regions,
        way.review_regions,
        (),
    )


@pytest.mark.parametrize(
    ("detections", "removed"),
    [
        pytest.param([seen(0.9)], "21\u00a0%", id="one face"),
        pytest.param([seen(0.9), seen(0.9, category=Category.TATTOO)], "21\u00a0%", id="one place"),
        pytest.param([seen(0.9), seen(0.9, (80, 60, 110, 90))], "47\u00a0%", id="two places"),
        pytest.param([seen(0.9, (0, 0, 120, 100))], "100\u00a0%", id="whole picture"),
        pytest.param([seen(0.9), seen(0.3, (80, 60, 110, 90))], "21\u00a0%", id="no doubt counts"),
    ],
)
def test_where_much_would_go_unasked_a_person_looks_first(original, detections, removed):
    for most in (0.0, 0.2, 0.4, 0.6, 0.999, 1.0):
        policy = read_policy(
            f"[review]\nmost_removed = {most}\n[categories.face]\nauto_redact_at = 0.5"
        )

        plan = planned(original, *detections, policy=policy)

        much = [one.detail for one in plan.reasons if one.kind is ReasonKind.MUCH_REMOVED]
        assert much == [removed] * (int(removed[:-2]) / 100 > most)


class TestSettled:
    def test_exactly_what_a_person_decided_goes(self, original):
        plan = planned(original, seen(0.9), seen(0.3, FAR))
        drawn = region((1, 1, 9, 9), Category.OTHER, None)

        done = settled(plan, ReviewDecision.on(plan, (drawn,), "ada"))

        assert (done.regions, done.review_regions, done.reasons, done.revision) == (
            (drawn,),
            (),
            (),
            1,
        )
        assert done.is_ready

    def test_a_person_may_decide_that_nothing_goes(self, original):
        plan = planned(original)

        done = settled(plan, ReviewDecision.on(plan, (), "ada"))

        assert done.is_ready
        assert done.regions == ()

    @pytest.mark.parametrize(
        "change",
        [
            {"regions": (region((1, 1, 9, 9)),)},
            {"review_regions": ()},
            {"reasons": ()},
            {"policy": "another"},
            {"revision": 1},
            {"decided": (region((1, 1, 9, 9)),)},
            {"weights": ("another@00000000",)},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_verdict_on_another_plan_of_the_picture_is_refused(self, original, change):
        plan = planned(original, seen(0.3))
        seen_by_the_person = replace(plan, **change)

        with pytest.raises(StaleRevision, match="another plan"):
            settled(plan, ReviewDecision.on(seen_by_the_person, (), "ada"))

    def test_a_verdict_on_another_picture_is_refused_though_the_plans_are_alike(self, original):
        plan = planned(original, seen(0.3))
        other = replace(plan, image_id="another")

        with pytest.raises(InvalidDecision, match="another picture"):
            settled(plan, ReviewDecision.on(other, (), "ada"))
        with pytest.raises(InvalidDecision, match="another picture"):
            settled(plan, replace(ReviewDecision.on(plan, (), "ada"), picture="another"))

    def test_a_verdict_cannot_be_given_twice(self, original):
        plan = planned(original, seen(0.3))
        decision = ReviewDecision.on(plan, (), "ada")

        with pytest.raises(StaleRevision, match="another plan"):
            settled(settled(plan, decision), decision)

    @pytest.mark.parametrize(
        "corners",
        [(5, 5, 5, 5), (120, 10, 150, 30), (-9, -9, 0, 50), (200, 200, 210, 210)],
        ids=["empty", "touching the right", "touching the left", "outside"],
    )
    def test_a_region_without_pixels_is_refused_and_named(self, original, corners):
        plan = planned(original, seen(0.3))
        drawn = (region((1, 1, 9, 9)), region(corners, Category.TATTOO, None))

        with pytest.raises(InvalidDecision, match=r"tattoo region .* 120 x 100"):
            settled(plan, ReviewDecision.on(plan, drawn, "ada"))

    def test_one_pixel_is_enough(self, original):
        corner = region((119, 99, 120, 100), Category.OTHER, None)

        plan = planned(original)

        assert settled(plan, ReviewDecision.on(plan, (corner,), "ada")).regions == (corner,)

    def test_rectangles_are_not_taken_over_but_computed_anew_at_release(self, original):
        plan = planned(original, seen(0.9))
        assert all(one.has_rect for one in plan.proposed)

        done = settled(plan, ReviewDecision.on(plan, plan.proposed, "ada"))

        assert done.regions == plan.proposed
        assert not any(one.has_rect for one in done.regions)


def test_scores_nobody_made_probabilities_of_send_everything_to_a_person(original):
    detect_with = EnsembleOutput(
        (seen(0.9),), (), ("own@1",), frozenset(DETECTABLE), uncalibrated=("own@1",)
    )

    plan = triage(original, detect_with, Policy(), draw=1.0)

    assert [str(reason) for reason in plan.reasons] == ["not calibrated: own@1"]
    assert len(plan.regions) == 1


@pytest.mark.parametrize(
    ("categories", "reasons"),
    [
        pytest.param([], [], id="nowhere"),
        pytest.param(["tattoo"], ["nothing found: tattoo"], id="not found"),
        pytest.param(["face"], [], id="found"),
        pytest.param(["face", "jewelry"], ["nothing found: jewelry"], id="one of two"),
    ],
)
def test_where_an_empty_result_says_too_little_a_person_looks(original, categories, reasons):
    policy = read_policy(
        f"[review]\nnothing_found_of = {categories}\n[categories.face]\nauto_redact_at = 0.5"
    )

    plan = planned(original, seen(0.9), policy=policy)

    assert [str(reason) for reason in plan.reasons] == reasons


def test_an_objection_puts_what_went_before_a_person_and_takes_nothing_as_decided(original):
    plan = planned(original, seen(0.9, FAR))
    ready = settled(plan, ReviewDecision.on(plan, plan.regions, "ada"))
    assert ready.decided

    again = objected(ready, "something was missed")

    assert again.regions == ready.regions
    assert [str(reason) for reason in again.reasons] == ["objection: something was missed"]
    assert again.revision == ready.revision + 1
    assert again.decided == ()
    assert not again.is_ready
