from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import pipeline
from engine.category import DETECTABLE, Category
from engine.detect.ensemble import Ensemble
from engine.detect.registry import NEEDED, default_release_check
from engine.detect.release_check import residual_detections
from engine.detect.weights import load_weights
from engine.errors import ReleaseContested, UnsafeRelease
from engine.geometry import Box
from engine.pipeline import Stopwatch, Terms
from engine.plan import Detection, Plan, ReasonKind, ReviewDecision
from engine.policy import Policy, ReleaseCheckPolicy, read_policy
from engine.receipt import SignOff
from engine.redact.removal import remove
from engine.runs.jobs import Job, Models, NeedsReview, Released
from engine.runs.pool import run_job
from engine.runs.sources import PathSource
from engine.triage import contested, settled
from tests.scenes import FakeDetector, image, picture, rects_mask, region, seen, shipped_rgb

ASKED = read_policy("[witness]\nface = 0.5\ntattoo = 0.5\njewelry = 0.5\n[review]\naudit_share = 0")
UNMASKED = rects_mask(100, 100)
EVERYTHING = (0, 0, 100, 100)


class FakeReleaseCheck:
    """Sees the same in every release, and remembers what it was shown."""

    name = "witness@00000000"
    categories = frozenset({Category.FACE, Category.TATTOO})
    independent = frozenset({Category.FACE})

    def __init__(self, *detections):
        self._detections = detections
        self.shown = []

    def detect(self, redacted, policy):
        self.shown.append(redacted.rgb)
        return self._detections


def raw_detection(*corners, category=Category.FACE, score=0.9):
    return Detection(Box(*corners), category, score, FakeReleaseCheck.name)


def ready(original, *regions, **more):
    return Plan(original.id, original.size, regions, (), (), ASKED.fingerprint, **more)


def release(original, plan, release_check):
    terms = Terms(release_id="r", seed=5)
    return pipeline.release(
        original, plan, ASKED, terms, watch=Stopwatch(), release_check=release_check
    )


class TestObjections:
    def test_what_was_overlooked_is_one(self):
        (objection,) = residual_detections([raw_detection(10, 10, 30, 30)], UNMASKED, (), ASKED)

        assert objection.box == Box(10, 10, 30, 30)
        assert (objection.category, objection.score) == (Category.FACE, 0.9)

    @pytest.mark.parametrize(
        ("x1", "is_one"), [(19, True), (21, False)], ids=["less than half masked", "more"]
    )
    def test_what_lies_mostly_under_the_mask_is_none(self, x1, is_one):
        mask = rects_mask(100, 100, (10, 10, x1, 30))

        found = residual_detections([raw_detection(10, 10, 30, 30)], mask, (), ASKED)

        assert bool(found) is is_one

    @pytest.mark.parametrize(("score", "is_one"), [(0.49, False), (0.5, True)])
    def test_the_policy_says_from_which_score(self, score, is_one):
        found = residual_detections(
            [raw_detection(10, 10, 30, 30, score=score)], UNMASKED, (), ASKED
        )

        assert bool(found) is is_one

    def test_each_category_has_a_score_of_its_own(self):
        policy = read_policy("[witness]\nface = 0.95\ntattoo = 0.5")
        both = [
            raw_detection(10, 10, 30, 30, category=one) for one in (Category.FACE, Category.TATTOO)
        ]

        (objection,) = residual_detections(both, UNMASKED, (), policy)

        assert objection.category is Category.TATTOO

    def test_where_its_word_does_not_count_there_is_none(self):
        deaf = read_policy("[witness]\nface = 1")

        assert not residual_detections(
            [raw_detection(10, 10, 30, 30, score=1.0)], UNMASKED, (), deaf
        )

    @pytest.mark.parametrize(
        ("decided", "is_one"),
        [
            ((10, 10, 30, 30), False),
            ((12, 12, 32, 32), False),
            (EVERYTHING, False),
            ((15, 15, 20, 20), True),
            ((60, 60, 80, 80), True),
        ],
        ids=["the same", "nearly the same", "all around it", "a speck in it", "elsewhere"],
    )
    def test_what_a_person_has_left_is_none(self, decided, is_one):
        found = residual_detections(
            [raw_detection(10, 10, 30, 30)], UNMASKED, [region(decided)], ASKED
        )

        assert bool(found) is is_one

    def test_a_decision_is_about_its_category_alone(self):
        decided = [region((10, 10, 30, 30), category=Category.TATTOO)]

        assert residual_detections([raw_detection(10, 10, 30, 30)], UNMASKED, decided, ASKED)

    def test_beside_the_picture_there_is_nothing(self):
        assert not residual_detections([raw_detection(110, 10, 130, 30)], UNMASKED, (), ASKED)


class TestRelease:
    def test_without_objection_it_goes_out_and_says_who_looked(self, rng):
        original = image(picture(rng, 100, 100))

        done = release(original, ready(original, region((10, 10, 40, 40))), FakeReleaseCheck())

        assert done.receipt.checks["T7"] is True
        assert done.receipt.release_checked == {Category.FACE: True, Category.TATTOO: False}
        assert FakeReleaseCheck.name in done.receipt.weights

    def test_it_is_not_named_where_its_word_does_not_count(self, rng):
        original = image(picture(rng, 100, 100))
        deaf = read_policy("[witness]\nface = 1\n[review]\naudit_share = 0")
        plan = Plan(original.id, original.size, (), (), (), deaf.fingerprint)

        done = pipeline.release(
            original, plan, deaf, Terms("r", 5), watch=Stopwatch(), release_check=FakeReleaseCheck()
        )

        assert done.receipt.release_checked == {Category.TATTOO: False}

    def test_without_one_that_looks_for_what_the_policy_asks_nothing_is_released(self, rng):
        original = image(picture(rng, 100, 100))
        blind = FakeReleaseCheck()
        blind.categories = blind.independent = frozenset()

        with pytest.raises(UnsafeRelease, match="T7"):
            release(original, ready(original, region((10, 10, 40, 40))), blind)

    def test_where_nothing_it_says_counts_nothing_is_claimed(self, rng):
        original = image(picture(rng, 100, 100))
        deaf = read_policy(
            "[witness]\nface = 1\ntattoo = 1\njewelry = 1\n[review]\naudit_share = 0"
        )
        plan = Plan(original.id, original.size, (), (), (), deaf.fingerprint)
        release_check = FakeReleaseCheck(raw_detection(50, 50, 90, 90))

        done = pipeline.release(
            original, plan, deaf, Terms("r", 5), watch=Stopwatch(), release_check=release_check
        )

        assert "T7" not in done.receipt.checks
        assert not done.receipt.release_checked
        assert FakeReleaseCheck.name not in done.receipt.weights

    def test_the_witness_looks_at_the_result_not_at_the_original(self, rng):
        original = image(picture(rng, 100, 100))
        release_check = FakeReleaseCheck()

        release(original, ready(original, region((10, 10, 40, 40))), release_check)

        (shown,) = release_check.shown
        assert not np.array_equal(shown[10:40, 10:40], original.rgb[10:40, 10:40])
        assert np.array_equal(shown[70:, 70:], original.rgb[70:, 70:])

    def test_an_objection_stops_it(self, rng):
        original = image(picture(rng, 100, 100))

        with pytest.raises(ReleaseContested, match=r"still sees something.*face"):
            release(original, ready(original), FakeReleaseCheck(raw_detection(50, 50, 90, 90)))


class TestContested:
    def test_what_was_seen_becomes_a_doubt_with_a_reason(self, rng):
        original = image(picture(rng, 100, 100))
        plan = contested(
            ready(original, region((0, 0, 9, 9))), [region((50, 50, 90, 90), score=0.9)]
        )

        assert not plan.is_ready
        assert [one.box for one in plan.review_regions] == [Box(50, 50, 90, 90)]
        assert [one.box for one in plan.regions] == [Box(0, 0, 9, 9)]
        assert [(one.kind, one.detail) for one in plan.reasons] == [
            (ReasonKind.RESIDUAL, "face 0.90")
        ]

    def test_the_machines_plan_keeps_its_revision_and_a_persons_gets_a_new_one(self, rng):
        original = image(picture(rng, 100, 100))
        review_region = region((50, 50, 90, 90), score=0.9)

        assert contested(ready(original), [review_region]).revision == 0
        assert contested(ready(original, revision=3), [review_region]).revision == 4

    def test_what_a_person_left_is_not_brought_up_again(self, rng):
        original = image(picture(rng, 100, 100))
        release_check = FakeReleaseCheck(raw_detection(50, 50, 90, 90))
        with pytest.raises(ReleaseContested) as contest:
            release(original, ready(original), release_check)
        asked = contested(ready(original), contest.value.residual_detections)

        left = settled(asked, ReviewDecision.on(asked, (), "ada"))

        assert release(original, Plan.from_json(left.to_json()), release_check).receipt.checks["T7"]


def job(path: Path, **more) -> Job:
    return Job("picture", PathSource(path), ASKED, "same", "f" * 32, seed=1, draw=1.0, **more)


class TestJobs:
    @pytest.fixture
    def a_picture(self, tmp_path, a_photograph):
        path = tmp_path / "a.png"
        path.write_bytes(a_photograph)
        return path

    @pytest.fixture
    def a_photograph(self, rng):
        return cv2.imencode(".png", picture(rng, 100, 100))[1].tobytes()

    def test_an_objection_sends_a_picture_that_would_have_passed_to_a_person(self, a_picture):
        ensemble = Ensemble([FakeDetector([seen(0.95)], DETECTABLE)])
        release_check = FakeReleaseCheck(raw_detection(70, 70, 99, 99))

        outcome = run_job(job(a_picture), Models(ensemble, release_check))

        assert isinstance(outcome, NeedsReview)
        assert [one.box for one in outcome.plan.review_regions] == [Box(70, 70, 99, 99)]
        assert all(one.has_rect for one in outcome.plan.proposed)

    def test_and_one_that_a_person_had_decided_comes_back_once(self, a_picture):
        ensemble = Ensemble([FakeDetector([seen(0.95)], DETECTABLE)])
        release_check = FakeReleaseCheck(raw_detection(70, 70, 99, 99))
        plan = run_job(job(a_picture), Models(ensemble, release_check)).plan

        first = settled(plan, ReviewDecision.on(plan, plan.regions, "ada"))
        outcome = run_job(
            job(a_picture, settled=first, sign_off=SignOff("ada")), Models(ensemble, release_check)
        )

        assert isinstance(outcome, Released)


def test_the_shipped_witness_had_no_part_in_finding():
    finders = {load_weights(name).sha256 for name in NEEDED if name != "witness"}
    release_check = default_release_check()

    assert load_weights("witness").sha256 not in finders
    assert release_check.independent == release_check.categories == frozenset(DETECTABLE)


def test_the_shipped_witness_sees_a_face_that_nobody_removed():
    original = image(shipped_rgb("skimage", "data/astronaut.png"))
    height, width = original.rgb.shape[:2]
    release_check, policy = default_release_check(), Policy()
    none, face = rects_mask(height, width), rects_mask(height, width, (150, 30, 300, 210))

    before = release_check.detect(remove(original, none, seed=1), policy)
    after = release_check.detect(remove(original, face, seed=1), policy)

    found = residual_detections(before, none, (), policy)
    assert any(
        one.category is Category.FACE and one.box.iou(Box(150, 30, 300, 210)) > 0.2 for one in found
    )
    assert not [
        one for one in residual_detections(after, face, (), policy) if one.category is Category.FACE
    ]


def test_the_shipped_witness_leaves_out_only_what_could_not_count():
    picture = remove(
        image(shipped_rgb("insightface.data", "images/t1.jpg")), rects_mask(886, 1280), seed=1
    )
    release_check = default_release_check()
    everything, counted = (
        Policy(release_check=ReleaseCheckPolicy(face=at, tattoo=1.0, jewelry=1.0))
        for at in (0.0, 0.4)
    )

    found = release_check.detect(picture, counted)

    assert found
    assert found == tuple(
        one for one in release_check.detect(picture, everything) if one.score >= 0.4
    )
