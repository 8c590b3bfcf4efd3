"""What goes out? Finished batches: every picture's outcome, side by side, and the download."""

import streamlit as st

from components.app.access import RELEASERS
from components.app.failures import fatal
from components.app.frame import open_page
from components.release import another_try, page, picture_table

open_page(
    "Release",
    "What may go out, what is held back and why. Downloads hold pixels and certificates, no names.",
    needs=RELEASERS,
)

with fatal():
    batch = page.choose_batch()

if batch is None:
    st.info("No batch has been started yet.", icon=":material/info:")
    st.page_link("pages/1_Upload.py", label="Upload pictures", icon=":material/upload:")
    st.stop()

page.counts(batch)
page.download(batch)
states = picture_table.ask_states()
beside, shown = st.columns([0.48, 0.52], gap="medium")
with beside:
    picture = picture_table.choose(batch, states)
    another_try.offer(batch)
if picture is not None:
    with shown:
        page.show(picture)
