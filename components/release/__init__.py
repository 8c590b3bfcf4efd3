"""The page Release: batches to take away, with certificates."""
