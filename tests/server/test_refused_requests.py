"""What the log says of requests that were refused before anybody was known."""

from __future__ import annotations

import pytest

from components.server.refused_requests import PAUSE_S, RefusedRequests


def test_the_first_is_logged_at_once_and_more_are_counted(caplog):
    moments = [0.0]
    refused = RefusedRequests(lambda: moments[-1])

    refused.add("without a token")
    for _ in range(40):
        refused.add("without a token")
    refused.add("from another site")
    moments.append(PAUSE_S)
    refused.add("from another site")

    first, second = (record.getMessage() for record in caplog.records)
    assert first.endswith(": 1 without a token")
    assert second.endswith(": 2 from another site, 40 without a token")


@pytest.mark.slow
def test_the_running_app_logs_who_is_let_in_and_who_is_not(server):
    server.ask("/secret-path?token=guess")
    server.ask(f"/?token={server.token}")

    lines = server.log.read_text()
    assert "refused requests since the last such line: " in lines
    assert "a browser was let in with the start-up token" in lines
    assert "secret-path" not in lines
    assert "guess" not in lines
