from __future__ import annotations

import dataclasses

import pytest

from engine.attacks.battery.methods import Kind
from engine.attacks.battery.non_interference import Changed
from engine.attacks.battery.outcome import BatteryOutcome, Proofs, Row, decide_outcome
from engine.attacks.report import sentences
from engine.attacks.report.compose import strongest
from engine.attacks.report.drawing import draw_heat_map
from engine.attacks.report.heat_map import heat_map

NOBODY, EVERYBODY = 0.8, 5e-5
SHARES = (0.5, 0.1, 0.05)


def row(method, kind, attack, p, hits=1, category="face", amount=0.0):
    return Row(
        category=category,
        method=method,
        kind=kind,
        attack=attack,
        is_learned=attack.startswith("ridge"),
        is_identity=attack == "ridge-identity",
        hits=hits,
        n=40,
        rank1=hits / 40,
        upper99=0.2,
        p_corrected=p,
        bits=0.0,
        amount=amount,
    )


def healthy(category="face"):
    """Rows of a run in which everything is as it should be."""
    attacks = ("raw", "ridge-identity")
    ours = [row("pushpull", Kind.FILL, name, NOBODY, category=category) for name in attacks]
    controls = [
        row(method, Kind.CONTROL, name, EVERYBODY, 30, category)
        for method in ("blur-12", "pixelate")
        for name in attacks
    ]
    leak_controls = [
        row(f"mix-{share:g}", Kind.MIX, name, EVERYBODY, 30, category, share)
        for share in SHARES
        for name in attacks
    ]
    return [*ours, *controls, *leak_controls]


NAMES = tuple(dict.fromkeys(one.method for one in healthy()))
SOUND = Proofs(
    t1={name: Changed(0 if name == "pushpull" else 8, 8) for name in NAMES},
    t2_blind=Changed(0, 7),
    t3={"pushpull": Changed(0, 8)},
    t4=Changed(0, 16),
    t6=Changed(0, 80),
    t6_control=Changed(80, 80),
)


def changed(rows, *, where, **values):
    return [dataclasses.replace(one, **values) if where(one) else one for one in rows]


def test_a_run_in_which_nothing_is_found_and_controls_break_passes():
    result = decide_outcome(healthy(), SOUND)

    assert result.outcome is BatteryOutcome.PASS
    assert result.reasons == ()
    assert result.sensitivity == 0.05


@pytest.mark.parametrize("p", [0.0099, 5e-5])
def test_an_attack_that_beats_its_null_on_our_fill_fails(p):
    rows = changed(
        healthy(), where=lambda r: r.kind is Kind.FILL and not r.is_learned, p_corrected=p
    )

    result = decide_outcome(rows, SOUND)

    assert result.outcome is BatteryOutcome.FAIL
    assert "raw found the face under pushpull" in result.reasons[0]


def test_an_attack_at_the_limit_does_not_fail():
    rows = changed(healthy(), where=lambda r: r.kind is Kind.FILL, p_corrected=0.01)

    assert decide_outcome(rows, SOUND).outcome is BatteryOutcome.PASS


@pytest.mark.parametrize(("hits", "verdict"), [(4, BatteryOutcome.PASS), (5, BatteryOutcome.FAIL)])
def test_a_trained_classifier_may_name_as_many_as_chance_allows(hits, verdict):
    rows = changed(healthy(), where=lambda r: r.kind is Kind.FILL and r.is_identity, hits=hits)

    assert decide_outcome(rows, SOUND).outcome is verdict


@pytest.mark.parametrize(
    "values", [{"hits": 5}, {"p_corrected": 0.001}], ids=["limit of chance", "p"]
)
def test_the_row_that_fails_a_run_says_so_and_so_does_everybody_who_reads_it(values):
    surer = changed(
        healthy(), where=lambda r: r.kind is Kind.FILL and r.attack == "raw", p_corrected=0.2
    )
    result = decide_outcome(
        changed(surer, where=lambda r: r.kind is Kind.FILL and r.is_identity, **values), SOUND
    )

    rows = [one.to_json() for one in result.rows]
    (found,) = [one for one in rows if one["kind"] == "fill" and one["verdict"] == "fail"]
    assert found["attack"] == "ridge-identity"
    assert sentences.row_words(found).endswith("what was hidden can be told.")
    ours = [one for one in rows if one["kind"] == "fill"]
    assert draw_heat_map(heat_map(ours, "face")).count("!</text>") == 1
    shown = {"results": ours, "subjects": {"face": {}}}
    assert [(one["attack"], one["verdict"]) for one in strongest(shown)] == [
        ("ridge-identity", "fail")
    ]


def test_a_control_named_often_but_within_its_null_counts_as_unbroken():
    rows = changed(healthy(), where=lambda r: r.method == "pixelate", p_corrected=NOBODY, hits=40)

    result = decide_outcome(rows, SOUND)

    assert result.outcome is BatteryOutcome.INVALID
    assert not any(one.is_found for one in result.rows if one.method == "pixelate")


def test_a_row_that_nobody_judged_cannot_be_written():
    with pytest.raises(ValueError, match="was not judged"):
        healthy()[0].to_json()


def test_many_hits_of_an_untrained_attack_alone_do_not_decide():
    rows = changed(healthy(), where=lambda r: r.kind is Kind.FILL and not r.is_identity, hits=9)

    assert decide_outcome(rows, SOUND).outcome is BatteryOutcome.PASS


@pytest.mark.parametrize(
    "proofs",
    [
        {"t1": SOUND.t1 | {"pushpull": Changed(1, 640)}},
        {"t3": {"pushpull": Changed(1, 8)}},
        {"t4": Changed(1, 16)},
        {"t6": Changed(1, 80)},
    ],
    ids=["T1", "T3", "T4", "T6"],
)
def test_a_failed_proof_fails_the_run(proofs):
    assert (
        decide_outcome(healthy(), dataclasses.replace(SOUND, **proofs)).outcome
        is BatteryOutcome.FAIL
    )


@pytest.mark.parametrize(
    "proofs",
    [
        {"t1": SOUND.t1 | {"blur-12": Changed(0, 8)}},
        {"t1": SOUND.t1 | {"mix-0.1": Changed(0, 8)}},
        {"t2_blind": Changed(1, 7)},
        {"t2_blind": Changed(0, 0)},
        {"t6_control": Changed(0, 80)},
    ],
    ids=["blur passes T1", "mixture passes T1", "blind", "nothing compared", "T6 sees nothing"],
)
def test_a_proof_that_sees_nothing_makes_the_run_invalid(proofs):
    assert (
        decide_outcome(healthy(), dataclasses.replace(SOUND, **proofs)).outcome
        is BatteryOutcome.INVALID
    )


@pytest.mark.parametrize("method", ["blur-12", "pixelate"])
@pytest.mark.parametrize("is_learned", [True, False], ids=["learned", "classical"])
def test_a_control_that_one_kind_of_attack_does_not_break_makes_the_run_invalid(method, is_learned):
    rows = changed(
        healthy(),
        where=lambda r: r.method == method and r.is_learned is is_learned,
        p_corrected=NOBODY,
    )

    result = decide_outcome(rows, SOUND)

    assert result.outcome is BatteryOutcome.INVALID
    assert method in result.reasons[0]


def test_a_control_unbroken_in_one_category_of_two_makes_the_run_invalid():
    tattoos = changed(healthy("tattoo"), where=lambda r: r.method == "pixelate", p_corrected=NOBODY)

    assert decide_outcome([*healthy(), *tattoos], SOUND).outcome is BatteryOutcome.INVALID


@pytest.mark.parametrize("missing", ["blur", "pixelate", "pushpull"])
def test_a_run_without_a_control_or_without_our_fill_is_invalid(missing):
    rows = [one for one in healthy() if not one.method.startswith(missing)]

    assert decide_outcome(rows, SOUND).outcome is BatteryOutcome.INVALID


@pytest.mark.parametrize(
    ("unseen", "sensitivity", "verdict"),
    [
        ((0.05,), 0.1, BatteryOutcome.PASS),
        ((0.1, 0.05), 0.5, BatteryOutcome.INVALID),
        ((0.1,), 0.5, BatteryOutcome.INVALID),
        (SHARES, None, BatteryOutcome.INVALID),
    ],
    ids=["5 % unseen", "10 % unseen", "10 % unseen though 5 % is", "nothing seen"],
)
def test_a_run_that_would_miss_a_tenth_is_invalid(unseen, sensitivity, verdict):
    rows = changed(healthy(), where=lambda r: r.amount in unseen and r.amount, p_corrected=NOBODY)

    result = decide_outcome(rows, SOUND)

    assert result.sensitivity == sensitivity
    assert result.outcome is verdict


def test_sensitivity_is_that_of_the_weakest_category():
    tattoos = changed(healthy("tattoo"), where=lambda r: r.amount == 0.05, p_corrected=NOBODY)

    result = decide_outcome([*healthy(), *tattoos], SOUND)

    assert result.sensitivity == 0.1
    assert result.by_category == {"face": 0.05, "tattoo": 0.1}


def test_a_leak_fails_even_when_the_run_is_too_weak_otherwise():
    rows = [one for one in healthy() if one.kind is not Kind.CONTROL]

    result = decide_outcome(rows, dataclasses.replace(SOUND, t4=Changed(1, 16)))

    assert result.outcome is BatteryOutcome.FAIL
