"""Reports of the battery: read, shipped, and shown to people."""
