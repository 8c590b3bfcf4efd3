from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from engine.category import Category
from engine.detect.clusters import clusters_of
from engine.detect.scrfd import FLOOR, LocalDetectors, Scrfd
from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.policy import Policy, read_policy
from tests.engine.detect.scrfd import red_is_a_face, weights_of
from tests.engine.detect.test_centerface import SIX
from tests.scenes import image, picture, shipped_rgb

ROOT = Path(__file__).parents[3]
RED, BLUE = (255, 0, 0), (0, 0, 255)
DATA = os.environ.get("LETHE_DATA")
SHARED = Path(DATA or "none").parent / "weights" / "yunet_n_as_scrfd_640.onnx"
needs_shared = pytest.mark.skipif(
    not SHARED.is_file(), reason="LETHE_DATA has no neighbour weights/ with an SCRFD-type file"
)


def scene(width=128, height=96, square=(32, 64, 64, 96), colour=RED):
    """A grey picture with one coloured square."""
    rgb = np.full((height, width, 3), 128, np.uint8)
    x0, y0, x1, y1 = square
    rgb[y0:y1, x0:x1] = colour
    return rgb


def counter_clockwise(box, width, height, quarter_turns):
    for _ in range(quarter_turns):
        box = Box(box.y0, width - box.x1, box.y1, width - box.x0)
        width, height = height, width
    return box


def policy(scales=(128,), rotations=(0,)):
    return read_policy(f"[detection]\nscales = {list(scales)}\nrotations = {list(rotations)}")


def boxes(data, rgb, settings=None):
    return [one.box.corners for one in Scrfd(weights_of(data)).detect(image(rgb), settings)]


class TestLooking:
    @pytest.mark.parametrize("turn", [0, 90, 180, 270])
    @pytest.mark.parametrize("sides", [("h", "w"), (None, None), (128, 128)], ids=str)
    def test_a_face_is_where_it_is_whichever_way_the_picture_is_turned(self, sides, turn):
        (found,) = boxes(red_is_a_face(sides), scene(), policy(rotations=[turn]))

        np.testing.assert_allclose(found, (32, 64, 64, 96), atol=0.01)

    def test_a_detection_names_the_file_and_the_score(self):
        detector = Scrfd(weights_of(red_is_a_face(gain=0.3), "mine"))

        (found,) = detector.detect(image(scene()), policy())

        assert found.detector == detector.name == weights_of(red_is_a_face(gain=0.3), "mine").label
        assert found.category is Category.FACE
        assert detector.categories == {Category.FACE}
        assert found.score == pytest.approx(0.3 * 255 / 128, abs=1e-3)

    def test_red_is_not_taken_for_blue(self):
        assert boxes(red_is_a_face(), scene(colour=RED), policy())
        assert not boxes(red_is_a_face(), scene(colour=BLUE), policy())

    @pytest.mark.parametrize(
        ("gain", "count"), [(FLOOR * 64 / 127 * 0.9, 0), (FLOOR * 64 / 127 * 1.1, 1)]
    )
    def test_everything_from_the_floor_up_is_given_whatever_the_policy_doubts(self, gain, count):
        assert len(boxes(red_is_a_face(gain=gain), scene(), policy())) == count

    def test_what_is_seen_as_well_upright_is_told_upright_alone(self):
        settings = policy(scales=[128, 256], rotations=[0, 90, 180, 270])

        found = Scrfd(weights_of(red_is_a_face())).detect(image(scene()), settings)

        assert len(found) == 1 + 4  # at twice the size the square is four cells

    def test_a_fixed_input_sees_a_picture_once_a_turn_at_its_own_size(self):
        large = scene(256, 192, (64, 128, 128, 192))

        found = boxes(red_is_a_face((128, 128)), large, policy([640, 1280], [0, 180]))

        np.testing.assert_allclose(found, [(64, 128, 128, 192)] * 2, atol=0.01)

    @pytest.mark.parametrize("turn", [0, 90, 180, 270])
    @given(
        width=st.integers(1, 300),
        height=st.integers(1, 300),
        sides=st.sampled_from([(64, 64), (32, 96), (96, 32), ("h", "w")]),
    )
    def test_any_picture_fits_any_input(self, turn, width, height, sides):
        rgb = np.full((height, width, 3), RED, np.uint8)

        for corners in boxes(red_is_a_face(sides), rgb, policy([64], [turn])):
            assert Box(*corners).intersection(Box(0, 0, width, height)) > 0  # none in the padding

    @pytest.mark.parametrize(
        ("distances", "expected"),
        [
            pytest.param((0, 0, -1, -1), (0, 32, 32, 64), id="corners out of order"),
            pytest.param((0, 0, 0, 1), None, id="no extent"),
            pytest.param((0, 0, float("nan"), 1), None, id="not a number"),
            pytest.param((0, 0, float("inf"), 1), None, id="without end"),
        ],
    )
    def test_what_a_network_should_not_say_does_no_harm(self, distances, expected):
        found = boxes(red_is_a_face(distances=distances), scene(), policy())

        assert found == ([] if expected is None else [expected])

    def test_a_score_above_one_is_one(self):
        (found,) = Scrfd(weights_of(red_is_a_face(gain=40))).detect(image(scene()), policy())

        assert found.score == 1.0

    def test_it_computes_in_one_thread_that_does_not_spin(self):
        options = Scrfd(weights_of(red_is_a_face()))._model.session.get_session_options()

        assert options.intra_op_num_threads == 1
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def outside(data):
    """The same network with its weights in another file, which no sum covers."""
    model = onnx.load_from_string(data)
    for tensor in model.graph.initializer:
        onnx.external_data_helper.set_external_data(tensor, "elsewhere.bin")
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
    return model.SerializeToString()


class TestFilesOfAnotherKind:
    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"not a network", id="no network"),
            pytest.param(red_is_a_face()[:-200], id="cut short"),
            pytest.param(outside(red_is_a_face()), id="weights in another file"),
            *(
                pytest.param(red_is_a_face(outputs=count), id=f"{count} outputs")
                for count in (1, 3, 5, 8, 10, 12, 15)
            ),
            pytest.param(red_is_a_face((112, 112), outputs=1), id="a face recogniser's"),
            pytest.param(red_is_a_face((192, 192), outputs=1), id="a landmark model's"),
            pytest.param(red_is_a_face(channels=1), id="grey"),
            pytest.param(red_is_a_face(batch=2), id="two at once"),
            pytest.param(red_is_a_face((100, 100)), id="odd size"),
            pytest.param(red_is_a_face((0, 64)), id="no size"),
            pytest.param(red_is_a_face((640, None)), id="one side fixed"),
        ],
    )
    def test_they_are_refused_with_a_sentence(self, data):
        with pytest.raises(UnusableWeights, match=r"'tiny' is not of the SCRFD type.*scrfd in the"):
            Scrfd(weights_of(data))

    @given(where=st.integers(0, len(red_is_a_face()) - 1), what=st.integers(0, 255))
    def test_a_file_with_any_byte_changed_loads_or_is_refused(self, where, what):
        data = bytearray(red_is_a_face((64, 64)))
        data[where % len(data)] = what

        try:
            detector = Scrfd(weights_of(bytes(data)))
        except UnusableWeights:
            return
        assert detector.categories == {Category.FACE}


class TestNamedInThePolicy:
    def settings(self, file, *, allowed=False):
        part = {"scrfd": str(file), "allow_noncommercial": allowed}
        return read_policy(tomli_w.dumps({"detection": part}))

    def lay(self, folder, use="any"):
        data = red_is_a_face()
        (folder / "mine.onnx").write_bytes(data)
        entry = {
            "file": "mine.onnx",
            "sha256": hashlib.sha256(data).hexdigest(),
            "licence": "asked for",
            "use": use,
            "categories": ["face"],
        }
        (folder / "manifest.toml").write_text(tomli_w.dumps({"mine": entry}), encoding="utf-8")
        return folder / "mine.onnx"

    def test_none_named_is_none(self):
        assert LocalDetectors()(Policy()) == ()

    def test_the_named_one_looks(self, tmp_path):
        (detector,) = LocalDetectors()(self.settings(self.lay(tmp_path)))

        assert detector.name.startswith("mine@")
        assert detector.detect(image(scene()), policy())

    def test_home_may_be_written_short(self, tmp_path, monkeypatch):
        self.lay(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))

        assert len(LocalDetectors()(self.settings("~/mine.onnx"))) == 1

    def test_a_noncommercial_one_looks_only_where_the_policy_allows_it(self, tmp_path):
        file = self.lay(tmp_path, use="noncommercial")

        with pytest.raises(UnusableWeights, match="allow_noncommercial"):
            LocalDetectors()(self.settings(file))

        assert len(LocalDetectors()(self.settings(file, allowed=True))) == 1

    def test_one_without_a_manifest_is_refused(self, tmp_path):
        file = self.lay(tmp_path)
        (tmp_path / "manifest.toml").unlink()

        with pytest.raises(UnusableWeights, match=r"no entry for mine\.onnx"):
            LocalDetectors()(self.settings(file))


@pytest.mark.slow
def test_insightface_is_imported_with_the_first_file_and_brings_nothing_heavy():
    program = """
import sys
from engine.detect.scrfd import Scrfd
print("insightface" in sys.modules)
from tests.engine.detect.scrfd import red_is_a_face, weights_of
Scrfd(weights_of(red_is_a_face()))
print("insightface" in sys.modules)
print(*{"torch", "ultralytics", "streamlit", "duckdb", "plotly", "matplotlib"} & {*sys.modules})
"""

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == ["False", "True", ""]


@needs_shared
class TestSharedFile:
    def detector(self):
        return Scrfd(weights_of(SHARED.read_bytes(), "yunet"))

    def test_it_sees_what_insightface_itself_sees(self):
        rgb = shipped_rgb("insightface.data", "images/t1.jpg")
        detector = self.detector()
        upright = policy([640])

        ours = sorted(detector.detect(image(rgb), upright), key=lambda one: -one.score)
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        theirs, _ = detector._model.detect(bgr, det_thresh=FLOOR)

        sure = [one for one in ours if one.score >= 0.3]
        expected = theirs[theirs[:, 4] >= 0.3]
        assert len(sure) == len(expected) == len(SIX)
        for one, row in zip(sure, expected, strict=True):
            assert one.box.iou(Box(*row[:4].tolist())) > 0.9  # resized another way
            assert one.score == pytest.approx(float(row[4]), abs=0.05)

    @pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
    def test_six_faces_are_found_whichever_way_up(self, quarter_turns):
        rgb = shipped_rgb("insightface.data", "images/t1.jpg")

        turned = np.ascontiguousarray(np.rot90(rgb, quarter_turns))
        found = clusters_of(self.detector().detect(image(turned), Policy()))

        sure = [one.box for one in found if one.score >= 0.5]
        for face in SIX:
            expected = counter_clockwise(face, rgb.shape[1], rgb.shape[0], quarter_turns)
            assert max(box.iou(expected) for box in sure) > 0.7

    def test_noise_is_no_face(self, rng):
        found = self.detector().detect(image(picture(rng, 200, 300)), Policy())

        assert all(one.score < 0.3 for one in found)
