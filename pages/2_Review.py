"""Is everything covered? One picture, boxes on a canvas, a decision."""

import streamlit as st

from components.app.access import Role
from components.app.failures import fatal
from components.app.frame import open_page
from components.review import claim, panels

open_page("Review", needs=Role.REVIEWER, sidebar="collapsed")

with fatal():
    review = claim.current()

if review is None:
    panels.nothing_waits()
    st.stop()

stage, side = st.columns([860, 340], gap="small")
with stage:
    panels.verdict_bar(review)
    panels.stage(review)
with side:
    panels.why_here(review)
    panels.categories(review)
    panels.items(review)

review.wait()
claim.prefetch_next(review)
