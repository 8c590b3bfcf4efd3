"""`release`, in this process with a made-up detector."""

from __future__ import annotations

import json
import os
import shutil

import cv2
import numpy as np
import pytest

from engine.__main__ import main
from engine.cli.release import _original
from engine.errors import InvalidDecision, UnreadableImage
from engine.files.home import home
from engine.runs.handover import mark_taken_in
from engine.signing.keys import open_key_ring
from engine.signing.schema import read_certificate
from engine.signing.sentences import sentences
from tests.engine.run_folders import QUICK, assert_whole, fates, lines, names, paint, released_ids


@pytest.fixture
def reviewed(lethe, folder, tmp_path):
    """A finished run with two pictures that wait; gives its review lines by source."""
    lethe("redact", folder, tmp_path / "out")
    return {line["source"]: line for line in lines(tmp_path / "out", "review.jsonl")}


def said(certificate):
    return " ".join(sentences(certificate))


def taken_in(out):
    """As the app does."""
    run = json.loads((out / ".lethe" / "run.json").read_bytes())["run"]
    mark_taken_in(out, run, home(), open_key_ring(home()))


class TestRelease:
    def verdicts(self, tmp_path, *values):
        path = tmp_path / "verdicts.jsonl"
        text = "\n".join(
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for value in values
        )
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def release(self, lethe, folder, tmp_path, *values):
        path = self.verdicts(tmp_path, *values)
        return lethe("release", folder, tmp_path / "out", "--verdicts", path)

    def test_exactly_the_regions_of_an_accepted_line_go(self, lethe, folder, tmp_path, reviewed):
        drawn = {"box": [40, 30, 50, 40], "category": "other"}
        line = {
            **reviewed["doubtful.png"], "accept": True, "regions": [drawn], "doubts": [],
            "reviewer": "ada",
        }  # fmt: skip

        status, summary, _ = self.release(lethe, folder, tmp_path, line)

        assert (status, summary["released"], summary["pictures"]) == (0, 1, 1)
        receipt = lines(tmp_path / "out", "receipts.jsonl")[-1]
        assert receipt["reviewer"] == "ada"
        assert [(one["category"], one["box"]) for one in receipt["regions"]] == [
            ("other", [40, 30, 50, 40])
        ]
        rgb = cv2.imread(str(tmp_path / "out" / "released" / f"{receipt['release']}.png"))
        original = cv2.imread(str(folder / "doubtful.png"))
        x0, y0, x1, y1 = receipt["regions"][0]["masked"]
        assert (x0, y0, x1, y1) == (30, 14, 66, 50)
        assert (rgb[y0:y1, x0:x1] != original[y0:y1, x0:x1]).any(axis=2).mean() > 0.9
        rgb[y0:y1, x0:x1] = original[y0:y1, x0:x1] = 0
        assert (rgb == original).all()
        assert_whole(tmp_path / "out")

    def certified(self, tmp_path):
        receipt = lines(tmp_path / "out", "receipts.jsonl")[-1]
        path = tmp_path / "out" / "released" / f"{receipt['release']}.certificate.json"
        body = json.loads(path.read_bytes())["certificate"]
        return body["version"], body.get("reviewer_authenticated"), said(read_certificate(body))

    def test_decisions_that_nobody_signed_are_called_so_on_the_certificate(
        self, lethe, folder, tmp_path, reviewed
    ):
        line = {**reviewed["doubtful.png"], "accept": True, "reviewer": "ada"}

        assert self.release(lethe, folder, tmp_path, line)[0] == 0

        version, is_authenticated, sentences = self.certified(tmp_path)
        assert (version, is_authenticated) == (4, False)
        assert "a file that nobody signed, so the name is what the file said" in sentences

    def signed(self, tmp_path, monkeypatch, *values):
        """A file of decisions that ada signed where she decides, and her public key."""
        path, key = self.verdicts(tmp_path, *values), tmp_path / "ada.pem"
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("LETHE_HOME", str(tmp_path / "ada"))
            assert main(["sign-decisions", str(path)]) == 0
            assert main(["keys", "export", "--out", str(key)]) == 0
        return path, key

    def test_decisions_that_a_known_key_signed_are_authenticated(
        self, lethe, folder, tmp_path, reviewed, monkeypatch
    ):
        line = {**reviewed["doubtful.png"], "accept": True, "reviewer": "ada"}
        path, key = self.signed(tmp_path, monkeypatch, line)

        words = ("release", folder, tmp_path / "out", "--verdicts", path, "--reviewer-key", key)
        assert lethe(*words)[0] == 0

        version, is_authenticated, sentences = self.certified(tmp_path)
        assert (version, is_authenticated) == (4, True)
        assert "somebody signed whose key the sender knows" in sentences

    @pytest.mark.parametrize("how", ["unknown key", "changed file", "changed signature"])
    def test_a_signature_that_does_not_hold_releases_nothing(
        self, lethe, folder, tmp_path, reviewed, monkeypatch, how
    ):
        line = {**reviewed["doubtful.png"], "accept": True, "reviewer": "ada"}
        path, key = self.signed(tmp_path, monkeypatch, line)
        signature = path.with_name(path.name + ".signature.json")
        options = ["--reviewer-key", key]
        if how == "unknown key":
            options = []
        elif how == "changed file":
            path.write_text(path.read_text().replace("ada", "bob"))
        else:
            signature.write_bytes(signature.read_bytes().replace(b'"version":1', b'"version":2'))

        status, _, err = lethe("release", folder, tmp_path / "out", "--verdicts", path, *options)

        assert status == 2
        assert "does not hold" in err
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    def test_doubts_that_are_still_there_are_removed(self, lethe, folder, tmp_path, reviewed):
        self.release(lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True})

        receipt = lines(tmp_path / "out", "receipts.jsonl")[-1]
        assert [one["box"] for one in receipt["regions"]] == [[10, 10, 30, 30], [60, 40, 70, 50]]
        assert receipt["reviewer"] == "command line"

    @pytest.mark.parametrize("answer", ["true", 1, []], ids=["text", "number", "list"])
    def test_an_answer_that_is_no_yes_and_no_no_is_told(
        self, lethe, folder, tmp_path, reviewed, answer
    ):
        status, summary, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": answer}
        )

        assert (status, summary["pictures"]) == (1, 0)
        assert "write true or false" in err
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    @pytest.mark.parametrize(
        "extra",
        [{}, {"accept": False}, {"accept": None}],
        ids=["missing", "false", "null"],
    )
    def test_without_a_plain_yes_a_picture_stays(self, lethe, folder, tmp_path, reviewed, extra):
        status, summary, _ = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], **extra}
        )

        assert (status, summary["pictures"]) == (0, 0)
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    @pytest.mark.parametrize("accept", ["true", "yes", "", 1, 0, [True]], ids=repr)
    def test_what_is_no_plain_yes_or_no_is_named(self, lethe, folder, tmp_path, reviewed, accept):
        status, summary, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": accept}
        )

        assert (status, summary["pictures"]) == (1, 0)
        assert "write true or false, without quotes" in err
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    @pytest.mark.parametrize(
        "reviewer", [{"name": "ada"}, 7, "x" * 10_000, "ada\u202e", "ada\n"], ids=range(5)
    )
    def test_a_reviewer_that_is_no_name_is_named(self, lethe, folder, tmp_path, reviewed, reviewer):
        line = {**reviewed["doubtful.png"], "accept": True, "reviewer": reviewer}

        status, summary, err = self.release(lethe, folder, tmp_path, line)

        assert (status, summary["pictures"]) == (1, 0)
        assert "is no name" in err

    def test_a_byte_order_mark_is_passed_over(self, lethe, folder, tmp_path, reviewed):
        line = "\ufeff" + json.dumps({**reviewed["doubtful.png"], "accept": True})

        status, summary, _ = self.release(lethe, folder, tmp_path, line)

        assert (status, summary["released"]) == (0, 1)

    def test_no_lines_are_no_work(self, lethe, folder, tmp_path, reviewed):
        status, summary, _ = self.release(lethe, folder, tmp_path, "", "  ")

        assert (status, summary["pictures"]) == (0, 0)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"source": "unknown.png"}, "no picture of this name waits"),
            ({"source": "passes.png"}, "no picture of this name waits"),
            ({"source": ["doubtful.png"]}, "no picture of this name waits"),
            ({"source": None}, "no picture of this name waits"),
            ({"picture": "0" * 32}, "another picture"),
            ({"plan": "0" * 64}, "another plan"),
            ({"picture": None}, "which picture and which plan"),
            ({"plan": None}, "which picture and which plan"),
            ({"plan": ["0"]}, "which picture and which plan"),
            ({"regions": None}, "cannot be read"),
            ({"regions": ["face"]}, "cannot be read"),
            ({"regions": [[1, 2, 3, 4]]}, "cannot be read"),
            ({"regions": [{"box": [1, 2, 3, 4], "category": "car"}]}, "cannot be read"),
            ({"regions": [{"box": [9, 2, 3, 4], "category": "face"}]}, "cannot be read"),
            ({"regions": [{"box": [90, 2, 99, 4], "category": "face"}]}, "outside the picture"),
            ({"doubts": 5}, "cannot be read"),
            ({"regions": [{"box": "1256", "category": "face"}]}, "cannot be read"),
            ({"regions": [{"box": ["1", "2", "5", "6"], "category": "face"}]}, "cannot be read"),
            ({"regions": [{"box": [True, 2, 5, 6], "category": "face"}]}, "cannot be read"),
            (
                {"regions": [{"box": [-1e308, -1e308, 1e308, 1e308], "category": "face"}]},
                "cannot be read",
            ),
            (
                {"regions": [{"box": [1, 2, 5, 6], "category": "face", "score": "1"}]},
                "cannot be read",
            ),
        ],
        ids=str,
    )
    def test_a_line_that_cannot_be_done_is_named_and_the_others_are_done(
        self, lethe, folder, tmp_path, reviewed, change, says
    ):
        bad = {**reviewed["doubtful.png"], "accept": True, **change}
        good = {**reviewed["empty.png"], "accept": True}

        status, summary, err = self.release(lethe, folder, tmp_path, "", bad, good)

        assert (status, summary["released"]) == (1, 1)
        assert "verdicts.jsonl, line 2: " in err
        assert says in err
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    @pytest.mark.parametrize(
        "line", ["{", "[1]", "yes", "[" * 100_000], ids=["cut", "list", "word", "deep"]
    )
    def test_a_line_that_is_no_json_object_is_named(self, lethe, folder, tmp_path, reviewed, line):
        status, _, err = self.release(lethe, folder, tmp_path, line)

        assert status == 1
        assert "line 1: this is not" in err

    def test_an_original_that_changed_is_refused(self, lethe, folder, tmp_path, reviewed, rng):
        paint(folder / "doubtful.png", 255, rng)

        status, _, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True}
        )

        assert status == 1
        assert "has changed since" in err

    def test_an_original_that_is_gone_is_refused(self, lethe, folder, tmp_path, reviewed):
        (folder / "doubtful.png").unlink()

        status, _, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True}
        )

        assert status == 1
        assert "not in the input folder" in err

    def test_the_same_verdict_twice_releases_once(self, lethe, folder, tmp_path, reviewed):
        line = {**reviewed["doubtful.png"], "accept": True}

        status, summary, err = self.release(lethe, folder, tmp_path, line, line)
        again, _, _ = self.release(lethe, folder, tmp_path, line)

        assert (status, summary["released"], again) == (1, 1, 1)
        assert "line 2: no picture of this name waits" in err
        assert_whole(tmp_path / "out")

    def test_a_rerun_of_redact_leaves_released_pictures_alone(
        self, lethe, folder, tmp_path, reviewed
    ):
        self.release(lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True})

        _, summary, _ = lethe("redact", folder, tmp_path / "out")

        assert (summary["released"], summary["review"]) == (2, 1)

    @pytest.mark.parametrize("name", ["a\rb.png", "a\nb.png", 'a",b.png'])
    def test_a_name_csv_would_break_is_released_once(self, lethe, folder, tmp_path, rng, name):
        paint(folder / name, 0, rng)
        lethe("redact", folder, tmp_path / "out")

        _, again, _ = lethe("redact", folder, tmp_path / "out")

        assert again["released"] == 2
        assert len(released_ids(tmp_path / "out")) == 2
        assert name in {source for source, _ in names(tmp_path / "out")}

    def test_equal_pictures_keep_their_own_verdicts(self, lethe, folder, tmp_path, rng):
        paint(folder / "one.png", 255, rng)
        shutil.copy(folder / "one.png", folder / "two.png")
        lethe("redact", folder, tmp_path / "out")
        waiting = {line["source"]: line for line in lines(tmp_path / "out", "review.jsonl")}
        drawn = [{"box": [40, 30, 50, 40], "category": "other"}]
        accept = {"accept": True, "doubts": []}

        self.release(
            lethe,
            folder,
            tmp_path,
            {**waiting["one.png"], **accept, "regions": drawn},
            {**waiting["two.png"], **accept, "regions": []},
        )

        source_of = {release: source for source, release in names(tmp_path / "out")}
        regions = {
            source_of[receipt["release"]]: len(receipt["regions"])
            for receipt in lines(tmp_path / "out", "receipts.jsonl")
        }
        assert (regions["one.png"], regions["two.png"]) == (1, 0)

    def test_a_verdict_never_passes_to_the_next_picture_of_that_name(
        self, lethe, folder, tmp_path, reviewed, rng
    ):
        paint(folder / "doubtful.png", 255, rng)
        lethe("redact", folder, tmp_path / "out")

        status, summary, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True}
        )

        assert (status, summary["released"]) == (1, 0)
        assert "its original has changed" in err
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    def test_a_verdict_renamed_to_another_picture_is_refused(
        self, lethe, folder, tmp_path, reviewed
    ):
        line = {**reviewed["doubtful.png"], "accept": True, "source": "empty.png"}

        status, summary, err = self.release(lethe, folder, tmp_path, line)

        assert (status, summary["released"]) == (1, 0)
        assert "another picture than the one that waits under this name" in err

    @pytest.mark.parametrize(
        ("one", "two"),
        [
            (b"z\xff.png", b"z\\xff.png"),
            ("\u00e9.png".encode(), "e\u0301.png".encode()),
            (b"a.png", b"A.png"),
            (b"a.png", b"deep/a.png"),
        ],
        ids=["undecodable", "composed", "case", "folders"],
    )
    def test_pictures_whose_names_are_alike_keep_their_own_verdicts(
        self, lethe, folder, tmp_path, rng, one, two
    ):
        (folder / "deep").mkdir()
        for name in (one, two):
            paint(tmp_path / "new.png", 255, rng)
            shutil.copy(tmp_path / "new.png", folder / os.fsdecode(name))
        lethe("redact", folder, tmp_path / "out")
        new = [
            line for line in lines(tmp_path / "out", "review.jsonl")
            if line["source"] not in ("doubtful.png", "empty.png")
        ]  # fmt: skip
        drawn = [
            {"box": [number, 5, number + 9, 40], "category": "other"} for number in range(len(new))
        ]

        status, _, _ = self.release(
            lethe,
            folder,
            tmp_path,
            *(
                {**line, "accept": True, "doubts": [], "regions": [region]}
                for line, region in zip(new, drawn, strict=True)
            ),
        )

        expected = {line["picture"]: region["box"] for line, region in zip(new, drawn, strict=True)}
        receipts = lines(tmp_path / "out", "receipts.jsonl")[-len(new) :]
        assert (status, len(expected)) == (0, 2)
        assert {one["picture"]: one["regions"][0]["box"] for one in receipts} == expected

    def test_a_bad_line_does_not_use_up_its_picture(self, lethe, folder, tmp_path, reviewed):
        good = {**reviewed["doubtful.png"], "accept": True}

        status, summary, _ = self.release(lethe, folder, tmp_path, {**good, "plan": "0" * 64}, good)

        assert (status, summary["released"]) == (1, 1)

    def test_a_review_line_that_was_changed_is_refused(self, lethe, folder, tmp_path, reviewed):
        path = tmp_path / "out" / "review.jsonl"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"decided": []', '"decided": [{"box": [0, 0, 80, 60], '
                                     '"category": "face"}]'), encoding="utf-8")  # fmt: skip

        status, _, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True}
        )

        assert status == 2
        assert "is not as Lethe wrote it" in err

    def test_a_folder_that_another_installation_wrote_is_refused(
        self, lethe, folder, tmp_path, reviewed, monkeypatch
    ):
        monkeypatch.setenv("LETHE_HOME", str(tmp_path / "elsewhere"))

        status, _, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True}
        )

        assert status == 2
        assert "not written by this installation" in err

    def test_a_missing_list_of_names_is_no_reason_to_begin_again(self, lethe, folder, tmp_path):
        lethe("redact", folder, tmp_path / "out")
        (tmp_path / "out" / "names.csv").unlink()

        status, _, said = lethe("redact", folder, tmp_path / "out")

        assert status == 2
        assert "names.csv is missing" in said

    def test_an_output_folder_that_is_a_file_is_exit_2(self, lethe, folder, tmp_path):
        (tmp_path / "file").write_text("taken", encoding="utf-8")

        status, _, said = lethe("redact", folder, tmp_path / "file")

        assert status == 2
        assert "Traceback" not in said

    def test_files_of_others_are_not_written_over(self, lethe, folder, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "names.csv").write_text("mine", encoding="utf-8")

        status, _, said = lethe("redact", folder, tmp_path / "out")

        assert status == 2
        assert "names.csv" in said
        assert (tmp_path / "out" / "names.csv").read_text(encoding="utf-8") == "mine"

    @pytest.mark.parametrize("name", ["line\u2028here.png", "next\x85one.png", "sep\x1c.png"])
    def test_a_name_with_a_strange_line_break_is_one_line(self, lethe, folder, tmp_path, rng, name):
        paint(folder / name, 255, rng)
        lethe("redact", folder, tmp_path / "out")
        line = next(one for one in lines(tmp_path / "out", "review.jsonl") if one["source"] == name)

        status, summary, _ = self.release(lethe, folder, tmp_path, {**line, "accept": True})

        assert (status, summary["released"]) == (0, 1)

    def test_a_picture_that_two_people_decide_is_not_released_by_one(self, lethe, folder, tmp_path):
        (tmp_path / "two.toml").write_text(QUICK + "second_review_share = 1.0\n")
        lethe("redact", folder, tmp_path / "out", policy="two.toml")
        waiting = {one["source"]: one for one in lines(tmp_path / "out", "review.jsonl")}
        before = len(lines(tmp_path / "out", "receipts.jsonl"))
        line = {**waiting["doubtful.png"], "accept": True, "doubts": [], "reviewer": "ada"}

        _, summary, err = self.release(lethe, folder, tmp_path, line)

        assert "two people decide this picture" in err
        assert summary["released"] == 0
        assert len(lines(tmp_path / "out", "receipts.jsonl")) == before

    @pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "no text"])
    def test_a_verdict_file_that_cannot_be_read_is_exit_2(
        self, lethe, folder, tmp_path, reviewed, content
    ):
        path = tmp_path / "verdicts.jsonl"
        if content is not None:
            path.write_bytes(content)

        status, _, err = lethe("release", folder, tmp_path / "out", "--verdicts", path)

        assert status == 2
        assert "could not be read as text" in err

    def test_a_folder_without_a_run_is_exit_2(self, lethe, folder, tmp_path):
        path = self.verdicts(tmp_path)

        status, _, err = lethe("release", folder, tmp_path, "--verdicts", path)

        assert status == 2
        assert "not the output folder" in err

    def test_what_the_app_decides_is_not_released_from_the_shell(
        self, lethe, folder, tmp_path, reviewed
    ):
        """Else it goes out twice, with two certificates."""
        taken_in(tmp_path / "out")

        status, _, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True}
        )

        assert status == 2
        assert "taken into the app" in err
        assert "another output folder" in err
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    def test_nor_from_a_copy_of_the_folder_that_was_made_before(
        self, lethe, folder, tmp_path, reviewed
    ):
        shutil.copytree(tmp_path / "out", tmp_path / "taken")
        taken_in(tmp_path / "taken")

        status, _, err = self.release(
            lethe, folder, tmp_path, {**reviewed["doubtful.png"], "accept": True}
        )

        assert status == 2
        assert "or in another copy of it" in err
        assert ("doubtful.png", "review") in fates(tmp_path / "out")

    def test_a_run_goes_on_in_a_folder_that_the_app_has(self, lethe, folder, tmp_path, reviewed):
        taken_in(tmp_path / "out")
        paint(folder / "later.png", 0, np.random.default_rng(7))

        status, summary, _ = lethe("redact", folder, tmp_path / "out")

        assert (status, summary["pictures"]) == (0, 5)


class Content:
    """A file of the input: its bytes, or why it cannot be read."""

    def __init__(self, data):
        self.data = data

    def read(self):
        if isinstance(self.data, Exception):
            raise self.data
        return self.data


class ByContent:
    def picture_id(self, data):
        return data.decode()


UNREAD = pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), UnreadableImage("It is no longer there.")]
)


@UNREAD
def test_of_files_with_one_name_those_that_cannot_be_read_hide_no_other(error):
    wanted = Content(b"wanted")

    assert _original([Content(error), wanted], "wanted", ByContent()) == (wanted, b"wanted")


@UNREAD
def test_an_original_that_cannot_be_read_is_not_said_to_have_changed(error):
    with pytest.raises(InvalidDecision, match="could not be read"):
        _original([Content(b"another"), Content(error)], "wanted", ByContent())
