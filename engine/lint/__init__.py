"""What a picture file carries besides its pixels: one finder a format, and the `lint` verb."""
