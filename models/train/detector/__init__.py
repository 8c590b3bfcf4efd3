"""Training of our own detectors, finder and release check."""
