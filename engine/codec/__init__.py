"""Image decoding and encoding: bytes to `RgbImage`, `RedactedImage` to bytes.

What a file says besides its pixels is in `engine.metadata`.
"""
