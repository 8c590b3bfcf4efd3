"""`lethe attack` in this process, with a battery that takes seconds."""

from __future__ import annotations

import json

import cv2
import pytest

from engine.__main__ import main
from engine.attacks.battery import settings
from engine.attacks.battery.methods import METHODS
from engine.attacks.battery.run import report_id
from engine.attacks.subjects.synthetic import synthetic
from engine.category import Category
from engine.redact import removal
from engine.signing import battery_report
from engine.signing.provenance import pipeline_version
from tests.engine.attacks.small import leaking, small

pytestmark = pytest.mark.slow


@pytest.fixture
def attack(monkeypatch, capsys):
    """Runs the command; gives exit status, stdout and stderr."""

    def made(*, n, seed, methods, attacks):
        chosen = settings.quick(n=n, seed=seed, methods=methods, attacks=attacks)
        return small(seed, n=n, methods=chosen.methods)

    monkeypatch.setattr("engine.cli.attack.settings.full", made)

    def run(*words):
        capsys.readouterr()
        status = main(["attack", "--workers", "1", *map(str, words)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def pictures(tmp_path):
    """A folder of plain pictures, each one subject."""
    folder = tmp_path / "people"
    folder.mkdir()
    for number, rgb in enumerate(synthetic(Category.FACE, 24, side_px=64).patches):
        cv2.imwrite(str(folder / f"{number}.png"), rgb[..., ::-1])
    return folder


def test_a_pass_is_exit_0_with_a_table_a_report_and_json(attack, tmp_path):
    files = [tmp_path / name for name in ("f.json", "r.html", "t.md")]

    status, out, _ = attack(
        "--categories", "face", "--n", 16,
        "--json", files[0], "--report", files[1], "--table", files[2],
    )  # fmt: skip

    assert status == 0
    assert "PASS." in out
    found = json.loads(files[0].read_text(encoding="utf-8"))
    assert found["verdict"] == "pass"
    page = files[1].read_text(encoding="utf-8")
    assert found["words"] in page.replace("&#x27;", "'")
    assert "<script" not in page
    assert "<img" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "The outline" in page
    assert "| face | pushpull |" in files[2].read_text(encoding="utf-8")


def test_a_removal_that_leaks_is_exit_5_and_says_what_came_back(attack, monkeypatch):
    monkeypatch.setattr(removal, "remove", leaking(0.1))

    status, out, _ = attack("--categories", "face", "--n", 16)

    assert status == 5
    assert "FAIL." in out
    assert "(T1)" in out


def test_a_battery_that_is_too_weak_is_exit_6(attack, monkeypatch):
    monkeypatch.setattr("engine.attacks.battery.outcome.WANTED_SENSITIVITY", 0.01)

    status, out, _ = attack("--categories", "face", "--n", 16)

    assert status == 6
    assert "INVALID." in out


def test_pictures_of_ones_own_are_subjects(attack, pictures, tmp_path):
    status, _, _ = attack(
        "--subjects", pictures, "--categories", "face", "--n", 16, "--json", tmp_path / "f.json"
    )

    found = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert status == 0
    assert found["subjects"]["face"]["source"] == "24 plain pictures"
    assert found["subjects"]["face"]["count"] == 16


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--n", 5), "12 subjects are the least"),
        (("--methods", "witchcraft"), "'witchcraft' is unknown; choose from pushpull"),
        (("--attacks", "prayer"), "'prayer' is unknown; choose from raw"),
        (("--subjects", "nowhere"), "There is no file or folder nowhere"),
        (("--report", "r.pdf"), "a report is written as .html"),
        (("--json", "nowhere/f.json"), "nowhere/f.json cannot be written"),
    ],
    ids=["few", "method", "attack", "no data", "report", "no folder"],
)
def test_what_cannot_be_started_is_exit_2_with_a_sentence(
    attack, words, sentence, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    status, out, err = attack(*words)

    assert status == 2
    assert out == ""
    assert sentence in err


def test_plain_pictures_need_to_be_told_what_they_show(attack, pictures):
    status, _, err = attack("--subjects", pictures)

    assert status == 2
    assert "--categories face" in err


def test_broken_pictures_are_left_out_and_counted(attack, pictures, tmp_path):
    for name in ("0.png", "1.png"):
        (pictures / name).write_bytes(b"\x89PNG broken")

    status, _, _ = attack(
        "--subjects", pictures, "--categories", "face", "--n", 16, "--json", tmp_path / "f.json"
    )

    found = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert status == 0
    assert "could not be read and were left out" in found["subjects"]["face"]["source"]


def test_too_few_usable_pictures_are_refused_with_their_number(attack, pictures):
    for number in range(20):
        (pictures / f"{number}.png").write_bytes(b"\x89PNG broken")

    status, _, err = attack("--subjects", pictures, "--categories", "face")

    assert status == 2
    assert "Only 4 subjects of category face" in err
    assert "20 could not be read" in err


def test_a_data_set_that_cannot_be_read_is_refused(attack, tmp_path):
    (tmp_path / "labels.json").write_text("{", encoding="utf-8")

    status, _, err = attack("--subjects", tmp_path / "labels.json")

    assert status == 2
    assert "labels.json" in err


def test_the_methods_it_names_are_those_there_are(attack, capsys):
    with pytest.raises(SystemExit):
        main(["attack", "--help"])

    words = " ".join(capsys.readouterr().out.split())
    assert all(name in words for name in METHODS)
    assert "5 fail" in words


class TestShipped:
    def test_the_report_that_ships_is_of_this_pipeline(self):
        battery_summary = battery_report.battery_summary()

        assert battery_summary is not None, "run `make battery`"
        assert battery_summary.pipeline == pipeline_version(), (
            "the removing code has changed since the battery was run: run `make battery`"
        )
        assert battery_summary.verdict == "pass"

    def test_its_id_fits_what_it_says(self):
        report = battery_report.shipped_report()

        assert report_id(report) == report["id"]

    def test_it_was_a_full_run_over_enough_subjects(self):
        report = battery_report.shipped_report()

        assert not report["quick"]
        assert report["permutations"] >= 19_999
        assert all(one["count"] >= 40 for one in report["subjects"].values())
        assert set(report["subjects"]) == {"face", "tattoo", "jewelry"}
        assert report["sensitivity"] <= 0.1
