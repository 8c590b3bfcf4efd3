"""Subjects of attacks: patches, synthetic or from pictures, pasted into scenes."""
