from __future__ import annotations

from dataclasses import replace

import pytest

from engine.category import DETECTABLE, Category
from engine.detect.ensemble import Seen
from engine.errors import InvalidVerdict, StaleRevision
from engine.images import Residue
from engine.plan import Origin, ReasonKind, Verdict
from engine.policy import Policy, read_policy
from engine.triage import found_in, route, settled, standing_reasons, triage
from tests.scenes import image, picture, region, seen

FAR = (60, 60, 70, 70)


@pytest.fixture
def original(rng):
    return image(picture(rng, 100, 120))


def planned(original, *detections, policy=None, seen_for=DETECTABLE, draw=1.0):
    return triage(original, looked_for(seen_for, *detections), policy or Policy(), draw=draw)


def looked_for(categories, *detections):
    return Seen(detections, (), ("fake@00000000",), frozenset(categories))


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
    assert (expected in plan.doubts) is (fate == "doubt")
    assert plan.is_ready is (fate != "doubt")
    assert all(one.origin is Origin.MODEL for one in plan.proposed)


def test_a_doubt_says_what_and_how_sure(original):
    plan = planned(original, seen(0.414, category=Category.TATTOO))

    assert [str(reason) for reason in plan.reasons] == ["unsure: tattoo 0.41"]


def test_each_category_has_its_own_thresholds(original):
    policy = read_policy("[categories.tattoo]\naccept_at = 0.3\ndoubt_at = 0.3")

    plan = planned(original, seen(0.35), seen(0.35, FAR, category=Category.TATTOO), policy=policy)

    assert [one.category for one in plan.regions] == [Category.TATTOO]
    assert [one.category for one in plan.doubts] == [Category.FACE]


@pytest.mark.parametrize(
    ("sees", "reasons"),
    [
        pytest.param([], ["face", "tattoo", "jewelry"], id="nobody looks"),
        pytest.param([Category.FACE], ["tattoo", "jewelry"], id="faces alone"),
        pytest.param(DETECTABLE, [], id="everything"),
    ],
)
def test_a_wanted_category_that_no_detector_sees_is_a_reason(original, sees, reasons):
    plan = planned(original, seen(0.9), seen_for=sees)

    assert [str(reason) for reason in plan.reasons] == [f"no detector: {one}" for one in reasons]


def test_what_nobody_asked_for_is_neither_removed_nor_missed(original):
    plan = planned(
        original,
        seen(0.9),
        seen(0.9, FAR, category=Category.TATTOO),
        policy=Policy().only([Category.FACE]),
        seen_for=[Category.FACE],
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


@pytest.mark.parametrize("residue", Residue)
@pytest.mark.parametrize("rule", ["review", "release"])
def test_a_source_that_spreads_pixels_without_bound_goes_to_a_person(rng, residue, rule):
    original = image(picture(rng, 100, 120), format="webp", residue=residue)
    policy = read_policy(f"[codec]\nleaky_source = '{rule}'")

    plan = planned(original, seen(0.9), policy=policy)

    leaky = residue is Residue.UNBOUNDED and rule == "review"
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
    ("doubt", "is_asked"),
    [
        pytest.param((10, 10, 30, 30), False, id="the same box"),
        pytest.param((12, 12, 13, 13), False, id="one pixel within"),
        pytest.param((5, 5, 47, 40), False, id="mostly under the mask"),
        pytest.param((50, 0, 80, 48), True, id="touching the mask"),
        pytest.param((40, 10, 60, 30), True, id="half under the mask"),
        pytest.param((0, 0, 120, 100), True, id="whole picture"),
        pytest.param(FAR, True, id="apart"),
    ],
)
def test_a_doubt_under_a_mask_is_removed_unasked(original, doubt, is_asked):
    unsure = region(doubt, Category.TATTOO, 0.3)  # the sure face's mask is (0, 0, 50, 50)

    plan = planned(original, seen(0.9), seen(0.3, doubt, category=Category.TATTOO))

    assert (unsure in plan.doubts) is is_asked
    assert (unsure in plan.regions) is not is_asked
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

    found = found_in(original, detections, Policy())
    way = route(found, standing_reasons(original.codec, Policy(), looked_for(DETECTABLE)), Policy())

    plan = planned(original, *detections)
    assert tuple(one.region for one in way.regions) == plan.regions == (region((10, 10, 30, 30)),)
    assert tuple(one.region for one in way.doubts) == plan.doubts
    assert way.reasons == plan.reasons
    assert way.proposed == way.regions + way.doubts


def test_of_nothing_found_the_standing_reasons_remain(original):
    standing = standing_reasons(original.codec, Policy(), looked_for([]))

    way = route((), standing, Policy())

    assert (way.regions, way.doubts) == ((), ())
    assert way.reasons[:-1] == standing
    assert way.reasons[-1].kind is ReasonKind.NOTHING_FOUND


class TestSettled:
    def test_exactly_what_a_person_decided_goes(self, original):
        plan = planned(original, seen(0.9), seen(0.3, FAR))
        drawn = region((1, 1, 9, 9), Category.OTHER, None)

        done = settled(plan, Verdict.on(plan, (drawn,), "ada"))

        assert (done.regions, done.doubts, done.reasons, done.revision) == ((drawn,), (), (), 1)
        assert done.is_ready

    def test_a_person_may_decide_that_nothing_goes(self, original):
        plan = planned(original)

        done = settled(plan, Verdict.on(plan, (), "ada"))

        assert done.is_ready
        assert done.regions == ()

    @pytest.mark.parametrize(
        "change",
        [
            {"regions": (region((1, 1, 9, 9)),)},
            {"doubts": ()},
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
            settled(plan, Verdict.on(seen_by_the_person, (), "ada"))

    def test_a_verdict_on_another_picture_is_refused_though_the_plans_are_alike(self, original):
        plan = planned(original, seen(0.3))
        other = replace(plan, image_id="another")

        with pytest.raises(InvalidVerdict, match="another picture"):
            settled(plan, Verdict.on(other, (), "ada"))
        with pytest.raises(InvalidVerdict, match="another picture"):
            settled(plan, replace(Verdict.on(plan, (), "ada"), picture="another"))

    def test_a_verdict_cannot_be_given_twice(self, original):
        plan = planned(original, seen(0.3))
        verdict = Verdict.on(plan, (), "ada")

        with pytest.raises(StaleRevision, match="another plan"):
            settled(settled(plan, verdict), verdict)

    @pytest.mark.parametrize(
        "corners",
        [(5, 5, 5, 5), (120, 10, 150, 30), (-9, -9, 0, 50), (200, 200, 210, 210)],
        ids=["empty", "touching the right", "touching the left", "outside"],
    )
    def test_a_region_without_pixels_is_refused_and_named(self, original, corners):
        plan = planned(original, seen(0.3))
        drawn = (region((1, 1, 9, 9)), region(corners, Category.TATTOO, None))

        with pytest.raises(InvalidVerdict, match=r"tattoo region .* 120 x 100"):
            settled(plan, Verdict.on(plan, drawn, "ada"))

    def test_one_pixel_is_enough(self, original):
        corner = region((119, 99, 120, 100), Category.OTHER, None)

        plan = planned(original)

        assert settled(plan, Verdict.on(plan, (corner,), "ada")).regions == (corner,)


def test_scores_nobody_made_probabilities_of_send_everything_to_a_person(original):
    seen_by = Seen((seen(0.9),), (), ("own@1",), frozenset(DETECTABLE), uncalibrated=("own@1",))

    plan = triage(original, seen_by, Policy(), draw=1.0)

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
        f"[review]\nnothing_found_of = {categories}\n[categories.face]\naccept_at = 0.5"
    )

    plan = planned(original, seen(0.9), policy=policy)

    assert [str(reason) for reason in plan.reasons] == reasons
