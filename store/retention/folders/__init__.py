"""Folders outside the app: what a run of the shell, or an export of labels, keeps, and its end.

A run's folder holds no originals, but names, boxes, and the key by which it knows a picture again;
an export holds originals, readable. Nothing here needs the data folder, so nothing is on record.
"""
