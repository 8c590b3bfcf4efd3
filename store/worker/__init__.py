"""The worker: the dispatcher, its tasks, retries, and recovery after a stop."""
