"""The page Review: canvas, draft, keys, panels."""
