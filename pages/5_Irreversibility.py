"""Can it come back? Hide something, attack it, and see; below, the battery's report."""

from components.app.frame import open_page
from components.irreversibility import page, report, running

open_page(
    "Irreversibility",
    "Can it come back? Hide something, attack it as hard as you like, and see what comes of it.",
)

page.try_it()

report.battery()
running.offer_run()
page.not_hidden()
