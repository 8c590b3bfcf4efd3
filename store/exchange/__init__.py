"""Exchange with folders: runs taken in, labels given out."""
