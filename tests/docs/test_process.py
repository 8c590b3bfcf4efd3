"""The process document: two pages, today's figures, nothing invented, nothing promised."""

from __future__ import annotations

import hashlib
import io
import json
import re

import pypdf
import pytest

from docs.build.__main__ import DOCUMENT, PDF, current, pdf_of
from docs.build.__main__ import EVALUATION as EVALUATION_JSON
from docs.build.blocks import blocks, fill
from docs.build.errors import StaleSource, UnknownMarkdown
from docs.build.recall import read
from docs.build.typeset import typst

TEXT = DOCUMENT.read_text(encoding="utf-8")


def measured(labels, found, automatic, verdict, by_groups):
    return {
        "labels": labels,
        "coverage": {"found": found, "lower95_groups": by_groups, "lower95_bootstrap": 1.0},
        "automatic": {"found": automatic},
        "verdict": verdict,
    }


EVALUATION = {
    "made_on": "2020-02-03",
    "dataset": "0a0a0a",
    "policy": "b1b1b1",
    "pictures": 77,
    "target": 0.99,
    "review_load": {"all": 0.6175},
    "categories": {
        "face": measured(2000, 1990, 1942, "met", 0.9123),
        "tattoo": measured(100, 93, 70, "missed", 0.8),
        "jewelry": measured(100, 98, 60, "missed", 0.8),
    },
}
CONTROLLED = (("pushpull", 0.025), ("blur-6", 1.0), ("blur-12", 0.65), ("pixelate", 0.9))
BATTERY = {
    "id": "0123456789abcdef",
    "verdict": "pass",
    "pipeline": "0.1.0+now",
    "words": "No attack on what Lethe removes did better than chance, on 40 subjects of each "
    "category; blur and pixelation were broken in the same run by attacks of every kind. " * 2,
    "results": [
        {"category": category, "method": method, "attack": attack, "rank1": share,
         "upper99": 0.1301}
        for category in ("face", "tattoo", "jewelry")
        for method, rank1 in CONTROLLED
        for attack, share in (("unsharp", rank1 / 2), ("ridge", rank1))
    ],
}  # fmt: skip
EVALUATION_REPORT = EVALUATION_JSON.with_suffix(".md")
A4 = (595.28, 841.89)


def made(
    evaluation=EVALUATION,
    battery=None,
    pipeline="0.1.0+now",
    policy="b1b1b1",
    release_check="# witness\n\n## What it detects\n\n- face: 4 of 10.\n",
):
    return blocks(
        json.dumps(evaluation),
        battery,
        release_check,
        pipeline=pipeline,
        fill_name="pushpull",
        policy=policy,
    )


def test_what_the_witness_notices_is_told_from_its_card():
    assert made()["witness"].endswith("not all. Face: 4 of 10.")


def test_a_card_that_tells_nothing_of_the_witness_is_refused():
    with pytest.raises(StaleSource, match="What it detects"):
        made(release_check="# witness\n")


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def test_every_figure_is_that_of_the_reports_as_they_lie_here():
    assert current(TEXT) == TEXT, "run make docs"


def test_the_pdf_is_made_of_this_text():
    reader = pypdf.PdfReader(PDF)

    assert reader.metadata["/Keywords"] == f"sha256:{hashlib.sha256(TEXT.encode()).hexdigest()}"
    assert pages_of(PDF.read_bytes()) == pages_of(pdf_of(TEXT))


def test_the_same_text_gives_the_same_bytes_without_a_date():
    pdf = pdf_of(TEXT)

    assert pdf == pdf_of(TEXT)
    assert not {"/CreationDate", "/ModDate"} & set(pypdf.PdfReader(io.BytesIO(pdf)).metadata)


def test_the_pdf_has_exactly_two_pages_of_a4_and_the_evidence_starts_the_second():
    reader = pypdf.PdfReader(PDF)

    assert len(reader.pages) == 2
    for page in reader.pages:
        size = (float(page.mediabox.width), float(page.mediabox.height))
        assert size == pytest.approx(A4, abs=0.1)
    assert "4 Which choice" in reader.pages[0].extract_text()
    assert reader.pages[1].extract_text().startswith("5 Evidence")


@pytest.mark.parametrize("battery", [None, BATTERY], ids=["no battery", "battery"])
def test_two_pages_are_enough_whatever_the_reports_hold(battery):
    pages = pages_of(
        pdf_of(fill(TEXT, made(battery=battery, pipeline="other", policy="0a1b2c3d4e5f")))
    )

    assert len(pages) == 2
    assert pages[1].startswith("5 Evidence")


def test_nothing_of_the_text_is_lost_in_the_pdf():
    plain = re.sub(r"<!--.*?-->|[#|*`]|^\d+\. |^- |---:?", " ", TEXT, flags=re.MULTILINE)
    words = re.findall(r"[\w/]+", plain)

    in_pdf = set(re.findall(r"[\w/]+", " ".join(pages_of(PDF.read_bytes()))))

    assert {word for word in words if word not in in_pdf} <= {"release's"}


def test_recall_is_written_from_the_counts_and_never_rounded_up():
    recall = made()["recall"].replace("\u00a0", " ")

    assert "| Faces (2000 labels) | 99 % | 99.5 % (1990 of 2000) | 99.1 % | 97.1 % |" in recall
    assert "| Tattoos (100 labels) | 99 % | 93.0 % (93 of 100) | 87.2 % | 70.0 % |" in recall
    assert "Measured 2020-02-03 on 77 labelled pictures (data set 0a0a0a, policy b1b1b1)" in recall


def test_recall_under_a_policy_that_is_no_longer_the_default_is_called_that():
    assert "another one now" not in made()["recall"]
    assert "**The default policy is another one now** (c2c2c2)" in made(policy="c2c2c2")["recall"]


def test_another_evaluation_gives_another_document():
    document = fill(TEXT, made()).replace("\u00a0", " ")

    assert document != TEXT
    assert "tattoos (93.0 %, target 99 %)" in document
    assert "61.8 % of them went to a person" in document
    assert "Faces: counted by groups of alike pictures, only 91.2 % is proven." in document


def test_what_misses_its_target_is_said_openly_and_what_meets_it_is_not_blamed():
    assert "below the target for tattoos" in made()["misses"]
    assert "jewelry" in made()["misses"]
    assert "faces" not in made()["misses"]

    met = {name: part | {"verdict": "met"} for name, part in EVALUATION["categories"].items()}

    assert "below the target" not in made(evaluation=EVALUATION | {"categories": met})["misses"]


@pytest.mark.parametrize("lost", EVALUATION)
def test_an_evaluation_of_another_shape_is_refused(lost):
    with pytest.raises(StaleSource, match="make evaluation"):
        made(evaluation={name: part for name, part in EVALUATION.items() if name != lost})


def test_without_an_evaluation_the_command_that_makes_it_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("docs.build.__main__.EVALUATION", tmp_path / "evaluation.json")

    with pytest.raises(StaleSource, match="make evaluation"):
        current(TEXT)


def test_the_evaluation_and_its_report_are_of_one_run():
    report = EVALUATION_REPORT.read_text(encoding="utf-8")
    figures = read(EVALUATION_JSON.read_text(encoding="utf-8"))

    assert (
        f"Evaluation of {figures.made_on}. Data set {figures.dataset}, policy {figures.policy}."
        in report
    )
    for part in figures.categories.values():
        assert f"({part.coverage.found} of {part.labels})" in report.replace("\u00a0", " ")


def test_without_a_battery_report_no_figure_is_given():
    words = made()["attacks"]

    assert "No battery report yet" in words
    assert not re.search(r"\d\s?%", words)


def test_a_battery_report_is_quoted_with_the_worst_attack_on_each_method():
    words = made(battery=BATTERY)["attacks"].replace("\u00a0", " ")

    assert BATTERY["words"] in words
    assert "Outcome **pass**, report 0123456789abcdef, on the removing code as it is now." in words
    assert "| Face | 2.5 % | 13.1 % | 65.0 % | 90.0 % |" in words


def test_a_battery_report_on_other_code_is_called_that():
    words = made(battery=BATTERY, pipeline="0.1.0+later")["attacks"]

    assert "**not the present one**" in words
    assert "as it is now" not in words


@pytest.mark.parametrize(
    "requirement",
    ["Art. 4(5)", "Art. 5(1)(c)", "Art. 5(1)(e)", "Art. 25", "Art. 32", "Art. 35", "Recital 26",
     "164.514(b)(2)", "ISO/IEC 20889", "ISO/IEC 27559", "motivated-intruder", "Guidelines 3/2019"],
)  # fmt: skip
def test_each_requirement_has_a_row_that_says_what_stays_with_the_reader(requirement):
    (row,) = [line for line in TEXT.splitlines() if line.startswith("|") and requirement in line]

    assert all(cell.strip() for cell in row.strip("|").split("|"))


def test_people_can_sign():
    _, _, table = TEXT.partition("## 11 Who signs")

    assert table.count("| | | | |") == 4


def test_a_document_without_one_of_its_passages_is_refused():
    with pytest.raises(StaleSource):
        fill(TEXT.replace("made by make docs: misses", "hand made"), made())


@pytest.mark.parametrize(
    "line",
    [
        "```sh",
        "> quoted",
        "![picture](a.png)",
        "* star",
        "# a\ntext",
        "- a\n1. b",
        "| a | b |\n|---|",
    ],
)
def test_markdown_that_the_pdf_would_lose_is_refused(line):
    with pytest.raises(UnknownMarkdown):
        typst(line)


def test_marks_of_the_typesetter_in_the_text_stay_text():
    assert pages_of(pdf_of(r"Ask #1, a_b, $5, 3*4, <tag>, @name, [x] and `c\d`"))[0].startswith(
        r"Ask #1, a_b, $5, 3*4, <tag>, @name, [x] and c\d"
    )
