"""Retention: until when what is held of a picture may be held, and its end.

`shredding` ends a picture, in `steps` that a kill may part; `deadlines` says when, and `sweeper` is
what keeps to it. `folders` does the same for output folders of the command line, without the store.
"""
