"""What goes out? Finished batches: every picture's outcome, side by side, and the download."""

import streamlit as st

from components import releasing
from components.access import Role
from components.failures import fatal
from components.frame import open_page

open_page(
    "Release",
    "What may go out, what is held back and why. Downloads hold pixels and certificates, no names.",
    needs=Role.ANALYST,
)

with fatal():
    batch = releasing.choose_batch()

if batch is None:
    st.info("No batch has been started yet.", icon=":material/info:")
    st.page_link("pages/1_Upload.py", label="Upload pictures", icon=":material/upload:")
    st.stop()

releasing.counts(batch)
releasing.download(batch)
picture = releasing.choose_picture(batch)
if picture is not None:
    releasing.show(picture)
