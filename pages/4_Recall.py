"""Can I sign this? What is found of labelled pictures, how sure that is, and what was missed."""

import streamlit as st

from components import evaluating, recall, recall_downloads, recall_running
from components.access import Role
from components.failures import fatal, shown
from components.frame import open_page

open_page(
    "Recall",
    "Can I sign this? How much is found of pictures in which people boxed everything.",
    needs=Role.MANAGER,
)

with fatal():
    runs = recall.runs()

recall_running.show_running(runs)
if not runs:
    recall.nothing_yet()
run = recall.choose_run(runs)
evaluating.offer_new(runs)
recall_downloads.offer_leftovers(runs)

if run is None:
    with fatal():
        recall.without_labels()
    st.stop()

with shown():
    recall.headline(run, runs)
    recall.views(run, runs)

recall_downloads.offer(run, runs)
