"""Safe files: written whole or not at all, read with suspicion, and where they lie."""
