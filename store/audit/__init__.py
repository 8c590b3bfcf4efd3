"""The audit trail: who did what, as a hash chain whose heads are sealed outside the database.

`store.database.Database.transaction` alone writes events, each in the transaction of what it tells.
"""
