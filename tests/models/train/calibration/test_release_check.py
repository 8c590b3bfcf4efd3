from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.category import DETECTABLE
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.evaluation.scores.proportion import Proportion
from engine.geometry import Box, Size
from engine.plan import Detection
from engine.policy import Policy
from models.train.calibration.release_check import (
    FALSE_ALARM_SHARE,
    NEVER,
    Response,
    choose_score,
    informative,
    lowest_score,
    measure_scores,
    respond,
)
from models.train.errors import TrainingRefused
from tests.scenes import image

FACE, TATTOO, JEWELRY = DETECTABLE
ALL_AT_HALF = dict.fromkeys(DETECTABLE, 0.5)


def clean(*scores, category=FACE):
    return [Response({category: score}, frozenset(), {}) for score in scores]


def spoken(clean, left=None, complete=()):
    nothing = dict.fromkeys(DETECTABLE, 0.0)
    return Response({**nothing, **clean}, frozenset(complete), left or {})


class TestChosen:
    def test_a_release_check_that_would_catch_too_little_does_not_count(self):
        said = [spoken({}, {FACE: (0.01,)}), spoken({}, {FACE: (0.9,)})]
        mute = [spoken({FACE: 0.95}, {FACE: (0.9,)}), spoken({}, {FACE: (0.9,)})]

        assert choose_score(said, FACE) < 0.9
        assert choose_score(mute, FACE) == NEVER

    def test_what_does_not_count_sends_nobody(self):
        said = [spoken({FACE: 1.0}, {FACE: (1.0,)})]

        result = measure_scores(said, {**ALL_AT_HALF, FACE: NEVER})

        assert result.sent.found == 0
        assert "not checked" in result.sentences()[1]


class TestTelling:
    def test_where_most_pictures_are_labelled_the_others_have_no_say(self):
        said = [spoken({FACE: 0.2}, complete=[FACE]), spoken({FACE: 0.9})]

        assert informative(said, FACE) == (said[0],)
        assert lowest_score(said, FACE) < 0.3

    def test_where_few_are_all_have(self):
        said = [spoken({}, complete=[FACE]), spoken({FACE: 0.9}), spoken({FACE: 0.1})]

        assert informative(said, FACE) == tuple(said)
        assert lowest_score(said, FACE) > 0.9


class TestLowest:
    def test_objections_to_clean_releases_stay_within_the_share(self):
        said = clean(*(place / 1000 for place in range(1000)))

        score = lowest_score(said, FACE)

        objected = sum(one.clean[FACE] >= score for one in said)
        assert 0 < objected <= FALSE_ALARM_SHARE / 3 * 1000
        assert sum(one.clean[FACE] >= score - 0.0012 for one in said) > FALSE_ALARM_SHARE / 3 * 1000

    def test_few_pictures_allow_none(self):
        said = clean(0.3, 0.71234, 0.1)

        assert 0.71234 < lowest_score(said, FACE) <= 0.7125

    def test_no_pictures_are_refused_with_a_sentence(self):
        with pytest.raises(TrainingRefused, match="no pictures"):
            lowest_score([], TATTOO)

    def test_no_score_is_above_one(self):
        assert lowest_score(clean(1.0), FACE) == 1.0


class TestHeard:
    def test_a_picture_counts_once_however_often_it_is_objected_to(self):
        said = [spoken({FACE: 0.9, TATTOO: 0.9}), spoken({FACE: 0.1})]

        result = measure_scores(said, ALL_AT_HALF)

        assert result.sent == Proportion(1, 2)

    def test_only_pictures_that_tell_of_all_that_counts_are_in_the_share(self):
        labelled = [spoken({FACE: 0.9}, complete=[FACE]), spoken({}, complete=[FACE])]

        result = measure_scores([*labelled, spoken({FACE: 0.9})], ALL_AT_HALF)

        assert result.sent == Proportion(1, 2)

    def test_what_was_left_counts_by_thing(self):
        said = [spoken({}, {FACE: (0.9, 0.2)}), spoken({}, {FACE: (0.5,), TATTOO: ()})]

        result = measure_scores(said, ALL_AT_HALF)

        assert result.caught[FACE] == (2, 3)
        assert result.caught[TATTOO] == (0, 0)

    def test_it_is_told_in_sentences(self):
        told = measure_scores([spoken({FACE: 0.9}, {FACE: (0.9, 0.2)})], ALL_AT_HALF).sentences()

        assert "of 1 pictures" in told[0]
        assert "objects to 1 (100.0%; at most 100.0% with 95 % confidence" in told[0]
        assert "of 2 labelled ones that nobody removed it objects to 1 (50%)" in told[1]


class Seer:
    """Sees a face wherever the picture is not smooth, here: in one of two corners."""

    name = "seer@00000000"
    categories = independent = frozenset(DETECTABLE)

    def detect(self, redacted, policy):
        corners = {(10, 10, 40, 40): 0.8, (60, 60, 90, 90): 0.4}
        return tuple(
            Detection(Box(*box), FACE, score, self.name)
            for box, score in corners.items()
            if redacted.rgb[box[1] : box[3], box[0] : box[2]].std() > 40
        )


@pytest.fixture
def noisy(rng):
    return image(rng.integers(0, 256, (128, 128, 3), dtype=np.uint8))


def one_face(*, complete=(FACE,), ignored=False):
    label = Label(Box(10, 10, 40, 40), FACE, is_ignored=ignored)
    return LabelledPicture("p", Path("p"), (label,), frozenset(complete), size=Size(128, 128))


class TestStatement:
    def test_what_is_labelled_is_removed_before_it_is_asked_for_what_is_left(self, noisy):
        said = respond(one_face(), noisy, Seer(), Policy())

        assert said.clean == {FACE: 0.4, TATTOO: 0.0, JEWELRY: 0.0}
        assert said.left == {FACE: (0.8,)}

    def test_ignored_things_are_removed_and_not_asked_about(self, noisy):
        said = respond(one_face(ignored=True), noisy, Seer(), Policy())

        assert said.clean == {FACE: 0.4, TATTOO: 0.0, JEWELRY: 0.0}
        assert said.left == {FACE: ()}

    def test_a_picture_tells_no_misses_of_what_it_is_not_labelled_for(self, noisy):
        said = respond(one_face(complete=(TATTOO,)), noisy, Seer(), Policy())

        assert said.clean[FACE] == 0.4
        assert said.left == {TATTOO: ()}
