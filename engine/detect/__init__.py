"""Detection: pixels in, calibrated `Detection`s out."""
