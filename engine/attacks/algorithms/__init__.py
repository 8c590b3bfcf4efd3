"""Attack algorithms: each takes a release and gives a picture; none knows the battery."""
