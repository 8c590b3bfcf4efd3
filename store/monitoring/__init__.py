"""Figures of how the line runs, as counts and moments; no id and no name is among them."""
