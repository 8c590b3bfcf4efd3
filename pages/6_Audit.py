"""Who did what? The trail of events, whether it is whole, and the way of one picture."""

import streamlit as st

from components.app.access import AUDITORS
from components.app.failures import fatal
from components.app.frame import open_page
from components.audit import chain, search, timeline

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
