"""Labelled data sets: readers of the annotation formats, and what of them can be measured with."""
