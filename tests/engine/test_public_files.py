"""A run over real pictures with the real detectors, and what its public files must not tell."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime

import pytest
from PIL import Image

from engine.__main__ import main
from engine.cli import release, running
from engine.detect.registry import default_ensemble
from engine.signing.envelope import read_document
from tests.engine.in_process import InProcess
from tests.engine.run_folders import lines
from tests.scenes import shipped_picture

REVIEWER = "Grace Hopper"
POLICY = """
[detection]
scales = [640]
turns = [0]
[categories.face]
auto_redact_at = 0.3
review_at = 0.3
[review]
audit_share = 0
"""


class Watched(InProcess):
    """Remembers what went in and came out."""

    def __init__(self):
        super().__init__(default_ensemble())
        self.jobs, self.outcomes = [], []

    def run(self, jobs):
        for outcome in super().run(self._seen(jobs)):
            self.outcomes.append(outcome)
            yield outcome

    def _seen(self, jobs):
        for job in jobs:
            self.jobs.append(job)
            yield job


TIME_OF_DAY = re.compile(rb"[0-9]{2}:[0-9]|-[0-9]{2}T[0-9]{2}|[0-9]{8}T[0-9]{6}")
"""As ISO 8601 and clocks write it. The random letters of a signature do not come to look like it:
they have neither colon nor dash, and the last is too long for chance."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run in which one picture was released at once and one after a person decided."""
    folder = tmp_path_factory.mktemp("ran")
    astronaut = Image.open(shipped_picture("skimage.data", "astronaut.png"))
    (folder / "in").mkdir()
    astronaut.save(folder / "in" / "Eileen Collins.jpg", quality=90)
    astronaut.crop((0, 0, 60, 60)).save(folder / "in" / "corner of a flag.png")
    (folder / "policy.toml").write_text(POLICY)
    watched = Watched()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "started_pool", lambda workers: watched)
        words = ["--policy", folder / "policy.toml", "--only", "face", "--json"]
        assert main([str(one) for one in ("redact", folder / "in", folder / "out", *words)]) == 0
        (line,) = lines(folder / "out", "review.jsonl")
        line |= {"accept": True, "reviewer": REVIEWER}
        line["regions"] = [{"category": "other", "box": [8, 8, 20, 20]}]
        (folder / "decided.jsonl").write_text(json.dumps(line) + "\n")
        decided = ["--verdicts", folder / "decided.jsonl", "--json"]
        assert main([str(one) for one in ("release", folder / "in", folder / "out", *decided)]) == 0
    return folder, watched


@pytest.fixture(scope="module")
def public(ran):
    """All bytes that go out, file names too, but for the pictures' own pixels."""
    folder, _ = ran
    files = sorted((folder / "out" / "released").iterdir())
    assert len([path for path in files if path.suffix in (".png", ".jpg")]) == 2
    documents = [path.read_bytes() for path in files if path.suffix == ".json"]
    assert len(documents) == 3
    return b"\n".join([*documents, *(path.name.encode() for path in files)])


def spellings(digest):
    """A digest in every form in which somebody may look for it; its first half is enough."""
    for content in (digest, digest[: len(digest) // 2]):
        yield content.hex().encode()
        yield content.hex().upper().encode()
        yield base64.b64encode(content).rstrip(b"=")[:-1]
        yield base64.urlsafe_b64encode(content).rstrip(b"=")[:-1]
        yield content


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256", "sha512", "blake2b"])
def test_no_hash_of_an_original_is_in_them(ran, public, kind):
    folder, _ = ran
    for original in (folder / "in").iterdir():
        digest = hashlib.new(kind, original.read_bytes()).digest()

        assert not [one for one in spellings(digest) if one in public]


def test_no_name_of_an_original_is_in_them(ran, public):
    folder, _ = ran
    for original in (folder / "in").iterdir():
        for word in (original.name, original.stem, *original.stem.split()):
            if len(word) > 2:
                assert word.encode() not in public


def test_no_inner_id_is_in_them(ran, public):
    folder, watched = ran
    run = json.loads((folder / "out" / ".lethe" / "run.json").read_text())["run"]

    for secret in (run, *(job.image_id for job in watched.jobs)):
        assert secret[:16].encode() not in public


def test_no_seed_and_no_draw_is_in_them(ran, public):
    _, watched = ran
    for job in watched.jobs:
        for form in (str(job.seed), f"{job.seed:x}", f"{job.seed:X}", f"{job.draw:.4f}"):
            assert form.encode() not in public


def test_no_score_and_no_detectors_box_is_in_them(ran, public):
    _, watched = ran
    receipts = [one.receipt for one in watched.outcomes if hasattr(one, "receipt")]
    regions = [region for receipt in receipts for region in receipt.regions]
    scores = [region.score for region in regions if region.score is not None]
    assert scores

    for score in scores:
        for form in (f"{score:.3f}", f"{score:.2%}"):
            assert form.encode() not in public
    for region in regions:
        for corner in region.box.corners:
            assert f"{corner:.1f}".encode() not in public


def test_no_reviewers_name_is_in_them(public):
    assert b'"reviewer":null' in public  # one picture was released without a person
    for word in (REVIEWER, *REVIEWER.split(), release.COMMAND_LINE):
        assert word.encode() not in public
        assert hashlib.sha256(word.encode()).hexdigest()[:16].encode() not in public


def test_no_time_of_day_is_in_them(public):
    for word in (b"seconds", b"time", b"+00:00"):
        assert word not in public
    assert not TIME_OF_DAY.search(public)


@pytest.mark.parametrize("told", [b"2026-11-23T08", b"20261123T083105Z", b'"at":"08:31"', b"T09:1"])
def test_a_time_of_day_would_be_noticed(public, told):
    assert TIME_OF_DAY.search(public + told)


def test_no_time_of_day_and_no_order_is_in_the_files_times(ran):
    folder, _ = ran
    released = folder / "out" / "released"
    signed = {
        path: read_document(path.stem.rpartition(".")[2], path.read_bytes()).body["day"]
        for path in released.glob("*.json")
    }
    days = {datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in signed.values()}
    assert len(signed) == 3

    for path in (released, *released.iterdir()):
        assert path.stat().st_mtime in days
        assert path.stat().st_mtime % 86400 == 0


def test_no_private_key_is_in_any_public_file(ran):
    folder, _ = ran
    for path in (folder / "out" / "released").iterdir():
        assert b"PRIVATE" not in path.read_bytes()


def test_the_whole_run_verifies(ran, capsys):
    folder, _ = ran

    assert main(["verify", str(folder / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 2
