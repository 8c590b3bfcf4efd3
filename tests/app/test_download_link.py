"""Download links: for whom they are, until when, and what of them can be forged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from components.app.download_link import LASTS, DownloadLinks, Offer
from store.accounts.actor import Actor
from store.errors import LinkOfAnother, LinkOfAnotherSession, LinkOver, UnknownLink
from tests.store.fakes import NOW

OFFER = Offer(lambda: b"content", "a.csv", "text/csv", "ab" * 16)
PLACE = ("browser", "button")


def somebody(id_: str = "ana", session: str = "one") -> Actor:
    return Actor(id_, "ana@example.org", frozenset(), session=session, is_signed_in=True)


@pytest.fixture
def links():
    return DownloadLinks()


def test_a_link_gives_what_was_offered_to_whom_it_was_offered_until_its_end(links):
    link = links.link(links.add(OFFER, somebody(), PLACE, NOW))

    assert links.offer(link, somebody(), NOW + LASTS - timedelta(seconds=1)) is OFFER
    assert link.subject == OFFER.subject
    with pytest.raises(LinkOver):
        links.offer(link, somebody(), NOW + LASTS)


def test_a_link_is_no_other_persons_and_of_no_other_session(links):
    link = links.link(links.add(OFFER, somebody(), PLACE, NOW))

    with pytest.raises(LinkOfAnother):
        links.offer(link, somebody("ben"), NOW)
    with pytest.raises(LinkOfAnotherSession):
        links.offer(link, somebody(session="two"), NOW)


def test_any_other_spelling_of_a_token_is_no_link(links):
    token = links.add(OFFER, somebody(), PLACE, NOW)
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = [f"{token[:at]}{sign}{token[at + 1:]}" for at in (0, 20, len(token) // 2,
               len(token) - 1) for sign in signs if sign != token[at]]  # fmt: skip

    for one in [*changed, token[:-1], f"{token}=", f"{token}A", "", "x", "ä", "\ud800", "a" * 9000]:
        with pytest.raises(UnknownLink):
            links.link(one)


def test_another_process_knows_none_of_it(links):
    with pytest.raises(UnknownLink):
        DownloadLinks().link(links.add(OFFER, somebody(), PLACE, NOW))


def test_a_link_tells_nothing_to_who_reads_it(links):
    token = links.add(OFFER, somebody(), PLACE, NOW)

    assert token.replace("-", "").replace("_", "").isalnum()
    assert token != links.add(OFFER, somebody(), PLACE, NOW)
    for secret in ("ana", "example", OFFER.subject):
        assert secret not in token


def test_a_page_that_is_drawn_again_and_again_keeps_its_last_two_offers(links):
    tokens = [links.add(OFFER, somebody(), PLACE, NOW) for _ in range(20)]
    other = links.add(OFFER, somebody(), ("browser", "another button"), NOW)

    with pytest.raises(LinkOver):
        links.offer(links.link(tokens[-3]), somebody(), NOW)
    for token in (*tokens[-2:], other):
        assert links.offer(links.link(token), somebody(), NOW)
    assert len(links._offers) == 3
    links.add(OFFER, somebody(), ("another browser", "button"), NOW + LASTS)
    assert len(links._offers) == 1
