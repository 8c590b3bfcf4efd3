from __future__ import annotations

import dataclasses
import itertools

import cv2
import numpy as np
import pytest

from engine import pipeline
from engine.category import Category
from engine.codec.allow_list import scan
from engine.codec.decode import decode
from engine.detect.centerface import CenterFace
from engine.detect.ensemble import Ensemble
from engine.detect.weights import load_weights
from engine.errors import PlanNotReady, UnreadableImage
from engine.geometry import Box, PixelRect, Size
from engine.pipeline import Stopwatch, Terms
from engine.plan import Detection, Plan, Reason, ReasonKind
from engine.policy import Policy, read_policy
from engine.receipt import SignOff
from engine.redact.masks import mask_of
from engine.runs.jobs import Job, NeedsReview, Quarantined, Released
from engine.runs.pool import run_job
from engine.runs.sources import PathSource
from tests.awkward import AWKWARD, MAX_MEGAPIXELS
from tests.engine.in_process import only_finding
from tests.engine.redact.test_masks import jpeg_of
from tests.scenes import FakeDetector, SilentReleaseCheck, image, picture, region, seen, shipped_rgb

WILLING = read_policy(
    "[codec]\nleaky_source = 'release'\n"
    f"max_megapixels = {MAX_MEGAPIXELS}\n[review]\naudit_share = 0\nmost_removed = 1"
)
"""Releases whatever can be released, so that every format goes all the way."""


class MiddleSeer:
    """Sees a face in the middle of every picture."""

    name = "middle@00000000"
    categories = frozenset(Category)

    def detect(self, image, policy):
        width, height = image.size
        box = Box(width * 0.3, height * 0.3, width * 0.6, height * 0.6)
        return (Detection(box, Category.FACE, 0.9, self.name),)


def planned(original, *regions, review_regions=(), reasons=()):
    return Plan(
        original.id,
        original.size,
        regions,
        review_regions,
        reasons,
        Policy().fingerprint,
        not_looked_for=(Category.TATTOO,),
        weights=("fake@00000000",),
    )


def released(original, *regions, policy=None, **terms):
    return carried_out(original, planned(original, *regions), policy, **terms)


def carried_out(original, plan, policy=None, **terms):
    return pipeline.release(
        original,
        plan,
        policy or Policy(),
        Terms(**{"release_id": "r", "seed": 5, **terms}),
        watch=Stopwatch(),
        release_check=SilentReleaseCheck(),
    )


class TestAwkwardFiles:
    @pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=name, marks=[pytest.mark.slow] * (name == "40 megapixels"))
            for name, case in AWKWARD.items()
        ],
    )
    def test_each_reaches_one_outcome_with_what_it_owes(self, tmp_path, case):
        path = tmp_path / f"file{case.suffix}"
        path.write_bytes(case.data)
        job = Job("picture", PathSource(path), WILLING, "same", "f" * 32, seed=1, draw=1.0)

        outcome = run_job(job, only_finding(Ensemble([MiddleSeer()])))

        if case.outcome == "quarantined":
            assert isinstance(outcome, Quarantined)
            assert case.says in outcome.reason
            assert outcome.reason.endswith(".")
            return
        assert isinstance(outcome, Released)
        receipt = outcome.receipt
        scan(outcome.data, receipt.format)
        assert receipt.checks == {"T1": True, "T3": True, "T4": True, "T7": True}
        (removed,) = receipt.regions
        assert removed.rect.area > 0
        again = decode(outcome.data, "again", max_megapixels=MAX_MEGAPIXELS)
        assert again.size == receipt.size

    def test_metadata_and_thumbnails_do_not_reach_the_release(self, tmp_path):
        path = tmp_path / "all.jpg"
        path.write_bytes(AWKWARD["all metadata"].data)
        job = Job("picture", PathSource(path), WILLING, "same", "f" * 32, seed=1, draw=1.0)

        data = run_job(job, only_finding(Ensemble([MiddleSeer()]))).data

        for trace in (b"Exif", b"GPS", b"http://", b"ICC_PROFILE", b"Photoshop", b"MPF"):
            assert trace not in data


class TestPrepare:
    def test_bytes_become_a_picture_with_a_plan_of_its_own(self, rng):
        data = cv2.imencode(".png", picture(rng, 60, 80))[1].tobytes()
        detector = FakeDetector([seen(0.9), seen(0.3, (60, 40, 70, 50))])

        ready = pipeline.prepare(
            data, "mine", Ensemble([detector]), Policy(), draw=1.0, watch=Stopwatch()
        )

        assert ready.image.id == ready.plan.image_id == "mine"
        assert ready.plan.size == ready.image.size == Size(80, 60)
        assert (len(ready.plan.regions), len(ready.plan.review_regions)) == (1, 1)

    def test_detectors_of_unwanted_categories_do_not_look(self, rng):
        data = cv2.imencode(".png", picture(rng, 60, 80))[1].tobytes()
        faces = FakeDetector([seen(0.9)], [Category.FACE], "faces@0")
        tattoos = FakeDetector([], [Category.TATTOO], "tattoos@0")
        policy = Policy().only([Category.FACE])

        ready = pipeline.prepare(
            data, "mine", Ensemble([faces, tattoos]), policy, draw=1.0, watch=Stopwatch()
        )

        assert (faces.looks, tattoos.looks) == (1, 0)
        assert ready.plan.weights == ("faces@0",)
        assert ready.plan.not_looked_for == (Category.TATTOO, Category.JEWELRY)

    @pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"text"], ids=["empty", "cut", "text"])
    def test_what_is_no_picture_is_refused(self, data):
        with pytest.raises(UnreadableImage):
            pipeline.prepare(data, "mine", Ensemble([]), Policy(), draw=1.0, watch=Stopwatch())

    def test_a_turned_picture_gives_the_same_regions(self):
        upright = shipped_rgb("skimage.data", "astronaut.png")[:300, 80:400]
        detector = CenterFace(load_weights("centerface"))
        policy = read_policy("[detection]\nscales = [320]\nturns = [0]")
        found = []
        for orientation in range(1, 9):
            data = jpeg_of(
                upright, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, quality=97, orientation=orientation
            )

            ready = pipeline.prepare(
                data, "turned", Ensemble([detector]), policy, draw=1.0, watch=Stopwatch()
            )

            (face,) = (one for one in ready.plan.regions if one.category is Category.FACE)
            assert Box(*face.rect).intersection(face.box) == pytest.approx(face.box.area)
            found.append(face.box)

        assert min(found[0].iou(box) for box in found) > 0.95


class TestRelease:
    @pytest.mark.parametrize(
        ("review_regions", "reasons", "says"),
        [
            ((region((5, 5, 9, 9), score=0.3),), (), "1 regions and 0 reasons"),
            ((), (Reason(ReasonKind.AUDIT_SAMPLE),), "0 regions and 1 reasons"),
        ],
        ids=["a region", "a reason"],
    )
    def test_a_plan_that_is_not_ready_is_refused(self, rng, review_regions, reasons, says):
        original = image(picture(rng, 60, 80))
        plan = planned(original, review_regions=review_regions, reasons=reasons)

        with pytest.raises(PlanNotReady, match=says):
            carried_out(original, plan)

    @pytest.mark.parametrize(
        "other",
        [{"image_id": "another"}, {"size": Size(60, 80)}],
        ids=["another picture", "another size"],
    )
    def test_a_plan_of_another_picture_is_refused(self, rng, other):
        original = image(picture(rng, 60, 80))
        plan = dataclasses.replace(planned(original), **other)

        with pytest.raises(ValueError, match="does not fit picture"):
            carried_out(original, plan)

    @pytest.mark.parametrize(
        "corners",
        [(), ((7, 7, 8, 8),), ((5, 5, 20, 20), (20, 5, 40, 20)), ((0, 0, 80, 60),)],
        ids=["empty", "one pixel", "touching", "whole picture"],
    )
    def test_a_png_holds_the_picture_outside_the_masks_and_nothing_of_it_inside(self, rng, corners):
        rgb = picture(rng, 60, 80)
        regions = [region(each) for each in corners]

        release = released(image(rgb), *regions, format="png")

        bgr = cv2.imdecode(np.frombuffer(release.data, np.uint8), cv2.IMREAD_COLOR)
        rects = [one.rect for one in release.receipt.regions]
        mask = mask_of(rects, Size(80, 60))
        np.testing.assert_array_equal(bgr[..., ::-1][~mask], rgb[~mask])
        for rect, one in itertools.zip_longest(rects, regions):
            assert mask[rect.rows, rect.columns].all()
            assert Box(*rect).intersection(one.box) == one.box.area

    def test_the_mask_goes_by_boxes_and_not_by_a_rectangle_that_came_with_the_plan(self, rng):
        original = image(picture(rng, 60, 80))
        honest = region((5, 5, 20, 20))

        release = released(original, honest.with_rect(PixelRect(5, 5, 20, 20)))

        (expected,) = released(original, honest).receipt.regions
        assert expected.rect != PixelRect(5, 5, 20, 20)
        assert release.receipt.regions[0].rect == expected.rect

    def test_the_receipt_says_everything_that_was_done(self, rng):
        original = image(picture(rng, 60, 80))
        drawn = region((5, 5, 20, 20), Category.OTHER, None)

        receipt = released(original, drawn, release_id="abc", sign_off=SignOff("ada")).receipt

        line = receipt.to_json()
        assert list(line) == [
            "release", "picture", "format", "size", "regions", "share_removed", "not_looked_for",
            "reviewer", "second_reviewer", "reviewer_authenticated", "policy", "weights",
            "checks", "witnesses", "codec_residual", "seconds",
        ]  # fmt: skip
        assert (line["release"], line["picture"], line["reviewer"]) == ("abc", "picture", "ada")
        assert (line["format"], line["size"], line["policy"]) == (
            "png", [80, 60], Policy().fingerprint,
        )  # fmt: skip
        assert line["checks"] == {"T1": True, "T3": True, "T4": True, "T7": True}
        assert line["codec_residual"] == "none"
        assert (line["weights"], line["not_looked_for"]) == (
            ["fake@00000000", "silent@00000000"], ["tattoo"],
        )  # fmt: skip
        assert line["regions"] == [
            {"category": "other", "box": [5, 5, 20, 20], "origin": "reviewer",
             "masked": list(receipt.regions[0].rect)}
        ]  # fmt: skip
        assert line["share_removed"] == round(receipt.regions[0].rect.area / (80 * 60), 4)
        assert set(line["seconds"]) == {"remove", "check", "witness", "encode"}

    def test_the_seed_alone_decides_what_is_random(self, rng):
        original = image(picture(rng, 60, 80))
        face = region((15, 15, 40, 40))

        one, same, other = (released(original, face, seed=seed).data for seed in (1, 1, 2))

        assert one == same
        assert one != other

    @pytest.mark.parametrize(
        ("asked", "source", "written"),
        [
            ("same", "jpeg", b"\xff\xd8\xff"),
            ("same", "webp", b"\x89PNG"),
            ("png", "jpeg", b"\x89PNG"),
            ("jpeg", "png", b"\xff\xd8\xff"),
        ],
    )
    def test_the_format_is_the_one_asked_for(self, rng, asked, source, written):
        original = image(picture(rng, 60, 80), format=source)

        assert released(original, format=asked).data.startswith(written)

    def test_a_removal_that_leaks_is_not_released(self, rng, monkeypatch):
        original = image(picture(rng, 60, 80))
        monkeypatch.setattr(
            pipeline, "remove", lambda image, mask, fill, seed: pipeline.RedactedImage(image.rgb)
        )

        with pytest.raises(pipeline.checks.UnsafeRelease, match="check T1"):
            released(original, region((5, 5, 20, 20)))

    def test_a_preview_is_what_a_release_would_be(self, rng):
        original = image(picture(rng, 60, 80))
        face = region((15, 15, 40, 40))

        preview = pipeline.redact(original, [face], Policy(), seed=5)

        bgr = cv2.imdecode(np.frombuffer(released(original, face).data, np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(preview.rgb, bgr[..., ::-1])


def test_a_picture_nobody_can_judge_goes_to_a_person(tmp_path, rng):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), picture(rng, 60, 80))
    job = Job("picture", PathSource(path), Policy(), "same", "r", seed=1, draw=1.0)

    outcome = run_job(job, only_finding(Ensemble([])))

    assert isinstance(outcome, NeedsReview)
    assert [str(reason) for reason in outcome.plan.reasons] == [
        "no detector: face",
        "no detector: tattoo",
        "no detector: jewelry",
        "nothing found",
    ]


def test_a_stopwatch_adds_what_stages_took_even_when_they_fail():
    ticks = iter([0.0, 1.0, 10.0, 12.0])
    watch = Stopwatch(clock=lambda: next(ticks))

    with watch.stage("look"):
        pass
    with pytest.raises(KeyError), watch.stage("look"):
        raise KeyError

    assert watch.seconds == {"look": 3.0}
