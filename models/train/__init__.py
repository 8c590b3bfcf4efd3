"""Training of the shipped models; needs requirements-train.txt.

It may import the engine, never the store or the pages; nothing of the product imports it.
"""
