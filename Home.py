"""What needs me? What waits, what is ready, what is held back, and whether the gates work."""

from components import home
from components.failures import fatal
from components.frame import open_page

open_page("Lethe", "Makes pictures safe to share: faces, tattoos and jewelry are removed for good.")

with fatal():
    totals = home.totals()

home.strays()
home.inbox()
home.clock_set_back()
home.postponed()
home.numbers()
home.in_work()
home.batches_under_way()
if not totals.total:
    home.offer_samples()
home.benchmark()
home.gates()
home.own_weights()
