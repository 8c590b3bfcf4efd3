"""A rectangle drawn on the small picture is an area of the picture itself."""

import pytest

from components.irreversibility.area import area_of
from engine.geometry import Box, Size

SHOWN, SIZE = Size(400, 300), Size(4000, 3000)


def drawn(**shape: float) -> dict:
    first = {"left": 0, "top": 0, "width": 5, "height": 5}
    return {"drawing": {"raw": {"objects": [first, {"scaleX": 1, "scaleY": 1, **shape}]}}}


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        pytest.param({"left": 10, "top": 20, "width": 30, "height": 40}, (100, 200, 400, 600),
                     id="inside"),
        pytest.param({"left": 10, "top": 20, "width": 30, "height": 40, "scaleX": 2},
                     (100, 200, 700, 600), id="drawn larger"),
        pytest.param({"left": 390, "top": -10, "width": 30, "height": 40},
                     (3900, 0, 4000, 300), id="over the corner"),
        pytest.param({"left": 0, "top": 0, "width": 400, "height": 300},
                     (0, 0, 4000, 3000), id="all of it"),
    ],
)  # fmt: skip
def test_the_last_rectangle_is_the_area(shape, expected):
    assert area_of(drawn(**shape), SHOWN, SIZE) == Box(*expected)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(None, id="nothing sent"),
        pytest.param({}, id="no drawing"),
        pytest.param({"drawing": {"raw": {"objects": []}}}, id="nothing drawn"),
        pytest.param(drawn(left=10, top=10, width=0, height=9), id="without width"),
        pytest.param(drawn(left=500, top=10, width=10, height=9), id="beside the picture"),
    ],
)
def test_what_shows_nothing_of_the_picture_is_no_area(state):
    assert area_of(state, SHOWN, SIZE) is None
