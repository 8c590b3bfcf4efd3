"""What comes in, and is it fit? Files, a zip or a folder become a batch."""

import streamlit as st

from components import uploading
from components.access import Role
from components.failures import fatal
from components.frame import open_page

open_page(
    "Upload",
    "Bring in pictures; each ends up released, with a reviewer, or held back with a reason.",
    needs=Role.ANALYST,
)

with fatal():
    uploading.show_running()

files, folder = st.tabs(["Files or a zip", "A folder on this machine"])
with files:
    uploading.take_files()
with folder:
    uploading.take_folder()

staged = uploading.staged()
if not staged:
    st.stop()

start, table = st.container(), st.container()
manifest = uploading.ask_manifest()
order = uploading.ask_how()
with start:
    uploading.offer_start(staged, order, manifest)
with table:
    uploading.show_staged(staged, manifest)
