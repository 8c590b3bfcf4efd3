"""The review canvas: a component of the browser that owns picture, boxes, list and keys.

`*.js` is what browsers run, as it lies here; `component` serves it; `message` is what it sends.
"""
