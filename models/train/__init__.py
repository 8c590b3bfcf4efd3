"""Training of Lethe's own models; never imported by the engine."""
