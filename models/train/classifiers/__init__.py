"""Training of the crop classifier and the scene classifier."""
