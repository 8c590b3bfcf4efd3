"""Who did what? The trail and whether it is whole, one picture's way and end, who asks about it."""

import streamlit as st

from components.app.access import AUDITORS
from components.app.failures import fatal
from components.app.frame import open_page
from components.audit import chain, requests, retention, search, subjects, timeline

open_page(
    "Audit",
    "Who did what, what was refused to whom, and whether the record of it is whole.",
    needs=AUDITORS,
)

with fatal():
    chain.show()

st.subheader("Events", anchor=False)
wanted = search.ask()
with fatal():
    record = search.table(wanted)
    search.offer(wanted)
    timeline.show(record, wanted)

with fatal():
    retention.show()

st.subheader("Subject requests", anchor=False)
with fatal():
    subjects.ask()
    requests.show()
