"""Everything that knows DuckDB: batches, reviews, releases, evaluations, policies, dispatcher.

One process owns the database file; its threads share one connection under one lock. Pixels lie in
files beside it. Times come in as aware UTC datetimes; only the dispatcher's thread and the gate
read a clock. `store.database` is the place to start reading; it is the gate, too: every public
function takes an actor first, whose role must allow the act, and `store.audit` has it on record.
"""
