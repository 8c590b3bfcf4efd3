"""Is everything covered? One picture, boxes on a canvas, a verdict."""

import streamlit as st

from components import review_panels as panels
from components import reviewing
from components.access import Role
from components.failures import fatal
from components.frame import open_page

open_page("Review", needs=Role.REVIEWER, sidebar="collapsed")

with fatal():
    review = reviewing.current()

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
reviewing.prefetch_next(review)
