"""Training of the crop classifier: `python -m models.train crops`."""
