"""The page Upload: staging what was brought, and batches under way."""
