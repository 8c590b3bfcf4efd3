"""Pictures at an address: what is one, and which bytes are read."""

from __future__ import annotations

import tempfile

import fsspec
import pytest

from engine.cluster.bucket import Bucket
from engine.cluster.pictures import url_pictures
from engine.errors import UnusableFolder


@pytest.fixture(params=["s3", "memory"])
def place(request):
    """An address on each kind of file system, for one test alone."""
    where = request.getfixturevalue("s3") if request.param == "s3" else "memory://runs"
    yield f"{where}/{request.node.originalname}"
    fsspec.filesystem("memory").store.clear()


def test_what_has_no_ending_is_told_by_its_first_bytes(place, folder, monkeypatch):
    png = (folder / "doubtful.png").read_bytes()
    assert len(png) > 512
    objects = {"scan": png, "_SUCCESS": b"", "five": b"short", "notes": b"a" * 2000, "x.png": png}
    Bucket.at(place).write(objects)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")  # an original in the clear

    found, left_alone = url_pictures(place)

    assert [picture.name for picture in found] == ["scan", "x.png"]
    assert left_alone == 3


def test_a_name_is_no_address(place, tmp_path):
    """`::` chains addresses, and what follows it may be a file of this machine."""
    (tmp_path / "own.jpg").write_bytes(b"of this machine")
    names = ["x.jpg", f"x.jpg::file://{tmp_path}/own.jpg", "a::b.jpg", "a b%20.jpg", "q?v=1#w*.jpg"]
    Bucket.at(place).write({name: name.encode() for name in names})

    found, _ = url_pictures(place)

    assert {picture.name: picture.content.read() for picture in found} == {
        name: name.encode() for name in names
    }


@pytest.mark.parametrize("size", [0, 5, 512, 2000])
def test_the_head_of_an_object_is_its_first_bytes(place, size):
    data = bytes(number % 251 for number in range(size))
    bucket = Bucket.at(place)
    bucket.write({"object": data})

    assert bucket.head("object", 512) == data[:512]


def test_outputs_are_no_input_and_pictures_in_a_new_one_are_not_lost_in_silence(place):
    bucket = Bucket.at(place)
    bucket.write({"a.png": b"", "old/.lethe/run.json": b"{}", "old/released/x.png": b""})

    found, left_alone = url_pictures(place, leave_out=Bucket.at(f"{place}/new"))

    assert ([one.name for one in found], left_alone) == (["a.png"], 0)
    bucket.write({"new/b.png": b""})
    with pytest.raises(UnusableFolder, match="new is to be the output, and pictures of the input"):
        url_pictures(place, leave_out=Bucket.at(f"{place}/new"))
