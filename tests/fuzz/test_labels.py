"""Whatever a label file says: a data set, or a sentence; never another error, never much memory."""

from __future__ import annotations

import shutil
import tracemalloc
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import DETECTABLE
from engine.errors import InvalidDataset
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.labels import Dataset, LabelledPicture
from engine.evaluation.scores.recall import report
from engine.geometry import Size
from tests.engine.evaluation.labelled_sets import paint
from tests.engine.evaluation.made import PLAIN, findings
from tests.fuzz.exports import EXPORTS
from tests.fuzz.mutations import cuts, damaged

MOST_MEMORY = 64 * 1024 * 1024
"""Bytes that reading some kilobytes may take."""
_PICTURES = ("images/a.png", "b.png", "test/b.png", unicodedata.normalize("NFC", "images/é.png"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of pictures, and beside it one that no data set may look into."""
    base = tmp_path_factory.mktemp("fuzz")
    for name in _PICTURES:
        paint(base / "set" / name)
    paint(base / "a.png")
    return base / "set"


contents = st.binary(max_size=200) | st.text(max_size=200).map(
    lambda text: text.encode("utf-8", "replace")
)
damage = st.lists(st.tuples(st.integers(0, 9), cuts), min_size=1, max_size=4)
"""Cuts, each with the number of the file it goes into."""


@given(
    exporter=st.sampled_from(sorted(EXPORTS)), damage=damage, named=st.integers(0, 9),
    with_images=st.booleans(),
)  # fmt: skip
def test_a_damaged_export_is_read_or_refused(pictures, exporter, damage, named, with_images):
    files = dict(EXPORTS[exporter])
    for number, cut in damage:
        name = sorted(files)[number % len(files)]
        files[name] = damaged(files[name], cut)

    with laid_out(pictures, files):
        where = [pictures, *(pictures / name for name in files)][named % (1 + len(files))]
        _check(pictures, _read(where, pictures / "images" if with_images else None))


@given(
    name=st.sampled_from(sorted({name for files in EXPORTS.values() for name in files})),
    content=contents,
)
def test_any_content_is_read_or_refused(pictures, name, content):
    with laid_out(pictures, {name: content}):
        _check(pictures, _read(pictures, None))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("labels.json", b"[" * 100_000, id="deep JSON"),
        pytest.param("labels.json", b'{"images":' * 50_000, id="deep objects"),
        pytest.param("labels.json", b'{"images":[' + b"1," * 20_000 + b"1]}", id="JSON list"),
        pytest.param("data.yaml", b"[" * 100_000, id="deep YAML"),
        pytest.param("data.yaml", b"- " * 50_000, id="deep YAML blocks"),
        pytest.param("data.yaml", b"a: &a [x]\nb: &b [" + b"*a," * 9000 + b"]", id="aliases"),
        pytest.param("annotations.xml", b"<a>" * 50_000, id="deep XML"),
        pytest.param("labels/a.txt", b"0 " * 50_000, id="long line"),
        pytest.param("labels/a.txt", b"0 " * 9 + b"9" * 90_000, id="long number"),
    ],
)
def test_a_hostile_file_takes_no_memory_that_it_has_not(pictures, name, content):
    files = EXPORTS["yolo"] | {name: content} if name == "labels/a.txt" else {name: content}
    with laid_out(pictures, files):
        tracemalloc.start()
        try:
            read = _read(pictures, None)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert most < MOST_MEMORY
    _check(pictures, read)


@contextmanager
def laid_out(pictures: Path, files: dict[str, bytes]) -> Iterator[None]:
    """Files beside the pictures, and gone afterwards."""
    before = set(pictures.rglob("*"))
    try:
        for name, content in files.items():
            file = pictures / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        yield
    finally:
        for path in set(pictures.rglob("*")) - before:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _read(where: Path, images: Path | None) -> Dataset | InvalidDataset:
    try:
        return read_dataset(where, images)
    except InvalidDataset as refusal:
        return refusal


def _check(home: Path, read: Dataset | InvalidDataset) -> None:
    if isinstance(read, InvalidDataset):
        assert str(read).endswith(".")
    else:
        _check_dataset(home, read)


def _check_dataset(home: Path, dataset: Dataset) -> None:
    assert dataset.pictures
    assert len({one.path for one in dataset.pictures}) == len(dataset.pictures)
    for one in dataset.pictures:
        assert one.path.is_relative_to(home)
        assert one.path.is_file()
        assert not one.labelled_for & one.partial_for
        assert LabelledPicture.from_json(one.to_json()) == one
        assert all(label.box.area > 0 for label in one.labels)
    for problem in dataset.problems:
        assert problem.text.strip().endswith((".", '"ignore": 1.'))
        str(problem).encode("utf-8")
    assert all(number > 0 for number in dataset.lost.values())
    assert dataset.fingerprint
    _check_said(dataset)


def _check_said(dataset: Dataset) -> None:
    """Each label is counted, or is said not to be."""
    pairs = [(one, findings(size=Size(64, 32))) for one in dataset.pictures]

    said = report(pairs, PLAIN).to_json()

    labels = sum(len(one.labels) for one in dataset.pictures)
    counted = sum(said["categories"][one.value]["labels"] for one in DETECTABLE)
    assert counted + sum(said["uncounted"].values()) == labels
