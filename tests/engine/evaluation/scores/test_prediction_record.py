from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from engine import pipeline
from engine.category import DETECTABLE
from engine.detect.ensemble import Ensemble
from engine.detect.registry import default_ensemble
from engine.errors import UnreadableImage
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.predict import predict
from engine.evaluation.scores.prediction_record import FLOOR, PredictionRecord
from engine.pipeline import Stopwatch
from engine.policy import Policy, read_policy
from engine.triage import route
from tests.engine.evaluation.made import FACE, TATTOO, findings, label, labelled, masked, pairs
from tests.scenes import FakeDetector, picture, seen, shipped_picture

pytestmark = pytest.mark.slow


def encoded(rgb, suffix=".png"):
    ok, data = cv2.imencode(suffix, rgb)
    assert ok
    return data.tobytes()


class Honest(FakeDetector):
    """A fake that keeps the promise about `floor`, as detectors do."""

    def detect(self, image, policy):
        return tuple(one for one in super().detect(image, policy) if one.score >= 0.05)


@st.composite
def detections(draw):
    x, y = draw(st.integers(-40, 120)), draw(st.integers(-40, 90))
    width, height = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    category = draw(st.sampled_from(DETECTABLE))
    return seen(draw(st.integers(0, 40)) / 40, (x, y, x + width, y + height), category)


POLICIES = st.sampled_from(
    [
        Policy(),
        Policy().only([FACE]),
        read_policy(
            "[review]\nnothing_found = false\n[categories.tattoo]\n"
            "review_at = 0.5\nauto_redact_at = 0.9"
        ),
        read_policy("[categories.face]\nreview_at = 0.05\nauto_redact_at = 0.9"),
    ]
)


def assert_as_in_daily_work(data, ensemble, policy):
    plan = pipeline.prepare(data, "x", ensemble, policy, draw=1.0, watch=Stopwatch()).plan
    found = predict(data, "x", ensemble, policy)
    routed = route(found.found, found.standing, policy, found.size)

    assert routed.regions == plan.regions
    assert routed.review_regions == plan.review_regions
    assert routed.reasons == plan.reasons
    assert (found.size, found.weights) == (plan.size, plan.weights)
    return found, plan


@given(st.lists(detections(), max_size=8), st.lists(detections(), max_size=4), POLICIES)
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_findings_lead_where_daily_work_does(suffix, one, other, policy):
    rgb = picture(np.random.default_rng(3), 90, 120)
    detectors = [Honest(one), Honest(other, [FACE, TATTOO], "second@11111111")]

    assert_as_in_daily_work(encoded(rgb, suffix), Ensemble(detectors), policy)


@pytest.mark.parametrize(
    "kind", [pytest.param(None, id="as it is"), pytest.param(6, id="turned by its EXIF")]
)
def test_findings_in_a_photograph_lead_where_daily_work_does(kind):
    image = Image.open(shipped_picture("insightface.data", "images/t1.jpg"))
    exif = Image.Exif()
    if kind is not None:
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[ExifTags.Base.Orientation] = kind
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    policy = read_policy(
        "[detection]\nscales = [320, 640]\n"
        "[categories.face]\nauto_redact_at = 0.8\nreview_at = 0.25"
    )

    found, plan = assert_as_in_daily_work(file.getvalue(), default_ensemble(), policy)

    assert len(plan.regions) >= 6
    assert len(found.found) > len(plan.proposed)
    assert min(one.score for one in found.found) >= FLOOR
    assert found.orientation == (kind or 1)
    assert (found.stored_size == found.size) is (kind is None)


class TestDropped:
    FIRST, NEXT = (10, 10, 50, 50), (10, 10, 50, 38)
    """IoU 0.7: of one thing, and telling."""

    def dropped(self, rgb, *detections, policy=None):
        found = predict(encoded(rgb), "x", Ensemble([FakeDetector(detections)]), policy or Policy())
        return [(one.box.corners, one.score) for one in found.dropped]

    @pytest.fixture
    def rgb(self, rng):
        return picture(rng, 90, 120)

    def test_of_nothing_nothing_was_dropped(self, rgb):
        assert self.dropped(rgb) == []

    def test_another_sighting_of_a_thing_is_told(self, rgb):
        assert self.dropped(rgb, seen(0.9, self.FIRST), seen(0.6, self.NEXT)) == [(self.NEXT, 0.9)]

    @pytest.mark.parametrize(
        ("corners", "score"),
        [
            pytest.param((10, 10, 50, 49), 0.6, id="nearly the same box"),
        ],
    )
    def test_what_says_nothing_new_is_left_out(self, rgb, corners, score):
        assert self.dropped(rgb, seen(0.9, self.FIRST), seen(score, corners)) == []

    def test_what_nobody_asked_for_is_left_out(self, rgb):
        raw_detections = seen(0.9, self.FIRST, TATTOO), seen(0.6, self.NEXT, TATTOO)

        assert self.dropped(rgb, *raw_detections, policy=Policy().only([FACE])) == []


def test_a_detector_that_sees_nothing_asked_for_does_not_look(rng):
    idle = FakeDetector([seen(0.9)], [TATTOO])

    found = predict(encoded(picture(rng, 9, 9)), "x", Ensemble([idle]), Policy().only([FACE]))

    assert (idle.looks, found.found, found.weights) == (0, (), ())
    assert [str(reason) for reason in found.standing] == ["no detector: face"]


def test_bytes_that_are_no_picture_are_refused():
    with pytest.raises(UnreadableImage):
        predict(b"\xff\xd8\xff", "x", Ensemble([]), Policy())


@given(pairs(max_size=2), st.floats(0.0, 1.0), st.floats(0.1, 99.9))
def test_what_is_stored_comes_back_exactly(made, score, corner):
    odd = masked((0, 0, corner, corner), score=score)
    made += [(labelled(label((0, 0, corner, corner), tone="V")), findings(odd, dropped=[odd]))]

    for one, found in made:
        assert PredictionRecord.from_json(json.loads(json.dumps(found.to_json()))) == found
        assert LabelledPicture.from_json(json.loads(json.dumps(one.to_json()))) == one
