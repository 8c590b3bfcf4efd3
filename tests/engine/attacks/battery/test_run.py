from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from engine.attacks.algorithms.catalogue import CLASSICAL, IDENTIFICATIONS
from engine.attacks.battery import run, settings
from engine.attacks.battery.methods import METHODS, Kind
from engine.attacks.battery.run import report_id, run_battery
from engine.attacks.battery.score import NotFinite
from engine.signing import provenance
from tests.engine.attacks.small import N, faces, small

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found():
    chosen = small()
    return run_battery([faces(chosen)], chosen, workers=1)


def test_lethes_fill_passes_and_the_controls_break(found):
    assert found["verdict"] == "pass", found["reasons"]
    broken = {row["method"] for row in found["results"] if row["verdict"] == "fail"}
    assert broken == {"blur-12", "pixelate", "feather", "mix-0.5", "mix-0.1"}
    assert found["sensitivity"] == 0.1
    assert found["tests"]["T1"]["pushpull"]["changed"] == 0
    assert found["tests"]["T6"] == {"changed": 0, "of": 4}


def test_the_report_says_what_it_rests_on(found):
    assert found["pipeline"] == provenance.pipeline_version()
    assert found["subjects"]["face"]["count"] == N
    assert "made-up drawings" in found["subjects"]["face"]["source"]
    assert found["seed"] == 0
    assert found["libraries"]["numpy"]
    assert found["words"].endswith(".")


def test_every_result_has_what_readers_of_the_json_count_on(found):
    keys = {"category", "method", "attack", "rank1", "upper99", "p_corrected", "verdict"}

    assert all(keys <= set(row) for row in found["results"])
    assert {row["verdict"] for row in found["results"]} == {"pass", "fail"}


def test_the_same_seed_gives_the_same_report():
    chosen = small(shares=(), methods=(METHODS["pushpull"],), template_step=80)

    one, other = (run_battery([faces(chosen)], chosen, workers=1) for _ in range(2))

    assert json.dumps(one) == json.dumps(other)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_report_in_any_number_of_processes(found):
    chosen = small()

    again = run_battery([faces(chosen)], chosen, workers=2)

    assert json.dumps(again) == json.dumps(found)


def test_another_seed_draws_other_subjects_and_judges_alike(found):
    chosen = small(seed=11)

    other = run_battery([faces(chosen)], chosen, workers=1)

    assert other["id"] != found["id"]
    assert other["verdict"] == "pass", other["reasons"]


def test_the_id_changes_with_any_figure(found):
    assert report_id(found) == found["id"]
    assert report_id({**found, "seed": 1}) != found["id"]


def test_nothing_in_the_report_tells_the_time_or_a_path(found):
    text = json.dumps(found)

    assert "second" not in text
    assert "/" not in text.replace("/ ", "")


def test_progress_reaches_its_end():
    chosen = small(shares=(0.5,), methods=(METHODS["pushpull"],), template_step=80)
    steps = []

    run_battery([faces(chosen)], chosen, workers=1, progress=lambda *step: steps.append(step))

    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_run_without_controls_is_invalid():
    chosen = small(shares=(0.5, 0.1), methods=(METHODS["pushpull"],), template_step=80)

    alone = run_battery([faces(chosen)], chosen, workers=1)

    assert alone["verdict"] == "invalid"
    assert alone["words"].startswith("The battery proves nothing")


def overflowing(picture, mask):
    spoilt = picture.copy()
    spoilt[mask] = np.inf
    return spoilt


@pytest.mark.parametrize("attack", ["raw", "ridge-identity"])
def test_an_attack_whose_output_is_no_number_stops_the_run(monkeypatch, attack):
    chosen = small(shares=(), methods=(METHODS["pushpull"],), template_step=80)
    spoilt = dataclasses.replace(CLASSICAL["raw"], run=overflowing)
    if attack == "raw":
        monkeypatch.setitem(CLASSICAL, attack, spoilt)
    else:
        spoilt = dataclasses.replace(
            IDENTIFICATIONS[attack], run=lambda seen, *_: np.full((N, N), np.nan)
        )
        monkeypatch.setitem(IDENTIFICATIONS, attack, spoilt)

    with pytest.raises(NotFinite, match=f"{attack} gave a value that is no number"):
        run_battery([faces(chosen)], chosen, workers=1)


def test_what_validity_needs_runs_whatever_is_asked_for():
    chosen = settings.quick(n=N, seed=0, methods=("telea",), attacks=("unsharp",))

    assert {one.name for one in chosen.methods} == {"telea", *settings.NEEDED_METHODS}
    assert {"raw", "ridge-identity"} <= set(chosen.attacks)
    assert sum(name.startswith("unsharp") for name in chosen.attacks) == 5


@pytest.mark.parametrize("make", [settings.full, settings.quick])
def test_a_mixture_meets_every_attack_that_a_fill_meets(monkeypatch, make):
    monkeypatch.setattr("engine.attacks.algorithms.network.is_installed", lambda: True)
    seen = []
    monkeypatch.setattr(
        run, "run_trial", lambda subjects, how, method, attacks: seen.append((method, attacks))
    )
    chosen = make(n=N, seed=0)

    for method in chosen.tried:
        run._TrialTask(faces(small()), chosen, method).run()

    assert {attacks for _, attacks in seen} == {chosen.attacks}
    assert {method.kind for method, _ in seen} == set(Kind)
    assert ("network-inverse" in chosen.attacks) is not chosen.is_quick


@pytest.mark.parametrize(
    ("sensitivity", "words"),
    [(0.1, "10% of the original, the smallest share tried."), (0.5, "50% of the original.")],
)
def test_the_headline_says_when_no_smaller_share_was_tried(found, sensitivity, words):
    assert run.headline_of({**found, "sensitivity": sensitivity}).endswith(words)


def test_the_published_run_has_every_attack_and_method_that_is_specified():
    chosen = settings.full(n=40, seed=0)

    listed = "unsharp wiener richardson-lucy total-variation blind high-pass clahe jpeg-ghost ridge"
    families = {name.rsplit("-", 1)[0] for name in chosen.attacks} | set(chosen.attacks)
    assert all(any(name.startswith(word) for name in families) for word in listed.split())
    assert {one.name for one in chosen.methods} == set(METHODS)
    assert min(chosen.shares) == 0.01
    assert max(chosen.shares) == 0.5
    assert chosen.permutations >= 19_999
    assert chosen.template_step == 1
