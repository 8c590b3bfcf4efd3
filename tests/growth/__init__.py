"""How time and memory grow with pictures, pixels, regions and reviewers; `make growth`."""
