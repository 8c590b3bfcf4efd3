"""Training our own detector, apart from the product: needs requirements-train.txt, see `--help`.

It may import the engine, never the store or the pages; nothing of the product imports it.
"""
