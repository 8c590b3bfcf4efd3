"""A scripted reviewer: what review costs a person, measured in the real app on labelled pictures.

`make review-bench DATA=FILE` runs it. The app is the real one, in a home of its own; the reviewer
sees what a person sees, knows the labels, and works by keyboard, and by mouse where one must draw.
"""
