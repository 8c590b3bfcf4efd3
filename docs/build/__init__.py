"""`make docs`: fills the figures of `docs/process.md` from the reports, and sets it as a PDF.

Outside `engine`, since typesetting and reading reports back are no part of the product.
"""
