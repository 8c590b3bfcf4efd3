"""Runs on many machines: an executor over Ray Data, and pictures at an address of fsspec.

Neither Ray nor fsspec is loaded before it is used; `requirements-cluster.txt` brings both. Of keys
and journals nothing is known here: whoever records outcomes signs them.
"""
