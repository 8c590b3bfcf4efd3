"""Figures for monitoring programs, in the text format of Prometheus."""
