"""One reader a format; each gives what is written, and `judging` says what of it can be used.

Individual boxes are not converted by globox: it guards with `assert`, lets NaN pass, knows neither
rotation nor ignored boxes, and its messages name neither value nor line, so wrapping it is longer.
The tests ask it for a second opinion.
"""
