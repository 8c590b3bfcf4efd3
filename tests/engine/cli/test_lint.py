"""`lethe lint`, as somebody else's CI runs it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from PIL import Image

from engine.__main__ import main
from engine.metadata.finding import Kind
from tests import awkward
from tests.awkward import jpeg, saved
from tests.engine.lint import carriers
from tests.scenes import shipped_picture

pytestmark = pytest.mark.slow

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "lint.md"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of pictures, in which the command runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "clean.jpg").write_bytes(jpeg())
    (tmp_path / "in" / "deep" / "telling.jpg").write_bytes(
        jpeg(exif=awkward.exif_block(gps=True), comment=b"somebody")
    )
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    return tmp_path


def lint(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], str]:
    status = main(["lint", *words])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err


def test_a_folder_is_looked_at_to_its_depth_and_findings_are_lines(folder, capsys):
    status, lines, said = lint("in", capsys=capsys)

    assert status == 1
    assert [line.split(": ")[:2] for line in lines] == [
        ["in/deep/telling.jpg", "exif"],
        ["in/deep/telling.jpg", "gps"],
        ["in/deep/telling.jpg", "comment"],
    ]
    assert lines[1].endswith("where the picture was taken")
    assert "2 pictures looked at, 1 clean, 3 findings. Left alone" in said


def test_the_same_files_give_the_same_lines(folder, capsys):
    first = lint("in", capsys=capsys)

    assert lint("in", capsys=capsys) == first
    assert lint("in/deep", "in", "in/deep/telling.jpg", "in/**/*.jpg", capsys=capsys)[1] == first[1]


def test_a_clean_picture_says_nothing_and_exits_0(folder, capsys):
    status, lines, said = lint("in/clean.jpg", capsys=capsys)

    assert (status, lines) == (0, [])
    assert said == "1 picture looked at, 1 clean, 0 findings.\n"


def test_allowed_kinds_are_no_findings(folder, capsys):
    assert lint("in", "--allow", "exif,gps, comment", capsys=capsys)[0] == 0
    assert lint("in", "--allow", "exif,gps", capsys=capsys)[0] == 1


@pytest.mark.parametrize("kind", ["unreadable", "EXIF", "nothing"])
def test_what_cannot_be_allowed_is_a_usage_error(folder, kind, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["lint", "in", "--allow", kind])

    assert stopped.value.code == 2
    assert "unknown kind" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"), [("cut.jpg", jpeg()[:-40]), ("empty.png", b""), ("words.png", b"words")]
)
def test_a_file_that_cannot_be_read_is_a_finding(folder, name, content, capsys):
    (folder / name).write_bytes(content)

    status, lines, _ = lint(name, capsys=capsys)

    assert status == 1
    assert len(lines) == 1


def test_a_damaged_file_stays_a_finding_whatever_is_allowed(folder, capsys):
    (folder / "cut.jpg").write_bytes(jpeg()[:-40])
    everything = ",".join(set(Kind) - {Kind.UNREADABLE})

    assert lint("cut.jpg", "--allow", everything, capsys=capsys)[0] == 1


def test_a_file_larger_than_is_looked_into_is_a_finding_and_is_not_read(
    folder, capsys, monkeypatch
):
    monkeypatch.setattr("engine.cli.lint.LARGEST_FILE", 100)

    status, lines, _ = lint("in/clean.jpg", capsys=capsys)

    assert status == 1
    assert lines[0].startswith("in/clean.jpg: unreadable: whole file: It is larger")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_opened_is_a_finding(folder, capsys):
    (folder / "in" / "clean.jpg").chmod(0)

    assert lint("in/clean.jpg", capsys=capsys)[0] == 1


@pytest.mark.parametrize("words", [["nowhere"], ["empty"], ["in/notes.md"], ["in", "nowhere"]])
def test_nothing_to_look_at_is_never_a_pass(folder, words, capsys):
    (folder / "empty").mkdir()

    assert lint(*words, capsys=capsys)[0] == 2


def test_hidden_pictures_are_looked_at_and_git_is_not(folder, capsys):
    telling = (folder / "in" / "deep" / "telling.jpg").read_bytes()
    (folder / "in" / ".hidden.jpg").write_bytes(telling)
    for name in (".cache", ".git"):
        (folder / "in" / name).mkdir()
        (folder / "in" / name / "a.jpg").write_bytes(telling)

    _, lines, _ = lint("in", capsys=capsys)

    assert {line.split(":")[0] for line in lines} == {
        "in/.hidden.jpg", "in/.cache/a.jpg", "in/deep/telling.jpg",
    }  # fmt: skip


def test_a_picture_is_told_from_its_bytes_not_from_its_name(folder, capsys):
    (folder / "in" / "picture.txt").write_bytes(jpeg(comment=b"somebody"))

    assert any("picture.txt: comment" in line for line in lint("in", capsys=capsys)[1])


def test_a_file_name_cannot_speak_for_itself_in_a_log(folder, capsys):
    (folder / "::error::x\n.jpg").write_bytes(jpeg(comment=b"somebody"))

    _, lines, _ = lint("::error::x\n.jpg", capsys=capsys)

    assert lines[0].startswith("./::error::x\\n.jpg: comment: ")
    assert len(lines) == 1


def test_files_whose_names_are_printed_alike_are_all_looked_at(folder, capsys):
    (folder / "alike").mkdir()
    for name in (b"a\xff.jpg", b"a\\xff.jpg"):
        Path(os.fsdecode(os.fsencode(folder / "alike") + b"/" + name)).write_bytes(
            jpeg(comment=b"somebody")
        )

    status, lines, said = lint("alike", capsys=capsys)

    assert (status, len(lines)) == (1, 2)
    assert said.startswith("2 pictures looked at, 0 clean")


def test_json_holds_the_same_findings(folder, capsys):
    status, (line,), _ = lint("in", "--json", capsys=capsys)
    told = json.loads(line)

    assert status == 1
    assert {key: told[key] for key in ("schema", "pictures", "clean", "left_alone")} == {
        "schema": 1, "pictures": 2, "clean": 1, "left_alone": 1,
    }  # fmt: skip
    assert {tuple(sorted(one)) for one in told["findings"]} == {
        ("count", "detail", "kind", "offset", "path", "size", "tells", "where")
    }
    _, lines, _ = lint("in", capsys=capsys)
    assert lines == [f"{one['path']}: {one['kind']}: {one['detail']}" for one in told["findings"]]


def test_json_without_findings_is_still_one_object(folder, capsys):
    status, (line,), _ = lint("in/clean.jpg", "--json", capsys=capsys)

    assert status == 0
    assert json.loads(line)["findings"] == []


@pytest.mark.parametrize("suffix", ["png", "jpeg"])
def test_what_lethe_releases_is_clean(folder, suffix, capsys):
    with Image.open(shipped_picture("skimage.data", "astronaut.png")) as photograph:
        data = saved(photograph, "JPEG", exif=carriers.full_exif(), comment=b"somebody")
    (folder / "telling.jpg").write_bytes(data + b"left over")
    (folder / "policy.toml").write_text("[review]\naudit_share = 0.0\n[categories.face]\n"
                                        "auto_redact_at = 0.5\nreview_at = 0.5\n")  # fmt: skip
    words = ["--only", "face", "--format", suffix, "--policy", "policy.toml", "--workers", "1"]
    assert lint("telling.jpg", capsys=capsys)[0] == 1

    assert main(["redact", "telling.jpg", "OUT", *words]) == 0
    capsys.readouterr()

    status, lines, said = lint("OUT/released", capsys=capsys)
    assert (status, lines) == (0, [])
    assert said.startswith("1 picture looked at, 1 clean")


def test_the_documents_name_every_kind_and_what_it_can_give_away():
    words = HOW_TO.read_text(encoding="utf-8")

    for kind in Kind:
        assert f"| `{kind.value}` | {kind.label} | {kind.tells} |" in words


def test_the_documented_hook_and_workflow_run_a_command_that_is_understood(folder, capsys):
    fences = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    workflow, hooks = (yaml.safe_load(fence) for fence in fences)
    entries = [step["run"] for step in workflow["jobs"]["lint"]["steps"] if "run" in step][-1:]
    entries += [hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]]

    for entry in entries:
        _, _, words = entry.partition("-m engine lint ")
        arguments = [word.replace("site", "in/clean.jpg") for word in words.split()]
        named = [] if "in/clean.jpg" in arguments else ["in/clean.jpg"]
        assert main(["lint", *arguments, *named]) == 0
    assert len(entries) == 2


def test_a_link_that_leads_to_itself_is_a_finding_and_the_rest_is_looked_at(folder, capsys):
    (folder / "in" / "circle.jpg").symlink_to(folder / "in" / "circle.jpg")

    status, lines, said = lint("in", capsys=capsys)

    assert status == 1
    assert any(line.startswith("in/circle.jpg: ") for line in lines)
    assert "3 pictures looked at, 1 clean" in said
