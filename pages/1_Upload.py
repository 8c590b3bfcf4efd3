"""What comes in, and is it fit? Files, a zip or a folder become a batch."""

import streamlit as st

from components.app.access import Role
from components.app.failures import fatal
from components.app.frame import open_page
from components.upload import page

open_page(
    "Upload",
    "Bring in pictures; each ends up released, with a reviewer, or held back with a reason.",
    needs=Role.ANALYST,
)

with fatal():
    page.show_running()

files, folder = st.tabs(["Files or a zip", "A folder on this machine"])
with files:
    page.take_files()
with folder:
    page.take_folder()

staged = page.staged()
if not staged:
    st.stop()

taken, how = st.columns([0.6, 0.4], gap="medium")
with how:
    order = page.ask_how()
    manifest = page.ask_manifest()
    page.compare_names(staged, manifest)
    page.offer_start(staged, order, manifest)
with taken:
    page.show_staged(staged, manifest)
