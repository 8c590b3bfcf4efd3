"""Who may do what, and which addresses only this machine reaches."""

import pytest

from components.app.access import LOCAL, Role, User, is_loopback, may
from store.accounts.role import PEOPLE


@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_the_one_local_person_may_do_everything(role):
    assert may(LOCAL, role)


def test_a_person_may_only_do_what_their_roles_say():
    ana = User("ana", frozenset({Role.ANALYST}))

    assert may(ana, Role.ANALYST)
    assert not may(ana, Role.REVIEWER)
    assert not may(User("nobody", frozenset()), Role.ANALYST)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        (None, False),
        ("", False),
        ("0.0.0.0", False),  # noqa: S104 -- to be refused
        ("::", False),
        ("192.168.1.5", False),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("128.0.0.1", False),
    ],
)
def test_only_loopback_addresses_are_taken_for_this_machine(address, expected):
    assert is_loopback(address) is expected
