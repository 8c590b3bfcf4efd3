"""Human review: the queue, claims, plans, decisions, and audit samples."""
