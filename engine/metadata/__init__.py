"""Metadata inspection: what a file carries besides its pixels, one finder a format.

Nothing of it reaches a release; decoding is in `engine.codec`.
"""
