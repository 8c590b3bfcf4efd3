"""What the route of downloads hands out, to whom, and what is on record of it."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest

from components.app import services, session
from components.app.access import Role
from components.app.download_link import LASTS, PATH, Offer, links
from components.app.permission import NotPermitted
from components.release import page
from components.server import downloads
from components.server.downloads import CHUNK_BYTES, Downloads
from engine.errors import UnsafeRelease
from store.accounts.actor import Actor
from store.accounts.role import PEOPLE
from store.audit.downloads import names_listed
from store.batches import batches
from store.releases import receipts, revocations
from store.releases.revocations import Reason
from store.retention.holding import Holding
from store.retention.shredding import shred
from store.subjects.correction import Ground, corrected
from tests.app.reading import UPRIGHT
from tests.store.fakes import ACTOR, ANY

BATCH = "ab" * 16
CONTENT = bytes(range(256)) * 4096  # four chunks
ANA = Actor("ana", "ana@example.org", PEOPLE, session="one", is_signed_in=True)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    parts: list

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)


async def elsewhere(scope, receive, send):
    raise AssertionError(f"{scope['path']} is not the downloads' to pass on")


@pytest.fixture
def route() -> Downloads:
    return Downloads(elsewhere, lambda _: {"sub": "1"})


@pytest.fixture
def asking(monkeypatch) -> list[Actor]:
    """Who follows links, last."""
    who = [ANA]
    monkeypatch.setattr(session, "actor", lambda: who[-1])
    return who


def ask(
    route: Downloads,
    token: str,
    method: str = "GET",
    *,
    breaks_after: int | None = None,
    keep: Callable[[bytes], object] = bytes,
    **headers: str,
) -> Answer:
    """Follow a link; a connection that breaks takes so many parts of the body."""
    scope = {
        "type": "http",
        "method": method,
        "path": PATH + token,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode())
                    for name, value in headers.items()],
    }  # fmt: skip
    answer = Answer(0, {}, [])

    async def follow():
        broken = asyncio.Event()
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            await broken.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in
                                  message["headers"]}  # fmt: skip
                return
            answer.parts += [keep(message["body"])] if message["body"] else []
            if len(answer.parts) == breaks_after:
                broken.set()
                await asyncio.sleep(0)

        await route(scope, receive, send)

    asyncio.run(follow())
    return answer


def on_disk(lethe, content: bytes):
    file = tempfile.TemporaryFile(  # noqa: SIM115 -- the download closes it
        buffering=0, dir=lethe.database.files.outgoing
    )
    file.write(content)
    return file


def recorded(lethe, act: str = "%") -> list[tuple[str, str, str, str]]:
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute(
            """
            SELECT actor, act, subject, details
            FROM events
            WHERE act LIKE ?
              AND act <> 'recover'
            ORDER BY number
            """,
            [act],
        ).fetchall()


def listed(lethe, make: Callable[[], object] | None = None) -> str:
    """A link for Ana; what it gives is recorded as a list of names is."""

    def made():
        names_listed(ANA, lethe.database, BATCH, 3)
        return on_disk(lethe, CONTENT) if make is None else make()

    offer = Offer(made, "names – list.csv", "text/csv", BATCH)
    return links.add(offer, ANA, ("browser", "names"), services.now())


def test_a_link_hands_out_all_of_it_and_beginning_and_end_are_on_record(lethe, route, asking):
    answer = ask(route, listed(lethe))

    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=utf-8''names%20%E2%80%93%20list.csv"
    )
    assert recorded(lethe) == [
        ("ana", "export_names", BATCH, '{"pictures":3}'),
        ("ana", "complete_download", BATCH, f'{{"bytes":{len(CONTENT)}}}'),
    ]


def test_what_is_small_is_handed_out_without_a_file(lethe, route, asking):
    assert ask(route, listed(lethe, lambda: b"small")).body == b"small"
    assert len(recorded(lethe, "complete_download")) == 1


def test_a_large_zip_is_never_in_memory_whole(lethe, route, asking):
    size = 64 * CHUNK_BYTES
    token = listed(lethe, lambda: on_disk_of(lethe, size))

    tracemalloc.start()
    try:
        sizes = ask(route, token, keep=len).parts
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert sum(sizes) == size
    assert max(sizes) == CHUNK_BYTES
    assert peak < 8 * CHUNK_BYTES


def on_disk_of(lethe, size):
    file = on_disk(lethe, b"")
    file.truncate(size)
    return file


def test_nothing_of_it_stays_on_the_disk(lethe, route, asking):
    outgoing = lethe.database.files.outgoing

    ask(route, listed(lethe))

    assert list(outgoing.iterdir()) == []
    assert outgoing.stat().st_mode & 0o077 == 0
    assert route._deliveries == {}


def test_a_download_that_broke_off_goes_on_and_is_whole_once(lethe, route, asking):
    token = listed(lethe)
    first = ask(route, token, breaks_after=2)
    assert len(first.body) < len(CONTENT)
    assert not recorded(lethe, "complete_download")

    rest = ask(route, token, range=f"bytes={CHUNK_BYTES}-", if_range=first.headers["etag"])

    assert rest.status == 206
    assert rest.headers["content-range"] == (
        f"bytes {CHUNK_BYTES}-{len(CONTENT) - 1}/{len(CONTENT)}"
    )
    assert first.body[:CHUNK_BYTES] + rest.body == CONTENT
    assert [row[1] for row in recorded(lethe)] == ["export_names", "complete_download"]


def test_a_part_that_was_left_out_is_no_whole(lethe, route, asking):
    token = listed(lethe)
    ask(route, token, breaks_after=1)

    ask(route, token, range=f"bytes={3 * CHUNK_BYTES}-")

    assert [row[1] for row in recorded(lethe)] == ["export_names"]


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=5-", "if_range": '"another"'}])
def test_whatever_is_not_the_rest_of_the_same_file_is_made_and_recorded_anew(
    lethe, route, asking, headers
):
    token = listed(lethe)
    ask(route, token, breaks_after=1)

    answer = ask(route, token, **headers)

    assert (answer.status, answer.body) == (200, CONTENT)
    assert [row[1] for row in recorded(lethe)] == [
        "export_names", "export_names", "complete_download",
    ]  # fmt: skip


def test_a_range_beyond_the_file_is_refused_with_its_size(lethe, route, asking):
    token = listed(lethe)
    ask(route, token, breaks_after=1)

    answer = ask(route, token, range=f"bytes={len(CONTENT)}-")

    assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")


def changed(token: str) -> str:
    return token[:-1] + ("A" if token[-1] != "A" else "B")


@pytest.mark.parametrize(
    ("who", "spelled", "later", "why", "subject"),
    [
        (replace(ANA, id="ben"), str, timedelta(), "LinkOfAnother", BATCH),
        (replace(ANA, session="two"), str, timedelta(), "LinkOfAnotherSession", BATCH),
        (ANA, str, LASTS, "LinkOver", BATCH),
        (ANA, changed, timedelta(), "UnknownLink", ""),
    ],
    ids=["another person", "another session", "its time is over", "changed"],
)
def test_a_link_that_does_not_hold_hands_out_nothing_and_is_on_record(
    lethe, route, asking, monkeypatch, who, spelled, later, why, subject
):
    made = []
    token = spelled(listed(lethe, lambda: made.append(1) or b"secret"))
    asking.append(who)
    now = services.now()
    monkeypatch.setattr(downloads.services, "now", lambda: now + later)

    answer = ask(route, token)

    assert answer.status == 403
    assert "Nothing was downloaded" in answer.body.decode()
    assert "Reload the page" in answer.body.decode()
    assert b"secret" not in answer.body
    assert not made
    assert recorded(lethe) == [(who.id, "follow_link", subject, f'{{"refused":"{why}"}}')]


def test_a_role_that_was_taken_away_takes_the_download_along(lethe, route, asking, monkeypatch):
    batch_id = lethe.batch(UPRIGHT)
    batch = batches.batch(ACTOR, lethe.database, batch_id)
    offer = Offer(partial(page._zip, batch), "released.zip", "application/zip", batch_id)
    token = links.add(offer, ANA, ("browser", "zip"), services.now())
    monkeypatch.setattr(session, "user", lambda: replace(session.LOCAL, roles={Role.REVIEWER}))

    answer = ask(route, token)

    assert answer.status == 403
    assert "for people with the role analyst" in answer.body.decode()
    assert not recorded(lethe, "download")


def test_a_session_that_ends_meanwhile_was_still_given_all_of_it(lethe, route, asking, monkeypatch):
    end = services.now() + timedelta(hours=1)
    asking.append(replace(ANA, expires=end))

    def slowly():
        monkeypatch.setattr(lethe.database, "_clock", lambda: end)
        return on_disk(lethe, CONTENT)

    assert ask(route, listed(lethe, slowly)).body == CONTENT
    assert recorded(lethe)[-1][1:2] == ("complete_download",)


def test_what_cannot_be_made_is_a_sentence(lethe, route, asking):
    def make():
        raise UnsafeRelease("Nothing of <this> is handed out.")

    answer = ask(route, listed(lethe, make))

    assert answer.status == 409
    assert "Nothing of &lt;this&gt; is handed out." in answer.body.decode()


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_a_link_is_followed_and_nothing_else(lethe, route, asking, method):
    assert ask(route, listed(lethe), method).status == 405
    assert recorded(lethe) == []


def test_what_is_no_download_is_passed_on(route):
    with pytest.raises(AssertionError, match="is not the downloads'"):
        asyncio.run(route({"type": "http", "path": "/Release"}, None, None))


def test_the_releases_of_a_batch_go_out_that_way(lethe, route, monkeypatch):
    batch_id = lethe.batch(UPRIGHT)
    batch = batches.batch(ACTOR, lethe.database, batch_id)
    offer = Offer(partial(page._zip, batch), "released.zip", "application/zip", batch_id)
    local = Actor("local", "ada", PEOPLE)
    token = links.add(offer, local, ("browser", "zip"), services.now())

    answer = ask(route, token)

    assert answer.body.startswith(b"PK")
    begun, whole = recorded(lethe, "%download%")
    assert begun[:3] == ("local", "download", batch_id)
    assert json.loads(begun[3])["releases"] == 1
    assert whole == ("local", "complete_download", batch_id, f'{{"bytes":{len(answer.body)}}}')
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        names = cursor.execute("SELECT name FROM audit_names WHERE id = 'local'").fetchall()
    assert ("ada",) in names


def begun(lethe, route):
    """A link whose download broke off, and what asks for its rest."""
    token = listed(lethe)
    answer = ask(route, token, breaks_after=1)
    return token, {"range": f"bytes={CHUNK_BYTES}-", "if_range": answer.headers["etag"]}


def test_a_rest_is_not_handed_out_to_whoever_lost_a_role_meanwhile(lethe, route, asking):
    def refused():
        raise NotPermitted("This is for people with the role manager.")

    files = [on_disk(lethe, CONTENT)]
    token = listed(lethe, lambda: files.pop() if files else refused())
    answer = ask(route, token, breaks_after=1)
    asking.append(replace(ANA, roles=frozenset({Role.ANALYST})))

    rest = ask(route, token, range=f"bytes={CHUNK_BYTES}-", if_range=answer.headers["etag"])

    assert rest.status == 403


@pytest.mark.parametrize("how", ["revoke", "shred", "correct"])
def test_what_ended_meanwhile_is_in_no_rest(lethe, route, asking, how):
    batch_id = lethe.batch(UPRIGHT)
    (kept,) = receipts.newest(ACTOR, lethe.database, batch_id)
    token, rest = begun(lethe, route)
    if how == "revoke":
        revocations.revoke(ACTOR, lethe.database, [kept.release_id], Reason.SHOWS, services.now())
    elif how == "shred":
        shred(ACTOR, lethe.database, kept.picture_id, services.now(), holdings={Holding.RELEASE})
    else:
        corrected(ACTOR, lethe.database, kept.picture_id, Ground.MISSED, services.now())

    answer = ask(route, token, **rest)

    assert answer.status == 200  # made and recorded anew, so that it was asked for again
    assert len(recorded(lethe, "export_names")) == 2


def test_what_ended_while_it_was_made_is_kept_for_no_rest(lethe, route, asking):
    def made():
        lethe.database.forgetting.forget("00")
        return on_disk(lethe, CONTENT)

    token = listed(lethe, made)

    first = ask(route, token, breaks_after=2)

    assert first.body == CONTENT[: len(first.body)]
    assert route._deliveries == {}


def waiting() -> int:
    """Threads that wait for a link to be over."""
    timers = [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
    for one in timers:
        if one.finished.is_set():
            one.join(5)
    return sum(one.is_alive() for one in timers)


async def served(scope, receive, send):
    """An app whose server ends at once."""


def test_no_thread_waits_for_what_was_handed_out_whole(lethe, route, asking):
    before = waiting()

    ask(route, listed(lethe))

    assert waiting() == before


def test_no_thread_waits_for_a_rest_once_the_server_ended(lethe, asking):
    route = Downloads(served, lambda _: {"sub": "1"})
    before = waiting()
    begun(lethe, route)
    assert waiting() == before + 1

    asyncio.run(route({"type": "lifespan"}, None, None))

    assert waiting() == before
    assert route._deliveries == {}
