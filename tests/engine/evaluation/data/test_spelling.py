"""Names whose other spellings no file system takes: decomposed, Hangul has thrice the bytes."""

from __future__ import annotations

import unicodedata

import pytest

from engine.evaluation.data.image_lookup import ImageLookup
from engine.evaluation.data.raw import InvalidEntry
from engine.evaluation.data.spelling import existing_spelling

NAME = "각" * 60 + ".jpg"
DECOMPOSED = unicodedata.normalize("NFD", NAME)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / NAME).write_bytes(b"pixels")
    assert len(DECOMPOSED.encode()) > 255
    return tmp_path


def test_a_spelling_that_is_too_long_is_no_file(folder):
    assert existing_spelling(folder / NAME) == folder / NAME
    missing = folder / ("갂" * 60 + ".txt")
    assert existing_spelling(missing) == missing


def test_a_picture_named_in_a_spelling_that_is_too_long_is_found(folder):
    lookup = ImageLookup(folder, (folder,))

    assert lookup.find(DECOMPOSED) == folder / NAME
    with pytest.raises(InvalidEntry, match="There is no picture file"):
        lookup.find(unicodedata.normalize("NFD", "갂" * 60 + ".jpg"))
