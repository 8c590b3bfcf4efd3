from pathlib import Path

import pytest

from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import LabelledPicture
from tests.browser.review_bench.choice import TooFewPictures, chosen, source_of


def picture(name, source="street", labelled_for=DETECTABLE):
    return LabelledPicture(
        name, Path(name), (), frozenset(labelled_for), attributes=(("source", source),)
    )


STREET = [picture(f"street{at}.jpg") for at in range(30)]
STUDIO = [picture(f"studio{at}.jpg", "studio") for at in range(3)]


def test_the_same_seed_gives_the_same_pictures_in_whatever_order_they_come():
    one = chosen([*STREET, *STUDIO], 10, seed=1)

    assert chosen([*STUDIO, *reversed(STREET)], 10, seed=1) == one
    assert chosen([*STREET, *STUDIO], 10, seed=2) != one


def test_small_sources_are_not_drowned_by_large_ones():
    names = [source_of(one) for one in chosen([*STREET, *STUDIO], 6, seed=1)]

    assert sorted(names) == ["street"] * 3 + ["studio"] * 3


def test_pictures_that_are_not_labelled_completely_are_left_out():
    faces_alone = picture("faces.jpg", labelled_for=[Category.FACE])

    with pytest.raises(TooFewPictures, match="2 pictures were asked for, and 1 are"):
        chosen([faces_alone, STREET[0]], 2, seed=1)


def test_of_two_pictures_with_one_file_name_one_is_taken():
    twin = LabelledPicture("other", Path("folder/street0.jpg"), (), frozenset(DETECTABLE))

    with pytest.raises(TooFewPictures):
        chosen([STREET[0], twin], 2, seed=1)
