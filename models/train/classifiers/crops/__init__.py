"""Training of the crop classifier: `python -m models.train.classifiers.crops.train`."""
