"""Can I sign this? What is found of labelled pictures, how sure that is, and what was missed."""

import streamlit as st

from components.app.access import Role
from components.app.failures import fatal, shown
from components.app.frame import open_page
from components.recall import downloads, evaluating, page, running

open_page(
    "Recall",
    "Can I sign this? How much is found of pictures in which people boxed everything.",
    needs=Role.MANAGER,
)

with fatal():
    runs = page.runs()

running.show_running(runs)
if not runs:
    page.nothing_yet()
run = page.choose_run(runs)
evaluating.offer_new(runs)
downloads.offer_leftovers(runs)

if run is None:
    with fatal():
        page.without_labels()
    st.stop()

with shown():
    page.headline(run, runs)
    page.views(run, runs)

downloads.offer(run)
