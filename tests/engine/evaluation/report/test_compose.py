"""What a report says, whatever was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.evaluation.report import compose
from engine.evaluation.report.compose import Subject
from engine.evaluation.report.document import Document, Paragraph, Table
from engine.evaluation.report.numbers import at_least, exactly
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import report as sums
from engine.evaluation.scores.recall import score_all
from engine.geometry import Box, PixelRect, Size
from engine.plan import Origin, Reason, ReasonKind, Region
from engine.policy import Policy

pytestmark = pytest.mark.slow

NAME = "Jane Doe 1987"
SIZE = Size(200, 200)
FACES = Policy().only([Category.FACE])


def picture(
    number: int,
    categories=(Category.FACE,),
    *,
    counted=DETECTABLE,
    attributes=(("source", "street"), ("who", f"{NAME} 3")),
):
    """One label of each category in a row; its name says who is in it."""
    labels = tuple(
        Label(Box(10 + 60 * index, 20, 50 + 60 * index, 70), category, attributes=attributes)
        for index, category in enumerate(categories)
    )
    name = f"ward/{NAME} {number}.jpg"
    return LabelledPicture(
        name,
        Path("/secret") / name,
        labels,
        frozenset(counted),
        group=f"{NAME} {number}",
        attributes=(("file", name), ("camera", "ab"[number % 2])),
    )


def findings(labelled: LabelledPicture, *, found=(Category.FACE,), score=0.9, blind=()):
    """Exactly the labels of the categories in `found`."""
    regions = tuple(
        Region(label.box, label.category, Origin.MODEL, score).with_rect(
            PixelRect(*label.box.corners)
        )
        for label in labelled.labels
        if label.category in found
    )
    standing = tuple(Reason(ReasonKind.NO_DETECTOR, category.value) for category in blind)
    return PredictionRecord(SIZE, SIZE, 1, regions, (), standing, ("finder@12345678",))


def pairs_of(count, *, misses=0, found=DETECTABLE, **said):
    pictures = [picture(number, **said) for number in range(count)]
    return [
        (one, findings(one, found=() if number < misses else found))
        for number, one in enumerate(pictures)
    ]


def subject(pairs, policy=FACES, **changes):
    made = Subject(
        name="ward",
        fingerprint="0123456789ab",
        pictures=len(pairs),
        problems=(),
        unread=(),
        policy=policy,
        target=0.99,
        made_on="2026-01-02",
        command="lethe evaluate ward",
    )
    return replace(made, **changes)


def document(pairs, policy=FACES, **changes) -> Document:
    scored = score_all(pairs, policy)
    about = subject(pairs, policy, **changes)
    summary = sums(pairs, policy, target=about.target)
    return compose.document(about, pairs, scored, summary)


def outputs(made: Document) -> str:
    text = compose.markdown(made)
    return "\n".join([compose.html(made), text.text, *text.figures.values()])


def answer(made: Document) -> dict[str, dict[str, str]]:
    """The headline: by category, by column."""
    table = next(
        block
        for block in made.sections[0].blocks
        if isinstance(block, Table) and block.kind == "answer"
    )
    titles = [column.title for column in table.columns]
    return {row.cells[0]: dict(zip(titles, row.cells, strict=True)) for row in table.rows}


def prose(made: Document, section: int) -> str:
    blocks = made.sections[section - 1].blocks
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph))


THIRTY = pairs_of(30, misses=2)
ALL_THREE = [
    (one, findings(one, blind=(Category.TATTOO, Category.JEWELRY)))
    for one in (picture(number, DETECTABLE) for number in range(12))
]
CASES = {
    "no labels": (pairs_of(3, categories=()), FACES),
    "no labels and nothing complete": (pairs_of(3, categories=(), counted=()), FACES),
    "no pictures": ([], Policy()),
    "one label": (pairs_of(1), FACES),
    "one category": (THIRTY, FACES),
    "no detector for two": (ALL_THREE, Policy()),
    "no miss": (pairs_of(40), FACES),
    "all missed": (pairs_of(9, misses=9), FACES),
    "everything met": (pairs_of(300, categories=DETECTABLE), Policy()),
    "faces alone, others labelled": (
        pairs_of(6, categories=DETECTABLE, found=(Category.FACE,)),
        FACES,
    ),
}
cases = pytest.mark.parametrize(("pairs", "policy"), CASES.values(), ids=list(CASES))


@cases
def test_every_case_has_all_ten_sections_and_none_is_empty(pairs, policy):
    made = document(pairs, policy)

    assert [one.title.split(".")[0] for one in made.sections] == [str(n) for n in range(1, 11)]
    assert all(one.blocks for one in made.sections)
    tables = [block for one in made.sections for block in one.blocks if isinstance(block, Table)]
    assert all(table.rows for table in tables)


@cases
def test_the_same_input_gives_the_same_bytes(pairs, policy):
    assert outputs(document(pairs, policy)) == outputs(document(pairs[::-1], policy))


@cases
def test_no_name_of_a_picture_or_person_is_in_any_output(pairs, policy):
    made = document(
        pairs,
        policy,
        problems=(f"{NAME}: scan.jpg: its size is 3.", f"{NAME}, line 3: bad"),
        unread=("It has 3 pixels.", f"The file /secret/{NAME} 7.jpg is empty.", "See roe.jpg."),
    )

    text = outputs(made)

    assert not [word for word in ("Jane", "Doe", "1987", "roe", "secret", "scan") if word in text]


@cases
def test_the_headline_says_what_was_counted(pairs, policy):
    summary = sums(pairs, policy, target=0.99).to_json()

    lines = answer(document(pairs, policy))

    for line, part in zip(lines.values(), summary["categories"].values(), strict=True):
        proportion = Proportion(part["coverage"]["found"], part["labels"])
        assert line["Labels"] == str(part["labels"])
        assert line["Groups"] == str(part["coverage"]["groups"])
        assert line["At least"] == at_least(part["coverage"]["lower95"])
        assert line["Found"].startswith(at_least(part["coverage"]["recall"]))
        assert (
            proportion.total == 0
            or f"({proportion.found}\u00a0of\u00a0{proportion.total})" in line["Found"]
        )
        assert line["Target"] == "99\u00a0%"


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (pairs_of(300), "met"),
        (pairs_of(300, misses=1), "not proven"),
        (pairs_of(60, misses=1), "missed, though chance could explain it"),
        (pairs_of(30, misses=9), "missed for certain"),
        (pairs_of(3, categories=()), "nothing to find: no labels"),
        (pairs_of(3, categories=(), counted=()), "not measured: no labels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_status_is_said_in_words(pairs, words):
    assert answer(document(pairs))["Faces"]["Status"] == words


def test_what_nobody_looks_for_is_named_and_nobody_signs_for_it():
    made = document(pairs_of(300, categories=DETECTABLE, found=(Category.FACE,)))

    assert answer(made)["Tattoos"]["Status"] == "missed for certain; not looked for"
    assert "at least 99\u00a0% of faces are removed" in prose(made, 1)
    assert "Do not sign for pictures that may show them" in prose(made, 1)
    assert "nobody looked for tattoos and jewelry" in prose(made, 1)


@cases
def test_recall_never_stands_without_what_it_costs(pairs, policy):
    blocks = document(pairs, policy).sections[0].blocks

    tables = [block for block in blocks if isinstance(block, Table)]
    assert [one.caption.split(".")[0] for one in tables if one.kind == "plain"] == [
        "What that costs"
    ]
    whats = [row.cells[0] for row in tables[1].rows]
    assert whats[0] == "Pictures that go to a person"
    assert "Masked without need" in whats


@pytest.mark.parametrize(
    ("counted", "says"),
    [(DETECTABLE, "There is nothing to find in these pictures"), ((), "No category is shown")],
    ids=["complete", "nobody labelled anything"],
)
def test_a_set_without_a_label_says_whether_there_is_nothing_to_find(counted, says):
    made = document(pairs_of(3, categories=(), counted=counted), Policy())

    assert prose(made, 1).startswith(says)


def test_missing_detectors_are_named():
    made = document(ALL_THREE, Policy())

    assert answer(made)["Jewelry"]["Status"].endswith("; no detector")
    assert "No detector is installed for tattoos and jewelry" in prose(made, 1)


def test_what_the_policy_does_not_want_lacks_no_detector():
    made = document(ALL_THREE, FACES)

    assert answer(made)["Jewelry"]["Status"].endswith("; not looked for")
    assert "No detector is installed" not in prose(made, 1)


def test_a_status_that_leans_on_independent_labels_says_so():
    crowd = replace(picture(0), labels=picture(0).labels * 9)
    together = [(crowd, findings(crowd, found=()))]
    pairs = [*together, *((one, seen) for one, seen in pairs_of(1600)[1:])]

    made = document(pairs)

    assert answer(made)["Faces"]["Status"] == "met"
    assert "groups, counted whole or drawn again, prove only" in prose(made, 1)
    assert "Sign for that" not in prose(made, 1)


def test_labels_of_one_person_are_no_ground_to_sign():
    pairs = [(replace(one, group="one person"), seen) for one, seen in pairs_of(400)]

    made = document(pairs)

    assert answer(made)["Faces"]["Status"] == "met"
    assert "They come from 1 group of pictures" in prose(made, 1)
    assert "Sign for that" not in prose(made, 1)


def test_too_few_labels_say_how_many_more_would_do():
    assert "It would take 173 further labels" in prose(document(pairs_of(300, misses=1)), 1)


def test_small_groups_are_not_judged():
    tables = [one for one in document(THIRTY).sections[5].blocks if isinstance(one, Table)]

    assert {row.cells[1]: row.cells[3] for row in tables[0].rows} == {
        "a": "too few to say",
        "b": "too few to say",
    }


def test_numbers_stay_groups_though_pictures_are_numbered():
    pairs = []
    for number in range(60):
        labels = picture(number, attributes=(("blur", str(number % 2)),)).labels
        one = LabelledPicture(f"{number}.jpg", Path(), labels, frozenset(DETECTABLE), group="g")
        pairs.append((one, findings(one)))

    made = document(pairs)

    table = next(one for one in made.sections[5].blocks if isinstance(one, Table))
    assert [row.cells[:2] for row in table.rows] == [("blur", "0"), ("blur", "1")]


def test_what_was_left_out_is_counted_by_its_sentence():
    made = document(THIRTY, pictures=40, unread=("It has 3 pixels.", "It has 15 pixels."))

    table = next(
        one for one in made.sections[1].blocks if isinstance(one, Table) and "Why" in one.caption
    )
    assert [row.cells for row in table.rows] == [("It has # pixels.", "2")]
    assert "Not looked at: 8 pictures" in prose(made, 2)


def test_a_picture_whose_labels_do_not_fit_is_counted_once():
    one, seen = pairs_of(1)[0]
    invalid = (replace(one, size=Size(9, 9)), seen)
    sentences = tuple(text for _, text in score_all([invalid], FACES).invalid)

    made = document([*THIRTY, invalid], unread=sentences)

    assert "Not measured, and in no other figure: 1 picture." in prose(made, 2)
    assert "Not looked at" not in prose(made, 2)


def test_a_summary_of_something_else_is_refused():
    summary = sums(THIRTY, FACES, target=0.9)

    with pytest.raises(ValueError, match="expected a summary of"):
        compose.document(subject(THIRTY), THIRTY, score_all(THIRTY, FACES), summary)


def test_a_target_is_shown_with_all_its_digits():
    assert answer(document(THIRTY, target=0.9975))["Faces"]["Target"] == exactly(0.9975)
    assert exactly(0.9975) == "99.75\u00a0%"
