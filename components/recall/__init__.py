"""The page Recall: evaluations, policies, audit samples."""
