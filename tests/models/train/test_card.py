"""Cards tell what a model was trained on."""

from __future__ import annotations

from models.train.card import Facts, merged_sources, written

ROUND = {
    "pictures": 9, "shown": 12, "dataset": "own", "fingerprint": "f" * 12, "size": 416,
    "epochs": 7, "seconds": 61.5, "device": "cpu", "batch": 16, "seed": 0, "recipe": "by heart",
    "start": {"name": "last.pt", "sha256": "5" * 64}, "is_finished": True,
}  # fmt: skip


def source(name, licence, pictures):
    return {"name": name, "licence": licence, "pictures": pictures, "labels": {"face": 4}}


def card(**more):
    facts = {"name": "adornments", "role": "finder", "file": "adornments.onnx", "sha256": "a" * 64,
             "licence": "AGPL-3.0-only", "use": "research",
             "network": "yolov8n, ReLU", "side": 480, "difference": 1.5e-4,
             "weights": "b" * 64, "rounds": [], "sources": []}  # fmt: skip
    return written(Facts(**{**facts, **more}))


def test_rounds_are_told_in_order_with_what_is_known():
    text = card(rounds=[{"note": "By hand."}, ROUND, {**ROUND, "is_finished": False}])

    assert "1. By hand.\n2. 9 pictures of own" in text
    assert "416 px, 7 epochs in 62 s on cpu, batch 16, seed 0, by heart; began with last.pt, " in (
        text
    )
    assert text.count("It was stopped before its end.") == 1


def test_a_witness_is_told_as_one_that_began_with_nothing():
    start = {"name": "random weights", "sha256": ""}

    text = card(role="witness", rounds=[{**ROUND, "start": start}])

    assert "takes no part in finding" in text
    assert "began with random weights." in text
    assert "NudeNet" not in text


def test_what_was_not_written_down_is_said_to_be_so():
    text = card()

    assert "Not written down." in text
    assert "Nothing was written down." in text


def test_text_from_a_data_set_cannot_break_the_table():
    text = card(sources=[source("a | b\nc", "x|y", 3)])

    assert "| a / b c | x/y | 3 | 4 | 0 | 0 |" in text


def test_a_source_of_several_rounds_is_told_once_with_its_largest_number():
    rounds = [
        {"sources": [source("a", "CC0", 3), source("b", "CC0", 5)]},
        {"note": "By hand."},
        {"sources": [source("a", "CC0", 7), source("b", "CC0", 2), source("b", "MIT", 1)]},
    ]

    told = [(one["name"], one["licence"], one["pictures"]) for one in merged_sources(rounds)]

    assert told == [("a", "CC0", 7), ("b", "CC0", 5), ("b", "MIT", 1)]
