"""Files: atomic writes, appends and locks, safe reads of untrusted files, and where they lie."""
