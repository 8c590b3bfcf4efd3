"""The views of figures, on made-up evaluations: they draw, say, and hand out what they should."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components.app import access
from components.recall.compare import chance_words
from components.recall.evaluated import Evaluated
from components.recall.tables import as_csv
from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.evaluation.report.cost import prices
from engine.evaluation.scores.compare import Comparison, compare
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.recall import report, score_all
from engine.geometry import Box, PixelRect, Size
from engine.plan import Origin, Reason, ReasonKind, Region
from engine.policy import Policy
from store.evaluations.evaluations import Evaluation

SIZE = Size(640, 480)
START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
Pairs = tuple[tuple[LabelledPicture, PredictionRecord], ...]


def seen(box: Box, category: Category, score: float) -> Region:
    return Region(box, category, Origin.MODEL, score).with_rect(PixelRect(*map(int, box.corners)))


def world(pictures: int = 80, *, hit: float = 0.93, seed: int = 3, name: str = "picture") -> Pairs:
    """Pictures with faces and tattoos, of which `hit` are seen, and rings nobody looks for."""
    chance = np.random.default_rng(seed)
    return tuple(_one(f"{name} {number:03}.jpg", chance, hit) for number in range(pictures))


def _one(
    name: str, chance: np.random.Generator, hit: float
) -> tuple[LabelledPicture, PredictionRecord]:
    labels: list[Label] = []
    found: list[Region] = []
    for slot, category in enumerate([Category.FACE] * 4 + [Category.TATTOO, Category.JEWELRY]):
        side = float(chance.choice([12, 24, 50, 90, 140], p=[0.05, 0.2, 0.35, 0.3, 0.1]))
        box = Box(5.0 + 100 * (slot % 6), 10.0, 5.0 + 100 * (slot % 6) + min(side, 95), 10.0 + side)
        tone = str(chance.choice(["1", "2", "3"], p=[0.6, 0.37, 0.03]))
        score = float(np.clip(chance.beta(6, 2), 0.06, 0.99))
        is_there, is_hit = chance.random() < 0.55, chance.random() < hit
        if category is Category.JEWELRY:
            labels.append(Label(box, category))
        elif is_there:
            labels.append(Label(box, category, attributes=(("skin_tone", tone),)))
            if is_hit:
                found.append(seen(box, category, score))
        elif chance.random() < 0.3:
            found.append(seen(box, category, score * 0.6))
    source = str(chance.choice(["phone", "web"]))
    picture = LabelledPicture(
        name,
        Path("/nowhere") / name,
        tuple(labels),
        frozenset(DETECTABLE),
        size=SIZE,
        group=name[:9],
        attributes=(("source", source),),
    )
    return picture, findings(found)


def findings(found: list[Region]) -> PredictionRecord:
    surest_first = sorted(found, key=lambda one: -(one.score or 0.0))
    blind = Reason(ReasonKind.NO_DETECTOR, "jewelry")
    return PredictionRecord(SIZE, SIZE, 1, tuple(surest_first), (), (blind,), ("fake@00000000",))


def evaluation(number: int, pairs: Pairs, *, fingerprint: str = "aaaaaaaaaaaa") -> Evaluation:
    policy = Policy()
    at = START + timedelta(days=4 * number)
    return Evaluation(
        id=f"id{number}",
        number=number,
        name=f"after change {number}",
        source="/data/set",
        fingerprint=fingerprint,
        policy_toml=policy.to_toml(),
        policy=policy.fingerprint,
        problems=(),
        target=0.99,
        made_by="local",
        created_at=at,
        finished_at=at + timedelta(hours=1),
        cancelled_at=None,
        report=report(pairs, policy),
        problem=None,
    )


def evaluated(number: int, pairs: Pairs, *, fingerprint: str = "aaaaaaaaaaaa") -> Evaluated:
    one = evaluation(number, pairs, fingerprint=fingerprint)
    return Evaluated(one, Policy(), pairs, score_all(pairs, Policy()))


WORLD = world()
OTHER = world(20, seed=9, name="another")
NOTHING_FOUND = tuple((picture, findings([])) for picture, _ in world(12))
NO_LABELS = tuple(
    (dataclasses.replace(picture, labels=()), seen_there) for picture, seen_there in world(12)
)
CASES = {
    "many pictures": WORLD,
    "one picture": world(1),
    "nothing found": NOTHING_FOUND,
    "no labels": NO_LABELS,
}


def trend_page(name: str) -> None:
    from components.recall.figures import trend_view
    from tests.app.test_recall_figures import CASES, evaluation

    trend_view([evaluation(1, CASES[name])])


def groups_page(name: str) -> None:
    from components.recall.figures import groups_view
    from tests.app.test_recall_figures import CASES, evaluated

    one = evaluated(1, CASES[name])
    groups_view(one.evaluation.report, one.scored)


def calibration_page(name: str) -> None:
    from components.recall.figures import calibration_view
    from tests.app.test_recall_figures import CASES, evaluated

    calibration_view(evaluated(1, CASES[name]).scored)


def compare_page(name: str) -> None:
    import streamlit as st

    from components.recall.compare import compare_view
    from tests.app.test_recall_figures import CASES, NOTHING_FOUND, evaluated

    before = evaluated(1, NOTHING_FOUND)
    compare_view(before, evaluated(2, CASES[name]), lambda picture, label, said: st.text(said))


PAGES = {
    "trend": trend_page,
    "groups": groups_page,
    "calibration": calibration_page,
    "compare": compare_page,
}


@pytest.fixture(autouse=True)
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links that download are drawn behind the server's guard alone."""
    monkeypatch.setattr(access, "_guard", threading.Event())
    access.stand_guard()


def opened(page: object, *arguments: object) -> AppTest:
    app = AppTest.from_function(page, args=arguments, default_timeout=30).run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.warning, app.info, app.success, app.text)
    return "\n".join(element.value for elements in kinds for element in elements)


def alts(app: AppTest) -> list[str]:
    return [chart.proto.alt for chart in app.get("plotly_chart")]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("page", PAGES)
def test_a_view_draws_every_category_whatever_there_is(page, case):
    app = opened(PAGES[page], case)

    for radio in app.radio:
        for category in DETECTABLE:
            app = radio.set_value(category).run()
            assert not app.exception
    assert all(alts(app))
    assert words(app)


@pytest.mark.parametrize("page", ["trend", "groups", "calibration"])
def test_a_view_hands_out_what_is_behind_its_figures(page):
    app = opened(PAGES[page], "many pictures")

    assert [button.proto.label for button in app.get("download_button")] == [
        "Data behind this (CSV)"
    ]


def test_small_groups_are_named_with_what_they_cannot_prove():
    app = opened(groups_page, "many pictures")

    (warning,) = app.warning
    assert "fewer than 59 labels cannot prove 95 %" in warning.value
    assert "skin\\_tone 3" in warning.value
    assert "infers nothing about people" in words(app)
    assert any("too few to say anything" in alt for alt in alts(app))


def test_scores_stand_beside_groups_of_pictures_and_not_of_labels():
    app = opened(groups_page, "many pictures")

    scores = [alt for alt in alts(app) if alt.startswith("Scores of")]
    assert len(scores) == 1
    assert "web" in scores[0]


def test_a_category_without_groups_says_so():
    app = opened(groups_page, "no labels")

    assert "no groups of face labels" in app.info[0].value


def test_calibration_is_said_in_words_with_the_number_of_detections():
    app = opened(calibration_page, "many pictures")

    said = words(app)
    assert "expected calibration error" in said
    assert "face detections" in said


def test_no_detection_means_nothing_is_said_about_scores():
    app = opened(calibration_page, "nothing found")

    assert "no face detection" in app.info[0].value
    assert not app.get("plotly_chart")


def test_one_run_is_called_no_trend():
    assert "no trend yet" in words(opened(trend_page, "many pictures"))


def test_without_a_finished_run_there_is_no_trend():
    def page() -> None:
        import dataclasses

        from components.recall.figures import trend_view
        from tests.app.test_recall_figures import WORLD, evaluation

        trend_view([dataclasses.replace(evaluation(1, WORLD), report=None)])

    assert "finished" in opened(page).info[0].value


def test_data_sets_of_a_trend_are_kept_apart_in_words_too():
    def page() -> None:
        from components.recall.figures import trend_view
        from tests.app.test_recall_figures import OTHER, WORLD, evaluation

        trend_view([evaluation(1, WORLD), evaluation(2, OTHER, fingerprint="b" * 12)])

    app = opened(page)

    assert "2 data sets" in words(app)
    assert "not joined" in alts(app)[0]


def test_what_was_gained_is_counted_listed_and_shown():
    def page() -> None:
        import streamlit as st

        from components.recall.compare import compare_view
        from tests.app.test_recall_figures import WORLD, evaluated, findings

        blind = tuple((picture, findings([])) for picture, _ in WORLD)
        crop = lambda picture, label, said: st.text(f"{picture.picture.name}: {said}")  # noqa: E731
        compare_view(evaluated(1, blind), evaluated(2, WORLD), crop)

    app = opened(page)

    expected = compare(
        score_all([(one, findings([])) for one, _ in WORLD], Policy()).scores,
        score_all(WORLD, Policy()).scores,
        Category.FACE,
    )
    gained = [metric for metric in app.metric if metric.label == "Gained"]
    assert gained[0].value == str(len(expected.gained))
    assert list(app.dataframe[0].value["Change"].unique()) == ["gained"]
    assert "unseen → found" in app.text[0].value


def test_a_gain_stands_beside_what_both_cost():
    costs = opened(compare_page, "many pictures").table[0].value

    assert list(costs.columns) == ["What that costs", "Earlier", "Later"]
    assert list(costs["Earlier"]) == [one.much for one in prices(report(NOTHING_FOUND, Policy()))]
    assert list(costs["Later"]) == [one.much for one in prices(report(WORLD, Policy()))]


def test_a_trend_says_what_each_recall_costs():
    runs = opened(trend_page, "many pictures").dataframe[0].value

    for one in prices(report(WORLD, Policy())):
        assert list(runs[one.what]) == [one.much]


def test_different_data_sets_say_how_many_labels_are_common():
    def page() -> None:
        from components.recall.compare import compare_view
        from tests.app.test_recall_figures import OTHER, WORLD, evaluated

        before = evaluated(1, WORLD)
        after = evaluated(2, (*WORLD[:5], *OTHER), fingerprint="b" * 12)
        compare_view(before, after, lambda picture, label, said: None)

    common = sum(len(picture.labels) for picture, _ in WORLD[:5])
    warning = opened(page).warning[0].value

    assert f"Only the {common} labels in both are compared" in warning


def test_data_sets_without_a_common_label_compare_nothing():
    def page() -> None:
        from components.recall.compare import compare_view
        from tests.app.test_recall_figures import OTHER, WORLD, evaluated

        after = evaluated(2, OTHER, fingerprint="b" * 12)
        compare_view(evaluated(1, WORLD), after, lambda picture, label, said: None)

    app = opened(page)

    assert "no label in common" in words(app)
    assert not app.metric


@pytest.mark.parametrize(
    ("gained", "lost", "says"),
    [
        (0, 0, "No label fared differently"),
        (1, 0, "every time"),
        (3, 1, "in 62 of 100 cases"),
        (10, 1, "The later one is better"),
        (0, 9, "The earlier one is better"),
    ],
)
def test_chance_is_said_in_words(gained, lost, says):
    change = object()
    one = Comparison(100, (change,) * gained, (change,) * lost, 0, 0)

    assert says in chance_words(one)


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_no_cell_of_a_download_is_computed_by_a_spreadsheet(value):
    text = as_csv([{"name": value, "labels": -3}]).decode("utf-8-sig")

    assert f"'{value}" in text
    assert text.rstrip().endswith(",-3")
