"""Is everything covered? One picture, boxes on a canvas, a decision."""

import streamlit as st

from components.app.access import Role
from components.app.failures import fatal
from components.app.frame import open_page
from components.review import claim, page, reviewer

open_page("Review", needs=Role.REVIEWER, sidebar="collapsed")

if reviewer.current() is None:
    page.ask_name()
    st.stop()

with fatal():
    review = claim.current()

if review is None:
    page.nothing_waits()
    st.stop()

page.table(review)
claim.prefetch_next(review)
