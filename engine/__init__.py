"""Picture de-identification: pure functions over pictures, plans and policies.

No web framework, no database, no clock, no network but in `engine.cluster`, and of global state
nothing but caches. Times and seeds come in as arguments. `engine.pipeline` is the place
to start reading.
"""

__version__ = "0.1.0"
