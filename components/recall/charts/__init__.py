"""Charts of the page Recall."""
