"""Every public function of the store, asked by somebody of every role."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import store
from engine.errors import LetheError
from engine.evaluation.data.labels import Dataset, LabelledPicture
from engine.plan import ReviewDecision
from engine.runs.jobs import Quarantined
from engine.signing.revocations import read_signed_revocations
from engine.signing.signer import signer
from store.accounts.act import Act
from store.accounts.actor import MACHINE, Actor, shell
from store.accounts.role import PEOPLE, Role
from store.audit.records import Filter
from store.batches import batches
from store.batches.pictures import PictureState
from store.database import Database
from store.errors import LinkOver, NotAllowed, SessionExpired
from store.evaluations import evaluations
from store.releases.revocations import Reason
from store.retention.holding import Cause
from store.retention.steps import Shredding
from store.review.claims import SavedDraft
from store.subjects.correction import Ground
from store.subjects.requests import Kind, Outcome
from tests.store.fakes import ACTOR, ANY, NOW

ID = "ab" * 16
TABLE = {
    "absence.absent": Act.WORK,
    "accounts.sessions.begun": Act.SIGN_IN,
    "accounts.sessions.ended": Act.SIGN_OUT,
    "audit.downloads.completed": Act.COMPLETE_DOWNLOAD,
    "backup.making.announced": Act.BACK_UP,
    "audit.downloads.names_listed": Act.EXPORT_NAMES,
    "audit.downloads.of_evaluation": Act.EXPORT_EVALUATION,
    "audit.downloads.refused": Act.FOLLOW_LINK,
    "audit.export.export": Act.EXPORT_AUDIT,
    "audit.records.page": Act.READ_AUDIT,
    "audit.records.timeline": Act.READ_AUDIT,
    "audit.state.state": Act.READ_AUDIT,
    "audit.state.verify_now": Act.VERIFY_AUDIT,
    "batches.batches.forgotten_unless_started": Act.START_BATCH,
    "batches.batches.batch": Act.READ_BATCHES,
    "batches.batches.cancel": Act.CANCEL_BATCH,
    "batches.batches.create": Act.CREATE_BATCH,
    "batches.batches.newest": Act.READ_BATCHES,
    "batches.batches.of_run": Act.READ_BATCHES,
    "batches.batches.policy_of": Act.READ_BATCHES,
    "batches.batches.start": Act.START_BATCH,
    "batches.intake.add": Act.ADD_PICTURES,
    "batches.originals.content": Act.VIEW_ORIGINAL,
    "batches.originals.is_open_to": Act.READ_BATCHES,
    "batches.pictures.count_of_batch": Act.READ_BATCHES,
    "batches.pictures.of_ids": Act.READ_BATCHES,
    "batches.pictures.of_batch": Act.READ_BATCHES,
    "batches.pictures.picture": Act.READ_BATCHES,
    "batches.progress.batches_with": Act.READ_BATCHES,
    "batches.progress.oldest_in_work": Act.READ_BATCHES,
    "batches.progress.overview": Act.READ_BATCHES,
    "batches.progress.progress": Act.READ_BATCHES,
    "batches.progress.totals": Act.READ_BATCHES,
    "clock.ahead": Act.READ_BATCHES,
    "evaluations.evaluations.cancel": Act.CANCEL_EVALUATION,
    "evaluations.evaluations.counts": Act.READ_EVALUATIONS,
    "evaluations.evaluations.create": Act.EVALUATE,
    "evaluations.evaluations.delete": Act.DELETE_EVALUATION,
    "evaluations.evaluations.evaluation": Act.READ_EVALUATIONS,
    "evaluations.evaluations.examined": Act.READ_EVALUATIONS,
    "evaluations.evaluations.listed": Act.READ_EVALUATIONS,
    "evaluations.evaluations.policy_of": Act.READ_EVALUATIONS,
    "evaluations.evaluations.sources": Act.READ_EVALUATIONS,
    "evaluations.evaluations.unread": Act.READ_EVALUATIONS,
    "evaluations.finalise.close_done": Act.WORK,
    "exchange.export_labels.export_labels": Act.EXPORT_LABELS,
    "exchange.import_run.ingest": Act.IMPORT_RUN,
    "exchange.inbox.take_in": Act.IMPORT_RUN,
    "monitoring.figures.figures": Act.READ_FIGURES,
    "policies.versions.activate": Act.ACTIVATE_POLICY,
    "policies.versions.activations": Act.READ_POLICIES,
    "policies.versions.draft": Act.DRAFT_POLICY,
    "policies.versions.in_force": Act.READ_POLICIES,
    "policies.versions.noticed": Act.NOTICE_POLICY,
    "policies.versions.versions": Act.READ_POLICIES,
    "releases.approvals.approve": Act.APPROVE,
    "releases.approvals.refuse_waiting": Act.DOWNLOAD,
    "releases.approvals.waiting": Act.READ_RELEASES,
    "releases.certificates.of_batch": Act.READ_RELEASES,
    "releases.certificates.of_release": Act.READ_RELEASES,
    "releases.receipts.handed_out": Act.DOWNLOAD,
    "releases.receipts.newest": Act.READ_RELEASES,
    "releases.receipts.of_pictures": Act.READ_RELEASES,
    "releases.receipts.receipt": Act.READ_RELEASES,
    "releases.receipts.standing": Act.READ_RELEASES,
    "releases.revocations.restored": Act.REVOKE,
    "releases.revocations.revoke": Act.REVOKE,
    "releases.revocations.signed_list": Act.READ_RELEASES,
    "retention.report.calendar": Act.READ_RETENTION,
    "retention.report.report": Act.READ_RETENTION,
    "retention.shredding.shred": Act.WILL_SHRED,
    "retention.steps.go_on": Act.SHREDDED,
    "retention.sweeper.sweep": Act.SWEEP,
    "review.audit_sample.comparisons": Act.READ_EVALUATIONS,
    "review.audit_sample.rejected": Act.READ_EVALUATIONS,
    "review.audit_sample.result": Act.READ_EVALUATIONS,
    "review.decisions.last": Act.READ_QUEUE,
    "review.decisions.reject": Act.DECIDE,
    "review.decisions.reopen_last": Act.UNDO,
    "review.decisions.settle": Act.DECIDE,
    "review.queue.entries": Act.READ_QUEUE,
    "review.queue.facets": Act.READ_QUEUE,
    "review.queue.kinds_of": Act.READ_QUEUE,
    "review.queue.pace": Act.READ_QUEUE,
    "review.reviews.claim": Act.CLAIM,
    "review.reviews.claim_picture": Act.CLAIM,
    "review.reviews.draft": Act.READ_QUEUE,
    "review.reviews.peek": Act.READ_QUEUE,
    "review.reviews.renew": Act.HOLD_CLAIM,
    "review.reviews.save_draft": Act.HOLD_CLAIM,
    "review.reviews.skip": Act.SKIP,
    "review.statistics.by_reviewer": Act.READ_REVIEWERS,
    "review.agreement.by_pair": Act.READ_REVIEWERS,
    "review.second_review.waiting_for_others": Act.READ_QUEUE,
    "subjects.correction.corrected": Act.CORRECT_SUBJECT,
    "subjects.deletion.deleted": Act.DELETE_SUBJECT,
    "subjects.deliveries.of_picture": Act.READ_AUDIT,
    "subjects.export.exported": Act.EXPORT_SUBJECT,
    "subjects.finding.by_file": Act.FIND_SUBJECT,
    "subjects.finding.by_id": Act.FIND_SUBJECT,
    "subjects.finding.by_name": Act.FIND_SUBJECT,
    "subjects.holdings.of_picture": Act.READ_AUDIT,
    "subjects.requests.closed": Act.CLOSE_REQUEST,
    "subjects.requests.listed": Act.READ_AUDIT,
    "subjects.requests.opened": Act.OPEN_REQUEST,
    "worker.retry.held_back": Act.READ_BATCHES,
    "worker.retry.postponed": Act.READ_BATCHES,
    "worker.retry.try_held_back": Act.TRY_AGAIN,
    "worker.retry.try_postponed": Act.TRY_AGAIN,
    "worker.tasks.give_back": Act.GIVE_BACK,
    "worker.tasks.record": Act.WORK,
    "worker.tasks.take": Act.WORK,
}
"""What each asks the gate for first."""


def asked() -> dict[str, Callable[..., Any]]:
    """Public functions of the store that work on a database, by name."""
    found = {}
    for module in pkgutil.walk_packages(store.__path__, "store."):
        members = vars(importlib.import_module(module.name)).items()
        for name, value in members:
            if inspect.isfunction(value) and value.__module__ == module.name and name[0] != "_":
                parameters = inspect.signature(value).parameters.values()
                if any(one.annotation == "Database" for one in parameters):
                    found[f"{module.name}.{name}".removeprefix("store.")] = value
    return found


def test_every_public_function_takes_an_actor_first_and_has_a_row():
    functions = asked()

    first = {name: next(iter(inspect.signature(one).parameters.values())) for name, one in
             functions.items()}  # fmt: skip
    assert {name for name, one in first.items() if one.annotation != "Actor"} == set()
    assert functions.keys() == TABLE.keys()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    opened = Database.open(tmp_path_factory.mktemp("store") / "home", NOW)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """An argument for every parameter, by its name, or with its function's where names clash."""
    folder = tmp_path_factory.mktemp("arguments")
    labelled = LabelledPicture("a.png", folder / "a.png", (), frozenset())
    return {
        "table": "pictures",
        "ids": [ID],
        "batch_id": ID,
        "backup": ID,
        "picture_id": ID,
        "evaluation_id": ID,
        "release_id": ID,
        "release_ids": [ID],
        "published": read_signed_revocations(
            signer(folder).revocations([(ID, "2026-11-22")], "2026-11-22T12:00:00Z")
        ),
        "reason": Reason.MISTAKE,
        "run": "a run",
        "reviewer": "ada",
        "made_by": "ada",
        "by": "ada",
        "now": NOW,
        "clock": lambda: NOW,
        "number": 1,
        "toml": "",
        "note": "why",
        "releases": [ID],
        "manifest": "00",
        "pictures": (),
        "count": 1,
        "subject": ID,
        "refusal": LinkOver("over"),
        "id_": ID,
        "wanted": Filter(),
        "file_format": "csv",
        "part": "boxes",
        "picture_ids": [ID],
        "attempt_counts": True,
        "state": PictureState.REVIEW,
        "states": (PictureState.REVIEW,),
        "out": folder / "out",
        "inputs": folder,
        "shredding": Shredding(ID, frozenset(), Cause.REQUEST, ()),
        "outcome": Quarantined(ID, "x"),
        "decision": ReviewDecision((), "ada", ID, "00"),
        "draft": SavedDraft("ada", (), {}, NOW),
        "name": "a.png",
        "digest": bytes(32),
        "ground": Ground.OTHER,
        "kind": Kind.ACCESS,
        "request_id": ID,
        "subjects.requests.closed.outcome": Outcome.REFUSED,
        "batches.batches.create.request": batches.Request("a batch", ""),
        "evaluations.evaluations.create.request": evaluations.Request(
            "a set", "x", Dataset("a set", (labelled,)), "", 0.5, "ada"
        ),
    }


def call(name, actor, database, known):
    function = asked()[name]
    required = [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.default is one.empty and one.name not in ("actor", "database")
    ]
    arguments = {one: known.get(f"{name}.{one}") or known[one] for one in required}
    function(actor, database, **arguments)


def events(database):
    with database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute(
            "SELECT actor, act, subject, details FROM events ORDER BY number"
        ).fetchall()


@pytest.mark.parametrize(("name", "act"), TABLE.items(), ids=list(TABLE))
def test_whoever_has_the_role_may_and_nobody_else(name, act, database, known):
    for role in Role:
        actor = Actor(f"a-{role}", "somebody", frozenset({role}), session=name)
        before = len(events(database))
        try:
            call(name, actor, database, known)
            is_refused = False
        except NotAllowed:
            is_refused = True
        except LetheError:  # let in, and then there was no such record
            is_refused = False

        assert is_refused is (role not in act.roles), role
        if is_refused:
            written = events(database)[before:]
            assert [row[:2] for row in written] == [(actor.id, act.key)]
            assert written[0][3] == '{"refused":"NotAllowed"}'


def test_somebody_with_no_role_may_nothing(database):
    nobody = Actor("nobody", "nobody", frozenset())

    for act in Act:
        with pytest.raises(NotAllowed), database.transaction(nobody, act):
            pytest.fail("the gate let somebody in")


def test_a_session_that_is_over_is_refused_whatever_the_role_and_recorded(tmp_path):
    late = NOW + timedelta(hours=1)
    moments = [NOW]
    opened = Database.open(tmp_path / "home", NOW, clock=lambda: moments[-1])
    ana = replace(ACTOR, id="ana", expires=late)

    batches.newest(ana, opened)
    moments.append(late)
    with pytest.raises(SessionExpired, match="sign in again"):
        batches.create(ana, opened, batches.Request("a batch", ""), NOW)

    assert batches.newest(ACTOR, opened) == ()
    assert events(opened)[-1][0] == "ana"
    assert events(opened)[-1][1::2] == ("create_batch", '{"refused":"SessionExpired"}')
    opened.close()


def test_the_same_refusal_is_recorded_once_a_session(tmp_path):
    """A tab that is left open asks for ever."""
    opened = Database.open(tmp_path / "home", NOW)
    ana = Actor("ana", "ana", frozenset({Role.ANALYST}), session="one")
    asked = [
        (ana, Act.VIEW_ORIGINAL, "a"),
        (ana, Act.VIEW_ORIGINAL, "b"),
        (ana, Act.READ_BATCHES, ""),
        (replace(ana, session="two"), Act.READ_BATCHES, ""),
        (replace(ana, id="ben"), Act.READ_BATCHES, ""),
    ]
    before = len(events(opened))

    for actor, act, subject in asked * 3:
        with pytest.raises(NotAllowed):
            opened.admit(replace(actor, roles=frozenset()), act, subject)
        with (
            pytest.raises(NotAllowed),
            opened.transaction(replace(actor, roles=frozenset()), act, subject),
        ):
            pytest.fail("the gate let somebody in")

    written = [row[:3] for row in events(opened)[before:]]
    assert written == [(actor.id, act.key, subject) for actor, act, subject in asked]
    opened.close()


def test_the_refusal_says_for_whom_it_is(database):
    with pytest.raises(NotAllowed, match="To put a policy in force is for people with the role"):
        database.admit(Actor("ana", "ana", frozenset({Role.ANALYST})), Act.ACTIVATE_POLICY)


def test_no_person_is_the_machine():
    assert Role.MACHINE not in PEOPLE
    assert shell(1000).roles == PEOPLE
    assert {Role.MACHINE} == MACHINE.roles
