"""What the person at the screen brought in, and has not started."""

from __future__ import annotations

from components.app import session
from components.app.services import database, home
from components.upload.staging import Staging


def own_staging() -> Staging:
    """Theirs by their account, which stays while addresses change and are given to others."""
    person = session.user()
    return Staging(home() / "staging", person.account or person.name, database().vault)
