"""Can it come back? Hide something, attack it, and see; below, the battery's report."""

from components import irreversibility, irreversibility_report, irreversibility_running
from components.frame import open_page

open_page(
    "Irreversibility",
    "Can it come back? Hide something, attack it as hard as you like, and see what comes of it.",
)

irreversibility.try_it()

irreversibility_report.battery()
irreversibility_running.offer_run()
irreversibility.not_hidden()
