"""Training data: which pictures teach, how they are laid out, what detectors see in them."""
