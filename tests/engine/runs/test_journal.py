"""An output folder whose records somebody damaged: refused, and left as it is."""

from __future__ import annotations

import csv
import io
import json
import shutil

import pytest

from engine.errors import UnusableFolder
from engine.policy import Policy
from engine.runs.name_map import NAMES_NOTE, read_names, write_names
from engine.runs.output_folder import OutputFolder
from tests.engine.run_folders import files_of
from tests.engine.signing.handed_out import DAY, hand_out, release_id, signer_at


@pytest.fixture
def out(tmp_path):
    hand_out(tmp_path / "out", signer_at(tmp_path / "home"))
    return tmp_path / "out"


@pytest.fixture
def open_again(tmp_path):
    """Opens a folder as a run does that is to make it if needed."""
    return lambda out: OutputFolder.create(
        out, Policy(), "same", signer_at(tmp_path / "home"), lambda: DAY
    ).close()


def contents(out):
    return {path: path.read_bytes() for path in files_of(out)}


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def without(name, number):
    """Damage: a line less."""

    def drop(out):
        kept = lines_of(out / name)
        del kept[number]
        (out / name).write_text("".join(kept), encoding="utf-8")

    return drop


def changed(name, key):
    """Damage: another digit in a value of the first line."""

    def change(out):
        first, *others = lines_of(out / name)
        line = json.loads(first)
        line[key] = ("0" if line[key][0] != "0" else "1") + line[key][1:]
        (out / name).write_text("".join([json.dumps(line) + "\n", *others]), encoding="utf-8")

    return change


def with_content(name, data):
    return lambda out: (out / name).write_bytes(data)


def missing(name):
    return lambda out: (out / name).unlink()


DAMAGE = {
    "no receipts": (missing("receipts.jsonl"), "receipts.jsonl"),
    "no receipt on any line": (with_content("receipts.jsonl", b""), "receipts.jsonl"),
    "junk instead of receipts": (with_content("receipts.jsonl", b"junk"), "receipts.jsonl"),
    "a receipt less": (without("receipts.jsonl", 1), "receipts.jsonl"),
    "the last receipt less": (without("receipts.jsonl", -1), "receipts.jsonl"),
    "no run": (missing(".lethe/run.json"), "run.json"),
    "no key": (missing(".lethe/key"), "key"),
    "junk instead of the key": (with_content(".lethe/key", b"junk\n"), "key"),
    "an empty key": (with_content(".lethe/key", b""), "key"),
    "junk instead of names": (with_content("names.csv", b"junk\n"), "names.csv"),
    "no names inside": (with_content("names.csv", b""), "names.csv"),
    "names that are no text": (with_content("names.csv", b"\xff\xfe\n"), "names.csv"),
    "no note": (without("names.csv", 0), "names.csv"),
    "no header": (without("names.csv", 1), "names.csv"),
    "a name less": (without("names.csv", 2), "names.csv"),
    "the last name less": (without("names.csv", -1), "names.csv"),
}
UNREADABLE = {
    "half a line": b'{"release": "0',
    "no object": b"[]",
    "no line": b"",
    "too deep": b"[" * 100_000,
    "no text": b"\xff\xfe",
    "other keys": b'{"a": "b"}',
    "other values": b'{"release": [], "source": 1, "picture": null}',
}
unreadable = pytest.mark.parametrize("data", UNREADABLE.values(), ids=list(UNREADABLE))
DAMAGE |= {
    f"{about} as run.json": (with_content(".lethe/run.json", data), "run.json")
    for about, data in UNREADABLE.items()
}
DAMAGE |= {
    "another key": (with_content(".lethe/key", b"k" * 32), "is missing or is not the key that"),
    "a receipt of another picture": (changed("receipts.jsonl", "picture"), "line 1 is not as"),
    "a receipt of another release": (changed("receipts.jsonl", "release"), "receipts.jsonl"),
    "another certificate": (changed("receipts.jsonl", "certificate"), "line 1 is not as"),
    "another format": (with_content(".lethe/run.json", b'{"run": "1", "format": "gif"}'), "run.js"),
    "no policy": (missing(".lethe/policy.toml"), "policy.toml"),
    "a policy that is no text": (with_content(".lethe/policy.toml", b"\xff"), "policy.toml"),
}


@pytest.mark.parametrize(("damage", "named"), DAMAGE.values(), ids=list(DAMAGE))
def test_a_damaged_folder_is_refused_and_nothing_is_changed(out, open_again, damage, named):
    damage(out)
    before = contents(out)

    with pytest.raises(UnusableFolder) as caught:
        open_again(out)

    assert contents(out) == before
    assert named in str(caught.value)
    assert "choose a new output folder" in str(caught.value)
    assert str(caught.value).endswith("Nothing was changed.")


@unreadable
@pytest.mark.parametrize("name", ["receipts.jsonl", "review.jsonl", "quarantine.jsonl"])
def test_an_unreadable_line_is_named_and_nothing_is_changed(out, open_again, name, data):
    second = b"".join((out / "receipts.jsonl").read_bytes().splitlines(keepends=True)[1:])
    kept = second if name == "receipts.jsonl" else b'{"source": "a", "picture": "b"}\n'
    (out / name).write_bytes(kept + data + b"\n" + kept)
    before = contents(out)

    with pytest.raises(UnusableFolder) as caught:
        open_again(out)

    line = kept.count(b"\n") + 1
    assert contents(out) == before
    assert f"{out / name}, line {line} is not as Lethe wrote it." in str(caught.value)


def test_a_plan_that_cannot_be_read_is_named_when_plans_are_asked_for(tmp_path):
    signer = signer_at(tmp_path / "home")
    output_folder = OutputFolder.create(tmp_path / "out", Policy(), "same", signer, lambda: DAY)
    output_folder.close()
    (tmp_path / "out" / "review.jsonl").write_text('{"source": "a", "picture": "b"}\n')

    output_folder = OutputFolder(tmp_path / "out", signer, lambda: DAY)

    with pytest.raises(UnusableFolder, match=r"review\.jsonl, line 1 "):
        output_folder.plans()


def test_damaged_receipts_are_a_sentence_and_exit_2(lethe, folder, tmp_path):
    lethe("redact", folder, tmp_path / "out")
    with (tmp_path / "out" / "receipts.jsonl").open("a", encoding="utf-8") as file:
        file.write("junk\n")

    status, summary, err = lethe("redact", folder, tmp_path / "out")

    assert (status, summary) == (2, None)
    assert "receipts.jsonl, line 2 is not as Lethe wrote it." in err
    assert "Traceback" not in err


def test_a_single_release_is_not_forgotten_with_its_receipt(tmp_path, open_again):
    hand_out(tmp_path / "out", signer_at(tmp_path / "home"), (1,))
    (tmp_path / "out" / "receipts.jsonl").unlink()

    with pytest.raises(UnusableFolder, match=r"receipts\.jsonl"):
        open_again(tmp_path / "out")


@pytest.mark.parametrize("left", ["review.jsonl", "quarantine.jsonl", "released/x.png"])
def test_a_folder_that_lost_its_run_but_not_its_records_is_not_laid_out_anew(
    tmp_path, open_again, left
):
    open_again(tmp_path / "out")
    (tmp_path / "out" / "released" / "manifest.json").unlink()
    (tmp_path / "out" / ".lethe" / "run.json").unlink()
    (tmp_path / "out" / left).touch()

    with pytest.raises(UnusableFolder, match=left.partition("/")[0]):
        open_again(tmp_path / "out")


def test_a_folder_refused_for_its_records_can_be_opened_once_they_are_back(out, open_again):
    kept = shutil.copy(out / "receipts.jsonl", out.parent)
    (out / "receipts.jsonl").unlink()
    with pytest.raises(UnusableFolder):
        open_again(out)

    shutil.copy(kept, out / "receipts.jsonl")
    open_again(out)

    assert [release for _, release in read_names(out / "names.csv")] == [
        release_id(number) for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    "torn",
    ["顔".encode()[:2], b'"a\nb', b'"a"",', b"name,0123"],
    ids=["character", "quote", "comma", "id"],
)
def test_a_last_row_that_a_kill_cut_short_is_left_out(out, open_again, torn):
    before = (out / "names.csv").read_bytes()
    (out / "names.csv").write_bytes(before + torn)

    open_again(out)

    assert (out / "names.csv").read_bytes() == before


@pytest.mark.parametrize("source", ["=SUM(1).png", "'=1.png", "''.png", "@a.png", "\r.png"])
def test_a_name_is_no_formula_and_comes_back_as_it_was(tmp_path, source):
    path = tmp_path / "names.csv"

    write_names(path, [(source, "0")])

    written = path.read_bytes().decode().removeprefix(NAMES_NOTE)
    (_, (cell, _)) = csv.reader(io.StringIO(written, newline=""))
    assert cell.startswith("'")
    assert read_names(path) == [(source, "0")]


def test_names_of_an_earlier_version_are_as_they_stand(tmp_path):
    note = "# Private: these are the names of the original files. Do not hand this file out.\n"
    path = tmp_path / "names.csv"
    path.write_text(note + "source,release\n'=a.png,0\n=b.png,1\n", encoding="utf-8")

    assert read_names(path) == [("'=a.png", "0"), ("=b.png", "1")]


def test_rows_must_be_whole_but_for_the_last(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text(NAMES_NOTE + "source,release\nlonely\na,0\n", encoding="utf-8")

    with pytest.raises(UnusableFolder, match="not as Lethe wrote it"):
        read_names(path)
