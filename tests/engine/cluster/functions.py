"""Functions for workers of actors, in a module that they can import."""

from __future__ import annotations

_started = []


def begin():
    _started.append(True)


def doubled(number):
    assert _started == [True]
    return 2 * number


def doubled_but_thirteen(number):
    if number == 13:
        raise ValueError("thirteen")
    return doubled(number)
