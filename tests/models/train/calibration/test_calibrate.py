"""`python -m models.train calibrate`, with detectors that see what they are told."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("tomlkit", reason="training is not installed: make .venv/train")

from engine.category import DETECTABLE
from engine.cli.exits import Exit
from engine.detect import views
from engine.detect.score_fusion import FittedFusion, coefficients
from engine.detect.weights import load_weights, own_weights_notice
from engine.errors import LetheError, UnusableWeights
from engine.geometry import Box
from engine.plan import Detection
from engine.policy import DEFAULT_FILE, read_policy
from models.train import manifest
from models.train.__main__ import main
from models.train.calibration import calibrate as calibration
from models.train.calibration.budget import Cost, within_budget
from models.train.calibration.calibrate import Chosen, Places, calibrate
from models.train.calibration.experiments import HEAD
from models.train.calibration.thresholds import RISKS, Control
from models.train.data import proposals
from models.train.data.halves import half_of
from tests.engine.evaluation.made import FACE, JEWELRY, TATTOO
from tests.models.train.proposed import AtOnce
from tests.models.train.shapes import CATEGORIES, write_description
from tests.scenes import picture

pytestmark = pytest.mark.slow


COUNT, PER_PERSON = 80, 2
WIDTH, HEIGHT = 200, 160
PLACES = {FACE: (20, 20, 50, 50), TATTOO: (120, 20, 150, 50), JEWELRY: (20, 110, 50, 140)}
NOTHING = (130, 110, 160, 140)
OTHER_MODEL = '# Others.\n\n[other]\nfile = "other.onnx"   # stays\n'
HERS = "[review]\naudit_share = 0.5   # hers\n"
"""A policy that leaves nearly everything out."""


def person(number):
    return f"person {number // PER_PERSON}"


def labelled_for(number):
    """Jewelry is labelled of one person in each half."""
    return [FACE, TATTOO, JEWELRY] if person(number) in _TWO else [FACE, TATTOO]


_PEOPLE = [f"person {at}" for at in range(COUNT // PER_PERSON)]
_TWO = [next(name for name in _PEOPLE if half_of(name) == half) for half in "AB"]


class Told:
    """Sees every label but each fourth tattoo, and something false in every picture."""

    categories = frozenset(DETECTABLE)
    name = "told@0"

    def detect(self, image, policy):
        number = int(image.id.removesuffix(".png"))
        sure = 0.6 + (number % 7) / 20
        for category, place in PLACES.items():
            if category is not TATTOO or number % 4:
                yield Detection(Box(*place), category, sure, self.name)
            yield Detection(Box(*NOTHING), category, 0.05 + (number % 5) / 20, self.name)


class SaysNothing:
    name = "second@0"
    classes = DETECTABLE

    def logits(self, rgb, boxes):
        return np.zeros((len(boxes), 3), np.float32)


class SeesNobody:
    name = "scene@0"

    def people(self, rgb):
        return -1.0


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Labelled pictures, a folder of models and a policy, with detectors that were told."""
    rng = np.random.default_rng(4)
    data = tmp_path / "data"
    data.mkdir()
    images, annotations = [], []
    for number in range(COUNT):
        cv2.imwrite(str(data / f"{number}.png"), picture(rng, HEIGHT, WIDTH))
        images.append(
            {"id": number, "file_name": f"{number}.png", "width": WIDTH, "height": HEIGHT,
             "labelled_for": labelled_for(number), "group": person(number)}
        )  # fmt: skip
        for category in labelled_for(number):
            x0, y0, x1, y1 = PLACES[category]
            (known,) = [one["id"] for one in CATEGORIES if one["name"] == category.value]
            annotations.append(
                {"id": len(annotations), "image_id": number, "category_id": known,
                 "bbox": [x0, y0, x1 - x0, y1 - y0]}
            )  # fmt: skip
    described = write_description(data, images, annotations).rename(data / "calibration.json")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "manifest.toml").write_text(OTHER_MODEL)
    (tmp_path / "cautious.toml").write_bytes(DEFAULT_FILE.read_bytes())
    monkeypatch.setattr(calibration, "default_detectors", lambda: (Told(),))
    monkeypatch.setattr(calibration, "crop_classifier", SaysNothing)
    monkeypatch.setattr(calibration, "scene_classifier", SeesNobody)
    monkeypatch.setattr(proposals._Worker, "detectors", (Told(),))
    monkeypatch.setattr(proposals, "mapped", AtOnce.mapped)
    monkeypatch.setattr(AtOnce, "looked", ())
    return Places(described, tmp_path / "run", tmp_path / "models", (tmp_path / "cautious.toml",))


def written(places):
    """Everything that calibration may change, by name."""
    files = [*places.models.rglob("*"), *places.policies]
    return {file.name: file.read_bytes() for file in files if file.is_file()}


def test_the_fitted_coefficients_are_entered_and_load(places):
    calibrate(places, workers=1)

    text = (places.models / "fusion.toml").read_text()
    entries = tomllib.loads((places.models / "manifest.toml").read_text())
    assert entries["fusion"]["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert (entries["fusion"]["role"], entries["fusion"]["use"]) == ("score fusion", "research")
    assert tomllib.loads(text)["second"] == SaysNothing.name
    assert tomllib.loads(text)["scene"] == SeesNobody.name
    assert (places.models / "manifest.toml").read_text().startswith(OTHER_MODEL)
    fitted = coefficients(load_weights("fusion", places.models).data.decode())
    assert set(fitted) == set(DETECTABLE)
    for one in fitted.values():
        assert one.scores["told@0"] > 0
        assert set(one.crops.values()) == {0}


def test_the_entry_says_what_the_pictures_are_from(places):
    described = json.loads(places.data.read_text())
    for at, one in enumerate(described["images"]):
        if at < 30:
            one |= {"source": "street", "licence": "CC0"}
        elif at < 35:
            one["source"] = "street"
    places.data.write_text(json.dumps(described))

    calibrate(places, workers=1)

    entry = tomllib.loads((places.models / "manifest.toml").read_text())["fusion"]
    assert entry["sources"] == [
        {"name": "own pictures", "licence": "not stated", "pictures": COUNT - 35},
        {"name": "street", "licence": "CC0", "pictures": 30},
        {"name": "street", "licence": "not stated", "pictures": 5},
    ]


def test_what_was_fitted_is_refused_with_another_second_look(places):
    calibrate(places, workers=1)
    fusion = load_weights("fusion", places.models)
    another = SaysNothing()
    another.name = "other@1"

    assert FittedFusion(fusion, SaysNothing(), SeesNobody()).names[1:] == ("second@0", "scene@0")
    for second in (another, None):
        with pytest.raises(UnusableWeights, match="fitted with second@0, but"):
            FittedFusion(fusion, second, SeesNobody())
    with pytest.raises(UnusableWeights, match="fitted with scene@0, but no scene is here"):
        FittedFusion(fusion, SaysNothing())


def test_what_the_pictures_allow_stands_in_the_manifest(places):
    calibrate(places, workers=1)
    assert own_weights_notice(places.models) is not None

    calibrate(replace(places, use="any"), workers=1)

    assert load_weights("fusion", places.models).use == "any"
    assert own_weights_notice(places.models) is None


def test_the_policy_gets_thresholds_and_keeps_everything_else(places):
    before = places.policies[0].read_text()

    result = calibrate(places, workers=1)

    after = places.policies[0].read_text()
    policy = read_policy(after)
    for category, one in result.chosen[0].controls.items():
        found = policy.thresholds(category)
        assert (found.review_at, found.auto_redact_at) == (one.review_at, one.auto_redact_at)
        assert 0 < one.review_at <= one.auto_redact_at
    told = ("auto_redact_at", "review_at", "nothing_found_of", "summary")
    (chosen,) = result.chosen
    assert tomllib.loads(after)["summary"].endswith(f" Measured: {chosen.costs}")
    kept = [line for line in before.splitlines() if not line.startswith(told)]
    assert [line for line in after.splitlines() if not line.startswith(told)] == kept


def test_each_policys_own_gate_counts_in_its_budget(places, monkeypatch):
    other = places.policies[0].with_name("other.toml")
    for file, share in ((places.policies[0], 0.5), (other, 0.85)):
        file.write_text(f"[review]\nmost_removed = {share}\n")
    gates = []

    def noted(every, likely_in, budget, most):
        gates.append(most)
        return within_budget(every, likely_in, budget, most)

    monkeypatch.setattr(calibration, "within_budget", noted)

    calibrate(replace(places, policies=(places.policies[0], other)), workers=1)

    assert gates == [0.5, 0.85]


def test_categories_that_miss_too_much_send_empty_pictures_to_a_person(places):
    controls = calibrate(places, workers=1).chosen[0].controls

    blind = tomllib.loads(places.policies[0].read_text())["review"]["nothing_found_of"]
    assert blind == ["tattoo", "jewelry"]
    assert [one.risk is None for one in controls.values()] == [False, True, True]


def test_the_figures_are_those_of_all_pictures(places):
    controls = calibrate(places, workers=1).chosen[0].controls

    count = len(_PEOPLE)
    face, tattoo, jewelry = (controls[one] for one in DETECTABLE)
    assert (face.groups, face.labels, face.missed) == (count, count * PER_PERSON, 0)
    assert face.risk == min(one for one in RISKS if one >= 1 / (count + 1))
    assert face.may_accept
    assert (tattoo.labels, tattoo.missed) == (COUNT, COUNT // 4)
    assert (jewelry.groups, jewelry.labels) == (2, 4)
    assert (jewelry.may_accept, jewelry.auto_redact_at) == (False, 1.0)


@pytest.mark.parametrize("half", ["A", "B"])
def test_the_fuser_that_ships_has_learnt_from_both_halves(places, half):
    calibrate(places, workers=1)
    before = (places.models / "fusion.toml").read_bytes()
    described = json.loads(places.data.read_text())
    for one in described["annotations"]:
        if half_of(person(one["image_id"])) == half and one["image_id"] % 7 == 0:
            one["bbox"] = [90, 60, 9, 9]
    places.data.write_text(json.dumps(described))

    calibrate(places, workers=1)

    assert (places.models / "fusion.toml").read_bytes() != before


def test_the_card_holds_one_promise_for_each_category(places):
    result = calibrate(places, workers=1)

    card = (places.models / "cards" / "fusion.md").read_text()
    (chosen,) = result.chosen
    promises = [line for line in card.splitlines() if line.startswith("- ") and "review_at" in line]
    assert promises == [f"- {one}" for one in chosen.promises]
    assert [one.partition(":")[0] for one in chosen.promises] == ["face", "tattoo", "jewelry"]
    assert chosen.costs in card
    assert "told@0" in card


@pytest.mark.parametrize(
    ("risk", "may_accept", "says", "never_says"),
    [
        (0.05, True, ["at most 5% are", "In at most 20%"], ["no threshold", "No auto_redact_at"]),
        (0.01, True, ["at most 1% are", "In at most 20%"], ["no threshold", "No auto_redact_at"]),
        (None, True, ["no threshold keeps a risk"], ["No auto_redact_at", "100%"]),
        (0.05, False, ["No auto_redact_at keeps", "within 20%"], ["no threshold", "In at most"]),
        (None, False, ["no threshold keeps a risk", "No auto_redact_at keeps"], ["100%", "In at"]),
    ],
    ids=["useful", "most useful", "blind", "all asked", "blind and all asked"],
)
def test_a_promise_says_what_holds(risk, may_accept, says, never_says):
    one = Control(0.1, 0.7, risk, 19, 40, 1, may_accept)

    (promise,) = Chosen("cautious", {FACE: one}, Cost(1, 0.0, (0, 0), 0.0)).promises

    assert "19" in promise
    assert "review_at 0.1; 1 of 40 labels" in promise
    assert all(words in promise for words in says)
    assert not any(words in promise for words in never_says)


def test_each_picture_is_looked_at_once_however_often_one_calibrates(places):
    looks = []
    calibrate(places, workers=1, progress=lambda: looks.append(1))
    first = written(places)

    calibrate(places, workers=1, progress=lambda: looks.append(1))

    assert len(looks) == len(AtOnce.looked) == COUNT
    assert written(places) == first


def test_other_looks_are_taken_anew(places):
    calibrate(places, workers=1)
    text = places.policies[0].read_text()
    places.policies[0].write_text(text.replace("scales = [320, 640, 1280]", "scales = [320]", 1))

    calibrate(places, workers=1)

    assert len(AtOnce.looked) == 2 * COUNT


def test_what_other_code_saw_is_not_taken_for_what_this_code_sees(places, tmp_path, monkeypatch):
    calibrate(places, workers=1)
    (tmp_path / "detect").mkdir()
    (tmp_path / "detect" / "views.py").write_text("# another way of looking\n")
    monkeypatch.setattr(views, "__file__", str(tmp_path / "detect" / "views.py"))

    calibrate(places, workers=1)

    assert len(AtOnce.looked) == 2 * COUNT


def test_a_policy_that_leaves_tables_out_gets_them(places):
    places.policies[0].write_text(HERS)

    result = calibrate(places, workers=1)

    text = places.policies[0].read_text()
    policy = read_policy(text)
    assert text.startswith(HERS.rstrip("\n"))
    assert policy.review.audit_share == 0.5
    for category, one in result.chosen[0].controls.items():
        assert policy.thresholds(category).auto_redact_at == one.auto_redact_at


def broken_data(places):
    places.data.write_text("{")


def no_labels_in_half_b(places):
    described = json.loads(places.data.read_text())
    described["annotations"] = [
        one
        for one in described["annotations"]
        if one["category_id"] != 2 or half_of(person(one["image_id"])) == "A"
    ]
    places.data.write_text(json.dumps(described))


def broken_policy(places):
    places.policies[0].write_text("[categories.nose]\n")


def broken_manifest(places):
    (places.models / manifest.MANIFEST).write_text("[broken")


@pytest.mark.parametrize(
    "spoil", [broken_data, no_labels_in_half_b, broken_policy, broken_manifest]
)
def test_what_cannot_be_calibrated_leaves_everything_as_it_was(places, spoil, capsys):
    calibrate(places, workers=1)
    spoil(places)
    before = written(places)

    with pytest.raises(LetheError):
        calibrate(places, workers=1)

    assert written(places) == before
    status = main(words(places))
    assert status == Exit.USAGE
    assert len(capsys.readouterr().err.strip().splitlines()[-1]) > 20
    assert written(places) == before


def words(places, *more):
    return [
        "calibrate", str(places.data.parent), "--run", str(places.cache), "--workers", "1",
        "--models", str(places.models), "--policy", str(places.policies[0]), *more,
    ]  # fmt: skip


def test_the_command_says_the_promises_and_writes_what_calibrate_writes(places, capsys):
    result = calibrate(places, workers=1)
    expected = written(places)
    (places.models / "fusion.toml").unlink()

    status = main(words(places))

    assert status == 0
    assert capsys.readouterr().out.splitlines() == result.sentences
    assert written(places) == expected


def test_the_command_notes_an_experiment_down(places, tmp_path):
    table = tmp_path / "table.md"
    table.write_text(HEAD)

    status = main(words(places, "--note", "as it is", "--table", str(table)))

    assert status == 0
    rows = table.read_text().removeprefix(HEAD).splitlines()
    assert [row.split(" | ")[:2] for row in rows] == [
        ["| as it is", "face"],
        ["| as it is", "tattoo"],
        ["| as it is", "jewelry"],
    ]
    unseen = rows[1].split(" | ")
    assert int(unseen[3]) > 0
    assert unseen[4:7] == ["–"] * 3


def test_a_note_that_does_not_fit_the_table_is_refused_before_anything_is_done(places, capsys):
    before = written(places)

    with pytest.raises(SystemExit) as refused:
        main(words(places, "--note", "one | two"))

    assert refused.value.code == Exit.USAGE
    assert "one line without |" in capsys.readouterr().err
    assert (written(places), AtOnce.looked) == (before, ())
