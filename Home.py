"""What needs me? What waits, what is ready, what is held back, and whether the gates work."""

from components.app.failures import fatal
from components.app.frame import open_page
from components.home import batch_list, monitoring, page, reviewers
from engine.category import DETECTABLE_WORDS

open_page("Lethe", f"Makes pictures safe to share: {DETECTABLE_WORDS} are removed for good.")

with fatal():
    totals = page.totals()

page.unknown_files()
page.unsealed()
page.inbox()
page.clock_set_back()
page.postponed()
page.numbers()
page.in_work()
batch_list.staged()
page.batches_under_way()
batch_list.batch_list()
if not totals.total:
    page.offer_samples()
page.benchmark()
monitoring.monitoring()
reviewers.reviewers()
page.gates()
page.own_weights()
