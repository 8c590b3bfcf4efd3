import errno
import hashlib
import logging
import secrets
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from engine.errors import UnreadableImage
from engine.plan import ReviewDecision
from engine.receipt import SignOff
from engine.runs.jobs import NeedsReview, Postponed, Quarantined
from engine.triage import contested
from store.batches import batches, originals, pictures, progress
from store.database import Database
from store.exchange.export_labels import export_labels
from store.releases import certificates, receipts
from store.review import audit_sample, reviews
from store.review import decisions as verdicts
from store.worker import retry, tasks
from store.worker.dispatcher import Dispatcher
from tests.scenes import region
from tests.store.fakes import (
    ACTOR,
    ANY,
    DRAWN,
    MINUTE,
    NOW,
    FakeExecutor,
    a_batch,
    an_evaluation,
    by_content,
    plan,
    receipt,
    released,
    review,
    verdict_on,
)
from tests.store.runs import kill_often, until

pytestmark = pytest.mark.slow


def counts(database, batch_id):
    return progress.progress(ACTOR, database, batch_id, NOW).counts


def is_done(database, batch_id):
    return lambda: counts(database, batch_id).remaining == 0


def settle_claimed(database):
    case = reviews.claim(ACTOR, database, "ada", NOW)
    verdicts.settle(ACTOR, database, case.picture_id, ReviewDecision.on(case.plan, (), "ada"), NOW)


def test_every_picture_of_a_batch_reaches_the_outcome_it_was_given(database, dispatch):
    batch_id = a_batch(database, [b"r"] * 5 + [b"v"] * 3 + [b"q"] * 2)

    dispatch(FakeExecutor())

    until(is_done(database, batch_id))
    assert counts(database, batch_id) == progress.Counts(released=5, review=3, quarantined=2)
    assert counts(database, batch_id).total == 10


def test_a_release_lies_in_a_private_file_with_the_receipt_that_names_it(database, dispatch):
    batch_id = a_batch(database, [b"r"])

    dispatch(FakeExecutor())
    until(is_done(database, batch_id))

    (kept,) = receipts.newest(ACTOR, database, batch_id)
    assert kept.path.read_bytes() == b"release of " + kept.picture_id.encode()
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert kept.bytes == kept.path.stat().st_size
    assert kept.receipt["release"] == kept.release_id == kept.path.stem
    assert pictures.picture(ACTOR, database, kept.picture_id).release_id == kept.release_id


def test_the_picture_in_work_for_longest_is_told(database):
    batch = a_batch(database, [b"one", b"two"])
    assert progress.oldest_in_work(ACTOR, database) is None

    tasks.take(ACTOR, database, NOW + MINUTE)
    tasks.take(ACTOR, database, NOW + 2 * MINUTE)

    assert counts(database, batch).working == 2
    assert progress.oldest_in_work(ACTOR, database) == NOW + MINUTE


def test_a_batch_that_was_not_started_waits(database, dispatch):
    batch = batches.create(ACTOR, database, batches.Request("not started", ""), NOW)

    dispatch(FakeExecutor())
    started = a_batch(database, [b"r"])
    until(is_done(database, started))

    assert counts(database, batch.id).total == 0


def test_the_settled_come_first_and_then_the_oldest_batch(database):
    old, new = a_batch(database, [b"v", b"r"]), a_batch(database, [b"v", b"r"])
    for _ in range(3):
        task = tasks.take(ACTOR, database, NOW)
        assert task is not None
    in_review = pictures.of_batch(ACTOR, database, new)[0]
    job = FakeJob(in_review.id)
    tasks.record(ACTOR, database, review(job), NOW)
    tasks.give_back(
        ACTOR,
        database,
        [one.id for one in pictures.of_batch(ACTOR, database, old)],
        NOW,
        attempt_counts=False,
    )
    verdicts.settle(
        ACTOR, database, in_review.id, verdict_on(database, in_review.id, (), "ada", 0), NOW
    )

    order = [tasks.take(ACTOR, database, NOW).picture_id for _ in range(4)]

    assert order[0] == in_review.id
    assert order[1:3] == [one.id for one in pictures.of_batch(ACTOR, database, old)]


class FakeJob:
    def __init__(self, picture_id):
        self.id = picture_id


def test_what_a_person_settled_goes_out_with_their_name(database, dispatch):
    batch_id = a_batch(database, [b"v"])
    seen = []

    def decide(job):
        seen.append(job)
        return by_content(job)

    dispatch(FakeExecutor(decide))
    until(lambda: counts(database, batch_id).review == 1)
    case = reviews.claim(ACTOR, database, "ada", NOW)
    verdicts.settle(
        ACTOR,
        database,
        case.picture_id,
        verdict_on(database, case.picture_id, (DRAWN,), "ada", 0),
        NOW,
    )
    until(is_done(database, batch_id))

    (kept,) = receipts.newest(ACTOR, database)
    assert kept.receipt["reviewer"] == "ada"
    assert seen[1].settled.regions == (DRAWN,)
    assert seen[1].settled.is_ready
    assert counts(database, batch_id).released == 1


def test_a_failed_check_after_review_quarantines(database, dispatch):
    batch_id = a_batch(database, [b"v"])

    def decide(job):
        return review(job) if job.settled is None else Quarantined(job.id, "A check failed.")

    dispatch(FakeExecutor(decide))
    until(lambda: counts(database, batch_id).review == 1)
    settle_claimed(database)
    until(is_done(database, batch_id))

    (picture,) = pictures.of_batch(ACTOR, database, batch_id)
    assert (picture.state, picture.reason) == ("quarantined", "A check failed.")


def test_asking_for_review_again_after_a_verdict_quarantines(database, dispatch):
    batch_id = a_batch(database, [b"v"])

    dispatch(FakeExecutor(review))
    until(lambda: counts(database, batch_id).review == 1)
    settle_claimed(database)
    until(is_done(database, batch_id))

    assert counts(database, batch_id).quarantined == 1


def test_what_a_witness_saw_after_a_verdict_comes_back_to_a_person(database, dispatch, tmp_path):
    batch_id = a_batch(database, [b"v"])
    overlooked = region((50, 50, 60, 60))

    def decide(job):
        if job.settled is None:
            return review(job)
        if overlooked in job.settled.decided:
            return by_content(job)
        return NeedsReview(job.id, contested(job.settled, [overlooked]))

    dispatch(FakeExecutor(decide))
    until(lambda: counts(database, batch_id).review == 1)
    first = reviews.claim(ACTOR, database, "ada", NOW)
    verdicts.settle(
        ACTOR,
        database,
        first.picture_id,
        verdict_on(database, first.picture_id, (DRAWN,), "ada", 0),
        NOW,
    )
    until(lambda: counts(database, batch_id).review == 1)
    second = reviews.claim(ACTOR, database, "ada", NOW)

    assert second.plan.regions == (DRAWN,)
    assert second.plan.review_regions == (overlooked,)
    assert second.plan.revision > first.plan.revision
    assert audit_sample.comparisons(ACTOR, database, audit_sample=False) == ()
    verdicts.settle(
        ACTOR, database, second.picture_id, ReviewDecision.on(second.plan, (), "ada"), NOW
    )
    until(is_done(database, batch_id))
    assert counts(database, batch_id).released == 1
    (compared,) = audit_sample.comparisons(ACTOR, database, audit_sample=False)
    assert compared.decided == ()
    assert export_labels(ACTOR, database, tmp_path / "labels").pictures == 1


def test_cancelling_spares_what_is_under_way_and_stops_the_rest(database, dispatch):
    batch_id = a_batch(database, [b"r"] * 40)

    dispatch(FakeExecutor(seconds=0.02))
    until(lambda: counts(database, batch_id).released >= 2)
    cancelled = batches.cancel(ACTOR, database, batch_id, NOW)
    until(is_done(database, batch_id))

    final = counts(database, batch_id)
    assert final.cancelled == cancelled > 30
    assert final.released == 40 - cancelled


def test_a_release_under_another_id_is_not_let_out(database, dispatch):
    batch_id = a_batch(database, [b"r"])

    def decide(job):
        return replace(released(job), receipt=receipt(secrets.token_hex(16), job.id))

    dispatch(FakeExecutor(decide))
    until(is_done(database, batch_id))

    assert counts(database, batch_id).quarantined == 1
    assert not list(database.files.releases.iterdir())


def test_an_outcome_nobody_asked_for_changes_nothing(database):
    batch_id = a_batch(database, [b"r"])
    (picture,) = pictures.of_batch(ACTOR, database, batch_id)
    stray = Quarantined(picture.id, "stray")

    assert tasks.record(ACTOR, database, stray, NOW) is False
    assert pictures.picture(ACTOR, database, picture.id).state == "waiting"


def test_a_release_of_a_picture_not_in_work_leaves_no_file(database):
    batch_id = a_batch(database, [b"r"])
    (picture,) = pictures.of_batch(ACTOR, database, batch_id)
    job = FakeJob(picture.id)
    job.release_id, job.sign_off = secrets.token_hex(16), SignOff()

    assert tasks.record(ACTOR, database, released(job), NOW) is False
    assert not list(database.files.releases.iterdir())


def test_the_thread_outlives_an_executor_that_raises_and_says_so(database, dispatch, caplog):
    a_batch(database, [b"r"] * 3, name="a-private-name")
    failing = [True]

    def decide(job):
        if failing[0]:
            raise RuntimeError("with a-private-name inside")
        return released(job)

    dispatcher = dispatch(FakeExecutor(decide))
    until(lambda: dispatcher.health().failures >= 1)
    said = dispatcher.health().problem
    failing[0] = False
    until(lambda: progress.totals(ACTOR, database).released == 3)
    until(lambda: dispatcher.health().problem is None)

    assert said == "Work is interrupted (RuntimeError) and will be tried again."
    assert "a-private-name" not in caplog.text
    assert dispatcher.health().is_running


def test_a_full_disk_releases_nothing_and_blames_no_picture(database, dispatch, monkeypatch):
    batch_id = a_batch(database, [b"r"])
    full = [True]
    write = tasks.atomic.write

    def failing_write(path, content):
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device", "/a/private/path")
        write(path, content)

    monkeypatch.setattr(tasks.atomic, "write", failing_write)
    dispatcher = dispatch(FakeExecutor())
    until(lambda: dispatcher.health().failures >= 1)
    said = dispatcher.health().problem
    held = counts(database, batch_id)
    full[0] = False
    until(is_done(database, batch_id))

    assert "No space left on device" in said
    assert "private" not in said
    assert held.released == 0
    assert counts(database, batch_id).released == 1


def test_a_disk_that_is_full_for_long_is_held_against_no_picture(database, dispatch, monkeypatch):
    monkeypatch.setattr("store.worker.dispatcher.POLL_S", 0.0001)
    monkeypatch.setattr("store.worker.dispatcher._LONGEST_PAUSE_S", 0.01)
    batch_id = a_batch(database, [b"r"])

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tasks.atomic, "write", full)
    dispatcher = dispatch(FakeExecutor())
    until(lambda: dispatcher.health().failures >= 20)

    assert counts(database, batch_id).quarantined == 0


def test_a_postponed_picture_waits_with_its_reason_and_stops_no_other(database, dispatch):
    batch_id = a_batch(database, [b"r", b"x", b"r", b"v"])
    lacking = [True]

    def decide(job):
        if lacking[0] and job.source.read() == b"x":
            return Postponed(job.id, "No model.")
        return by_content(job)

    dispatch(FakeExecutor(decide))
    until(lambda: counts(database, batch_id).released == 2)
    until(lambda: retry.postponed(ACTOR, database) == {"No model.": 1})
    assert counts(database, batch_id).waiting == 1
    assert counts(database, batch_id).quarantined == 0

    lacking[0] = False
    retry.try_postponed(ACTOR, database)

    until(is_done(database, batch_id))
    assert counts(database, batch_id).released == 3
    assert retry.postponed(ACTOR, database) == {}


def test_what_was_postponed_often_is_tried_again_after_a_restart(home):
    database = Database.open(home, NOW)
    a_batch(database, [b"r"])
    for _ in range(5):
        task = tasks.take(ACTOR, database, NOW)
        assert tasks.record(ACTOR, database, Postponed(task.picture_id, "No model."), NOW)
        assert tasks.take(ACTOR, database, NOW) is None
        database.close()
        database = Database.open(home, NOW)

    assert retry.postponed(ACTOR, database) == {}
    assert tasks.take(ACTOR, database, NOW) is not None
    database.close()


def test_a_postponed_labelled_picture_waits_too(database, folder):
    an_evaluation(database, folder, [b"r"])
    task = tasks.take(ACTOR, database, NOW)

    assert tasks.record(ACTOR, database, Postponed(task.picture_id, "The drive is away."), NOW)

    assert tasks.take(ACTOR, database, NOW) is None
    assert retry.postponed(ACTOR, database) == {"The drive is away.": 1}
    retry.try_postponed(ACTOR, database)
    assert tasks.take(ACTOR, database, NOW) == task


def test_what_the_machine_held_back_can_be_tried_again(database, dispatch):
    batch_id = a_batch(database, [b"q", b"r"])
    decisions = [lambda job: Quarantined(job.id, "Made up."), released]
    dispatch(FakeExecutor(lambda job: decisions[0](job)))
    until(lambda: counts(database, batch_id).quarantined == 2)

    decisions[0] = released
    assert retry.held_back(ACTOR, database, batch_id) == 2
    assert len(retry.try_held_back(ACTOR, database, batch_id, NOW)) == 2

    until(lambda: counts(database, batch_id).released == 2)
    assert retry.held_back(ACTOR, database, batch_id) == 0


def test_what_a_person_rejected_is_not_tried_again(database):
    batch_id = a_batch(database, [b"x"])
    task = tasks.take(ACTOR, database, NOW)
    tasks.record(ACTOR, database, Quarantined(task.picture_id, "Made up."), NOW)
    retry.try_held_back(ACTOR, database, batch_id, NOW)
    task = tasks.take(ACTOR, database, NOW)
    tasks.record(ACTOR, database, NeedsReview(task.picture_id, plan(task.picture_id)), NOW)
    case = reviews.claim(ACTOR, database, "ada", NOW)
    verdict = ReviewDecision.on(case.plan, (), "ada")
    verdicts.reject(ACTOR, database, case.picture_id, verdict, NOW)

    assert counts(database, batch_id).quarantined == 1
    assert retry.held_back(ACTOR, database, batch_id) == 0
    assert not retry.try_held_back(ACTOR, database, batch_id, NOW)


def test_an_outcome_that_cannot_be_kept_does_not_cost_the_next_one(database, dispatch, monkeypatch):
    batch_id = a_batch(database, [b"r", b"q"])
    ran = []
    monkeypatch.setattr(tasks.atomic, "write", lambda path, content: 1 / 0)

    def decide(job):
        ran.append(job.id)
        return by_content(job)

    dispatch(FakeExecutor(decide))
    until(lambda: len(ran) >= 3)

    kept, lost = (
        pictures.of_batch(ACTOR, database, batch_id)[1],
        pictures.of_batch(ACTOR, database, batch_id)[0],
    )
    assert kept.state == "quarantined"
    assert ran.count(kept.id) == 1
    assert ran.count(lost.id) >= 2


def test_an_executor_that_swallows_a_picture_three_times_loses_it_to_quarantine(database, dispatch):
    batch_id = a_batch(database, [b"r"])

    class Swallowing(FakeExecutor):
        def run(self, jobs):
            list(jobs)
            return iter(())

    dispatch(Swallowing())
    until(is_done(database, batch_id))

    assert counts(database, batch_id).quarantined == 1


def test_stopping_gives_back_what_the_executor_did_not_finish(database):
    batch_id = a_batch(database, [b"r"] * 4)
    dispatcher = Dispatcher(database, FakeExecutor(seconds=0.6), lambda: NOW)
    dispatcher.start()
    until(lambda: dispatcher.health().under_way == 2)

    dispatcher.stop(patience_s=0.0)

    assert counts(database, batch_id).waiting == 4
    assert not dispatcher.health().is_running


def test_stopping_often_is_not_held_against_a_picture(database):
    batch_id = a_batch(database, [b"r"])
    for _ in range(4):
        assert tasks.take(ACTOR, database, NOW) is not None
        (picture,) = pictures.of_batch(ACTOR, database, batch_id)

        tasks.give_back(ACTOR, database, [picture.id], NOW, attempt_counts=False)

    assert counts(database, batch_id).waiting == 1


def test_log_lines_hold_no_names_or_paths(database, dispatch, caplog):
    caplog.set_level(logging.DEBUG)
    batch_id = a_batch(database, [b"r", b"v", b"q"], name="a-private-name")

    dispatch(FakeExecutor())
    until(is_done(database, batch_id))

    assert "a-private-name" not in caplog.text
    assert ".jpg" not in caplog.text
    assert str(database.files.home) not in caplog.text


def test_rate_and_time_left_follow_the_last_minute(database):
    batch_id = a_batch(database, [b"r"] * 90)
    for _ in range(30):
        tasks.record(
            ACTOR,
            database,
            Quarantined(tasks.take(ACTOR, database, NOW).picture_id, "x"),
            NOW + MINUTE,
        )

    later = progress.progress(ACTOR, database, batch_id, NOW + 1.5 * MINUTE)

    assert later.pictures_per_second == pytest.approx(0.5)
    assert later.seconds_left == pytest.approx(120)
    assert later.finished_at is None


@pytest.mark.slow
def test_no_kill_loses_doubles_or_half_releases_a_picture(home):
    database = Database.open(home, NOW)
    batch_id = a_batch(database, [b"r"] * 60 + [b"v"] * 20 + [b"q"] * 20)
    database.close()
    kill_often(home, Random(7))  # noqa: S311 - when to kill is no secret

    database = Database.open(home, NOW)
    halfway = counts(database, batch_id)
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(is_done(database, batch_id))
    dispatcher.stop()

    final = counts(database, batch_id)
    kept = receipts.newest(ACTOR, database)
    files = {path.name for path in database.files.releases.iterdir()}
    assert halfway.released > 0
    assert halfway.remaining > 0
    assert final.total == 100
    assert final.review + final.released + final.quarantined == 100
    assert {one.path.name for one in kept} == files
    assert Counter(one.picture_id for one in kept).most_common(1)[0][1] == 1
    assert len(kept) == final.released
    assert certificates.of_batch(ACTOR, database, batch_id).keys() == {
        one.release_id for one in kept
    }
    assert database.recovered.releases_missing == 0
    database.close()


def test_the_sample_is_drawn_from_the_content_in_whichever_batch_it_comes(database, dispatch):
    seen = []

    def noted(job):
        seen.append((job.source.read(), job.draw))
        return by_content(job)

    batch = a_batch(database, [b"r one", b"r two"])
    again = a_batch(database, [b"r one", b"r two"])
    dispatch(FakeExecutor(noted))
    until(is_done(database, batch))
    until(is_done(database, again))

    keys = database.signer.keys
    drawn = {one: keys.sample_draw(hashlib.sha256(one).digest()) for one, _ in seen}
    assert sorted(seen) == sorted(2 * list(drawn.items()))
    assert len(set(drawn.values())) == 2


class TestAnOriginalThatChanged:
    @pytest.fixture
    def in_review(self, database, dispatch):
        """A picture that waits for a person; gives its id."""
        batch_id = a_batch(database, [b"v"])
        dispatch(FakeExecutor())
        until(lambda: counts(database, batch_id).review == 1)
        return pictures.of_batch(ACTOR, database, batch_id)[0].id

    def test_after_the_look_is_held_back_and_never_released(self, database, in_review):
        batch_id = pictures.picture(ACTOR, database, in_review).batch_id
        database.files.original(in_review).write_bytes(b"w")

        settle_claimed(database)
        until(is_done(database, batch_id))

        held = pictures.picture(ACTOR, database, in_review)
        assert (held.state, counts(database, batch_id).released) == ("quarantined", 0)
        assert held.reason.startswith("The original is not the file that came in any more")
        assert not list(database.files.releases.iterdir())

    def test_before_the_machine_looked_is_held_back_too(self, database, dispatch):
        batch_id = a_batch(database, [b"r"])
        (picture,) = pictures.of_batch(ACTOR, database, batch_id)
        database.files.original(picture.id).write_bytes(b"s")

        dispatch(FakeExecutor())
        until(is_done(database, batch_id))

        assert pictures.picture(ACTOR, database, picture.id).state == "quarantined"

    def test_the_worker_is_told_what_it_must_find(self, database, dispatch):
        jobs = []

        def decide(job):
            jobs.append(job)
            return by_content(job)

        batch_id = a_batch(database, [b"r"])
        dispatch(FakeExecutor(decide))
        until(is_done(database, batch_id))

        assert [job.digest for job in jobs] == [hashlib.sha256(b"r").digest()]


class TestAnOriginalFromBeforeDigests:
    @pytest.fixture
    def in_review(self, database):
        a_batch(database, [b"v"])
        task = tasks.take(ACTOR, database, NOW)
        tasks.record(ACTOR, database, NeedsReview(task.picture_id, plan(task.picture_id)), NOW)
        with database.transaction(ACTOR, ANY) as cursor:
            cursor.execute("UPDATE pictures SET original = NULL")
        return task.picture_id

    def test_the_first_look_since_takes_one(self, database, in_review):
        assert originals.content(ACTOR, database, in_review) == b"v"
        database.files.original(in_review).write_bytes(b"w")

        with pytest.raises(UnreadableImage, match="not the file that came in"):
            originals.content(ACTOR, database, in_review)

    def test_one_decided_by_then_is_held_back(self, database, dispatch, in_review):
        settle_claimed(database)

        dispatch(FakeExecutor())
        until(lambda: pictures.picture(ACTOR, database, in_review).state == "quarantined")

        assert "before Lethe kept" in pictures.picture(ACTOR, database, in_review).reason


def test_a_job_knows_how_large_its_picture_announces_to_be(database):
    seen = []

    class Measured(FakeExecutor):
        def run(self, jobs):
            return super().run(seen.append(job) or job for job in jobs)

    def header(content):
        return float(len(content))

    dispatcher = Dispatcher(database, Measured(), lambda: NOW, megapixels_of=header)
    a_batch(database, [b"1234567"])

    dispatcher.start()
    until(lambda: len(seen) == 1)
    dispatcher.stop()

    assert seen[0].megapixels == 7.0


def test_what_is_kept_of_an_original_is_no_plain_hash(database):
    a_batch(database, [b"v"])

    with database.transaction(ACTOR, ANY) as cursor:
        ((kept,),) = cursor.execute("SELECT original FROM pictures").fetchall()

    assert kept not in {hashlib.new(kind, b"v").hexdigest() for kind in ("sha256", "sha512")}
    assert kept == originals.digest(database.signer.keys, b"v")
