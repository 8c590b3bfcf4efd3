"""The page Irreversibility: hide something, attack it, and the battery's report."""
