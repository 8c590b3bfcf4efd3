from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.errors import UnusableFolder
from engine.runs.inputs import sources
from tests.awkward import NAMES_IN_ANY_SCRIPT

JPEG = b"\xff\xd8\xff and so on"


def names(where, **options):
    return [source.name for source in sources(str(where), **options)[0]]


@pytest.fixture
def folder(tmp_path):
    for name in ("b.jpg", "a.PNG", "deep/er/c.jpeg", "notes.txt", ".hidden.jpg", ".git/d.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not a picture at all")
    (tmp_path / "no ending").write_bytes(JPEG)
    (tmp_path / "empty").touch()
    return tmp_path


def test_a_folder_is_searched_to_the_bottom_in_order(folder):
    assert names(folder) == ["a.PNG", "b.jpg", "deep/er/c.jpeg", "no ending"]


def test_what_is_left_alone_is_counted(folder):
    _, left_alone = sources(str(folder))

    assert left_alone == 4  # notes.txt, the empty file, the hidden file and the hidden folder


def test_a_file_that_is_named_is_meant_whatever_it_looks_like(folder):
    assert names(folder / "notes.txt") == ["notes.txt"]


def test_a_single_file_in_a_folder_is_not_meant_by_naming_the_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")

    assert sources(str(tmp_path)) == ([], 1)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.jpg", ["b.jpg"]),
        ("**/*.jp*g", ["b.jpg", "deep/er/c.jpeg"]),
        ("deep/*/c.jpeg", ["er/c.jpeg"]),
        ("[ab].*", ["a.PNG", "b.jpg"]),
    ],
)
def test_a_pattern_names_files_from_its_first_wildcard_on(folder, pattern, found):
    assert names(folder / pattern) == found


def test_a_relative_pattern_works_as_well(folder, monkeypatch):
    monkeypatch.chdir(folder)

    assert names("*.jpg") == ["b.jpg"]
    assert names("./deep/**/*.jpeg") == ["er/c.jpeg"]


def test_an_empty_folder_has_no_pictures(tmp_path):
    assert sources(str(tmp_path)) == ([], 0)


@pytest.mark.parametrize(
    ("where", "says"),
    [("nothing here", "There is no file or folder"), ("*.xyz", "No file matches")],
)
def test_nothing_there_is_refused(tmp_path, where, says):
    with pytest.raises(UnusableFolder, match=says):
        sources(str(tmp_path / where))


def output_in(folder, name="out"):
    """The output folder of a run with one release, whose input was around it."""
    for part in (".lethe", "released"):
        (folder / name / part).mkdir(parents=True)
    (folder / name / ".lethe" / "run.json").write_text("{}")
    (folder / name / "released" / "x.jpg").write_bytes(JPEG)
    return folder / name


def test_the_output_folder_is_no_input(folder):
    out = output_in(folder)

    assert "out/released/x.jpg" not in names(folder, leave_out=out)
    assert "out/released/x.jpg" in names(folder)


def test_the_output_folder_is_recognised_by_another_name(folder):
    (folder / "link").symlink_to(output_in(folder))

    assert "out/released/x.jpg" not in names(folder, leave_out=folder / "deep" / ".." / "link")


def test_the_output_of_an_earlier_run_is_no_input_of_a_later_one(folder):
    before, left_alone = sources(str(folder), leave_out=folder / "new")
    output_in(folder / "deep")

    seen = sources(str(folder), but_outputs=True)  # also where the output lies at an address
    assert seen == (before, left_alone + 1)  # .lethe
    inner = folder / "deep" / "out" / "released"
    assert "x.jpg" in names(inner, leave_out=folder / "new", but_outputs=True)


def test_an_output_folder_that_is_closed_to_others_stops_nobody(folder, monkeypatch):
    output_in(folder)
    stat = os.stat

    def closed(path, *options, **named):
        if str(path).endswith("run.json"):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *options, **named)

    monkeypatch.setattr(os, "stat", closed)

    assert "out/released/x.jpg" in names(folder, but_outputs=True)


def test_a_picture_beside_the_releases_is_left_alone_and_counted(folder):
    out = output_in(folder)
    before, left_alone = sources(str(folder), leave_out=out)
    (out / "mine.jpg").write_bytes(JPEG)

    assert sources(str(folder), leave_out=out) == (before, left_alone + 1)


@pytest.mark.parametrize("where", ["", "**/*.jpg"])
@pytest.mark.parametrize("place", ["x.jpg", "released/x.jpg", "deeper/x.jpg"])
def test_pictures_in_what_is_to_be_the_output_are_not_lost_in_silence(folder, where, place):
    picture = folder / "new" / place
    picture.parent.mkdir(parents=True)
    picture.write_bytes(JPEG)

    with pytest.raises(UnusableFolder, match="new is to be the output, and pictures of the input"):
        sources(str(folder / where), leave_out=folder / "new")


@pytest.mark.parametrize("name", NAMES_IN_ANY_SCRIPT)
def test_names_in_any_script_are_kept(tmp_path, name):
    (tmp_path / name).write_bytes(JPEG)

    assert names(tmp_path) == [name]


def test_a_name_that_is_no_text_is_escaped(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(JPEG)

    assert names(tmp_path) == ["caf\\xe9.jpg"]


@pytest.mark.parametrize(
    "head",
    [b"\xff\xd8\xff", b"\x89PNG", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"RIFF1234WEBP",
     b"\0\0\0\x18ftypheic", b"\0\0\0\x0cjP  ", b"\xff\x0a", b"8BPS"],
    ids=["jpeg", "png", "gif", "bmp", "tiff", "tiff big", "webp", "heic", "jpeg 2000", "jpeg xl",
         "photoshop"],
)  # fmt: skip
def test_a_picture_without_an_ending_is_found_by_its_first_bytes(tmp_path, head):
    (tmp_path / "no ending").write_bytes(head)

    assert names(tmp_path) == ["no ending"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_a_file_that_cannot_be_read_counts_as_a_picture(tmp_path):
    (tmp_path / "no ending").symlink_to("/proc/self/mem")  # opens, and fails at the first byte

    assert names(tmp_path) == ["no ending"]


def test_a_folder_named_like_a_picture_is_none(tmp_path):
    (tmp_path / "folder.jpg").mkdir()

    assert sources(str(tmp_path)) == ([], 0)


@pytest.mark.parametrize("where", ["", "*"], ids=["folder", "pattern"])
def test_what_is_named_like_a_picture_and_cannot_be_opened_is_not_passed_over(tmp_path, where):
    for ending in (".jpg", ""):
        (tmp_path / f"dangling{ending}").symlink_to(tmp_path / "nowhere")
        (tmp_path / f"loop{ending}").symlink_to(tmp_path / f"loop{ending}")
        os.mkfifo(tmp_path / f"pipe{ending}")

    found, left_alone = sources(str(tmp_path / where))

    problems = {one.name: one.problem for one in found}
    assert set(problems) == {"dangling.jpg", "loop.jpg", "pipe.jpg"}
    assert "leads to no file" in problems["dangling.jpg"]
    assert "leads to no file" in problems["loop.jpg"]
    assert "no plain file" in problems["pipe.jpg"]
    assert left_alone == 3


def test_a_file_that_cannot_be_reached_stands_among_the_pictures(folder, monkeypatch):
    reach = Path.stat

    def stale(path, **options):
        if path.name == "notes.txt":
            raise OSError(errno.ESTALE, "Stale file handle")
        return reach(path, **options)

    monkeypatch.setattr(Path, "stat", stale)

    found, _ = sources(str(folder))

    problems = {one.name: one.problem for one in found if one.problem}
    assert problems == {"notes.txt": "The file could not be reached (Stale file handle)."}


@pytest.mark.parametrize("brand", [b"qt  ", b"mp42", b"isom"])
def test_the_films_of_a_phone_are_no_pictures(tmp_path, brand):
    (tmp_path / "IMG_1.MOV").write_bytes(b"\0\0\0\x18ftyp" + brand + b"and so on")

    assert sources(str(tmp_path)) == ([], 1)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs Linux's /proc")
@pytest.mark.parametrize("where", ["/proc", "/proc/self", "/sys"])
def test_a_folder_that_the_system_makes_up_is_refused(where):
    with pytest.raises(UnusableFolder, match="belongs to the system"):
        sources(where)


def test_a_folder_that_cannot_be_opened_is_not_passed_over(folder, monkeypatch):
    (folder / "closed").mkdir()
    walk = os.walk

    def refusing(top, onerror):
        yield from walk(top)
        onerror(PermissionError(13, "Permission denied", str(folder / "closed")))

    monkeypatch.setattr(os, "walk", refusing)

    found, _ = sources(str(folder))

    assert "closed" in {source.name for source in found}


def test_a_pattern_that_runs_in_circles_takes_each_picture_once(folder):
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    straight, _ = sources(str(folder))

    found, _ = sources(str(folder / "**" / "*"))

    paths = [source.path.resolve() for source in found]
    assert len(paths) == len(set(paths))
    assert {source.path.resolve() for source in straight} <= set(paths)


def box(major, *compatible, kind=b"ftyp"):
    """The head of a file of the ISO family."""
    body = major + b"\0\0\0\0" + b"".join(compatible)
    return (8 + len(body)).to_bytes(4, "big") + kind + body + bytes(64)


@pytest.mark.parametrize(
    ("content", "is_picture"),
    [
        pytest.param(box(b"qt  ", b"qt  "), False, id="iPhone clip"),
        pytest.param(box(b"isom", b"isom", b"mp42"), False, id="Android clip"),
        pytest.param(box(b"XAVC", b"mp42"), False, id="camera clip"),
        pytest.param(box(b"3gp5"), False, id="old phone"),
        pytest.param(box(b"heic", b"mif1"), True, id="HEIC"),
        pytest.param(box(b"isom", b"mif1", b"avif"), True, id="AVIF that is a film too"),
        pytest.param(box(b"mp42")[:16] + b"heic" + bytes(9), False, id="brand after the box"),
        pytest.param(box(b"crx ", b"isom"), True, id="CR3"),
        pytest.param(box(b"????"), True, id="a brand nobody knows"),
        pytest.param(b"\0\0\0\x08ftyp", True, id="no brand"),
    ],
)
def test_a_film_is_left_alone_and_a_picture_of_its_family_is_not(tmp_path, content, is_picture):
    (tmp_path / "IMG_1.MOV").write_bytes(content)

    found, left_alone = sources(str(tmp_path))

    assert (len(found), left_alone) == (int(is_picture), int(not is_picture))
