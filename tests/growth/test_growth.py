"""Growth is measured on what really grows, and the exponent is the one of the numbers."""

from __future__ import annotations

import pytest

from tests.growth import pictures, report, reviewers
from tests.growth.fit import Growth, slope

pytestmark = pytest.mark.slow


def growth(power, name="Import", unit="pictures"):
    return Growth(name, unit, tuple((10.0**n, 0.01 * 10.0 ** (power * n)) for n in range(1, 5)))


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_is_the_power_of_the_size(power):
    assert growth(power).exponent == pytest.approx(power)
    assert growth(power).is_linear == (power <= 1)


def test_what_each_run_takes_anyway_does_not_hide_growth():
    points = ((1.0, 5.0), (10.0, 5.0), (100.0, 5.1), (1e3, 50.0), (1e4, 500.0))

    assert Growth("Import", "pictures", points).exponent == pytest.approx(1.0, abs=0.01)


def test_one_size_alone_has_no_exponent():
    with pytest.raises(ValueError, match="differ in x"):
        slope([(1.0, 2.0)])


def test_what_is_above_linear_is_said_with_its_reason():
    told = report.markdown([growth(1.0), growth(2.0, "Start")], {"Start": "made up."})

    assert "| Import | 10.0 | 10,000.0 pictures | 0.1 to 100 | 1.00 |" in told
    assert "- Start: made up." in told
    assert "- Import" not in told
    assert "Nothing grows faster" in report.markdown([growth(1.0)], {})


def test_the_figure_has_each_exponent_and_asks_for_nothing_outside():
    drawn = report.figure([growth(1.0), growth(0.5, "Removal", "megapixels")])

    assert "exponent 1.00" in drawn.replace("\n", " ")
    assert "Removal 0.50" in drawn
    assert drawn.startswith("<svg")
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")


def test_no_picture_is_claimed_twice_by_fifty_reviewers_at_once(tmp_path):
    _, got = reviewers.claimed(tmp_path / "home", 50, pictures=120, turns=2)

    assert len(got) == len(set(got)) == 100


def test_every_size_is_measured_for_all_that_pages_ask(tmp_path):
    measured = pictures.measure(tmp_path, sizes=(4, 8))

    names = {"Import", "Start", "Home", "Review", "Release", "Recall", "Audit", "Sweep",
             "Check of the trail"}  # fmt: skip
    assert {one.name for one in measured} == names
    assert all([size for size, _ in one.points] == [4, 8] for one in measured)
