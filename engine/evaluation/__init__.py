"""Measuring: labelled pictures in, recall with its bounds out. See `docs/how-to/evaluate.md`."""
