import errno
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys

import pytest

from engine.detect.names import names
from engine.errors import InvalidPolicy, UnusableFolder
from engine.files import atomic
from engine.files.lock import lock
from engine.plan import Reason, ReasonKind, ReviewDecision
from engine.policy import Policy, default_policy, read_policy
from engine.runs.handover import refuse_taken_in
from engine.runs.journal import plan_of
from engine.runs.name_map import write_names
from engine.signing.signer import signer
from store.__main__ import main
from store.batches import batches, pictures
from store.database import Database
from store.errors import BatchClosed
from store.exchange import inbox
from store.exchange.import_run import ingest
from store.retention.report import calendar
from store.retention.shredding import shred
from store.review import decisions, queue, reviews
from tests.store.fakes import ACTOR, NOW, SAMPLE, plan
from tests.store.sealed import opened

KEY = b"k" * 32
OURS = names(Policy())


def picture_id(content):
    return hmac.new(KEY, content, hashlib.sha256).hexdigest()[:32]


def review_line(source, content, **changes):
    line = {**plan(picture_id(content)).to_json(), "weights": list(OURS)}
    for region in (*line["regions"], *line["doubts"]):
        region["masked"] = [1, 2, 3, 4]
    return {"source": source, "picture": line.pop("image_id"), **line, **changes}


class Run:
    """A command-line run's input and output folders, as `engine redact` leaves them."""

    def __init__(self, folder):
        self.out, self.originals = folder / "out", folder / "in"
        (self.out / ".lethe").mkdir(parents=True)
        self.originals.mkdir()
        (self.out / ".lethe" / "key").write_bytes(KEY)
        (self.out / ".lethe" / "policy.toml").write_text(Policy().to_toml())
        self.set_run(run="ab" * 16, format="png")
        self.lines = []

    def set_run(self, **values):
        (self.out / ".lethe" / "run.json").write_text(json.dumps(values))

    def ask(self, source, content=b"pixels", **changes):
        path = self.originals / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.write(json.dumps(review_line(source, content, **changes)) + "\n")

    def write(self, text):
        with (self.out / "review.jsonl").open("a") as file:
            file.write(text)


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def refuse(database, out):
    refuse_taken_in(out, "ab" * 16, database.files.home, database.signer.keys)


def sealed(database, line):
    """As a run of this installation seals a line."""
    return database.signer.seal(plan_of(line))


def take_in(database, run):
    return ingest(ACTOR, database, run.out, run.originals, NOW)


def test_a_runs_questions_become_cases_with_their_originals(database, run):
    run.ask("a.jpg", b"first")
    run.ask("deep/图.jpg", b"second")

    result = take_in(database, run)

    case = reviews.claim(ACTOR, database, "ada", NOW)
    assert (result.added, result.known, result.problems) == (2, 0, ())
    assert batches.batch(ACTOR, database, result.batch_id).format == "png"
    assert case.source == "a.jpg"
    assert opened(database.files.home, case.original) == b"first"
    assert case.plan.review_regions == plan().review_regions
    assert case.plan.image_id == case.picture_id
    assert [one.rect for one in case.plan.proposed] == [(1, 2, 3, 4), (1, 2, 3, 4)]


def test_what_was_taken_in_can_be_settled(database, run):
    run.ask("a.jpg", revision=3)
    take_in(database, run)
    case = reviews.claim(ACTOR, database, "ada", NOW)

    decisions.settle(ACTOR, database, case.picture_id, ReviewDecision.on(case.plan, (), "ada"), NOW)

    assert pictures.picture(ACTOR, database, case.picture_id).state == "settled"


def test_taking_in_twice_adds_nothing_and_a_new_line_only_itself(database, run):
    run.ask("a.jpg")
    first = take_in(database, run)
    again = take_in(database, run)
    run.ask("b.jpg")
    third = take_in(database, run)

    assert (again.added, again.known, again.batch_id) == (0, 1, first.batch_id)
    assert (third.added, third.known, third.batch_id) == (1, 1, first.batch_id)


def test_what_was_destroyed_does_not_come_back_with_the_next_taking_in(database, run):
    """The inbox is taken in at every start."""
    run.ask("a.jpg", b"first")
    run.ask("b.jpg", b"second")
    batch_id = take_in(database, run).batch_id
    for one in pictures.of_batch(ACTOR, database, batch_id):
        shred(ACTOR, database, one.id, NOW)

    again = take_in(database, run)

    assert (again.added, again.known, again.problems) == (0, 2, ())
    assert not any(database.files.originals.iterdir())


def test_a_run_s_policy_says_until_when_its_pictures_are_held(database, run):
    kept = Policy(retention={"originals_days": 3}).to_toml()
    (run.out / ".lethe" / "policy.toml").write_text(kept)
    policy = read_policy(kept)
    line = review_line("a.jpg", b"first", policy=policy.fingerprint)
    (run.originals / "a.jpg").write_bytes(b"first")
    run.write(json.dumps(line) + "\n")

    assert take_in(database, run).added == 1

    assert calendar(ACTOR, database, NOW, days=3)[0].pictures == 1


def test_a_folder_is_marked_before_its_first_picture_is_taken_in(database, run, monkeypatch):
    run.ask("a.jpg")
    write = atomic.write

    def asking_first(path, data):
        if data:  # marks are empty
            refuse(database, run.out)
        write(path, data)

    monkeypatch.setattr(atomic, "write", asking_first)

    with pytest.raises(UnusableFolder, match="taken into the app"):
        take_in(database, run)


def test_a_folder_of_which_nothing_is_taken_in_stays_the_shells(database, run):
    run.ask("a.jpg", size=[0, 0])

    take_in(database, run)

    refuse(database, run.out)


def test_a_folder_that_was_taken_in_before_there_were_marks_is_marked(database, run):
    run.ask("a.jpg")
    take_in(database, run)
    (run.out / ".lethe" / "taken-in").unlink()
    shutil.rmtree(database.files.home / "taken-in")

    take_in(database, run)

    with pytest.raises(UnusableFolder, match="taken into the app"):
        refuse(database, run.out)


def test_a_copy_that_was_made_before_is_known(database, run, tmp_path):
    run.ask("a.jpg")
    copy = shutil.copytree(run.out, tmp_path / "copy")
    first = take_in(database, run)

    with pytest.raises(UnusableFolder, match="or in another copy of it"):
        refuse(database, copy)
    again = ingest(ACTOR, database, copy, run.originals, NOW)

    assert (again.added, again.known, again.batch_id) == (0, 1, first.batch_id)


def test_a_folder_that_cannot_be_marked_is_not_taken_in(database, run, monkeypatch):
    run.ask("a.jpg")

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(atomic, "write", refuse)

    with pytest.raises(UnusableFolder, match="Read-only file system"):
        take_in(database, run)
    assert reviews.claim(ACTOR, database, "ada", NOW) is None


def test_a_folder_that_a_run_writes_to_is_not_taken_in(database, run):
    run.ask("a.jpg")
    held = lock(run.out / ".lethe" / "lock")

    with pytest.raises(UnusableFolder, match="wait for it"):
        take_in(database, run)
    os.close(held)


def test_names_that_are_no_unicode_stay_apart(database, run):
    for name in ("a\udcfe.jpg", "a\udcff.jpg"):
        run.ask(name, b"the same")

    assert take_in(database, run).added == 2


def test_a_name_that_stands_for_other_bytes_finds_its_file_by_content(database, run):
    for name, content in ((b"z\xff.png", b"one"), (rb"z\xff.png", b"other")):
        (run.originals / os.fsdecode(name)).write_bytes(content)
        run.write(json.dumps(review_line(r"z\xff.png", content)) + "\n")

    assert take_in(database, run).added == 2


def test_two_runs_with_the_same_names_stay_apart(database, tmp_path):
    one, two = (Run(tmp_path / name) for name in ("one", "two"))
    two.set_run(run="cd" * 16, format="same")
    one.ask("a.jpg")
    two.ask("a.jpg")

    assert take_in(database, one).batch_id != take_in(database, two).batch_id


def test_bad_lines_are_named_with_their_number_and_the_rest_goes_on(database, run):
    run.ask("good.jpg")
    run.write("no json\n")
    run.write('["a list"]\n')
    run.write('{"source": "x.jpg"}\n')
    run.ask("gone.jpg")
    (run.originals / "gone.jpg").unlink()
    run.ask("changed.jpg")
    (run.originals / "changed.jpg").write_bytes(b"other pixels")
    run.ask("other-policy.jpg", policy="0" * 12)
    run.ask("also-good.jpg")
    run.write('{"source": "torn')

    result = take_in(database, run)

    assert result.added == 2
    causes = {
        2: "It is not JSON.",
        3: "It is not a JSON object.",
        4: "It does not describe a plan.",
        5: "The original 'gone.jpg' cannot be read in that folder.",
        6: "The original 'changed.jpg' has changed since the run.",
        7: "It was planned under another policy than the run's.",
        9: "It was cut off before its end.",
    }
    assert sorted(result.problems) == [
        f"review.jsonl, line {number} was left out. {cause}" for number, cause in causes.items()
    ]


def test_a_line_that_no_parser_takes_is_one_bad_line(database, run):
    run.ask("good.jpg")
    run.write("[" * 200_000 + "\n")
    run.ask("also-good.jpg")
    (run.out / "receipts.jsonl").write_text('{"release": {}, "picture": []}\n' + "[" * 200_000)

    result = take_in(database, run)

    assert result.added == 2
    assert result.problems[1] == "review.jsonl, line 2 was left out. It is not JSON."


@pytest.mark.parametrize(
    "name",
    [".lethe/run.json", ".lethe/policy.toml", ".lethe/key", "review.jsonl", "receipts.jsonl",
     "names.csv"],
)  # fmt: skip
@pytest.mark.parametrize("is_linked", [False, True])
def test_nothing_is_waited_for(database, run, tmp_path, name, is_linked):
    run.ask("a.jpg")
    (run.out / name).unlink(missing_ok=True)
    os.mkfifo(run.out / name)
    if is_linked:
        run.out.rename(tmp_path / "elsewhere")
        run.out.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UnusableFolder, match="no plain file"):
        take_in(database, run)


def test_a_pipe_among_the_originals_is_one_bad_line(database, run, tmp_path):
    run.ask("pipe.jpg")
    run.ask("good.jpg")
    (run.originals / "pipe.jpg").unlink()
    os.mkfifo(run.originals / "pipe.jpg")
    run.originals.rename(tmp_path / "elsewhere")
    run.originals.symlink_to(tmp_path / "elsewhere")

    result = take_in(database, run)

    assert (result.added, len(result.problems)) == (1, 1)


@pytest.mark.parametrize("run_id", ["\ud800", "x" * 10_000, "", "../a"])
def test_a_run_with_an_id_that_is_none_is_refused(database, run, run_id):
    run.set_run(run=run_id, format="png")

    with pytest.raises(UnusableFolder, match="not the output folder"):
        take_in(database, run)


def test_a_name_that_leads_out_of_the_folder_finds_nothing(database, run, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    run.write(json.dumps(review_line("../secret", b"secret")) + "\n")
    run.write(json.dumps(review_line(str(tmp_path / "secret"), b"secret")) + "\n")

    result = take_in(database, run)

    assert result.added == 0
    assert len(result.problems) == 2


def test_what_the_run_released_since_is_not_asked_again(database, run):
    run.ask("a.jpg", b"first")
    run.ask("b.jpg", b"second")
    (run.out / "receipts.jsonl").write_text(
        json.dumps({"release": "r1", "picture": picture_id(b"first")}) + "\n"
    )
    write_names(run.out / "names.csv", [("a.jpg", "r1")])

    take_in(database, run)

    assert reviews.claim(ACTOR, database, "ada", NOW).source == "b.jpg"
    assert reviews.peek(ACTOR, database, "bo", NOW) is None


def is_sample(database):
    """Whether the picture that waits was drawn for a sample check."""
    waiting = reviews.claim(ACTOR, database, "ada", NOW)
    return pictures.picture(ACTOR, database, waiting.picture_id).audit_sample


def test_a_sample_check_of_a_run_counts_as_audit_sample(database, run):
    line = review_line("a.jpg", b"pixels", doubts=[], reasons=[str(SAMPLE)])
    run.ask("a.jpg", doubts=[], reasons=[str(SAMPLE)], seal=sealed(database, line))

    take_in(database, run)

    assert is_sample(database)


def test_a_run_whose_batch_was_cancelled_is_refused(database, run):
    run.ask("a.jpg")
    batches.cancel(ACTOR, database, take_in(database, run).batch_id, NOW)
    run.ask("b.jpg")

    with pytest.raises(BatchClosed):
        take_in(database, run)


def test_a_run_without_questions_makes_no_batch(database, run):
    assert take_in(database, run).batch_id is None
    assert batches.newest(ACTOR, database) == ()


@pytest.mark.parametrize("missing", ["run.json", "policy.toml", "key"])
def test_a_folder_that_is_no_run_is_refused(database, run, missing):
    (run.out / ".lethe" / missing).unlink()

    with pytest.raises(UnusableFolder, match="not the output folder"):
        take_in(database, run)


def test_the_inbox_takes_in_every_run_and_names_what_is_none(database, home):
    run = Run(home / "inbox" / "first")
    run.ask("a.jpg")
    run.originals.rename(run.out / "originals")
    run.out.rename(home / "inbox" / "monday")

    (left_out,) = inbox.take_in(ACTOR, database, NOW)

    assert left_out.folder == "first"
    assert "not the output folder" in left_out.reason
    assert inbox.take_in(ACTOR, database, NOW) == (left_out,)
    assert len(queue.entries(ACTOR, database, NOW)) == 1


def test_the_command_takes_a_run_in_and_says_what_it_did(run, home, capsys):
    run.ask("a.jpg")
    arguments = ["ingest", str(run.out), "--originals", str(run.originals), "--home", str(home)]

    codes = [main(arguments), main(arguments)]
    run.write("broken\n")
    codes.append(main(arguments))

    said = capsys.readouterr()
    assert codes == [0, 0, 1]
    assert said.out.splitlines()[:2] == [
        "1 added to the review queue, 0 were there already, 0 left out.",
        "0 added to the review queue, 1 were there already, 0 left out.",
    ]
    assert "line 2" in said.err


def test_the_command_prints_counts(run, home, capsys):
    run.ask("a.jpg")
    main(["ingest", str(run.out), "--originals", str(run.originals), "--home", str(home)])

    assert main(["status", "--home", str(home)]) == 0

    lines = dict(line.split() for line in capsys.readouterr().out.splitlines()[1:])
    assert (lines["review"], lines["total"]) == ("1", "1")


@pytest.mark.slow
def test_the_command_asks_to_stop_the_app(database, run, home):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "store",
            "ingest",
            run.out,
            "--originals",
            run.originals,
            "--home",
            home,
        ],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2
    assert "Stop it first" in done.stderr


def test_wrong_usage_is_exit_code_2(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["ingest"])

    assert stopped.value.code == 2


def test_a_policy_survives_the_way_through_its_file():
    policy = default_policy()

    assert read_policy(policy.to_toml()).fingerprint == policy.fingerprint


def test_the_home_folder_comes_from_the_environment(home, monkeypatch, capsys):
    monkeypatch.setenv("LETHE_HOME", str(home))

    Database.open(home, NOW).close()

    assert main(["status"]) == 0


class TestWhatARunFolderSays:
    """Only where boxes lie is believed of a line that this installation did not write."""

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"weights": ["perfect-detector@00000000"]}, "Other models"),
            ({"weights": []}, "Other models"),
            ({"not_looked_for": ["tattoo"]}, "nobody looked for"),
            ({"size": [0, 0]}, "does not describe a plan"),
            ({"size": [100.0, 100]}, "does not describe a plan"),
            ({"size": ["100", "100"]}, "does not describe a plan"),
            ({"size": [10**9, 10]}, "does not describe a plan"),
            (
                {"doubts": [{"box": [0, 0, 9, 9], "category": "face", "score": float("nan")}]},
                "does not describe a plan",
            ),
            (
                {"regions": [{"box": [0, 0, 1e308, 9], "category": "face"}]},
                "does not describe a plan",
            ),
            (
                {"regions": [{"box": [0, 0, 9, 9], "category": "face"}] * 5_000},
                "does not describe a plan",
            ),
            ({"reasons": ["unsure: " + "x" * 10_000]}, "does not describe a plan"),
            ({"reasons": ["unsure: x"] * 5_000}, "does not describe a plan"),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_what_it_would_not_write_itself_is_refused(self, database, run, change, says):
        run.ask("a.jpg", **change)

        result = take_in(database, run)

        assert (result.added, len(result.problems)) == (0, 1)
        assert says in result.problems[0]

    def test_what_a_person_is_said_to_have_decided_is_dropped(self, database, run):
        run.ask("a.jpg", decided=[{"box": [0, 0, 100, 100], "category": "face"}])

        take_in(database, run)

        assert reviews.claim(ACTOR, database, "ada", NOW).plan.decided == ()

    def test_a_policy_that_silences_the_witness_is_refused(self, database, run):
        silent = Policy(release_check={"face": 1.0})
        (run.out / ".lethe" / "policy.toml").write_text(silent.to_toml())
        run.ask("a.jpg", policy=silent.fingerprint, weights=list(names(silent)))

        result = take_in(database, run)

        assert result.added == 0
        assert "release check" in result.problems[0]

    def test_a_sample_whose_rectangles_were_changed_since_is_none(self, database, run):
        changes = {"doubts": [], "reasons": [str(SAMPLE)]}
        line = review_line("a.jpg", b"pixels", **changes)
        seal = sealed(database, line)
        line["regions"][0]["masked"] = [0, 0, 100, 100]
        run.ask("a.jpg", **changes, regions=line["regions"], seal=seal)

        take_in(database, run)

        assert not is_sample(database)

    def test_a_sample_that_another_installation_drew_is_none_here(self, database, run):
        run.ask("a.jpg", doubts=[], reasons=[str(SAMPLE)])

        take_in(database, run)

        assert not is_sample(database)

    def test_a_run_with_fewer_second_reviews_than_in_force_is_refused(self, database, run):
        in_force = Policy(review={"second_review_share": 0.2})
        database.files.policy.write_text(in_force.to_toml())
        run.ask("a.jpg")

        result = take_in(database, run)

        assert result.added == 0
        assert "fewer second reviews" in result.problems[0]

    def test_under_four_eyes_no_run_is_taken_in(self, database, run):
        database.files.policy.write_text("[review]\nfour_eyes = true\n")
        run.ask("a.jpg")

        with pytest.raises(InvalidPolicy, match="add the pictures on Upload instead"):
            take_in(database, run)

        assert batches.newest(ACTOR, database) == ()

    def test_a_run_brings_the_second_reviews_of_its_policy(self, database, run):
        twice = Policy(review={"second_review_share": 1.0})
        (run.out / ".lethe" / "policy.toml").write_text(twice.to_toml())
        asked = [str(Reason(ReasonKind.SECOND_REVIEW))]  # by nobody here
        run.ask("a.jpg", policy=twice.fingerprint, weights=list(names(twice)), reasons=asked)
        assert take_in(database, run).problems == ()

        case = reviews.claim(ACTOR, database, "ada", NOW)
        assert ReasonKind.SECOND_REVIEW not in {reason.kind for reason in case.plan.reasons}
        decision = ReviewDecision.on(case.plan, (), "ada")
        decisions.settle(ACTOR, database, case.picture_id, decision, NOW)

        case = reviews.claim(ACTOR, database, "bo", NOW)
        assert ReasonKind.SECOND_REVIEW in {reason.kind for reason in case.plan.reasons}

    def test_an_objection_to_a_release_of_another_installation_is_none_here(self, database, run):
        run.ask("a.jpg", reasons=[str(Reason(ReasonKind.OBJECTION, "something was missed"))])
        assert take_in(database, run).problems == ()

        case = reviews.claim(ACTOR, database, "ada", NOW)

        assert case.plan.reasons == (
            Reason(ReasonKind.UNSURE, "objected to in another installation"),
        )

    def test_where_a_licence_is_required_a_foreign_run_tells_none(self, database, run):
        required = Policy().requiring_licence(required=True)
        database.files.policy.write_text(required.to_toml())
        run.ask("foreign.jpg")
        line = review_line("ours.jpg", b"pixels")
        run.ask("ours.jpg", seal=sealed(database, line))

        result = take_in(database, run)

        assert result.added == 1
        assert "no licence, no release" in result.problems[0]

    def test_a_line_made_here_is_taken_whole(self, database, run):
        line = review_line("a.jpg", b"pixels", weights=["mine@00000000"])
        line["decided"] = [{"box": [0, 0, 9, 9], "category": "face"}]
        seal = sealed(database, line)
        run.ask("a.jpg", **{key: line[key] for key in ("weights", "decided")}, seal=seal)

        take_in(database, run)

        assert len(reviews.claim(ACTOR, database, "ada", NOW).plan.decided) == 1

    def test_another_installations_seal_is_none(self, database, run, tmp_path):
        line = review_line("a.jpg", b"pixels", weights=["mine@00000000"])
        seal = signer(tmp_path / "other").seal(plan_of(line))
        run.ask("a.jpg", weights=line["weights"], seal=seal)

        assert take_in(database, run).added == 0

    def test_a_policy_changed_since_pictures_were_taken_in_is_refused(self, database, run):
        run.ask("a.jpg")
        take_in(database, run)
        (run.out / ".lethe" / "policy.toml").write_text(Policy().with_audit_share(0.5).to_toml())

        with pytest.raises(UnusableFolder, match="another policy"):
            take_in(database, run)

    def test_another_picture_under_a_name_that_is_known_is_taken_in(self, database, run):
        run.ask("a.jpg", b"first")
        take_in(database, run)
        run.ask("a.jpg", b"second")

        assert take_in(database, run).added == 1
