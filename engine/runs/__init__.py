"""Runs over many pictures: inputs, jobs, the worker pool, and the output folder with its journal.

What happens to one picture is in `engine.pipeline`.
"""
