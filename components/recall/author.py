"""Who proposes a policy, or puts one in force."""

from __future__ import annotations

import streamlit as st

from components.app import session
from components.app.access import has_accounts


def author(key: str) -> str:
    """The account's name; where there are no accounts, the one that is asked for."""
    name = session.user().name
    if has_accounts():
        return name
    return st.text_input("Your name", value=name, key=key, width=180)
